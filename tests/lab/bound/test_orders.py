"""The best order of steps is never below a schedule, and near the best one."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend.lab.bound.orders import best_order
from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Decode, Prefill, Profile
from andes_client.expectation import Expectation
from tests.lab.bound.best_schedule import best_qoe
from tests.lab.bound.schedules import drawn_profile, drawn_workload, scheduled, tiny
from tests.thorough import cases

SEEDS = st.integers(0, 10**9)
NODES = 10_000


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=cases(200), deadline=None)
def test_wherever_the_search_ends_it_holds_for_any_schedule(seed: int) -> None:
    """Chunks, preemptions, blocks found again, pauses; one or two parts to decoding."""
    rng = np.random.default_rng(seed)
    profile = drawn_profile(rng, size=int(rng.choice([1, 4, 16])), blocks=(20, 40))
    workload = drawn_workload(rng, profile, count=int(rng.integers(1, 4)), most=8, seconds=0.5)
    served = scheduled(workload, profile, rng)
    reached = float(np.mean([one.qoe(profile) for one in served]))
    latest = max([0.001, *(one.lateness(profile) for one in served)])
    for latest_s in (latest, math.inf):
        assert reached <= best_order(workload, profile, latest_s, int(rng.integers(0, 100))).qoe


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_best_schedule_of_two_requests_does_not_surpass_it(seed: int) -> None:
    """On servers of all kinds: little memory, few sequences, small blocks, two parts."""
    rng = np.random.default_rng(seed)
    workload, profile = tiny(seed)
    workload = replace(workload, requests=workload.requests[:2])
    few = Decode(
        base_ms=rng.uniform(1, 40),
        per_sequence_ms=rng.uniform(0, 60),
        per_context_token_ms=rng.uniform(0, 5),
        below_sequences=2,
    )
    size = int(rng.choice([1, 2, 4, 16]))
    profile = replace(
        profile,
        block_size=size,
        kv_tokens=-(-6 // size) * size + size * int(rng.integers(1, 4)),
        decode=(few, *profile.decode) if rng.random() < 0.6 else profile.decode,
        max_sequences=int(rng.integers(1, 3)),
        outside_ms=rng.choice([0.0, 10.0]),
    )
    latest_s = float(rng.choice([0.2, 1.0, 3.0]))
    best = best_order(workload, profile, latest_s, NODES)
    assert best.is_complete
    assert best_qoe(workload, profile, latest_s) <= best.qoe


SLOW = Profile(
    name="test",
    source="made up",
    kv_tokens=64,
    prefill=Prefill(base_ms=10, per_token_ms=10),
    decode=(Decode(base_ms=5, per_sequence_ms=20, per_context_token_ms=0),),
)
READER = Request(0.0, 3, 2, Expectation(0.02, 10.0))  # has its first token at 40 ms or later


def best(*requests: Request, profile: Profile = SLOW, latest_s: float = 0.06) -> float:
    """The sum of QoE."""
    found = best_order(Workload("test", 0, requests), profile, latest_s, NODES)
    assert found.is_complete
    return found.qoe * len(requests)


def test_one_request_alone() -> None:
    assert best(READER) == pytest.approx(1 - (0.02 + 0.02) / (2 * 0.02 + 0.1))
    assert best(replace(READER, expectation=Expectation(0.04, 10.0))) == pytest.approx(1.0)


def test_two_are_served_one_after_the_other() -> None:
    """At 40 and 80 ms, which is better than both at 70; their next tokens are on time."""
    first, second = 1 - 0.04 / 0.14, 1 - 0.12 / 0.22
    assert first + second > 2 * (1 - 0.10 / 0.20)
    assert best(READER, READER) == pytest.approx(first + second)


def test_who_cannot_be_through_within_the_limit_is_not_answered() -> None:
    # Both at 70 ms would be 50 ms late, which is within a limit of 50 and worth 1.0 together.
    assert best(READER, READER, latest_s=0.051) == pytest.approx(1.0)
    assert best(READER, READER, latest_s=0.049) == pytest.approx(1 - 0.04 / 0.14)
    assert best(READER, latest_s=0.01) == pytest.approx(0.0, abs=1e-6)


def test_a_last_token_that_gains_by_it_is_held_back() -> None:
    """The second is late enough: the last token's delay is less than what it divides by."""
    first, second = 1 - 0.04 / 0.14, 1 - 1.06 / 2.1
    assert best(READER, READER, latest_s=1.0) == pytest.approx(first + second)
    assert best(READER, READER, latest_s=math.inf) == pytest.approx(first + 0.5)


def test_a_request_cannot_begin_before_it_comes() -> None:
    later = replace(READER, arrival_s=0.5)
    assert best(READER, later) == pytest.approx(2 * (1 - 0.04 / 0.14))


def test_who_gives_its_memory_up_computes_everything_anew() -> None:
    """Room for one. The first token of the one that comes later is worth it, if it is quick."""
    first = Request(0.0, 3, 2, Expectation(0.04, 1.0))
    second = Request(0.04, 3, 2, Expectation(0.04, 1.0))
    assert best(first, second) == pytest.approx(2.0)  # 1 s to spare
    tight = [replace(one, expectation=Expectation(0.04, 12.5)) for one in (first, second)]
    # Due at 40, 120 and 80, 160 ms: with room for both at 40, 105 and 80, 105.
    assert best(*tight) == pytest.approx(2.0)
    # With room for one the first computes its memory anew, which takes 50 ms: best from 105 ms on,
    # when the second is through. For 155 ms it is 35 ms late.
    in_turns = 1.0 + 1 - 0.035 / (2 * 0.035 + 0.08)
    first_back_at_once = 2 - 0.01 / (2 * 0.01 + 0.08) - 0.02 / (2 * 0.02 + 0.08)
    one_by_one = 2 - 0.05 / (2 * 0.025 + 0.08)
    assert in_turns > max(first_back_at_once, one_by_one)
    assert best(*tight, profile=replace(SLOW, kv_tokens=32)) == pytest.approx(in_turns)


def test_more_of_the_search_makes_it_lower() -> None:
    workload, profile = tiny(112)
    found = [best_order(workload, profile, 1.0, nodes) for nodes in (0, 5, 20, NODES)]
    assert [one.qoe for one in found] == sorted((one.qoe for one in found), reverse=True)
    assert found[0].qoe > found[-1].qoe
    assert [one.is_complete for one in found][::3] == [False, True]
    assert [one.nodes for one in found][:2] == [0, 5]


def test_it_comes_out_the_same_each_time() -> None:
    assert best_order(*tiny(7), 1.0, NODES) == best_order(*tiny(7), 1.0, NODES)
