"""QoE: the formula against values by hand, its properties, and the meter against it."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from andes_client.expectation import Expectation
from andes_client.qoe import Meter, digest, qoe, qoe_v2

SECONDS = st.floats(0, 1e3)
EXPECTATIONS = st.builds(
    Expectation,
    ttft=st.floats(0, 100),
    tds=st.one_of(st.floats(0.05, 200), st.just(math.inf)),
)
TIMES = st.lists(SECONDS, min_size=1, max_size=60)
ORDERED = TIMES.map(sorted)
COSTS = st.floats(0.01, 20)
COSTED = st.lists(st.tuples(SECONDS, COSTS), min_size=1, max_size=60).map(
    lambda pairs: (sorted(t for t, _ in pairs), [c for _, c in pairs])
)


def test_the_example_worked_by_hand() -> None:
    """Expected at 1, 2, 3; arrived at 2, 2, 5: digested at 2, 3, 5, late by 1, 1, 2."""
    expectation = Expectation(ttft=1.0, tds=1.0)
    assert digest([2, 2, 5], expectation) == [2, 3, 5]
    assert qoe([2, 2, 5], expectation) == pytest.approx(1 - 4 / (4 + 3 + 2))
    assert qoe_v2([2, 2, 5], expectation) == pytest.approx(1 - 4 / (2 + 3 + 5))


def test_a_response_in_time_is_perfect_however_early() -> None:
    expectation = Expectation(ttft=1.0, tds=2.0)
    assert qoe([0.0] * 50, expectation) == 1.0
    assert qoe([1.0 + i / 2 for i in range(50)], expectation) == 1.0


def test_an_answer_that_never_comes_scores_zero() -> None:
    assert qoe([], Expectation(1, 5)) == 0.0
    assert qoe_v2([], Expectation(1, 5)) == 0.0
    assert Meter(Expectation(1, 5)).qoe == 0.0


def test_a_program_is_late_from_the_first_moment() -> None:
    """With tds infinite every token is expected at ttft and digested as it arrives."""
    program = Expectation.program(ttft=1.0)
    assert digest([2, 3, 4], program) == [2, 3, 4]
    assert qoe([2, 3, 4], program) == pytest.approx(1 - (1 + 2 + 3) / (3 * 3))
    assert qoe([0.5, 1.0], program) == 1.0


@given(TIMES, EXPECTATIONS)
def test_qoe_is_between_zero_and_one(times: list[float], expectation: Expectation) -> None:
    assert 0.0 <= qoe(times, expectation) <= 1.0
    assert 0.0 <= qoe_v2(times, expectation) <= 1.0


@given(COSTED, EXPECTATIONS)
def test_showing_text_at_its_digest_times_changes_nothing(
    costed: tuple[list[float], list[float]], expectation: Expectation
) -> None:
    """Pacing never lowers QoE: the digest timeline is its own digest timeline."""
    times, costs = costed
    shown = digest(times, expectation, costs)
    assert qoe(shown, expectation, costs) == pytest.approx(qoe(times, expectation, costs), abs=1e-9)


@given(COSTED, EXPECTATIONS)
def test_the_meter_agrees_with_the_batch_formula(
    costed: tuple[list[float], list[float]], expectation: Expectation
) -> None:
    times, costs = costed
    meter = Meter(expectation)
    for n, (time, cost) in enumerate(zip(times, costs, strict=True), 1):
        meter.add(time, cost)
        assert meter.qoe == pytest.approx(
            qoe(times[:n], expectation, costs[:n]), abs=1e-9, rel=1e-9
        )
        assert meter.qoe_v2 == pytest.approx(
            qoe_v2(times[:n], expectation, costs[:n]), abs=1e-9, rel=1e-9
        )


class TestLaterIsNeverBetter:
    """What holds of "a later token never raises QoE", and what does not."""

    @given(ORDERED, EXPECTATIONS, st.data())
    def test_the_delay_never_falls(
        self, times: list[float], expectation: Expectation, data: st.DataObject
    ) -> None:
        later = list(times)
        later[data.draw(st.integers(0, len(times) - 1))] += data.draw(SECONDS)
        before, after = Meter(expectation), Meter(expectation)
        for a, b in zip(times, later, strict=True):
            before.add(a)
            after.add(b)
        assert after.delay >= before.delay * (1 - 1e-12)

    @given(ORDERED, EXPECTATIONS, st.data())
    def test_qoe_never_rises_while_the_end_stays(
        self, times: list[float], expectation: Expectation, data: st.DataObject
    ) -> None:
        later = list(times)
        later[data.draw(st.integers(0, len(times) - 1))] += data.draw(SECONDS)
        assume(digest(later, expectation)[-1] == digest(times, expectation)[-1])
        assert qoe(later, expectation) <= qoe(times, expectation) + 1e-9

    @given(ORDERED, EXPECTATIONS, SECONDS)
    def test_qoe_never_rises_when_the_whole_response_is_later(
        self, times: list[float], expectation: Expectation, by: float
    ) -> None:
        assert qoe([t + by for t in times], expectation) <= qoe(times, expectation) + 1e-9

    @given(ORDERED, EXPECTATIONS, SECONDS, st.data())
    def test_qoe_never_rises_when_the_first_stall_gets_worse(
        self, times: list[float], expectation: Expectation, by: float, data: st.DataObject
    ) -> None:
        """Everything from token k on is later by as much, and nothing before k was late."""
        k = data.draw(st.integers(0, len(times) - 1))
        in_time = digest(times, expectation)[:k]
        pace = expectation.seconds_per_token
        assume(all(u <= expectation.ttft + i * pace for i, u in enumerate(in_time)))
        later = times[:k] + [t + by for t in times[k:]]
        assert qoe(later, expectation) <= qoe(times, expectation) + 1e-9

    def test_but_a_late_response_with_a_still_later_tail_scores_higher(self) -> None:
        """The definition itself: the last lateness stands in the denominator."""
        expectation = Expectation(ttft=0.0, tds=1.0)
        late = [10.0] * 10
        assert qoe(late, expectation) == pytest.approx(1 - 100 / 145)
        assert qoe([*late[:-1], 119.0], expectation) == pytest.approx(1 - 200 / 1145)


def test_stalls_are_waits_for_text_that_was_due() -> None:
    meter = Meter(Expectation(ttft=1.0, tds=2.0))
    for time in (3.0, 3.0, 3.0, 6.0, 6.0):  # text until 4.5, then nothing for 1.5 s
        meter.add(time)
    assert (meter.first, meter.stalls, meter.stalled) == (3.0, 1, 1.5)
    assert meter.free_at == 7.0


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_a_time_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="time of unit 2 must be finite"):
        qoe([0.0, bad], Expectation(1, 5))
    meter = Meter(Expectation(1, 5))
    meter.add(0.0)
    with pytest.raises(ValueError, match="time of unit 2 must be finite"):
        meter.add(bad)


def test_costs_must_match_the_times() -> None:
    with pytest.raises(ValueError, match="2 times but 1 costs"):
        qoe([0.0, 1.0], Expectation(1, 5), [1.0])


def test_units_that_are_counted_together_are_all_counted_or_none() -> None:
    one_by_one, together = Meter(Expectation(1, 5)), Meter(Expectation(1, 5))
    units = [(0.5, 1.0), (0.6, 2.0), (3.0, 0.0), (3.5, 1.5)]
    for time, cost in units:
        one_by_one.add(time, cost)
    together.add_all([figure for unit in units for figure in unit])
    names = ("count", "delay", "first", "last", "stalls", "stalled", "free_at", "tokens", "qoe")
    before = [getattr(together, name) for name in (*names, "qoe_v2")]
    assert before == [getattr(one_by_one, name) for name in (*names, "qoe_v2")]
    with pytest.raises(ValueError, match="cost of unit 6 must be finite"):
        together.add_all([9.0, 1.0, 9.5, math.nan])
    assert before == [getattr(together, name) for name in (*names, "qoe_v2")]
