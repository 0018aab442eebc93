"""Show how far a campaign is: bars on a terminal, a line now and then elsewhere."""

import contextlib
import time
from collections.abc import Generator, Sequence
from typing import Any, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from andes_backend.lab.campaign.pool import Done, Event, Failed, Progressed, Started

__all__ = ["watched"]

_LINE_S: Final = 15.0


def watched(
    events: Generator[Event[Any], None, None], labels: Sequence[str], console: Console
) -> Generator[Event[Any], None, None]:
    """Pass the pool's events on, and show how far it is.

    Args:
        events: of `run_tasks`; closed with this generator.
        labels: what to call each task; may grow with the tasks.
        console: where to show it.
    """
    show = _show_bars if console.is_terminal else _print_lines
    with contextlib.closing(events):
        yield from show(events, labels, console)


def _show_bars(
    events: Generator[Event[Any], None, None], labels: Sequence[str], console: Console
) -> Generator[Event[Any], None, None]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        points = progress.add_task("points", total=len(labels))
        bars: dict[int, TaskID] = {}
        for event in events:
            match event:
                case Started(index):
                    # Its length is not known before vLLM is loaded: a pulse until then.
                    bars[index] = progress.add_task(labels[index], total=None)
                    progress.update(points, total=len(labels))
                case Progressed(index, done, total):
                    progress.update(bars[index], completed=done, total=total)
                case Done(index) | Failed(index):
                    progress.remove_task(bars.pop(index))
                    progress.advance(points)
            yield event


def _print_lines(
    events: Generator[Event[Any], None, None], labels: Sequence[str], console: Console
) -> Generator[Event[Any], None, None]:
    said, ended = time.monotonic(), 0
    running: dict[int, str] = {}
    for event in events:
        match event:
            case Started(index):
                running[index] = labels[index]
            case Progressed(index, done, total):
                running[index] = f"{labels[index]} ({done} of {total})"
            case Done(index) | Failed(index):
                del running[index]
                ended += 1
        if time.monotonic() - said >= _LINE_S:
            said = time.monotonic()
            state = "".join(f"; {text}" for text in running.values())
            text = f"{ended} of {len(labels)} points{state}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
        yield event
