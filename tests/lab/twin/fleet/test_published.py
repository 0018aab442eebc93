"""What a replica publishes of itself, read from vLLM's own scheduler while it serves."""

from dataclasses import replace

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_backend.engine.figures import figures_of
from andes_backend.lab.twin.engine import Engine
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request
from andes_backend.profile import Decode, Prefill, Profile
from andes_backend.routing import BANDS, ReplicaFigures
from andes_client.expectation import Expectation

PROFILE = Profile(
    name="test",
    source="made up",
    kv_tokens=656,  # vLLM keeps a block for itself
    max_sequences=9,
    prefill=Prefill(base_ms=10, per_token_ms=1),
    decode=(Decode(base_ms=10, per_sequence_ms=2, per_context_token_ms=0.01),),
)
READER = Expectation(1.0, 5.0)


def serving(policy: str, prompts: list[int], steps: int) -> ReplicaFigures:
    """A replica to which these came at once, after so many steps."""
    engine = Engine(Setup(profile=PROFILE, policy=policy), 700)
    for number, prompt in enumerate(prompts):
        engine.admit(str(number), Request(0.0, prompt, 100, READER))
    for _ in range(steps):
        engine.step(float("inf"))
    return figures_of(engine.scheduler)


def test_an_idle_replica_has_all_its_memory_free() -> None:
    figures = serving("qoe", [], 0)
    assert (figures.waiting, figures.running, figures.most_running) == (0, 0, 9)
    assert figures.kv_tokens == figures.free_tokens == 640
    assert figures.expected_wait_s == 0.0
    assert figures.demand == (0.0,) * len(BANDS)
    assert figures.is_complete


@pytest.mark.parametrize("policy", ["qoe", "andes", "fcfs", "stock", "priority"])
def test_who_waits_and_runs_is_known_under_every_policy(policy: str) -> None:
    figures = serving(policy, [100] * 8, 6)
    assert figures.waiting + figures.running == figures.ongoing == 8
    assert figures.waiting > 0
    assert 0 <= figures.free_tokens <= 640 - 100 * figures.running
    assert figures.is_complete == (policy == "qoe")


def test_demand_is_what_everybody_wants_by_what_it_is_worth() -> None:
    """Prompts, and half of the answers that are expected: 300 tokens as long as none has ended."""
    figures = serving("qoe", [100] * 8, 3)
    assert sum(figures.demand) == pytest.approx(8 * (100 + 150), rel=0.02)
    long = serving("qoe", [10, 400], 0)
    cheap, dear = (band for band, tokens in enumerate(long.demand) if tokens)
    assert cheap < dear  # a token of a short prompt is worth more
    assert (long.demand[cheap], long.demand[dear]) == (160.0, 550.0)


def test_prompts_are_due_until_they_are_computed() -> None:
    assert serving("qoe", [100, 100], 1).prompt_tokens_due == 200
    assert serving("qoe", [100, 100], 4).prompt_tokens_due == 0


def test_what_has_ever_come_is_counted_and_what_was_found_in_the_cache() -> None:
    engine = Engine(Setup(profile=PROFILE, policy="qoe", prefix_caching=True), 700)
    rounds = [Request(0.0, 100, 28, READER, conversation=1)]
    rounds.append(Request(9.0, 160, 20, READER, conversation=1))
    rounds.append(Request(9.0, 160, 20, READER, conversation=2))
    for number, request in enumerate(rounds):
        engine.admit(str(number), request)
        while engine.is_busy:
            engine.step(float("inf"))
    figures = figures_of(engine.scheduler)
    assert (figures.arrived, figures.arrived_tokens) == (3, 420)
    # Of 128 tokens that were said, the last one has not been computed, and blocks have 16.
    assert figures.found_tokens == 112


def test_publishing_changes_nothing() -> None:
    engine = Engine(Setup(profile=PROFILE, policy="qoe"), 700)
    quiet = Engine(Setup(profile=PROFILE, policy="qoe"), 700)
    for number in range(10):
        for one in (engine, quiet):
            one.admit(str(number), Request(0.0, 90, 60, READER))
    while engine.is_busy:
        first = figures_of(engine.scheduler)
        assert figures_of(engine.scheduler) == first
        assert ReplicaFigures.from_mapping(first.to_mapping()) == first
        engine.step(float("inf"))
        quiet.step(float("inf"))
        assert (engine.now, engine.state()) == (quiet.now, quiet.state())
    assert replace(figures_of(engine.scheduler), step_s=0.0).demand == (0.0,) * len(BANDS)
