"""Show how far a run is: a bar on a terminal, a line now and then elsewhere."""

import asyncio
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from andes_backend.lab.bench.load import Load, LoadStatistics
from andes_backend.lab.bench.time_left import duration

__all__ = ["run_watched"]

_BAR_S: Final = 0.5
_LINE_S: Final = 15.0

_Left = Callable[[LoadStatistics, float], float]


async def run_watched(load: Load, label: str, console: Console, left: _Left | None = None) -> None:
    """Run a load and show its progress; a cancellation goes through to it.

    Args:
        load: what to run.
        label: what to call it.
        console: a terminal gets a bar, anything else a line now and then.
        left: from the statistics and the seconds since the start to the seconds that are
            left, of this run and whatever comes after it; None: not shown.
    """
    watch = _show_bar if console.is_terminal else _print_lines
    async with asyncio.TaskGroup() as tasks:
        watcher = tasks.create_task(watch(load, label, console, left))
        await load.run()
        watcher.cancel()


async def _show_bar(load: Load, label: str, console: Console, left: _Left | None) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    total = load.statistics().total
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[state]}", markup=False),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        bar = progress.add_task(label, total=total, state="")
        before = 0
        while True:
            now = load.statistics()
            left_s = None if left is None else left(now, clock() - began)
            state = _state(now, (now.tokens - before) / _BAR_S, left_s)
            before = now.tokens
            progress.update(bar, completed=now.finished, state=state)
            await asyncio.sleep(_BAR_S)


async def _print_lines(load: Load, label: str, console: Console, left: _Left | None) -> None:
    clock = asyncio.get_running_loop().time
    before, began = 0, clock()
    while True:
        await asyncio.sleep(_LINE_S)
        now = load.statistics()
        left_s = None if left is None else left(now, clock() - began)
        state = _state(now, (now.tokens - before) / _LINE_S, left_s)
        console.print(f"{label}: {state}", soft_wrap=True)
        before = now.tokens


def _state(now: LoadStatistics, tokens_per_s: float, left_s: float | None) -> str:
    qoe = "-" if now.qoe is None else f"{now.qoe:.3f}"
    failed = f", {now.failed} failed" if now.failed else ""
    left = "" if left_s is None else f", {duration(left_s)} left"
    return (
        f"{now.finished} of {now.sent} sent ({now.total}){failed}, "
        f"QoE {qoe}, {tokens_per_s:.0f} tokens/s{left}"
    )
