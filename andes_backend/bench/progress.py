"""Show how far a run is: a bar on a terminal, a line now and then elsewhere."""

import asyncio
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from andes_backend.bench.load import Load, LoadStatistics

__all__ = ["run_watched"]

_BAR_S: Final = 0.5
_LINE_S: Final = 15.0


async def run_watched(load: Load, label: str, console: Console) -> None:
    """Run a load and show its progress under `label`; a cancellation goes through to it."""
    watch = _show_bar if console.is_terminal else _print_lines
    async with asyncio.TaskGroup() as tasks:
        watcher = tasks.create_task(watch(load, label, console))
        await load.run()
        watcher.cancel()


async def _show_bar(load: Load, label: str, console: Console) -> None:
    total = load.statistics().total
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}")
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        bar = progress.add_task(label, total=total, state="")
        before = 0
        while True:
            now = load.statistics()
            state = _state(now, (now.tokens - before) / _BAR_S)
            before = now.tokens
            progress.update(bar, completed=now.finished, state=state)
            await asyncio.sleep(_BAR_S)


async def _print_lines(load: Load, label: str, console: Console) -> None:
    before = 0
    while True:
        await asyncio.sleep(_LINE_S)
        now = load.statistics()
        console.print(f"{label}: {_state(now, (now.tokens - before) / _LINE_S)}")
        before = now.tokens


def _state(now: LoadStatistics, tokens_per_s: float) -> str:
    qoe = "-" if now.qoe is None else f"{now.qoe:.3f}"
    failed = f", {now.failed} failed" if now.failed else ""
    return (
        f"{now.finished} of {now.sent} sent ({now.total}){failed}, "
        f"QoE {qoe}, {tokens_per_s:.0f} tokens/s"
    )
