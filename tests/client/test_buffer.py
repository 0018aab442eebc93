"""The buffer without I/O: what a driver is told, moment by moment."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client import Expectation
from andes_client.backlog import Backlog
from andes_client.buffer import Buffer
from andes_client.markdown import MarkdownGuard
from andes_client.playout import Playout
from andes_client.segment import Tokens, Unit, Words

ONE_A_SECOND = Expectation(1.0, 1.0)


def buffer(*texts: str) -> Buffer:
    """Started at 0, with these tokens in it."""
    made = Buffer(ONE_A_SECOND, Tokens(), Playout(ONE_A_SECOND))
    made.start(0.0)
    for text in texts:
        made.receive(text, 0.0)
    return made


def test_a_driver_is_told_when_to_come_back() -> None:
    paced = buffer("a", "b")
    assert paced.poll(0.0) == "a"
    assert paced.poll(0.25) == 1.0
    assert paced.poll(1.0) == "b"
    assert paced.poll(1.5) == pytest.approx(2.1)  # a stall begins a tenth of a second later
    assert paced.poll(2.3) == math.inf
    assert paced.statistics(3.0).stalled_seconds == pytest.approx(1.0)
    paced.end(3.0)
    assert paced.poll(3.0) is None


def test_a_late_event_loop_does_not_slow_the_reader_down() -> None:
    """It was asked before the unit was due, and came back half a second late."""
    paced = buffer("a", "b", "c")
    paced.poll(0.0)
    assert paced.poll(0.5) == 1.0
    assert paced.poll(1.5) == "b"
    assert paced.poll(1.5) == 2.0
    assert paced.poll(2.0) == "c"


def test_a_reader_who_was_away_is_not_shown_everything_at_once() -> None:
    """Nobody asked when it was due; they go on from when they came back, at no loss of QoE."""
    paced = buffer("a", "b", "c")
    paced.poll(0.0)
    assert paced.poll(60.0) == "b"
    assert paced.poll(60.0) == 61.0
    assert paced.statistics(60.0).qoe == 1.0


def test_a_machine_that_slept_does_not_catch_up_either() -> None:
    paced = buffer("a", "b", "c")
    paced.poll(0.0)
    assert paced.poll(0.5) == 1.0
    assert paced.poll(3600.0) == "b"
    assert paced.poll(3600.0) == 3601.0


@given(st.lists(st.integers(0, 7), max_size=200))
def test_the_backlog_is_first_in_first_out(numbers: list[int]) -> None:
    """Each number adds so many units, then takes so many less one out."""
    backlog, plain, made = Backlog(), [], 0
    for moment, number in enumerate(numbers):
        units = [Unit(str(made + i), i / 2, continues=i % 3 == 1) for i in range(number)]
        made += number
        assert backlog.extend(units, float(moment)) == sum(unit.cost for unit in units)
        plain += [(float(moment), unit) for unit in units]
        if units:
            backlog.backdate(number, moment - 0.5)
            plain[-number] = moment - 0.5, units[0]
        for _ in range(max(0, number - 1)):
            arrival, unit = plain.pop(0)
            assert (backlog.arrival, backlog.continues) == (arrival, unit.continues)
            assert backlog.take() == (unit.text, unit.cost)
        assert backlog.waiting == len(plain)


@pytest.mark.parametrize("pause", [1.5, 2.5, 4.5])
@pytest.mark.parametrize("comes", [2.0, 4.0, 5.0])
def test_what_comes_in_a_pause_ends_the_stall_where_the_pause_began(
    pause: float, comes: float
) -> None:
    """A stall is what the reader waited: from 1.0 s to the text, or to their pause."""
    for splitter in (Tokens(), Words(), MarkdownGuard(Words())):
        paced = Buffer(ONE_A_SECOND, splitter, Playout(ONE_A_SECOND))
        paced.start(0.0)
        paced.receive("I ", 0.0)
        polls = iter([0.0, 0.9, 1.2, comes, pause, 6.0, 6.0, 7.0, 8.0])
        actions = [(comes, "text"), (pause, "pause"), (6.0, "resume")]
        stalled = list[float]()
        for now in sorted([*polls, comes, pause]):
            while actions and min(actions)[0] <= now:
                at, action = min(actions)
                actions.remove((at, action))
                if action == "text":
                    paced.receive("am here", at)
                else:
                    getattr(paced, action)(at)
            stalled.append(paced.statistics(now).stalled_seconds)
            paced.poll(now)
        assert min(stalled) >= 0.0
