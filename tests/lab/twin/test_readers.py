"""The twin's readers: what leaves the server while they pause, skim, reveal and leave."""

from dataclasses import replace

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_backend.lab.report.run import Run, summarise
from andes_backend.lab.twin.engine import Simulation, simulate
from andes_backend.lab.twin.setup import STOCK, Setup
from andes_backend.lab.workload import (
    Behaviour,
    Request,
    Restless,
    Workload,
    behaving,
    make_workload,
)
from andes_backend.profile import Decode
from tests.lab.twin.test_engine import PROFILE, READER, SCARCE

pytestmark = pytest.mark.slow  # simulations

SLOW = replace(PROFILE, decode=(Decode(base_ms=100, per_sequence_ms=0, per_context_token_ms=0),))
"""Ten tokens a second, for readers of five."""
EVERYTHING = Restless(pausing=0.2, skimming=0.2, revealing=0.1, leaving=0.25)


def crowd(readers: Restless | None = None) -> Workload:
    made = make_workload(40, rate=8.0, seed=1, max_length=400)
    return made if readers is None else behaving(made, readers)


def times(done: Simulation) -> list[tuple[float, ...]]:
    return [outcome.times for outcome in done.outcomes]


@pytest.mark.parametrize("policy", [STOCK, "qoe"])
def test_who_leaves_frees_their_memory(policy: str) -> None:
    one = Request(0.0, 100, 300, READER, behaviour=Behaviour(leave_at=50))
    done = simulate(Workload("test", 0, (one,)), Setup(profile=SLOW, policy=policy))
    (outcome,) = done.outcomes
    assert len(outcome.times) == pytest.approx(100, abs=3)
    assert (outcome.read, outcome.error, outcome.lost) == (50, None, 0)
    assert done.steps.used_blocks[-1] == 0
    # Fifty tokens at five a second after the first, which took 0.11 s.
    assert done.steps.time_s[-1] == pytest.approx(0.11 + 50 / 5, abs=0.3)


def test_behind_a_proxy_nobody_sees_that_a_reader_has_left() -> None:
    leaves = Behaviour(leave_at=50, proxied=True)
    one = Request(0.0, 100, 300, READER, behaviour=leaves)
    (outcome,) = simulate(Workload("test", 0, (one,)), Setup(profile=SLOW)).outcomes
    assert (len(outcome.times), outcome.read) == (300, 50)
    assert outcome.effective == pytest.approx(100, abs=3)


@pytest.mark.parametrize("policy", [STOCK, "qoe", "andes", "round-robin"])
def test_every_policy_serves_readers_who_do_everything(policy: str) -> None:
    done = simulate(crowd(EVERYTHING), Setup(profile=SCARCE, policy=policy, jitter_s=(0.05, 0.5)))
    assert not any(one.error or one.lost or one.excess for one in done.outcomes)
    assert done.steps.used_blocks[-1] == done.steps.waiting[-1] == done.steps.running[-1] == 0


def test_readers_who_do_nothing_of_it_change_nothing() -> None:
    steady, restless = (
        simulate(workload, Setup(profile=SCARCE, policy="qoe", jitter_s=(0.05, 0.5)))
        for workload in (crowd(), crowd(Restless()))
    )
    assert times(steady) == times(restless)


def test_the_summary_counts_what_was_read() -> None:
    done = simulate(crowd(replace(EVERYTHING, proxied=1.0)), Setup(profile=SCARCE, policy="qoe"))
    summary = summarise(Run("qoe", {}, done.outcomes, 40, done.preemptions))
    assert summary.read_share is not None
    assert summary.effective_tokens_per_s is not None
    assert summary.tokens_per_s is not None
    assert 0.5 < summary.read_share < 1.0
    share = summary.effective_tokens_per_s / summary.tokens_per_s
    assert summary.read_share <= share < 1.0
    plain = summarise(Run("qoe", {}, simulate(crowd(), Setup(profile=SCARCE)).outcomes, 40))
    assert plain.read_share is plain.effective_tokens_per_s is None
