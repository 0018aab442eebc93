"""From a workload to files and a table: what `andes bench run` and `compare` do."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.bench.load import Load, Target
from andes_backend.bench.progress import run_watched
from andes_backend.bench.server import Server, serve_tiny
from andes_backend.bench.tiny_model import make_tiny_model
from andes_backend.command_line import INTERRUPTED, ended_like_ctrl_c
from andes_backend.report.plot import plot
from andes_backend.report.run import Run, summarise, table, write_json
from andes_backend.workload import Workload, make_workload

__all__ = ["Plan", "SessionError", "compare", "run"]

_PREEMPTIONS: Final = "vllm:num_preemptions_total"
_LATE_S: Final = 0.25  # enough to show in the TTFT of a reader who expects 1 s


class SessionError(RuntimeError):
    """The server cannot be measured; the message says why and what to check."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure and where to put it."""

    workload: Workload
    settings: Mapping[str, object]
    """How the workload was made; goes into the result files."""
    out: Path
    """Results go to a directory of their own below this one."""


def run(plan: Plan, target: Target, *, console: Console | None = None) -> int:
    """Load a server that is running, and report.

    Returns:
        An exit status: 0; 1 if a request failed; 130 if it was interrupted.

    Raises:
        SessionError: the server does not answer even a single request.
    """
    console = console or Console()
    directory = _directory(plan, "run")
    with ended_like_ctrl_c():
        _warm_up(plan.workload.seed, target, 1)
        settings = {**plan.settings, "url": target.url, "model": target.model}
        done = _measure("run", plan.workload, target, settings, console)
        write_json(done, directory / "run.json", date=_now())
    return _conclude([done], directory, console)


def compare(
    plan: Plan,
    policies: Mapping[str, str | None],
    *,
    kv_blocks: int = 160,
    console: Console | None = None,
) -> int:
    """Send the same workload to a fresh vLLM on this CPU for each policy, and report.

    Args:
        plan: what to measure and where to put it.
        policies: label -> name of the policy, None for stock vLLM; in this order.
        kv_blocks: KV cache in blocks of 32 tokens.
        console: where to print; standard output if not given.

    Returns:
        An exit status, as `run`.

    Raises:
        ServerError: a server did not start; runs before it have been reported.
        SessionError: a server does not answer even a single request.
    """
    console = console or Console()
    model = make_tiny_model(plan.out / "tiny-model")
    directory = _directory(plan, "compare")
    runs: list[Run] = []
    try:
        with ended_like_ctrl_c():
            for label, policy in policies.items():
                log = directory / f"{label}.log"
                done = _measure_policy(plan, model, label, policy, kv_blocks, log, console)
                runs.append(done)
                # Written at once: whatever becomes of the next server, this one is done.
                write_json(done, directory / f"{label}.json", date=_now())
                if done.interrupted:
                    break
    except KeyboardInterrupt:
        console.print("interrupted")
    finally:
        status = _conclude(runs, directory, console) if runs else INTERRUPTED
    return status if len(runs) == len(policies) else INTERRUPTED


def _measure_policy(
    plan: Plan,
    model: Path,
    label: str,
    policy: str | None,
    kv_blocks: int,
    log: Path,
    console: Console,
) -> Run:
    longest = max(r.prompt_tokens + r.output_tokens for r in plan.workload.requests)
    room = max(longest + 1, 1024)
    console.print(f"{label}: starting vLLM (a minute or less)")
    with serve_tiny(model, log=log, policy=policy, kv_blocks=kv_blocks, max_model_len=room) as s:
        target = Target(url=s.url, model=s.model)
        _warm_up(plan.workload.seed, target, 4)
        settings = {**plan.settings, "policy": label, "kv_blocks": kv_blocks}
        return _measure(label, plan.workload, target, settings, console, s)


def _measure(
    label: str,
    workload: Workload,
    target: Target,
    settings: Mapping[str, object],
    console: Console,
    server: Server | None = None,
) -> Run:
    """Send the workload; after Ctrl-C the run holds what had ended by then."""
    load = Load(workload, target)
    before = server.metrics().get(_PREEMPTIONS, 0.0) if server else 0.0
    try:
        asyncio.run(run_watched(load, label, console))
    except KeyboardInterrupt:
        console.print(f"{label}: interrupted; reporting what is there")
    preemptions = int(server.metrics().get(_PREEMPTIONS, 0.0) - before) if server else None
    return Run(label, settings, tuple(load.outcomes), len(workload.requests), preemptions)


def _warm_up(seed: int, target: Target, count: int) -> None:
    """A few short requests, so that the first one measured finds the server awake."""
    # Not the workload's seed: the warm-up must not leave its prompts in the server's cache.
    workload = make_workload(count, rate=count, seed=seed + 2**32, max_length=64, name="warm-up")
    load = Load(workload, target)
    asyncio.run(load.run())
    for outcome in load.outcomes:
        if outcome.error is not None:
            raise SessionError(
                f"{target.url} does not serve a first request ({outcome.error}): check the URL, "
                f"the model's name ({target.model}) and the server's log"
            )


def _conclude(runs: list[Run], directory: Path, console: Console) -> int:
    console.print(table(runs))
    for done in runs:
        for outcome in [o for o in done.outcomes if o.error is not None][:3]:
            console.print(f"{done.label}: request {outcome.index} failed: {outcome.error}")
        if (late := summarise(done).submitted_late_s) > _LATE_S:
            console.print(
                f"{done.label}: our own client sent a request {late:.2f} s late: this machine is "
                "too busy to measure on"
            )
    plot(runs, directory / "plot.png")
    console.print(f"written to {directory}")
    if any(done.interrupted for done in runs):
        return INTERRUPTED
    return int(any(o.error is not None for done in runs for o in done.outcomes))


def _directory(plan: Plan, what: str) -> Path:
    directory = plan.out / f"{what}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    directory.mkdir(parents=True)
    return directory


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
