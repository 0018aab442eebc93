"""The twin: vLLM's real scheduler, step by step, on a virtual clock."""

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andes_backend.lab.twin import engine, scheduler
from andes_backend.lab.twin.engine import Engine, TwinError, simulate
from andes_backend.lab.twin.setup import POLICIES, STOCK, Setup
from andes_backend.lab.workload import Request, Workload, WorkloadError, make_workload
from andes_backend.policy import Decision, Policy, Snapshot
from andes_backend.profile import Decode, Prefill, Profile
from andes_client.expectation import Expectation
from andes_client.qoe import qoe

READER = Expectation(1.0, 5.0)
PROFILE = Profile(
    name="test",
    source="made up",
    kv_tokens=1600,
    prefill=Prefill(base_ms=10, per_token_ms=1),
    decode=(Decode(base_ms=10, per_sequence_ms=2, per_context_token_ms=0.01),),
)
SCARCE = replace(PROFILE, kv_tokens=640)


def workload(*requests: tuple[float, int, int]) -> Workload:
    """Requests as (arrival, prompt tokens, output tokens)."""
    return Workload("test", 0, tuple(Request(*request, READER) for request in requests))


def crowd(count: int = 40, rate: float = 8.0, seed: int = 1) -> Workload:
    return make_workload(count, rate=rate, seed=seed, max_length=400)


def test_one_request_takes_what_the_profile_says() -> None:
    """Prefill of 100 tokens: 10 + 100 ms; then decode steps of 10 + 2 ms + context."""
    (outcome,) = simulate(workload((0.5, 100, 3)), Setup(profile=PROFILE)).outcomes
    steps = [0.110, 0.012 + 101e-5, 0.012 + 102e-5]
    assert outcome.times == pytest.approx(np.cumsum(steps))
    assert outcome.submitted_s == 0.5


def test_what_is_spent_outside_the_engine_comes_on_top() -> None:
    slow = replace(PROFILE, outside_ms=40.0)
    (inside,) = simulate(workload((0.0, 10, 5)), Setup(profile=PROFILE)).outcomes
    (outside,) = simulate(workload((0.0, 10, 5)), Setup(profile=slow)).outcomes
    assert outside.times == pytest.approx([time + 0.04 for time in inside.times])


def test_a_long_prompt_is_computed_in_chunks() -> None:
    chunked = replace(PROFILE, max_step_tokens=256)
    (outcome,) = simulate(workload((0.0, 600, 1)), Setup(profile=chunked)).outcomes
    assert outcome.ttft == pytest.approx(0.600 + 3 * 0.010)


@pytest.mark.parametrize(
    ("lag", "first"), [(False, 0.110 + 0.0624), (True, 0.110 + 0.01301 + 0.0624)]
)
def test_async_scheduling_lets_who_arrives_wait_for_one_step_more(lag: bool, first: float) -> None:
    """The second request arrives while the first one's prompt is computed: by then, async
    scheduling has made up its mind about the next step already."""
    both = workload((0.0, 100, 50), (0.05, 50, 1))
    second = simulate(both, Setup(profile=PROFILE, async_scheduling=lag)).outcomes[1]
    assert second.ttft is not None
    # Its own step computes a token of the first one, too.
    assert second.ttft + 0.05 == pytest.approx(first + 0.001, abs=0.0012)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_serves_everybody_in_scarce_memory(policy: str) -> None:
    done = simulate(crowd(), Setup(profile=SCARCE, policy=policy))
    assert [o.index for o in done.outcomes] == list(range(40))
    assert all(o.error is None and not o.lost and not o.excess for o in done.outcomes)
    assert done.steps.used_blocks[-1] == done.steps.waiting[-1] == done.steps.running[-1] == 0
    assert done.steps.used_blocks.max() <= done.steps.total_blocks == 39
    assert done.preemptions == done.steps.preemptions[-1]


def test_fcfs_through_our_scheduler_is_stock_vllm_to_the_last_digit() -> None:
    stock, ours = (simulate(crowd(), Setup(profile=SCARCE, policy=p)) for p in (STOCK, "fcfs"))
    assert [o.times for o in stock.outcomes] == [o.times for o in ours.outcomes]
    assert stock.preemptions == ours.preemptions > 0


def test_qoe_is_that_of_the_formula() -> None:
    for outcome in simulate(crowd(), Setup(profile=SCARCE, policy="qoe")).outcomes:
        expected = qoe(outcome.times, outcome.request.expectation)
        assert outcome.qoe == pytest.approx(expected, abs=1e-9)


def resume(**settings: Any) -> tuple[float, int]:
    """What it takes until a preempted request is back once there is room; preemptions."""
    # At 88 tokens each the memory is full; the second gives way until the first has ended.
    first, second = workload((0.0, 320, 150), (0.0, 128, 280)).requests
    profile = replace(
        SCARCE, prefill=Prefill(base_ms=10, per_token_ms=50), kv_bytes_per_token=1_000_000
    )
    engine = Engine(Setup(profile=profile, policy="fcfs", **settings), 700)
    engine.admit("0", first)
    engine.admit("1", second)
    ended = resumed = None
    while engine.is_busy:
        for output in engine.step(float("inf")):
            if output.finish_reason is not None and output.request_id == "0":
                ended = engine.now
            elif output.request_id == "1" and ended is not None and resumed is None:
                resumed = engine.now
    assert ended is not None
    assert resumed is not None
    return resumed - ended, engine.state()[3]


def test_resuming_costs_what_it_would() -> None:
    """209 tokens, at 50 ms each to compute, at 1 ms each to bring back."""
    computed, once = resume(prefix_caching=False)
    assert once == 1
    assert computed == pytest.approx(209 * 0.050 + 0.010)
    found, once = resume(prefix_caching=True)  # what the first has not overwritten by then
    assert once == 1
    assert 16 * 0.050 < found < computed / 2


def in_turns(**settings: Any) -> tuple[float, int]:
    """Two answers take turns of 100 tokens in a batch of one: how long, and preemptions."""
    profile = replace(
        PROFILE,
        max_sequences=1,
        prefill=Prefill(base_ms=10, per_token_ms=50),
        kv_bytes_per_token=1_000_000,
    )
    turns = {"round_robin_tokens": 100}
    setup = Setup(profile=profile, policy="round-robin", settings=turns, **settings)
    done = simulate(workload((0.0, 128, 200), (0.0, 128, 200)), setup)
    return float(done.steps.time_s[-1]), done.preemptions


def test_a_kv_restore_takes_what_the_bandwidth_has_it() -> None:
    """Each of the two is brought back once, with 224 to 240 tokens in whole blocks."""
    (computed, n), (fast, m), (slow, k) = (
        in_turns(prefix_caching=False, kv_restore_gb_s=speed) for speed in (None, 1000.0, 0.1)
    )
    assert n == m == k == 2
    # One of the two is waited for; the other comes back while the first has its turn.
    assert pytest.approx(slow - fast, rel=0.25) == 232 * 0.010
    assert computed - fast == pytest.approx(2 * 226 * 0.050, rel=0.05)


@pytest.mark.slow
def test_one_link_brings_back_one_request_after_the_other() -> None:
    done = simulate(
        crowd(rate=30.0),
        Setup(
            profile=replace(SCARCE, kv_bytes_per_token=1_000_000),
            policy="round-robin",
            settings={"round_robin_tokens": 10},
            kv_restore_gb_s=0.2,
        ),
    )
    assert done.preemptions > 40
    assert all(not outcome.lost for outcome in done.outcomes)


def test_round_robin_gives_everybody_a_turn() -> None:
    """Four answers of which two fit: none waits for another to end, as they do in order."""
    four = workload(*((0.0, 32, 250) for _ in range(4)))
    for policy, waits in (("fcfs", True), ("round-robin", False)):
        setup = Setup(profile=replace(SCARCE, max_sequences=2), policy=policy)
        outcomes = simulate(four, setup).outcomes
        first_end = min(outcome.times[-1] for outcome in outcomes)
        assert any(outcome.times[0] > first_end for outcome in outcomes) is waits


def test_shortest_first_knows_the_lengths() -> None:
    both = workload((0.0, 32, 300), (0.001, 32, 200), (0.001, 32, 20))
    setup = Setup(profile=replace(SCARCE, max_sequences=1), policy="shortest-first")
    ends = [o.submitted_s + o.times[-1] for o in simulate(both, setup).outcomes]
    assert ends[0] < ends[2] < ends[1]  # the first is running; nobody is thrown out


def test_priority_lets_people_go_before_programs() -> None:
    program = Expectation.program()
    requests = [Request(0.0, 32, 200, READER), Request(0.01, 32, 200, program)]
    mixed = Workload("mixed", 0, (*requests, Request(0.02, 32, 200, READER)))
    setup = Setup(profile=replace(SCARCE, max_sequences=1), policy="priority")
    ends = [o.submitted_s + o.times[-1] for o in simulate(mixed, setup).outcomes]
    assert ends[0] < ends[2] < ends[1]


class _Refuser(Policy):
    """Never lets anybody in."""

    def plan(self, snapshot: Snapshot) -> Decision:
        del snapshot
        return Decision(admit=0)

    def finished(self, output_tokens: int) -> None:
        del output_tokens


class _Broken(_Refuser):
    """Never comes to a decision."""

    def plan(self, snapshot: Snapshot) -> Decision:
        raise ZeroDivisionError(snapshot.now)


def test_a_policy_that_raises_is_an_error_and_no_fcfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live server goes on in vLLM's own order; a study must not take that for the policy."""
    monkeypatch.setattr(scheduler._Andes, "make_policy", lambda *_: _Broken())
    with pytest.raises(TwinError, match=r"planning failed in \d+ steps"):
        simulate(workload((0.0, 10, 10)), Setup(profile=PROFILE, policy="qoe"))


def test_a_policy_that_serves_nobody_is_an_error_and_no_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler._Andes, "make_policy", lambda *_: _Refuser())
    monkeypatch.setattr(engine, "_IDLE_S", 1.0)  # asked again less often, it is as idle for as long
    with pytest.raises(TwinError, match=r"the policy qoe let 1 requests wait for 600 s"):
        simulate(workload((0.0, 10, 10)), Setup(profile=PROFILE, policy="qoe"))


def test_a_request_that_can_never_fit_is_an_error_before_anything_runs() -> None:
    with pytest.raises(WorkloadError, match=r"request 1 .*500 prompt and 200 output.*624"):
        simulate(workload((0.0, 10, 10), (1.0, 500, 200)), Setup(profile=SCARCE))


lengths = st.tuples(st.floats(0, 5), st.integers(1, 300), st.integers(1, 300))


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    requests=st.lists(lengths, min_size=1, max_size=12),
    policy=st.sampled_from(POLICIES),
    caching=st.booleans(),
    lag=st.booleans(),
    kv_restore=st.sampled_from([None, 0.05, 50.0]),
)
def test_nothing_is_lost_whatever_comes(
    requests: list[tuple[float, int, int]],
    policy: str,
    caching: bool,
    lag: bool,
    kv_restore: float | None,
) -> None:
    """`simulate` checks tokens and KV blocks itself; here is a workload for every corner."""
    setup = Setup(
        profile=replace(SCARCE, max_step_tokens=128, kv_bytes_per_token=1_000_000),
        policy=policy,
        prefix_caching=caching,
        async_scheduling=lag,
        kv_restore_gb_s=kv_restore,
    )
    done = simulate(workload(*sorted(requests)), setup)
    assert all(outcome.error is None for outcome in done.outcomes)
    assert all(np.diff(outcome.times).min(initial=0) >= 0 for outcome in done.outcomes)
    assert all(outcome.times[0] > 0 for outcome in done.outcomes)
