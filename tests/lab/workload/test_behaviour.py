"""Readers who pause, skim, reveal and leave: their own timelines, and populations of them."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import (
    Attention,
    Behaviour,
    Reading,
    Request,
    Restless,
    WorkloadError,
    behaving,
    behaviour_of,
    make_workload,
)
from andes_backend.lab.workload.behaviour import STEADY
from andes_client.expectation import Expectation
from andes_client.qoe import qoe

READER = Expectation(1.0, 4.0)  # a token each quarter of a second
GAPS = st.lists(st.floats(0, 5), min_size=1, max_size=40)


def arrivals(gaps: list[float]) -> list[float]:
    return [sum(gaps[: i + 1]) for i in range(len(gaps))]


def read(times: list[float], behaviour: Behaviour) -> tuple[Attention, list[tuple[float, str]]]:
    attention = Attention(READER, behaviour)
    acts: list[tuple[float, str]] = []
    for time in times:
        acts += [(act.time_s, act.state) for act in attention.add(time)]
    return attention, acts


@given(GAPS)
def test_who_reads_on_has_the_qoe_of_the_formula(gaps: list[float]) -> None:
    attention, acts = read(arrivals(gaps), STEADY)
    assert attention.meter.qoe == pytest.approx(qoe(arrivals(gaps), READER))
    assert not acts


@given(GAPS, st.integers(1, 40), st.floats(0.1, 60))
def test_a_pause_is_neither_delay_nor_progress(gaps: list[float], at: int, pause_s: float) -> None:
    """Were all that comes after the pause to come later by its length, nothing would have changed;
    and what comes no later can only be better."""
    times = arrivals(gaps)
    steady, _ = read(times, STEADY)
    later = [*times[:at], *(time + pause_s for time in times[at:])]
    shifted, acts = read(later, Behaviour(pause_at=at, pause_s=pause_s))
    assert shifted.meter.qoe == pytest.approx(steady.meter.qoe, abs=1e-6)
    assert shifted.meter.delay == pytest.approx(steady.meter.delay, abs=1e-6)
    assert (shifted.meter.stalls, [state for _, state in acts]) == (
        steady.meter.stalls,
        ["paused", "reading"] if len(times) >= at else [],
    )
    paused, _ = read(times, Behaviour(pause_at=at, pause_s=pause_s))
    assert paused.meter.delay <= steady.meter.delay + 1e-6


def test_what_comes_in_a_pause_is_read_after_it() -> None:
    attention, acts = read([1.0, 1.25, 3.0, 11.5], Behaviour(pause_at=2, pause_s=10.0))
    assert acts == [(1.25, "paused"), (11.25, "reading")]
    # The third is due at 1.5 and so, after the pause, at 11.5; the fourth is there by then.
    assert attention.free_at == pytest.approx(12.0)
    assert (attention.meter.qoe, attention.meter.stalls) == (1.0, 0)


def test_who_skims_expects_the_text_sooner() -> None:
    times = [1.0 + 0.25 * i for i in range(9)]
    skimmer, _ = read(times, Behaviour(speed=2.0))
    assert skimmer.meter.qoe == pytest.approx(qoe(times, Expectation(1.0, 8.0)))
    assert skimmer.meter.qoe < 1.0 == read(times, STEADY)[0].meter.qoe


def test_who_reveals_all_skims_from_there_on() -> None:
    attention, acts = read([1.0] * 8, Behaviour(reveal_at=4, revealed_speed=2.0))
    assert acts == [(1.75, "revealed")]
    assert attention.meter.free_at == pytest.approx(1.0 + 4 * 0.25 + 4 * 0.125)


@given(GAPS, st.integers(1, 40))
def test_who_leaves_is_no_longer_there(gaps: list[float], at: int) -> None:
    times = arrivals(gaps)
    attention, acts = read(times, Behaviour(leave_at=at))
    assert attention.meter.count == min(at, len(times))
    assert attention.meter.qoe == pytest.approx(qoe(times[:at], READER))
    if len(times) < at:
        assert not acts
    else:
        assert acts == [(attention.left_at, "gone")] == [(attention.free_at, "gone")]


@given(GAPS, st.integers(1, 45), st.integers(1, 45), st.integers(1, 45), st.floats(0, 60))
def test_acts_come_in_order_and_never_before_what_causes_them(
    gaps: list[float], pause: int, reveal: int, leave: int, pause_s: float
) -> None:
    does = Behaviour(
        speed=1.5, pause_at=pause, pause_s=pause_s, reveal_at=reveal, leave_at=leave, proxied=True
    )
    attention, last = Attention(READER, does), 0.0
    for time in arrivals(gaps):
        acts = attention.add(time)
        assert [act.time_s for act in acts] == sorted(act.time_s for act in acts)
        for act in acts:
            assert act.time_s >= max(time, last)
            last = act.time_s
    assert 0 <= attention.meter.qoe <= 1


@pytest.mark.parametrize(
    "values",
    [
        {"pause_at": 0},
        {"reveal_at": -1},
        {"leave_at": 0},
        {"speed": 0.0},
        {"speed": math.inf},
        {"revealed_speed": math.nan},
        {"pause_s": -1.0},
        {"pause_s": math.inf},
    ],
    ids=str,
)
def test_what_nobody_can_do_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        Behaviour(**values)


def outcome(times: list[float], behaviour: Behaviour, tokens: int = 8) -> Outcome:
    request = Request(0.0, 10, tokens, READER, behaviour=behaviour)
    return Outcome(0, request, 0.0, tuple(times))


def test_tokens_for_nobody_are_served_but_neither_read_nor_effective() -> None:
    # Two tokens are read by 1.5 s; the third comes before, the others later.
    left = outcome([1.0, 1.0, 1.4, 2.0, 3.0, 4.0, 5.0, 6.0], Behaviour(leave_at=2, proxied=True))
    assert (left.read, left.effective, left.lost, left.excess) == (2, 3, 0, 0)
    assert left.qoe == 1.0
    stayed = outcome([1.0, 1.0, 1.4], STEADY, tokens=3)
    assert (stayed.read, stayed.effective) == (3, 3)


def test_what_a_reader_did_not_stay_for_is_not_lost() -> None:
    assert outcome([1.0, 1.2], Behaviour(leave_at=2)).lost == 0
    assert outcome([1.0], Behaviour(leave_at=2)).lost == 1
    assert outcome([1.0], STEADY).lost == 7


def test_a_population_has_the_shares_that_are_asked_for() -> None:
    readers = Restless(pausing=0.2, skimming=0.2, revealing=0.1, leaving=0.25)
    drawn = [r.behaviour for r in behaving(make_workload(4000, rate=3.0, seed=0), readers).requests]

    def share(of: list[bool]) -> float:
        return sum(of) / len(of)

    assert share([one.pause_at is not None for one in drawn]) == pytest.approx(0.2, abs=0.02)
    assert share([one.speed == 2.0 for one in drawn]) == pytest.approx(0.2, abs=0.02)
    assert share([one.reveal_at is not None for one in drawn]) == pytest.approx(0.1, abs=0.02)
    leavers = [one for one in drawn if one.leave_at is not None]
    assert len(leavers) / 4000 == pytest.approx(0.25, abs=0.02)
    assert share([one.proxied for one in leavers]) == pytest.approx(0.5, abs=0.05)
    pauses = [one.pause_s for one in drawn if one.pause_at is not None]
    assert 10 <= min(pauses) < 12 < 58 < max(pauses) <= 60


def test_everybody_stays_within_the_text() -> None:
    everything = Restless(pausing=1, skimming=1, revealing=1, leaving=1)
    workload = behaving(make_workload(500, rate=3.0, seed=1), everything)
    for request in workload.requests:
        does = request.behaviour
        for at in (does.pause_at, does.reveal_at, does.leave_at):
            assert (
                at is None if request.output_tokens == 1 else at in range(1, request.output_tokens)
            )
        assert request.wanted_tokens == (does.leave_at or 1)


def test_populations_differ_no_more_than_they_must() -> None:
    workload = make_workload(300, rate=3.0, seed=2)
    few, more = (
        [r.behaviour for r in behaving(workload, behaviour_of(text)).requests]
        for text in ("restless:pausing=0.2", "restless:pausing=0.4,leaving=0.3")
    )
    for one, other in zip(few, more, strict=True):
        if one.pause_at is not None:
            assert (one.pause_at, one.pause_s) == (other.pause_at, other.pause_s)
    shorter = behaving(make_workload(50, rate=3.0, seed=2), Restless(leaving=0.5))
    longer = behaving(workload, Restless(leaving=0.5))
    assert [r.behaviour for r in longer.requests[:50]] == [r.behaviour for r in shorter.requests]


def test_programs_and_readers_without_any_share_just_read_on() -> None:
    programs = make_workload(50, rate=3.0, seed=0, readers=Reading(programs=1.0))
    assert behaving(programs, Restless(pausing=1, leaving=1)) == programs
    people = make_workload(50, rate=3.0, seed=0)
    done = {r.behaviour.leave_at for r in behaving(people, Restless()).requests}
    assert done == {None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nosuch", "unknown behaviour 'nosuch'"),
        ("restless:pausing=2", "pausing must be a share"),
        ("restless:leaving=-0.1", "leaving must be a share"),
        ("restless:proxied=nan", "proxied must be a share"),
        ("restless:pause_from=70", "pause_to must be no less than pause_from"),
        ("restless:pause_to=inf", "pause_to must be no less"),
        ("restless:factor=0", "factor must be 0.001 to 1000"),
        ("restless:mood=1", "'mood=1' is unknown"),
    ],
)
def test_a_population_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        behaviour_of(text)


def test_a_population_is_named_as_it_was_asked_for() -> None:
    text = "restless:pausing=0.2,pause_to=30,leaving=0.25"
    assert str(behaviour_of(text)) == text
    assert json.loads(json.dumps(str(Restless()))) == "restless"
