"""What is sent: within the server's limits, varied enough to tell the costs apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.lab.calibrate.design import (
    Batch,
    DesignError,
    Limits,
    batch_sizes,
    decode_batches,
    most_at_once,
    prefill_lengths,
    visits,
)
from andes_backend.profile import Profile, load_profile
from tests.lab.calibrate.profiles_for_tests import TINY

SMALL = Limits(
    kv_tokens=5120, block_size=32, max_model_len=1024, max_sequences=64, max_step_tokens=2048
)
LARGE = Limits(
    kv_tokens=900_000, block_size=16, max_model_len=40_960, max_sequences=256, max_step_tokens=8192
)
GPU = load_profile("llama-3-8b-a40")

limits = st.builds(
    Limits,
    kv_tokens=st.integers(1024, 10**6),
    block_size=st.sampled_from([16, 32, 128]),
    max_model_len=st.integers(100, 131_072),
    max_sequences=st.integers(1, 1024),
    max_step_tokens=st.integers(64, 16_384),
)
guesses = st.sampled_from([TINY, GPU])


def blocks(limits: Limits, batch: Batch) -> int:
    return batch.sequences * limits.blocks(batch.prompt_tokens + batch.output_tokens)


@given(limits, guesses)
def test_everything_fits_the_server(limits: Limits, guess: Profile) -> None:
    """Memory, the longest request, the sequences: else experiments would wait or be preempted."""
    room = limits.kv_tokens // limits.block_size
    assert 1 <= prefill_lengths(limits)[0] < prefill_lengths(limits)[-1] < limits.max_model_len
    for batch in decode_batches(limits, guess):
        assert batch.sequences == 1 or blocks(limits, batch) <= 0.95 * room
        assert 1 <= batch.sequences <= limits.max_sequences
        assert (
            batch.sequences == 1
            or batch.prompt_tokens + batch.output_tokens <= limits.max_model_len
        )
    for plan in visits(limits, guess):
        longest = max(prompt for _, prompt in plan.arrivals)
        assert blocks(limits, plan.batch) + limits.blocks(longest + 1) <= room
        assert plan.batch.sequences < limits.max_sequences
        assert longest + plan.batch.sequences <= limits.max_step_tokens, "one step, one gap"
        assert plan.batch.prompt_tokens + plan.batch.output_tokens <= limits.max_model_len


@pytest.mark.parametrize(("limits", "guess"), [(SMALL, TINY), (LARGE, GPU)])
def test_sequences_and_context_vary_apart(limits: Limits, guess: Profile) -> None:
    batches = decode_batches(limits, guess)
    columns = np.array(
        [[1, b.sequences, b.sequences * (b.prompt_tokens + b.output_tokens / 2)] for b in batches]
    )
    scaled = columns / np.linalg.norm(columns, axis=0)
    assert np.linalg.cond(scaled) < 10, "a direction in which the costs could not be told apart"


@pytest.mark.parametrize(
    ("limits", "guess", "at_most_s"), [(SMALL, TINY, 30.0), (LARGE, GPU, 60.0)]
)
def test_once_through_takes_well_under_a_minute(
    limits: Limits, guess: Profile, at_most_s: float
) -> None:
    """By the profile's own reckoning: each batch's prompts, then its steps."""
    seconds = sum(guess.step_s([n], 0, 0) for n in prefill_lengths(limits))
    for batch in decode_batches(limits, guess):
        seconds += guess.step_s([batch.prompt_tokens] * batch.sequences, 0, 0)
        context = batch.sequences * batch.prompt_tokens
        seconds += batch.output_tokens * guess.step_s([], batch.sequences, context)
    for plan in visits(limits, guess):
        sequences = plan.batch.sequences
        seconds += plan.batch.output_tokens * guess.step_s([], sequences, 50 * sequences)
        seconds += sum(guess.step_s([prompt], 0, 0) for _, prompt in plan.arrivals)
    assert seconds < at_most_s


def test_the_tiny_servers_experiments() -> None:
    assert prefill_lengths(SMALL) == (8, 16, 32, 64, 128, 256, 512, 1022)
    assert batch_sizes(SMALL, TINY) == (1, 2, 4, 8, 16, 32, 64)
    assert [plan.batch.sequences for plan in visits(SMALL, TINY)] == [1, 8, 16]


def test_prompts_of_several_steps_are_tried_where_they_are_allowed() -> None:
    assert prefill_lengths(LARGE)[-1] == 40_958
    assert prefill_lengths(replace(LARGE, max_step_tokens=1024))[-1] == 8192


def test_visitors_come_after_one_another() -> None:
    """Each after the step of the one before, by the profile that is roughly right."""
    for plan in visits(SMALL, TINY):
        for (at, prompt), (then, _) in zip(plan.arrivals, plan.arrivals[1:], strict=False):
            assert then - at > TINY.step_s([prompt], plan.batch.sequences, 0)


def test_the_number_of_sequences_is_tried_with_requests_that_meet() -> None:
    """76 requests of 2 blocks fill 152 of 160 blocks: more than the 64 that are admitted."""
    batch = most_at_once(replace(SMALL, max_sequences=256), step_s=0.0085)
    assert batch == Batch(76, 8, 56)


@pytest.mark.parametrize(
    "small", [{"max_model_len": 40}, {"kv_tokens": 32}, {"max_step_tokens": 4}]
)
def test_a_server_too_small_to_measure_is_refused(small: dict[str, int]) -> None:
    with pytest.raises(DesignError, match="too few to measure, it takes 54"):
        prefill_lengths(replace(SMALL, **small))
