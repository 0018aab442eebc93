"""Round robin: whose turn is over makes room for whoever has waited longest."""

import numpy as np

from andes_backend.config import AndesConfig
from andes_backend.policy import Decision, Snapshot, Table
from andes_backend.policy.latency import LatencyModel
from andes_backend.policy.round_robin import RoundRobin
from andes_client.expectation import Expectation

READER = Expectation(1.0, 4.0)


def plan(
    running: list[int], waiting: list[float], *, free_blocks: int = 0, max_running: int = 64
) -> Decision:
    """A decision about requests of 15 prompt tokens.

    Args:
        running: tokens that each has had in this turn.
        waiting: since when each waits.
        free_blocks: of 16 tokens.
        max_running: places in the batch.
    """
    table, nobody = Table(), np.zeros(0, dtype=np.intp)
    runs = np.array([table.add(0.0, 15, READER) for _ in running], dtype=np.intp)
    waits = np.array([table.add(since, 15, READER) for since in waiting], dtype=np.intp)
    table.note_queues(nobody, runs, 1.0)
    for number, tokens in zip(runs, running, strict=True):
        if tokens:
            table.deliver(np.array([number]), np.array([tokens]), 2.0)
    snapshot = Snapshot(
        now=3.0,
        everybody=table.data[np.append(waits, runs)],
        waits=len(waits),
        block_size=16,
        free_blocks=free_blocks,
        total_blocks=100,
        max_running=max_running,
        times=LatencyModel().times,
        accounts=table.accounts,
    )
    decision = RoundRobin(AndesConfig(policy="round-robin", round_robin_tokens=50)).plan(snapshot)
    decision.check(len(waiting), len(running))
    return decision


def preempted(decision: Decision) -> list[int]:
    return [] if decision.preempt is None else decision.preempt.tolist()


def test_who_has_waited_longest_is_next() -> None:
    decision = plan([], [3.0, 1.0, 2.0])
    assert decision.waiting is not None
    assert decision.waiting.tolist() == [1, 2, 0]


def test_who_has_had_most_is_last_and_goes_first_when_memory_runs_out() -> None:
    decision = plan([10, 40, 20], [])
    assert decision.running is not None
    assert decision.running.tolist() == [0, 2, 1]


def test_nobody_gives_way_before_the_turn_is_over() -> None:
    assert preempted(plan([49, 10], [1.0])) == []


def test_nobody_gives_way_while_there_is_room() -> None:
    assert preempted(plan([80, 90], [1.0], free_blocks=1)) == []
    assert preempted(plan([80, 90], [])) == []


def test_as_many_give_way_as_those_who_wait_need() -> None:
    # Those that run hold 6 to 7 blocks each; one that waits needs 1.
    assert preempted(plan([80, 95, 60], [1.0])) == [1]
    assert preempted(plan([80, 95, 60], [1.0] * 8)) == [1, 0]
    assert preempted(plan([80, 95, 60], [1.0] * 50)) == [1, 0, 2]


def test_places_in_the_batch_run_out_as_well() -> None:
    assert preempted(plan([80, 95, 60], [1.0], free_blocks=50, max_running=3)) == [1]
    assert preempted(plan([80, 95, 60], [1.0], free_blocks=50, max_running=4)) == []
