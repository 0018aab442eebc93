"""What is said of the time that a comparison will still take."""

import pytest

from andes_backend.lab.bench.time_left import TimeLeft, duration
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run
from andes_backend.lab.workload import Request, Workload
from andes_client.expectation import Expectation

READER = Expectation(1.0, 5.0)


def workload(*arrivals_s: float, tokens: int = 100) -> Workload:
    return Workload("test", 0, tuple(Request(at, 10, tokens, READER) for at in arrivals_s))


def run(tokens: int, seconds: float) -> Run:
    times = tuple(seconds * (i + 1) / tokens for i in range(tokens))
    return Run("qoe", {}, [Outcome(0, Request(0.0, 10, tokens, READER), 0.0, times)], 1)


def test_at_first_a_run_lasts_as_on_the_machine_that_we_know() -> None:
    """Too much work for the server: by its tokens. Little work: by the last arrival."""
    assert TimeLeft().expected_s(workload(0, 1, 2, tokens=3500)) == pytest.approx(60 + 30)
    assert TimeLeft().expected_s(workload(0, 50, tokens=1)) == pytest.approx(60 + 50)


def test_the_first_run_replaces_what_was_assumed_and_the_fastest_is_the_measure() -> None:
    known = TimeLeft()
    known.learn(run(1000, 10.0), wall_s=35.0)
    assert (known.tokens_per_s, known.around_s) == pytest.approx((100, 25))
    known.learn(run(1000, 5.0))  # of another time: its wall time is not known
    assert (known.tokens_per_s, known.around_s) == pytest.approx((200, 25))
    known.learn(run(1000, 20.0), wall_s=30.0)  # one that was not busy all the time
    assert (known.tokens_per_s, known.around_s) == pytest.approx((200, 10))


def test_a_run_without_a_token_teaches_nothing() -> None:
    known = TimeLeft()
    known.learn(Run("qoe", {}, [], 1), wall_s=5.0)
    assert known == TimeLeft()


def test_a_run_under_way_is_measured_by_its_own_speed_after_a_while() -> None:
    known, work = TimeLeft(tokens_per_s=100.0), workload(0, 10, tokens=1000)
    assert known.left_s(work, 50, 5.0) == pytest.approx(1950 / 100)
    assert known.left_s(work, 800, 40.0) == pytest.approx(1200 / 20)
    assert known.left_s(work, 0, 40.0) == pytest.approx(2000 / 100)
    assert known.left_s(work, 2000, 90.0) == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"),
        (29, "less than a minute"),
        (61, "about 1 min"),
        (2370, "about 40 min"),
        (6000, "about 1 h 40 min"),
        (7200, "about 2 h 0 min"),
    ],
)
def test_durations_are_said_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
