import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend import AndesConfig
from andes_backend.policy import Snapshot, Table, make_policy
from andes_backend.policy.latency import LatencyModel
from andes_backend.policy.overdue import OverdueLane, wait_bound_s
from andes_client import Expectation

BLOCK, BLOCKS = 16, 200


def snapshot(table: Table, waiting: list[int], running: list[int], now: float) -> Snapshot:
    return Snapshot(
        now=now,
        everybody=table.data[waiting + running],
        waits=len(waiting),
        block_size=BLOCK,
        free_blocks=100,
        total_blocks=BLOCKS,
        max_running=64,
        times=LatencyModel().times,
        accounts=table.accounts,
    )


def late_ones(*arrivals: float, prompt: int = 63) -> tuple[Table, list[int]]:
    """Requests of four blocks each that expect their first token after 1 s."""
    table = Table()
    return table, [table.add(at, prompt, Expectation(1.0, 4.0)) for at in arrivals]


def test_the_overdue_enter_in_the_order_in_which_their_text_was_due() -> None:
    table, rows = late_ones(5.0, 0.0, 90.0, 2.0)
    lane = OverdueLane(share=0.05, overdue_after_s=30.0).plan(snapshot(table, rows, [], 100.0))
    assert lane.waiting.tolist() == [1, 3]  # 10 blocks are the lane's: two of four


def test_who_expects_later_is_overdue_later() -> None:
    table, rows = late_ones(0.0)
    lane = OverdueLane(share=0.05, overdue_after_s=30.0)
    assert lane.plan(snapshot(table, rows, [], 31.0)).waiting.tolist() == []
    assert lane.plan(snapshot(table, rows, [], 31.1)).waiting.tolist() == [0]


def test_a_paused_reader_is_overdue_when_the_text_has_run_out() -> None:
    table, rows = late_ones(0.0)
    table.deliver(np.array(rows), np.array([40]), 1.0)  # text until 11
    lane = OverdueLane(share=0.05, overdue_after_s=30.0)
    assert lane.plan(snapshot(table, rows, [], 40.0)).waiting.tolist() == []
    assert lane.plan(snapshot(table, rows, [], 41.1)).waiting.tolist() == [0]


def test_one_may_enter_however_large() -> None:
    table, rows = late_ones(0.0, 1.0, prompt=1000)
    lane = OverdueLane(share=0.05, overdue_after_s=30.0).plan(snapshot(table, rows, [], 100.0))
    assert lane.waiting.tolist() == [0]


def test_who_is_in_stays_in_until_the_end_and_keeps_its_place_if_preempted() -> None:
    table, rows = late_ones(0.0, 1.0, 2.0)
    lane = OverdueLane(share=0.05, overdue_after_s=30.0)
    assert lane.plan(snapshot(table, rows, [], 100.0)).waiting.tolist() == [0, 1]
    now_running = lane.plan(snapshot(table, rows[2:], rows[:2], 100.1))
    assert (now_running.waiting.tolist(), now_running.running.tolist()) == ([], [True, True])
    table.deliver(np.array(rows[:2]), np.array([30, 30]), 101.0)  # they have text again
    preempted = lane.plan(snapshot(table, [rows[2], rows[1]], rows[:1], 101.1))
    assert preempted.waiting.tolist() == [1]
    table.remove(rows[0])
    table.remove(rows[1])
    assert lane.plan(snapshot(table, rows[2:], [], 102.0)).waiting.tolist() == [0]


def test_a_share_of_nothing_is_no_lane() -> None:
    table, rows = late_ones(0.0)
    lane = OverdueLane(share=0.0, overdue_after_s=30.0).plan(snapshot(table, rows, [], 1e6))
    assert lane.waiting.tolist() == []


def test_the_policy_admits_the_overdue_first_and_spares_them() -> None:
    table, rows = late_ones(0.0, 99.0, 99.5, 50.0, 60.0, prompt=200)
    table.deliver(np.array(rows[3:]), np.array([400, 200]), 61.0)
    policy = make_policy(AndesConfig(overdue_after_s=30.0))
    tight = replace(snapshot(table, rows[:3], rows[3:], 100.0), free_blocks=0)
    plan = policy.plan(tight)
    assert plan.waiting is not None
    assert plan.waiting[0] == 0
    assert plan.admit is not None
    assert plan.admit >= 1
    assert plan.preempt is not None  # somebody gives way for the overdue
    # In the lane, and worth little to the average: not the one to give way.
    table.note_queues(np.array(rows[1:4]), np.array([rows[0], rows[4]]), 100.1)
    later = replace(snapshot(table, rows[1:4], [rows[0], rows[4]], 101.0), free_blocks=0)
    plan = policy.plan(later)
    assert plan.running is not None
    assert plan.running[0] == 0
    assert plan.preempt is None or 0 not in plan.preempt


def test_an_overdue_request_gets_in_however_many_have_to_go() -> None:
    table, rows = late_ones(0.0, *([50.0] * 20), prompt=1000)
    table.data["prompt_tokens"][rows[1:]] = 63
    table.deliver(np.array(rows[1:]), np.full(20, 400), 51.0)  # text until 151
    full = replace(snapshot(table, rows[:1], rows[1:], 100.0), free_blocks=0, total_blocks=600)
    table.data["delivered"][rows[1:]] = 0  # four blocks each: 16 of them for one that needs 63
    small = replace(full, everybody=table.data[rows])
    plan = make_policy(AndesConfig()).plan(small)
    assert plan.admit == 1
    assert plan.preempt is not None
    assert len(plan.preempt) > 8


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(1, 300), st.floats(0.5, 8)), min_size=1, max_size=40
    ),
    st.floats(0.01, 0.5),
)
def test_nobody_waits_longer_than_the_bound(
    requests: list[tuple[float, int, float]], share: float
) -> None:
    """Nobody is served but through the lane: each waits at most as long as `wait_bound_s` says."""
    table, lane = Table(), OverdueLane(share=share, overdue_after_s=30.0)
    rows = [table.add(at, prompt, Expectation(1.0, 4.0)) for at, prompt, _ in requests]
    service = {row: seconds for row, (_, _, seconds) in zip(rows, requests, strict=True)}
    blocks = max(math.ceil((prompt + 1) / BLOCK) for _, prompt, _ in requests)
    longest = max(service.values())
    due = {row: at + 1.0 for row, (at, _, _) in zip(rows, requests, strict=True)}
    running: dict[int, float] = {}  # until when
    waiting, now, step = list(rows), 0.0, 0.25
    while waiting:
        for row in [row for row, until in running.items() if until <= now]:
            del running[row]
            table.remove(row)
        chosen = lane.plan(snapshot(table, waiting, list(running), now)).waiting
        for row in [waiting[position] for position in chosen]:
            ahead = sum(due[other] <= due[row] for other in due if other != row)
            bound = wait_bound_s(
                ahead,
                blocks,
                longest + step,
                compute_s=LatencyModel().times.per_prompt_token * 300,
                share=share,
                overdue_after_s=30.0,
                total_blocks=BLOCKS,
            )
            assert now - due[row] <= bound + step
            waiting.remove(row)
            running[row] = now + service[row]
        now += step


def test_the_bound() -> None:
    bound = wait_bound_s(
        9, 10, 20.0, compute_s=0.2, share=0.05, overdue_after_s=30.0, total_blocks=1000
    )
    # Five at a time: ten in two turns. And each of the nine before has paid 4 s in advance.
    assert bound == pytest.approx(30 + 2 * 20 + 9 * 4)


def test_computing_the_overdue_takes_no_more_than_the_share_of_the_engine() -> None:
    """Prompts that take 2 s of the engine each, in a memory that has room for all of them."""
    table, rows = late_ones(*range(40), prompt=1000)
    lane = OverdueLane(share=0.1, overdue_after_s=30.0)
    times = replace(LatencyModel().times, per_prompt_token=2e-3)
    entered: list[float] = []
    for now in np.arange(100.0, 400.0, 0.5).tolist():
        asked = replace(snapshot(table, rows, [], now), times=times, total_blocks=100_000)
        for position in lane.plan(asked).waiting[::-1].tolist():
            table.remove(rows.pop(position))  # served at once
            entered.append(now)
    gaps = np.diff(entered)
    assert len(entered) == 16
    assert gaps[0] == pytest.approx(10.0, abs=0.5)  # a second was saved
    assert gaps[1:].min() >= 20.0
    assert gaps[1:].max() <= 20.5
