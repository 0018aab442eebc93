import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client import Expectation
from andes_client.playout import Playout
from andes_client.qoe import digest

UNITS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), max_size=60)
ONE = Expectation(1.0, 1.0)


def play(playout: Playout, units: list[tuple[float, float]]) -> list[float]:
    """Release (arrival, cost) units, all of which have arrived when the first is shown."""
    released, left = [], sum(cost for _, cost in units)
    for arrival, cost in units:
        left -= cost
        due = playout.due(arrival)
        playout.released(due, cost, left)
        released.append(due)
    return released


@given(UNITS, st.floats(0.1, 100))
def test_text_is_released_at_its_digest_times(units: list[tuple[float, float]], tds: float) -> None:
    expectation = Expectation(1.0, tds)
    units = [(a, c) for a, (_, c) in zip(sorted(a for a, _ in units), units, strict=True)]
    released = play(Playout(expectation), units)
    assert released == digest([a for a, _ in units], expectation, [c for _, c in units])


def test_a_change_of_speed_holds_from_now_on() -> None:
    playout = Playout(ONE)
    playout.released(at=0.0, cost=4.0, buffered=0.0)
    playout.change_speed(2.0, now=1.0)
    assert playout.free_at == 2.5  # 3 s were left
    playout.released(at=2.5, cost=4.0, buffered=0.0)
    assert playout.free_at == 4.5
    playout.change_speed(1.0, now=4.0)
    assert playout.free_at == 5.0


def test_a_pause_moves_what_was_not_read_yet() -> None:
    playout = Playout(ONE)
    playout.released(at=0.0, cost=4.0, buffered=0.0)
    playout.defer(since=1.0, now=11.0)
    assert playout.free_at == 14.0
    playout.defer(since=20.0, now=25.0)  # they were through with it before this one
    assert playout.free_at == 14.0


def test_the_rest_of_a_unit_takes_only_the_rest_of_its_time() -> None:
    playout = Playout(ONE)
    playout.released(at=0.0, cost=2.0, buffered=0.0)
    playout.continued(at=1.0, cost=0.5)
    assert playout.free_at == 2.5
    playout.continued(at=9.0, cost=0.5)
    assert playout.free_at == 9.5


class TestAntiStall:
    def test_text_slows_down_as_the_buffer_runs_dry(self) -> None:
        playout = Playout(ONE, anti_stall=1.5)
        times = play(playout, [(0.0, 1.0)] * 6)
        steps = [b - a for a, b in itertools.pairwise(times)]
        assert steps == [1.0, 1.0, 1.0, 1.0, 1.25]  # 5, 4, 3, 2, 1 s in the buffer
        assert playout.free_at == times[-1] + 1.5

    @given(UNITS, st.floats(1.0, 3.0))
    def test_by_no_more_than_the_factor(
        self, units: list[tuple[float, float]], factor: float
    ) -> None:
        arrivals = sorted(arrival for arrival, _ in units)
        units = [(a, c) for a, (_, c) in zip(arrivals, units, strict=True)]
        times = play(Playout(ONE, anti_stall=factor), units)
        for (before, _), due, at in zip(units, times, times[1:], strict=False):
            assert at >= due >= before
        for (_, cost), arrival, due, at in zip(units, arrivals[1:], times, times[1:], strict=False):
            assert at <= max(arrival, due + cost * factor) + 1e-9

    def test_it_is_over_when_the_upstream_has_ended(self) -> None:
        playout = Playout(ONE, anti_stall=1.5, max_lag=100.0)
        playout.upstream_ended(0.0)
        assert play(playout, [(0.0, 1.0)] * 3) == [0.0, 1.0, 2.0]


class TestBoundedLag:
    def test_without_a_bound_it_takes_its_time(self) -> None:
        playout = Playout(ONE)
        playout.upstream_ended(0.0)
        assert play(playout, [(0.0, 1.0)] * 4) == [0.0, 1.0, 2.0, 3.0]

    def test_the_reader_is_through_in_time_smoothly(self) -> None:
        playout = Playout(ONE, max_lag=8.0)
        playout.upstream_ended(0.0)
        times = play(playout, [(0.0, 1.0)] * 12)
        steps = [b - a for a, b in itertools.pairwise(times)]
        assert steps == pytest.approx([8 / 12] * 11)
        assert playout.free_at == pytest.approx(8.0)

    def test_what_the_factor_cannot_reach_is_revealed(self) -> None:
        playout = Playout(ONE, max_lag=3.0, max_speed_up=2.0)
        playout.upstream_ended(0.0)
        times = play(playout, [(0.0, 1.0)] * 100)
        assert times[:7] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
        assert set(times[7:]) == {3.0}

    def test_no_lag_at_all_is_a_bound_too(self) -> None:
        playout = Playout(ONE, max_lag=0.0)
        playout.released(0.0, 5.0, 9.0)
        playout.upstream_ended(2.0)
        assert playout.due(0.0) == 2.0
        assert set(play(playout, [(2.0, 1.0)] * 9)) == {2.0}

    @given(UNITS, st.floats(0, 30), st.floats(1, 4))
    def test_nobody_waits_longer_than_the_bound(
        self, units: list[tuple[float, float]], max_lag: float, factor: float
    ) -> None:
        playout = Playout(ONE, max_lag=max_lag, max_speed_up=factor)
        playout.upstream_ended(100.0)
        for at in play(playout, [(100.0, cost) for _, cost in units]):
            assert at <= 100.0 + max_lag


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"anti_stall": 0.9}, "anti_stall must be finite and at least 1, not 0.9"),
        ({"anti_stall": float("nan")}, "anti_stall must be finite"),
        ({"max_speed_up": float("inf")}, "max_speed_up must be finite and at least 1"),
        ({"max_lag": -1}, "max_lag must be finite and at least 0, not -1"),
    ],
)
def test_a_measure_out_of_range_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Playout(ONE, **options)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be above 0"):
        Playout(ONE).change_speed(speed, now=0.0)


@pytest.mark.parametrize("speed", [5e-324, 1e-310, 0.0, -1.0, math.nan])
def test_a_speed_at_which_a_token_takes_for_ever_is_refused(speed: float) -> None:
    playout = Playout(Expectation(ttft=1.0, tds=0.1))
    playout.released(at=0.0, cost=1.0, buffered=0.0)
    with pytest.raises(ValueError, match="speed must be above 0"):
        playout.change_speed(speed, now=1.0)
    assert (playout.speed, playout.free_at) == (1.0, 10.0)


def test_the_slowest_speeds_leave_finite_times() -> None:
    playout = Playout(Expectation(ttft=1.0, tds=4.8))
    playout.change_speed(1e-300, now=0.0)
    assert 0.0 < playout.seconds_per_token < math.inf
