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
        times = LatencyModel().times
        return Snapshot(now, data[self.waiting], data[self.running], 16, 10, 100, 64, times)


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
    decision = make_policy(AndesConfig()).plan(scene.snapshot(now=100.0))
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
    ("reserve", "running", "admitted"), [(0.0, 2, 2), (0.6, 2, 1), (4.0, 2, 0), (4.0, 0, 1)]
)
def test_admissions_leave_room_for_the_growth_of_those_that_run(
    reserve: float, running: int, admitted: int
) -> None:
    """Ten blocks are free; each of the waiting needs 4; an empty machine takes one anyway."""
    scene = Scene()
    for _ in range(3):
        scene.add(scene.waiting, arrival=0.0, prompt=60)
    for _ in range(running):
        scene.add(scene.running, arrival=0.0)
    config = AndesConfig(growth_reserve=reserve, calm_reserve=reserve)
    assert make_policy(config).plan(scene.snapshot(1.0)).admit == admitted


@pytest.mark.parametrize(("recompute_s", "admitted"), [(0.0, 1), (8.0, 0)])
def test_the_last_blocks_go_only_to_who_gains_more_than_a_preemption_costs(
    recompute_s: float, admitted: int
) -> None:
    scene = Scene()
    scene.add(scene.waiting, arrival=0.0, prompt=120)
    scene.add(scene.running, arrival=0.0)
    config = AndesConfig(growth_reserve=0.1, calm_reserve=5.0, recompute_s=recompute_s)
    assert make_policy(config).plan(scene.snapshot(1.0)).admit == admitted


def test_empty_queues_are_no_special_case() -> None:
    assert orders(make_policy(AndesConfig()).plan(Scene().snapshot(now=0.0))) == ([], [])


def test_fcfs_leaves_everything_alone() -> None:
    scene = Scene()
    scene.add(scene.waiting, arrival=0.0)
    assert make_policy(AndesConfig(policy="fcfs")).plan(scene.snapshot(1.0)) == Decision()


def test_an_unknown_policy_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(
        ValueError, match=f"'best'; the policies are: {', '.join(sorted(POLICIES))}"
    ):
        make_policy(AndesConfig(policy="best"))


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (Decision(waiting=np.array([0, 0])), "waiting order is no permutation of 2"),
        (Decision(waiting=np.array([0])), "waiting order is no permutation of 2"),
        (Decision(running=np.array([0, 1, 3])), "running order is no permutation of 3"),
        (Decision(admit=-1), "admit must be 0 or more, not -1"),
        (Decision(preempt=np.array([3])), "distinct positions below 3"),
        (Decision(preempt=np.array([1, 1])), "distinct positions below 3"),
        (Decision(preempt=np.array([-1])), "distinct positions below 3"),
    ],
)
def test_a_decision_that_is_none_is_caught(decision: Decision, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision.check(waiting=2, running=3)
