from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from andes_backend import AndesConfig
from andes_backend.policy import POLICIES, Decision, Snapshot, Table, make_policy
from andes_backend.policy.latency import LatencyModel
from andes_client import Expectation


class Scene:
    """A snapshot built request by request."""

    def __init__(self) -> None:
        self.table = Table()
        self.waiting: list[int] = []
        self.running: list[int] = []

    def add(self, queue: list[int], arrival: float, prompt: int = 50, tokens: int = 0) -> None:
        """A request with `tokens` delivered at its arrival."""
        row = self.table.add(arrival, prompt, Expectation(1.0, 4.0))
        if tokens:
            self.table.deliver(np.array([row]), np.array([tokens]), arrival)
        queue.append(row)

    def snapshot(self, now: float) -> Snapshot:
        data = self.table.data
        rows, times = data[self.waiting + self.running], LatencyModel().times
        return Snapshot(now, rows, len(self.waiting), 16, 10, 100, 64, times, self.table.accounts)


def orders(decision: Decision) -> tuple[list[int], list[int]]:
    assert decision.waiting is not None
    assert decision.running is not None
    assert decision.preempt is None
    return decision.waiting.tolist(), decision.running.tolist()


def test_who_gains_most_per_block_goes_first() -> None:
    scene = Scene()
    scene.add(scene.waiting, arrival=0.0)  # hopelessly late
    scene.add(scene.waiting, arrival=99.0, prompt=2000)  # fresh, but large
    scene.add(scene.waiting, arrival=99.0)  # fresh and small
    scene.add(scene.running, arrival=90.0, tokens=400)  # text until 190
    scene.add(scene.running, arrival=60.0, tokens=160)  # ran dry at 100
    decision = make_policy(AndesConfig(overdue_kv_share=0.0)).plan(scene.snapshot(now=100.0))
    decision.check(waiting=3, running=2)
    waiting, running = orders(decision)
    assert waiting[0] == 2
    assert running == [1, 0]


def test_among_readers_in_no_need_the_last_to_run_dry_is_the_first_to_give_way() -> None:
    scene = Scene()
    for tokens in (200, 400, 300):
        scene.add(scene.running, arrival=0.0, tokens=tokens)
    _, running = orders(make_policy(AndesConfig()).plan(scene.snapshot(now=10.0)))
    assert running == [0, 2, 1]


@pytest.mark.parametrize(
    ("headroom", "running", "admitted"), [(0.0, 2, 2), (0.6, 2, 1), (4.0, 2, 0), (4.0, 0, 1)]
)
def test_admissions_leave_room_for_the_growth_of_those_that_run(
    headroom: float, running: int, admitted: int
) -> None:
    """Ten blocks are free; each of the waiting needs 4; an empty server takes one anyway."""
    scene = Scene()
    for _ in range(3):
        scene.add(scene.waiting, arrival=0.0, prompt=60)
    for _ in range(running):
        scene.add(scene.running, arrival=0.0)
    config = AndesConfig(decode_headroom=headroom, admission_headroom=headroom)
    assert make_policy(config).plan(scene.snapshot(1.0)).admit == admitted


def test_the_admission_headroom_is_for_those_who_are_worth_no_preemption() -> None:
    scene = Scene()
    scene.add(scene.waiting, arrival=99.0, prompt=120)
    scene.add(scene.running, arrival=0.0, tokens=800)  # text until 200
    eager = AndesConfig(decode_headroom=0.1, admission_headroom=5.0, preemption_margin=0.5)
    slow = AndesConfig(decode_headroom=0.1, admission_headroom=5.0, preemption_margin=50.0)
    assert make_policy(eager).plan(scene.snapshot(100.0)).admit == 1
    assert make_policy(slow).plan(scene.snapshot(100.0)).admit == 0


def full(margin: float, running_tokens: int, **settings: Any) -> Decision:
    """Ten blocks are free; a newcomer needs 13, and two run, who hold 29 or so each."""
    scene = Scene()
    scene.add(scene.waiting, arrival=99.0, prompt=200)
    for _ in range(2):
        scene.add(scene.running, arrival=50.0, tokens=running_tokens)
    config = AndesConfig(preemption_margin=margin, **settings)
    return make_policy(config).plan(scene.snapshot(100.0))


def test_a_newcomer_displaces_a_reader_with_text_in_hand() -> None:
    plan = full(1.0, running_tokens=400)  # text until 150
    assert plan.admit == 1
    assert plan.preempt is not None
    assert len(plan.preempt) == 1  # no more than need be


def test_nobody_is_displaced_if_the_margin_asks_for_more() -> None:
    plan = full(1e9, running_tokens=400)
    assert (plan.admit, plan.preempt) == (0, None)


def test_nobody_is_displaced_whose_need_is_as_large() -> None:
    plan = full(0.0, running_tokens=1)  # a token each, and dry since 51
    assert plan.preempt is None or len(plan.preempt) < 2


def test_no_more_run_than_can() -> None:
    scene = Scene()
    for _ in range(80):
        scene.add(scene.waiting, arrival=99.0, prompt=1)
    config = AndesConfig(decode_headroom=0.0, admission_headroom=0.0)
    snapshot = replace(scene.snapshot(100.0), free_blocks=1000, total_blocks=1000)
    assert make_policy(config).plan(snapshot).admit == snapshot.max_running


def test_of_a_long_queue_the_best_are_put_in_order() -> None:
    scene = Scene()
    random = np.random.default_rng(0)
    for arrival in random.uniform(0.0, 99.0, 1000):
        scene.add(scene.waiting, arrival=arrival, prompt=int(random.integers(1, 900)))
    plan = make_policy(AndesConfig()).plan(scene.snapshot(100.0))
    plan.check(waiting=1000, running=0)
    assert plan.waiting is not None
    best = [scene.waiting[position] for position in plan.waiting]
    assert plan.admit is not None
    assert len(best) > plan.admit
    scene.waiting = sorted(best)  # so few that all of them are sorted
    again = make_policy(AndesConfig()).plan(scene.snapshot(100.0)).waiting
    assert again is not None
    assert [scene.waiting[position] for position in again] == best


def test_empty_queues_are_no_special_case() -> None:
    assert orders(make_policy(AndesConfig()).plan(Scene().snapshot(now=0.0))) == ([], [])


def test_fcfs_leaves_everything_alone() -> None:
    scene = Scene()
    scene.add(scene.waiting, arrival=0.0)
    plan = make_policy(AndesConfig(policy="fcfs")).plan(scene.snapshot(1.0))
    assert plan == Decision(again_in_s=float("inf"))


def test_an_unknown_policy_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(
        ValueError, match=f"'best'; the policies are: {', '.join(sorted(POLICIES))}"
    ):
        make_policy(AndesConfig(policy="best"))


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (Decision(waiting=np.array([0, 0])), "waiting order must name distinct positions below 2"),
        (Decision(waiting=np.array([2])), "waiting order must name distinct positions below 2"),
        (Decision(waiting=np.array([-1])), "waiting order must name distinct positions below 2"),
        (Decision(running=np.array([0, 1])), "running order is not a permutation of 3"),
        (Decision(running=np.array([0, 1, 3])), "running order is not a permutation of 3"),
        (Decision(admit=-1), "admit must be 0 or more, not -1"),
        (Decision(preempt=np.array([3])), "distinct positions below 3"),
        (Decision(preempt=np.array([1, 1])), "distinct positions below 3"),
        (Decision(preempt=np.array([-1])), "distinct positions below 3"),
    ],
)
def test_a_decision_that_is_none_is_caught(decision: Decision, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision.check(waiting=2, running=3)
