"""Readers who pause, skim and leave, on a live server: unheard, heard, and with forecasts.

    python benchmarks/both_ends.py

Starts vLLM on this CPU with a tiny model, first as it is, then with our scheduler, and sends the
same requests each time. Every reader is a real paced stream over HTTP. "Unheard" readers say in the
request what they expect, and no more; of those who leave, the server sees the closed connections.
"Heard" readers report, and their clients do nothing with the forecasts that come back; "both ends"
stretch what they have until more is expected. Takes about ten minutes.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from andes_demos.reader_load import ReaderLoad
from table import print_table

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.measure import warm_up
from andes_backend.lab.bench.server import Server, serve_tiny
from andes_backend.lab.bench.tiny_model import make_tiny_model
from andes_backend.lab.report.run import Run, Summary, summarise
from andes_backend.lab.workload import Restless, Workload, behaving, make_workload
from andes_backend.serve_command import server_plugins

__all__ = ["main"]

READERS = Restless(pausing=0.2, skimming=0.2, revealing=0.1, leaving=0.25)
MADE, HELD = "andes:forecasts_total", "andes:forecasts_held_total"


@dataclass(frozen=True)
class Figures:
    """Of one run."""

    summary: Summary
    stalls: float
    """Seen by a reader who read to the end, on average."""
    stalled_s: float
    took_s: float
    """How long such a reader took, on average."""
    reports_per_s: float
    """Of a stream, while it streamed."""
    changed: int
    """Readers who were shown something else than what had come."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100, help="readers (100)")
    parser.add_argument("--rate", type=float, default=3.0, help="requests/s (3)")
    parser.add_argument("--layers", type=int, default=6, help="of the model (6)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    workload = behaving(
        make_workload(chosen.requests, rate=chosen.rate, seed=chosen.seed, max_length=500), READERS
    )
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measured(workload, Path(folder), chosen.layers))
    print_table(
        f"{chosen.requests} readers at {chosen.rate:g} requests/s, seed {chosen.seed}",
        ("", *(name for name, _ in rows)),
        [(name, *(show(figures) for _, figures in rows)) for name, show in FIGURES.items()],
    )


def shown(value: float | None, form: str) -> str:
    """A figure, if there is one."""
    return "-" if value is None else format(value, form)


FIGURES: Mapping[str, Callable[[Figures], str]] = {
    "QoE": lambda one: shown(one.summary.qoe_mean, ".3f"),
    "effective tokens/s": lambda one: shown(one.summary.effective_tokens_per_s, ".0f"),
    "tokens read": lambda one: shown(one.summary.read_share, ".1%"),
    "TTFT p90, s": lambda one: shown(one.summary.ttft_p90, ".2f"),
    "stalls seen": lambda one: shown(one.stalls, ".2f"),
    "stalled, s": lambda one: shown(one.stalled_s, ".2f"),
    "reading time, s": lambda one: shown(one.took_s, ".1f"),
    "waits within the forecast": lambda one: shown(one.summary.forecasts_held, ".0%"),
    "reports a stream and second": lambda one: shown(one.reports_per_s, ".3f"),
    "texts changed": lambda one: str(one.changed),
}


def measured(workload: Workload, folder: Path, layers: int) -> Iterator[tuple[str, Figures]]:
    """Each run's name and figures."""
    model = make_tiny_model(folder / "model", layers=layers)
    with started(model, folder, None) as server:
        yield "stock, unheard", run(workload, server, reports=False)
    with started(model, folder, "qoe") as server:
        yield "qoe, unheard", run(workload, server, reports=False)
        yield "qoe, heard", run(workload, server, reports=True, stretches=False)
        yield "qoe, both ends", run(workload, server, reports=True)


@contextmanager
def started(model: Path, folder: Path, policy: str | None) -> Iterator[Server]:
    """A server that has answered some requests."""
    os.environ["VLLM_PLUGINS"] = server_plugins(None)[0]
    print(f"starting vLLM ({policy or 'stock'})", file=sys.stderr)
    log = folder / f"{policy}.log"
    with serve_tiny(model, log=log, policy=policy, kv_blocks=160) as server:
        warm_up(7, Target(url=server.url, model=server.model), 4)
        yield server


def run(workload: Workload, server: Server, *, reports: bool, stretches: bool = True) -> Figures:
    """Send the workload, and wait for all readers."""
    target = Target(url=server.url, model=server.model)
    load = ReaderLoad(workload, target, reports=reports, stretches=stretches)
    before = server.metrics()
    asyncio.run(watched(load))
    after = server.metrics()
    made, held, told = (
        after.get(name, 0.0) - before.get(name, 0.0) for name in (MADE, HELD, "andes:reports_total")
    )
    done = Run(
        "", {}, tuple(load.outcomes), len(workload.requests), None, held / made if made else None
    )
    for outcome in load.outcomes:
        if outcome.error is not None:
            print(f"request {outcome.index}: {outcome.error}", file=sys.stderr)
    whole = [load.seen[index] for index in load.took_s]
    streamed = sum(outcome.times[-1] for outcome in load.outcomes if outcome.times)
    return Figures(
        summarise(done),
        fmean(one.stalls for one in whole),
        fmean(one.stalled_seconds for one in whole),
        fmean(load.took_s.values()),
        told / streamed,
        len(load.changed),
    )


async def watched(load: Load) -> None:
    """Run it, and say how far it is."""

    async def say() -> None:
        while True:
            now = load.statistics()
            print(f"\r{now.finished} of {now.total} ", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(1.0)

    saying = asyncio.create_task(say())
    await load.run()
    saying.cancel()
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
