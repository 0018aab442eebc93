"""With `--long-prefill-token-threshold` nobody waits for the whole of somebody's long prompt."""

from dataclasses import replace

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_backend.lab.twin.engine import simulate
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Fixed, Workload, make_workload
from andes_backend.profile import load_profile

PROFILE = load_profile("llama-3-8b-a40")
LONG_S = (24 + 0.11 * 2000) / 1000  # what the long prompt takes in one step


def first_texts(threshold: int) -> list[float]:
    """A reader, a long prompt a second later, and a question while it is computed: seconds each."""
    asked = zip((0.0, 1.0, 1.0 + LONG_S / 2), (20, 2000, 20), (100, 5, 5), strict=True)
    requests = [
        replace(make_workload(1, rate=1.0, seed=0, lengths=Fixed(p, n)).requests[0], arrival_s=at)
        for at, p, n in asked
    ]
    setup = Setup(profile=PROFILE, long_prefill_token_threshold=threshold)
    outcomes = simulate(Workload("three", 0, tuple(requests)), setup).outcomes
    return [outcome.times[0] for outcome in outcomes]


def test_the_question_is_answered_sooner_and_the_long_prompt_later() -> None:
    (_, long, question), (_, cut_long, cut_question) = first_texts(0), first_texts(256)
    assert question > LONG_S / 2
    assert cut_question < 0.8 * question
    assert cut_long > long


def test_more_than_the_longest_request_has_cuts_nothing() -> None:
    assert first_texts(1_000_000) == first_texts(0)
