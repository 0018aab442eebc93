"""No step that the profile allows yields its tokens in less time than `Steps` says."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend.lab.bound.steps import Steps, Yielded
from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Decode, Prefill, Profile
from andes_client.expectation import Expectation
from tests.lab.bound.schedules import drawn_profile, drawn_workload, scheduled
from tests.thorough import cases


@given(st.integers(0, 10**9))
@settings(max_examples=cases(200), deadline=None)
def test_no_step_is_shorter(seed: int) -> None:
    """With chunks, preemptions, blocks found again, and one or two parts to decoding."""
    rng = np.random.default_rng(seed)
    profile = drawn_profile(rng, size=int(rng.choice([1, 4, 16])), blocks=(40, 60))
    workload = drawn_workload(rng, profile, count=int(rng.integers(1, 5)), most=12, seconds=0.3)
    yielded = defaultdict(list)
    for i, served in enumerate(scheduled(workload, profile, rng)):
        for token, step in enumerate(zip(served.starts, served.ends, strict=True)):
            yielded[step].append(Yielded(i, token, resident=True, whole=False))
    steps = Steps(workload, profile)
    for (start, end), tokens in yielded.items():
        assert steps.seconds(tuple(tokens)) <= end - start + 1e-9


def made(**changes: Any) -> Profile:
    values: dict[str, Any] = {
        "name": "test",
        "source": "made up",
        "kv_tokens": 64,
        "block_size": 4,
        "prefill": Prefill(base_ms=10, per_token_ms=10),
        "decode": (Decode(base_ms=5, per_sequence_ms=20, per_context_token_ms=1),),
    }
    return Profile(**{**values, **changes})


def least(
    profile: Profile, *tokens: int, prompt: int = 6, resident: bool = True, whole: bool = True
) -> float:
    """Of a step that yields these tokens, each of another request; milliseconds."""
    requests = tuple(Request(0.0, prompt, 9, Expectation(1.0, 5.0)) for _ in tokens)
    steps = Steps(Workload("test", 0, requests), profile)
    asked = (Yielded(i, token, resident and token > 0, whole) for i, token in enumerate(tokens))
    return 1e3 * steps.seconds(tuple(asked))


def test_a_prompt_is_computed_in_full_or_ends_in_its_own_step() -> None:
    assert least(made(), 0) == pytest.approx(10 + 6 * 10)
    assert least(made(), 0, whole=False) == pytest.approx(10 + 2 * 10)
    # A chunk of one token is timed as a decoded one, of six tokens of context.
    quick = made(decode=(Decode(base_ms=5, per_sequence_ms=2, per_context_token_ms=0.5),))
    assert least(quick, 0, whole=False) == pytest.approx(5 + 2 + 6 * 0.5)
    assert least(quick, 0) == pytest.approx(5 + 6 * 2 + (1 + 2 + 3 + 4 + 5 + 6) * 0.5)


def test_decoding_shares_its_base_with_others_and_with_prompts() -> None:
    assert least(made(), 1) == pytest.approx(5 + 20 + 7)
    assert least(made(), 1, 2) == pytest.approx(5 + 20 + 7 + 20 + 8)
    assert least(made(), 1, 0) == pytest.approx(10 + 20 + 7 + 6 * 10)


def test_what_gave_its_memory_up_computes_at_least_what_is_in_no_full_block() -> None:
    # Of 8 tokens 4 are found again: as a chunk of 4, or 3 and then one as if decoded.
    assert least(made(), 2, resident=False) == pytest.approx(10 + 4 * 10)
    assert least(made(), 2, resident=False, whole=False) == pytest.approx(10 + 2 * 10)
    # Of 9 tokens 8 are.
    assert least(made(), 3, resident=False) == pytest.approx(5 + 20 + 9)


def test_another_part_of_decoding_counts_only_for_as_many_sequences_or_more() -> None:
    few = Decode(base_ms=50, per_sequence_ms=0, per_context_token_ms=0, below_sequences=2)
    many = Decode(base_ms=5, per_sequence_ms=8, per_context_token_ms=0)
    slow = Prefill(base_ms=100, per_token_ms=100)
    assert least(made(decode=(few, many), prefill=slow), 1) == pytest.approx(5 + 8)
    cheap = Decode(base_ms=1, per_sequence_ms=0, per_context_token_ms=0, below_sequences=2)
    assert least(made(decode=(cheap, many), prefill=slow), 1) == pytest.approx(1)
    assert least(made(decode=(cheap, many), prefill=slow), 1, 1) == pytest.approx(5 + 16)
