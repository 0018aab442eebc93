"""Forecasts of waits, on drawn waits whose distribution is known."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from andes_backend.policy.forecast import Forecasts
from andes_backend.policy.state import Table
from andes_client import Expectation

READER = Expectation(1.0, 5.0)


class Line:
    """Requests that arrive one a second and wait as long as is drawn for each."""

    def __init__(self) -> None:
        self.table = Table()
        self.forecasts = Forecasts(self.table)
        self.now = 0.0
        self.made = self.held = 0
        self._due: list[tuple[float, int]] = []

    def arrive(self, wait_s: float, prompt_tokens: int = 100) -> int:
        """One more; returns its row."""
        self.pass_by(1.0)
        row = self.table.add(self.now, prompt_tokens, READER)
        self._due.append((self.now + wait_s, row))
        self.look()
        return row

    def look(self) -> None:
        waiting = np.array([row for _, row in self._due], dtype=np.intp)
        self.table.note_queues(waiting, np.array([], dtype=np.intp), self.now)
        self.forecasts.look(waiting, self.now)

    def pass_by(self, seconds: float) -> None:
        """Those who are due by then have their first token, and are through."""
        until = self.now + seconds
        for due, row in sorted(one for one in self._due if one[0] <= until):
            self._due.remove((due, row))
            rows = np.array([row])
            self.table.note_queues(np.array([], dtype=np.intp), rows, due)
            made, held = self.forecasts.deliver(rows, due)
            self.made, self.held = self.made + made, self.held + held
            self.table.deliver(rows, np.array([1]), due)
            self.forecasts.forget(row)
            self.table.remove(row, complete=True)
        self.now = until


@pytest.fixture
def line() -> Line:
    return Line()


def served(line: Line, waits: Iterator[float]) -> Line:
    for wait_s in waits:
        line.arrive(wait_s)
    return line


def test_nothing_is_said_before_enough_is_known(line: Line) -> None:
    rows = [line.arrive(0.5) for _ in range(8)]
    assert line.forecasts.of(rows[-1], line.now) is None
    assert line.forecasts.of_an_arrival(1.0, 100, 0, line.now) is None
    row = line.arrive(0.5)
    assert line.forecasts.of(row, line.now) is not None


def test_median_and_90th_percentile_are_those_of_the_waits(line: Line) -> None:
    draw = np.random.default_rng(0)
    served(line, iter(draw.uniform(0.0, 1.0, 400)))
    said = line.forecasts.of_an_arrival(1.0, 100, 0, line.now)
    assert said is not None
    assert said.median_s == pytest.approx(0.5, abs=0.15)
    assert said.p90_s == pytest.approx(0.9, abs=0.15)


@pytest.mark.parametrize(
    "drawn",
    [
        lambda draw, _: draw.exponential(3.0),
        lambda draw, _: draw.lognormal(0.0, 1.5),
        lambda draw, n: draw.exponential(1.0 + n / 100),  # longer and longer
        lambda draw, n: draw.exponential(20.0 if 300 < n < 600 else 1.0),  # a burst
        lambda draw, _: float(draw.choice([0.1, 60.0])),
    ],
    ids=["exponential", "long tail", "rising", "burst", "two kinds"],
)
def test_about_nine_of_ten_waits_end_within_it(
    line: Line, drawn: Callable[[np.random.Generator, int], float]
) -> None:
    draw = np.random.default_rng(1)
    served(line, (drawn(draw, n) for n in range(1000)))
    line.pass_by(1000.0)
    assert line.made > 900
    assert 0.85 <= line.held / line.made <= 0.96


def test_what_a_request_is_like_is_told_apart(line: Line) -> None:
    for n in range(200):
        size = 20 if n % 2 else 8000
        line.arrive(0.5 if n % 2 else 5.0, prompt_tokens=size)
    line.pass_by(10.0)
    long, short = (line.forecasts.of_an_arrival(1.0, size, 0, line.now) for size in (8000, 20))
    assert long is not None
    assert short is not None
    assert long.median_s == pytest.approx(5.0, rel=0.1)
    assert short.median_s == pytest.approx(0.5, rel=0.1)


def test_who_has_waited_long_is_told_by_those_who_waited_longer(line: Line) -> None:
    for n in range(100):
        line.arrive(30.0 if n % 5 == 0 else 0.5)
    line.pass_by(40.0)
    row = line.arrive(30.0)
    first = line.forecasts.of(row, line.now)
    later = line.forecasts.of(row, line.now + 10.0)
    at_last = line.forecasts.of(row, line.now + 90.0)
    assert first is not None
    assert later is not None
    assert at_last is not None
    assert first.median_s < 1.0
    assert later.median_s == pytest.approx(20.0, abs=0.5)
    assert at_last.p90_s >= 90.0  # longer than all others


def test_waits_that_go_on_count_as_far_as_they_have_lasted(line: Line) -> None:
    """A hundred short waits, and then nobody comes in any longer."""
    for _ in range(100):
        line.arrive(0.5)
    for _ in range(100):
        line.arrive(1000.0)
    said = line.forecasts.of_an_arrival(1.0, 100, 100, line.now)
    assert said is not None
    assert said.median_s > 20.0


def test_a_preempted_request_is_another_kind(line: Line) -> None:
    for _ in range(20):
        line.arrive(0.5)
    row = line.arrive(0.5)
    rows = np.array([row])
    nobody = np.array([], dtype=np.intp)
    line.table.note_queues(nobody, rows, line.now)
    line.forecasts.deliver(rows, line.now)
    line.table.deliver(rows, np.array([50]), line.now)
    assert line.forecasts.of(row, line.now) is None, "it runs"
    line.table.note_queues(rows, nobody, line.now + 1.0)
    line.forecasts.look(rows, line.now + 1.0)
    assert line.forecasts.of(row, line.now + 1.0) is None, "no such wait is known yet"
    assert line.forecasts.of_an_arrival(1.0, 100, 1, line.now + 1.0) is not None


def test_who_leaves_while_waiting_leaves_nothing(line: Line) -> None:
    row = line.arrive(100.0)
    line.forecasts.forget(row)
    line.table.remove(row)
    assert line.forecasts.of(row, line.now) is None
    other = line.table.add(line.now, 10, READER)
    assert other == row, "rows are given again"
    assert line.forecasts.of(other, line.now) is None
    assert line.forecasts.deliver(np.array([other]), line.now) == (0, 0)
