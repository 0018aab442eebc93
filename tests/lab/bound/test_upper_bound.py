"""No schedule surpasses the bound: not the policies', not random ones, not the best there is."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend.lab.bound import Bound, upper_bound
from andes_backend.lab.bound.demand import demands
from andes_backend.lab.bound.orders import best_order
from andes_backend.lab.bound.upper import bound_at
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Workload, WorkloadError, make_workload
from andes_backend.profile import Profile, load_profile
from tests.lab.bound.best_schedule import best_qoe
from tests.lab.bound.schedules import drawn_profile, drawn_workload, scheduled, tiny
from tests.thorough import cases

SEEDS = st.integers(0, 10**9)
OPT = load_profile("opt-66b-4xa100")


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=cases(200), deadline=None)
def test_at_any_prices_it_holds_for_any_schedule(seed: int) -> None:
    """Random prices in random slots, with random levels: a bound, if not a good one."""
    rng = np.random.default_rng(seed)
    profile = drawn_profile(rng)
    workload = drawn_workload(rng, profile, count=int(rng.integers(1, 7)), most=30, seconds=0.5)
    served = scheduled(workload, profile, rng)
    reached = float(np.mean([one.qoe(profile) for one in served]))
    latest = max(0.001, *(one.lateness(profile) for one in served))
    slots = int(rng.integers(1, 30))
    edges = np.linspace(0.0, rng.uniform(0.1, 10.0), slots + 1)
    prices = rng.uniform(0, 1, slots) * rng.choice([0.0, 1.0, 5.0], slots)
    for latest_s in (latest, math.inf):
        bound = bound_at(
            prices,
            edges,
            demands(workload, profile),
            latest_s=latest_s,
            far_s=rng.uniform(0.1, 10.0),
            levels=int(rng.integers(2, 12)),
        )
        assert reached <= bound


@pytest.mark.slow
def test_no_policy_surpasses_it_on_many_small_workloads() -> None:
    pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup

    for seed in range(cases(200)):
        rng = np.random.default_rng(seed)
        profile = drawn_profile(rng)
        workload = drawn_workload(
            rng, profile, count=int(rng.integers(3, 13)), most=24, seconds=0.5
        )
        reached, latest = [], 0.001
        for policy in ("stock", "andes", "qoe", "shortest-first"):
            done = simulate(workload, Setup(profile=profile, policy=policy))
            reached.append(float(np.mean([outcome.qoe for outcome in done.outcomes])))
            latest = max(latest, *(lateness(outcome) for outcome in done.outcomes))
        bound = upper_bound(workload, profile, latest_s=latest, rounds=12)
        assert max(reached) <= bound.qoe, f"seed {seed}: {reached}"
        if len(workload.requests) <= 4:  # more than `upper_bound` would search
            found = best_order(workload, profile, latest, 30)
            assert max(reached) <= found.qoe, f"seed {seed}: {reached}"


def lateness(outcome: Outcome) -> float:
    """Of the last token, seconds."""
    late, expectation = 0.0, outcome.request.expectation
    for i, time in enumerate(outcome.times):
        late = max(late, time - expectation.ttft - i * expectation.seconds_per_token)
    return late


@pytest.mark.slow
def test_the_best_schedule_of_200_tiny_workloads_is_just_below_it() -> None:
    """All schedules are tried, of two or three requests of up to four tokens."""
    gaps, by_prices = [], []
    for seed in range(200):
        workload, profile = tiny(seed)
        best = best_qoe(workload, profile, 1.0)
        bound = upper_bound(workload, profile, latest_s=1.0, rounds=12)
        assert best <= bound.qoe, f"seed {seed}"
        gaps.append(bound.qoe - best)
        by_prices.append(bound_at_prices(bound, workload, profile) - best)
    for name, values in (("the bound", gaps), ("that of prices alone", by_prices)):
        median, most = np.percentile(values, [50, 90])
        print(f"\n{name} is above the best: {median:.4f}, p90 {most:.4f}, worst {max(values):.4f}")
    assert np.median(gaps) < 1e-6
    assert np.percentile(gaps, 90) < 0.01
    assert max(gaps) < 0.06
    assert np.median(by_prices) > 0.05  # the other relaxation is needed


def bound_at_prices(bound: Bound, workload: Workload, profile: Profile) -> float:
    far_s = 2 * float(bound.edges_s[-1] - bound.edges_s[0])
    asked = demands(workload, profile)
    return bound_at(
        bound.prices, bound.edges_s, asked, latest_s=bound.latest_s, far_s=far_s, levels=64
    )


def test_it_says_which_relaxation_gave_it() -> None:
    workload, profile = tiny(5)
    both = upper_bound(workload, profile, latest_s=1.0, rounds=12)
    prices = upper_bound(workload, profile, latest_s=1.0, rounds=12, nodes=0)
    assert (both.relaxation, prices.relaxation) == ("orders", "prices")
    assert both.qoe < prices.qoe
    assert upper_bound(make_workload(5, rate=9.0, seed=0), OPT).relaxation == "prices"


def test_it_is_one_when_nobody_need_wait() -> None:
    bound = upper_bound(make_workload(20, rate=0.5, seed=0), OPT)
    assert bound.qoe == pytest.approx(1.0, abs=1e-6)
    assert np.all(bound.prices == 0)


@pytest.mark.slow
def test_it_falls_under_overload_and_with_less_time() -> None:
    workload = make_workload(40, rate=10.0, seed=0, max_length=800)
    small = replace(OPT, kv_tokens=1000)
    bounds = [
        upper_bound(workload, small, latest_s=latest, levels=32).qoe
        for latest in (math.inf, 100.0, 20.0)
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] < 0.96


def test_without_a_limit_the_last_token_can_wait_for_ever() -> None:
    """The measure's own exception: all but the last token count as if they were on time."""
    workload = make_workload(30, rate=1000.0, seed=0)
    held = np.mean([1 - 1 / request.output_tokens for request in workload.requests])
    assert upper_bound(workload, OPT).qoe >= held


def test_a_request_alone_is_bounded_by_its_own_steps() -> None:
    """A server that is slower than its reader: the bound is what the schedule reaches."""
    rng = np.random.default_rng(5)
    profile = load_profile("opt-66b-4xa100")
    workload = make_workload(1, rate=1.0, seed=3, ttft=0.0)
    (served,) = scheduled(workload, profile, rng)
    bound = upper_bound(workload, profile, latest_s=5.0, levels=400)
    assert served.qoe(profile) <= bound.qoe < 1.0


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    upper_bound(
        make_workload(30, rate=5.0, seed=0),
        OPT,
        rounds=4,
        progress=lambda *so_far: told.append(so_far),
    )
    assert told == sorted(told)
    assert all(0 <= done <= total == 8 for done, total in told)
    assert told[-1][0] >= 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"latest_s": 0.0}, r"latest_s must be above 0 seconds, not 0\.0"),
        ({"latest_s": math.nan}, "latest_s must be above 0 seconds, not nan"),
        ({"slots": 0}, "slots must be 1 or more, not 0"),
        ({"levels": 1}, "levels must be 2 or more, not 1"),
        ({"rounds": 0}, "rounds must be 1 or more, not 0"),
        ({"nodes": -1}, "nodes must be 0 or more, not -1"),
    ],
)
def test_wrong_arguments_are_explained(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        upper_bound(make_workload(2, rate=1.0, seed=0), OPT, **wrong)


def test_a_workload_of_nothing_or_of_too_much_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one request"):
        upper_bound(Workload("none", 0, ()), OPT)
    with pytest.raises(WorkloadError, match="it could never be served"):
        upper_bound(make_workload(20, rate=1.0, seed=0), replace(OPT, kv_tokens=100))
