"""What is shown while a campaign runs: bars on a terminal, nothing of them elsewhere."""

from collections.abc import Generator
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from andes_backend.lab.campaign import progress
from andes_backend.lab.campaign.pool import Done, Event, Failed, Progressed, Started

EVENTS: list[Event[Any]] = [
    Started(0), Started(1), Progressed(1, 30, 60), Done(1, "value"), Progressed(0, 1, 9),
    Failed(0, "error"),
]  # fmt: skip
LABELS = ["stock", "qoe [b]"]


def shown(*, terminal: bool) -> tuple[list[Event[Any]], str]:
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    events = progress.watched((event for event in EVENTS), LABELS, console)
    passed = list(events)
    assert isinstance(console.file, StringIO)
    return passed, console.file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_events_are_passed_on(terminal: bool) -> None:
    assert shown(terminal=terminal)[0] == EVENTS


def test_a_terminal_has_a_bar_for_all_points_and_one_for_each_that_runs() -> None:
    text = shown(terminal=True)[1]
    assert "points" in text
    assert "2/2" in text


def test_a_short_run_prints_no_lines_elsewhere() -> None:
    assert shown(terminal=False)[1] == ""


def test_a_line_says_how_many_have_ended_and_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_S", 0.0)
    lines = shown(terminal=False)[1].splitlines()
    assert lines[0] == "0 of 2 points; stock"
    assert lines[2] == "0 of 2 points; stock; qoe [b] (30 of 60)"
    assert lines[3] == "1 of 2 points; stock"
    assert lines[-1] == "2 of 2 points"


@pytest.mark.parametrize("terminal", [True, False])
def test_closing_it_closes_the_pool(terminal: bool) -> None:
    ended = []

    def pool() -> Generator[Event[Any], None, None]:
        try:
            yield from EVENTS
        finally:
            ended.append(True)

    console = Console(file=StringIO(), force_terminal=terminal)
    events = progress.watched(pool(), LABELS, console)
    next(events)
    events.close()
    assert ended == [True]
