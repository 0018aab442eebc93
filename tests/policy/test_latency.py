import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.policy.latency import LatencyModel, StepTimes


def learned(true: StepTimes, steps: int, seed: int = 0, noise: float = 0.0) -> StepTimes:
    model, random = LatencyModel(), np.random.default_rng(seed)
    for _ in range(steps):
        sequences = int(random.integers(1, 200))
        context = sequences * int(random.integers(50, 600))
        prompts = int(random.integers(1, 2000)) if random.random() < 0.3 else 0
        seconds = true.step_s(sequences, context, prompts) * (1 + noise * random.normal())
        model.observe(max(1e-6, seconds), sequences, context, prompts)
    return model.times


@given(
    st.floats(1e-3, 0.1), st.floats(1e-5, 2e-3), st.floats(1e-8, 3e-6), st.floats(1e-5, 2e-3),
    st.integers(0, 9),
)  # fmt: skip
def test_it_learns_what_steps_cost(
    base: float, sequence: float, context: float, prompt: float, seed: int
) -> None:
    true = StepTimes(base, sequence, context, prompt)
    found = learned(true, 600, seed)
    for batch in ((10, 3_000, 0), (100, 30_000, 0), (150, 40_000, 1000)):
        assert found.step_s(*batch) == pytest.approx(true.step_s(*batch), rel=0.1)


def test_no_part_is_negative_whatever_the_noise() -> None:
    for seed in range(20):
        found = learned(StepTimes(0.03, 0.0, 0.0, 2e-4), 300, seed, noise=0.3)
        assert min(found.base, found.per_sequence, found.per_context_token) >= 0
        assert found.per_prompt_token > 1e-4


def test_before_the_first_fit_there_is_a_guess() -> None:
    assert 0.001 < LatencyModel().times.step_s(10, 1000) < 1


def test_a_step_that_hung_for_a_minute_does_not_spoil_it() -> None:
    model = LatencyModel()
    for step in range(400):
        model.observe(60.0 if step == 200 else 0.02 + 1e-4 * (step % 50), step % 50, 1000, 0)
    assert model.times.step_s(25, 1000) == pytest.approx(0.0225, rel=0.05)


def test_it_follows_a_machine_that_becomes_slower() -> None:
    model = LatencyModel()
    for step in range(12_000):
        model.observe(0.02 if step < 2000 else 0.03, 10, 1000, 0)
    assert model.times.step_s(10, 1000) == pytest.approx(0.03, rel=0.02)
