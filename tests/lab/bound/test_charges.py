"""What tokens are charged is never more than the time that a server takes for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend.lab.bound.charges import charges_for, token_charges
from andes_backend.lab.bound.demand import demands
from andes_backend.lab.workload import Request, Workload, make_workload
from andes_backend.profile import Decode, Prefill, Profile, built_in, load_profile
from andes_client.expectation import Expectation
from tests.lab.bound.schedules import drawn_profile, drawn_workload, scheduled
from tests.thorough import cases

SEEDS = st.integers(0, 10**9)


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=cases(200), deadline=None)
def test_no_schedule_yields_tokens_faster_than_they_are_charged(seed: int) -> None:
    """With chunks, preemptions, blocks found again; counted from the start to every token."""
    rng = np.random.default_rng(seed)
    profile = drawn_profile(rng)
    workload = drawn_workload(rng, profile, count=int(rng.integers(1, 7)), most=40, seconds=0.5)
    charges = charges_for(workload, profile)
    events = sorted(
        (end, charge)
        for one in scheduled(workload, profile, rng)
        for end, charge in zip(one.ends, token_charges(one.request, profile, charges), strict=True)
    )
    ends, charged = np.array(events).T
    assert np.all(np.cumsum(charged) <= ends + 1e-9)


@given(SEEDS)
@settings(max_examples=cases(100), deadline=None)
def test_no_token_comes_earlier_than_is_possible(seed: int) -> None:
    rng = np.random.default_rng(seed)
    profile = drawn_profile(rng)
    workload = drawn_workload(rng, profile, count=3, most=30, seconds=0.5)
    served = scheduled(workload, profile, rng)
    for one, demand in zip(served, demands(workload, profile), strict=True):
        assert np.all(demand.start_s <= np.array(one.starts) + 1e-9)
        late = np.maximum.accumulate(np.array(one.ends) - demand.due_s)
        assert np.all(demand.late_s <= np.maximum(0.0, late) + 1e-9)


def test_full_steps_are_charged_in_full() -> None:
    """Where all steps are alike, and as full as they can be, nothing of their time is lost."""
    profile = Profile(
        name="test",
        source="made up",
        kv_tokens=1000,
        block_size=1,
        max_sequences=4,
        prefill=Prefill(base_ms=10, per_token_ms=10),
        decode=(Decode(base_ms=10, per_sequence_ms=2, per_context_token_ms=0.1),),
    )
    requests = tuple(Request(0.0, 10, 5, Expectation(1.0, 5.0)) for _ in range(8))
    charges = charges_for(Workload("test", 0, requests), profile)
    charged = token_charges(requests[0], profile, charges)
    steps = [profile.step_s([], 4, 4 * context) for context in range(11, 15)]
    assert charged[1:] * 4 == pytest.approx(steps)


@pytest.mark.parametrize("name", built_in())
def test_real_profiles_have_charges(name: str) -> None:
    profile = load_profile(name)
    workload = make_workload(200, rate=3.0, seed=0)
    charges = charges_for(workload, profile)
    base = profile.decode[-1].base_ms / 1e3
    for request in workload.requests[:20]:
        charged = token_charges(request, profile, charges)
        assert charged.shape == (request.output_tokens,)
        assert np.all(charged > 0)
        assert np.all(charged[1:] < base)  # shared with others
