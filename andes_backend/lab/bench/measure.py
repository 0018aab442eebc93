"""One run against a server that is there: warm up, send the workload, say what went wrong."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.lab.bench.load import Load, LoadStatistics, Target
from andes_backend.lab.bench.progress import run_watched
from andes_backend.lab.bench.server import Server
from andes_backend.lab.campaign.interruption import INTERRUPTED
from andes_backend.lab.report.run import Run, summarise
from andes_backend.lab.workload import Workload, make_workload
from andes_client.terminal_text import line

__all__ = [
    "Plan",
    "SessionError",
    "complain",
    "exit_status",
    "measure",
    "warm_up",
]

_PREEMPTIONS: Final = "vllm:num_preemptions_total"
_FORECASTS: Final = "andes:forecasts_total"
_HELD: Final = "andes:forecasts_held_total"
_WARM_UP_S: Final = 1.0  # in which the requests of a warm-up come, about
_LATE_S: Final = 0.25  # enough to show in the TTFT of a reader who expects 1 s


class SessionError(RuntimeError):
    """Nothing can be measured; the message says why and what to check."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure and where to put it."""

    workload: Workload
    settings: Mapping[str, object]
    """How the workload was made; goes into the result files."""
    out: Path
    """Results go to a directory of their own below this one."""


def warm_up(seed: int, target: Target, count: int) -> None:
    """Send a few short requests, so that the first one measured finds the server awake.

    Args:
        seed: the workload's.
        target: the server.
        count: how many, in about a second.

    Raises:
        SessionError: one of them failed.
    """
    # Not the workload's seed: the warm-up must not leave its prompts in the server's cache.
    rate = count / _WARM_UP_S
    workload = make_workload(count, rate=rate, seed=seed + 2**32, max_length=64, name="warm-up")
    load = Load(workload, target)
    asyncio.run(load.run())
    for outcome in load.outcomes:
        if outcome.error is not None:
            raise SessionError(
                f"{target.url} did not serve the first request ({outcome.error}): check the URL, "
                f"the model's name ({target.model}) and the server's log"
            )


def measure(
    label: str,
    workload: Workload,
    target: Target,
    settings: Mapping[str, object],
    console: Console,
    *,
    server: Server | None = None,
    title: str | None = None,
    left: Callable[[LoadStatistics, float], float] | None = None,
) -> Run:
    """Send the workload and wait for its end; after Ctrl-C the run holds what had ended by then.

    Args:
        label: of the run.
        workload: what to send.
        target: where to.
        settings: go into the run as they are.
        console: where progress is shown.
        server: if it is ours, so that its preemptions can be counted.
        title: in place of the label where progress is shown.
        left: from the statistics and the seconds since the start to the seconds left.
    """
    title = title or label
    load = Load(workload, target)
    before = _counters(server)
    try:
        asyncio.run(run_watched(load, title, console, left))
    except KeyboardInterrupt:
        console.print(f"{title}: interrupted; reporting the results so far")
    after = _counters(server)
    preemptions, made, held = (
        None if name not in before or name not in after else after[name] - before[name]
        for name in (_PREEMPTIONS, _FORECASTS, _HELD)
    )
    return Run(
        label,
        settings,
        tuple(load.outcomes),
        len(workload.requests),
        None if preemptions is None else int(preemptions),
        held / made if made and held is not None else None,
    )


def complain(runs: Mapping[str, Run], console: Console) -> None:
    """Say which requests failed, and whether we ourselves were too slow; title -> run."""
    for title, run in runs.items():
        for outcome in [o for o in run.outcomes if o.error is not None][:3]:
            why = line(str(outcome.error))
            console.print(f"{title}: request {outcome.index} failed: {why}", markup=False)
        if (late := summarise(run).submitted_late_s) > _LATE_S:
            console.print(
                f"{title}: our own client sent a request {late:.2f} s late: this machine is "
                "too busy to measure on"
            )


def exit_status(runs: Sequence[Run]) -> int:
    """0; 1 if a request failed; 130 if a run was interrupted."""
    if any(run.interrupted for run in runs):
        return INTERRUPTED
    return int(any(o.error is not None for run in runs for o in run.outcomes))


def _counters(server: Server | None) -> dict[str, float]:
    """Empty of a server that does not say, or that has gone: its run is reported all the same."""
    if server is None:
        return {}
    try:
        return {_PREEMPTIONS: 0.0, **server.metrics()}
    except OSError:
        return {}
