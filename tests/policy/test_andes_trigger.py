"""When the policy `andes` decides at all, for which batch sizes, and how often it may preempt."""

import numpy as np
import pytest

from andes_backend.policy import Snapshot, Table
from andes_backend.policy.andes.cap import PreemptionCap
from andes_backend.policy.andes.trigger import batch_sizes, token_latency, triggered
from andes_backend.policy.latency import StepTimes
from andes_client.expectation import Expectation

FAST = StepTimes(base=0.03, per_sequence=1e-4, per_context_token=0.0, per_prompt_token=2e-4)


def snapshot(
    running: int = 4,
    waiting: int = 4,
    *,
    free_blocks: int = 50,
    times: StepTimes = FAST,
    max_running: int = 64,
) -> Snapshot:
    """Requests of 100 tokens, whose readers take 4 tokens a second; 100 KV blocks."""
    table = Table()
    rows = [table.add(0.0, 100, Expectation(1.0, 4.0)) for _ in range(running + waiting)]
    data = table.data
    return Snapshot(
        now=10.0,
        everybody=data[rows[running:] + rows[:running]],
        waits=waiting,
        block_size=16,
        free_blocks=free_blocks,
        total_blocks=100,
        max_running=max_running,
        times=times,
        accounts=table.accounts,
    )


def with_cost(per_sequence: float, per_context_token: float = 0.0) -> StepTimes:
    return StepTimes(0.05, per_sequence, per_context_token, 2e-4)


@pytest.mark.parametrize(("free", "decides"), [(50, False), (10, False), (9, True), (0, True)])
def test_memory_is_scarce_above_the_watermark(free: int, decides: bool) -> None:
    assert triggered(snapshot(free_blocks=free), watermark=0.9) is decides


@pytest.mark.parametrize(("running", "decides"), [(3, False), (5, True)])
def test_time_is_scarce_when_the_fastest_reader_would_wait(running: int, decides: bool) -> None:
    """A step of n requests takes 50 + 50 n ms; a token is due every 250 ms."""
    state = snapshot(running, free_blocks=90, times=with_cost(0.05))
    assert triggered(state, watermark=0.9) is decides


def test_nothing_is_scarce_on_an_empty_machine() -> None:
    assert not triggered(snapshot(running=0, free_blocks=100), watermark=0.9)


def test_a_larger_batch_has_more_context_as_well() -> None:
    seconds = token_latency(snapshot(times=with_cost(0.001, 1e-5)), np.array([0.0, 10.0]))
    assert seconds.tolist() == pytest.approx([0.05, 0.05 + 10 * (0.001 + 100 * 1e-5)])


def sizes(times: StepTimes, capacity: int, **options: int) -> list[float]:
    state = snapshot(40, 60, times=times, **options)
    tried = batch_sizes(state, np.full(100, 4.0), np.full(100, 7), capacity)
    return [float(size) for size in tried]


def test_where_any_batch_is_fast_enough_only_the_largest_is_tried() -> None:
    assert sizes(FAST, capacity=70) == [10.0]
    assert sizes(FAST, capacity=10_000) == [64.0]
    assert sizes(StepTimes(0.03, 0.0, 0.0, 0.0), capacity=70) == [10.0]


def test_smaller_ones_are_tried_down_to_what_the_fastest_reader_needs() -> None:
    """With 50 + 20 n ms a batch of 10 still gives a token every 250 ms."""
    tried = sizes(with_cost(0.02), capacity=7 * 13)
    assert tried == [10.0, 11.0, 12.0, 13.0]
    many = sizes(with_cost(0.02), capacity=10_000)
    assert (many[0], many[-1], len(many)) == (10.0, 64.0, 4)


def test_a_machine_that_is_too_slow_for_anybody_serves_somebody() -> None:
    assert sizes(StepTimes(1.0, 0.1, 0.0, 0.0), capacity=0) == [1.0]
    assert sizes(StepTimes(1.0, 0.0, 0.0, 0.0), capacity=21) == [1.0, 2.0, 3.0]


def preempt(cap: PreemptionCap, count: int, now: float) -> None:
    """So many requests have lost their memory by now."""
    table = Table()
    rows = np.array([table.add(0.0, 100, Expectation(1.0, 4.0)) for _ in range(count)])
    nobody = np.zeros(0, dtype=np.intp)
    table.note_queues(nobody, rows, now - 1.0)
    table.note_queues(rows, nobody, now)
    cap.observe(Snapshot(now, table.data[rows], count, 16, 50, 100, 64, FAST, table.accounts))


def test_as_many_preemptions_are_allowed_as_requests_have_come() -> None:
    cap = PreemptionCap(1.0)
    assert cap.allowed(live=8) == 8
    cap.finished()
    assert cap.allowed(live=8) == 9
    assert PreemptionCap(0.0).allowed(live=8) == 0
    assert PreemptionCap(0.3).allowed(live=8) == 2


def test_each_preemption_counts_once() -> None:
    cap = PreemptionCap(1.0)
    preempt(cap, 3, now=10.0)
    assert cap.allowed(live=8) == 5
    cap.observe(snapshot())  # a later look at requests that were never preempted
    assert cap.allowed(live=8) == 5
    preempt(cap, 9, now=20.0)
    assert cap.allowed(live=8) == 0


def test_a_quiet_day_does_not_allow_a_storm() -> None:
    cap = PreemptionCap(1.0)
    for _ in range(100_000):
        cap.finished()
    assert cap.allowed(live=0) <= 1000
