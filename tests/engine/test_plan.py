"""The plan in force: how long it holds, what it asks of a step, and what it remembers."""

import gc
import math
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vllm.v1.request import Request

from andes_backend.config import AndesConfig
from andes_backend.engine import versions
from andes_backend.engine.ledger import Ledger
from andes_backend.engine.plan import PlanInForce, Queues
from andes_backend.engine.waiting import WaitingQueue
from andes_backend.policy import Decision, Snapshot
from tests.engine.real_scheduler import Machine, engine_config, request

FOREVER = Decision(again_in_s=math.inf)


class Scene:
    """Requests that wait and run as vLLM has them, and a plan about them."""

    def __init__(self, *, waiting: int = 3, running: int = 2, usual_s: float = 0.5) -> None:
        self.waiting = WaitingQueue(request(f"w{index}", 4, 4) for index in range(waiting))
        self.running = [request(f"r{index}", 4, 4) for index in range(running)]
        self.held_elsewhere = 0
        self.ledger = Ledger(AndesConfig())
        self.plan = PlanInForce(self.ledger, usual_s)

    @property
    def queues(self) -> Queues:
        """As `AndesScheduler` makes them: both are vLLM's own."""
        return Queues(self.waiting, self.running, self.held_elsewhere)

    def planned(self, decision: Decision, now: float = 0.0) -> None:
        """A step for which a plan is made, up to vLLM's own schedule()."""
        plan, queues = self.plan, self.queues
        plan.next_step()
        self.ledger.table.note_queues(*plan.look(queues, now), now)
        waiting = plan.everybody_waiting(queues, now)
        preempt = [] if decision.preempt is None else decision.preempt.tolist()
        victims = [self.running[index] for index in preempt]
        first, self.running = plan.reorder(queues, waiting, decision)
        self.waiting.put_first(first)
        for victim in victims:
            self.running.remove(victim)
        plan.begin(decision, victims, self.held_elsewhere, now)

    def holds(self, now: float = 0.0) -> bool:
        return self.plan.holds(self.queues, now)


def test_at_first_there_is_no_plan() -> None:
    assert not Scene().holds()
    assert not Scene(waiting=0, running=0).holds()


@pytest.mark.parametrize(
    ("again_in_s", "holds_s"), [(None, 0.5), (2.0, 2.0), (0.0, 0.0), (math.inf, math.inf)]
)
def test_it_holds_as_long_as_its_decision_says_or_as_usual(
    again_in_s: float | None, holds_s: float
) -> None:
    scene = Scene(usual_s=0.5)
    scene.planned(Decision(again_in_s=again_in_s), now=10.0)
    for now in (10.0, 10.25, 11.0, 1e9):
        assert scene.holds(now) is (now < 10.0 + holds_s)


def exchange(queue: WaitingQueue, other: Request) -> None:
    queue.pop_request()
    queue.prepend_request(other)


CHANGES: dict[str, Callable[[Scene], object]] = {
    "arrives": lambda scene: scene.waiting.add_request(request("new", 4, 4)),
    "leaves the waiting": lambda scene: scene.waiting.pop_request(),
    "leaves the running": lambda scene: scene.running.pop(),
    "order of running": lambda scene: scene.running.reverse(),
    "one for another": lambda scene: exchange(scene.waiting, request("new", 4, 4)),
    "another by the same name": lambda scene: scene.running.__setitem__(0, request("r0", 4, 4)),
    "comes in": lambda scene: scene.running.append(scene.waiting.pop_request()),
    "holds KV blocks": lambda scene: setattr(scene, "held_elsewhere", 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_holds_no_longer_when_a_queue_has_changed(change: str) -> None:
    scene = Scene()
    scene.planned(FOREVER)
    assert scene.holds()
    CHANGES[change](scene)
    assert not scene.holds()


def test_a_queue_that_is_again_as_it_was_has_not_changed() -> None:
    scene = Scene()
    scene.planned(FOREVER)
    gone = scene.waiting.pop_request()
    assert not scene.holds()
    scene.waiting.prepend_request(gone)
    assert scene.holds()


def test_what_it_left_is_the_order_that_was_decided() -> None:
    scene = Scene()
    before, running = list(scene.waiting), scene.running
    scene.planned(Decision(waiting=np.array([2, 0, 1]), again_in_s=math.inf))
    assert list(scene.waiting) == [before[2], before[0], before[1]]
    assert scene.running is running  # vLLM's own list, where nothing was decided
    assert scene.holds()
    come, rows = scene.plan.look(scene.queues, 1.0)
    assert not len(come)
    waiting = scene.plan.everybody_waiting(scene.queues, 1.0)
    assert waiting.tolist() == scene.ledger.rows(scene.waiting, 1.0).tolist()
    assert rows.tolist() == scene.ledger.rows(scene.running, 1.0).tolist()


def test_a_plan_that_is_ended_holds_no_longer() -> None:
    scene = Scene()
    scene.planned(FOREVER)
    scene.plan.end()
    assert not scene.holds()
    scene.planned(FOREVER)
    assert scene.holds()


def test_a_look_alone_puts_no_plan_in_force() -> None:
    """Planning failed: the queues are known, and the next step plans all the same."""
    scene = Scene()
    scene.planned(FOREVER)
    scene.plan.end()
    scene.plan.look(scene.queues, 0.0)
    assert not scene.holds()


def test_its_victims_and_admissions_are_for_the_step_that_it_was_made_for() -> None:
    scene = Scene()
    victim = scene.running[1]
    scene.planned(Decision(preempt=np.array([1]), admit=2, again_in_s=math.inf))
    assert scene.plan.victims == [victim]
    assert scene.plan.admits == 2
    scene.plan.next_step()
    assert scene.plan.victims == []
    assert scene.plan.admits is None


def test_what_vllm_made_of_the_queues_by_carrying_it_out_is_no_change() -> None:
    scene = Scene()
    victim, first = scene.running[0], scene.waiting.peek_request()
    scene.planned(Decision(preempt=np.array([0]), admit=1, again_in_s=math.inf))
    scene.running.append(scene.waiting.pop_request())
    scene.waiting.add_request(victim)
    assert not scene.holds()
    scene.plan.settle(scene.queues, [first], 0.0)
    assert scene.holds()
    table, rows = scene.ledger.table, scene.ledger.rows([victim, first], 0.0)
    assert table.data["running"][rows].tolist() == [False, True]
    assert table.data["preemptions"][rows].tolist() == [1, 0]
    scene.plan.next_step()
    assert scene.holds()
    scene.running.pop()  # vLLM's own list, which was not the one remembered
    assert not scene.holds()


def test_who_was_seen_before_a_change_has_the_same_row_after_it() -> None:
    scene = Scene()
    scene.planned(FOREVER)
    rows = scene.ledger.rows(list(scene.waiting)[1:], 0.0)
    scene.waiting.pop_request()
    assert scene.plan.everybody_waiting(scene.queues, 1.0).tolist() == rows.tolist()


def test_of_those_who_have_left_nothing_is_kept() -> None:
    scene = Scene()
    scene.planned(Decision(preempt=np.array([0]), again_in_s=math.inf))
    requests = [weakref.ref(one) for one in (*scene.waiting, *scene.running, *scene.plan.victims)]
    scene.waiting.remove_requests(list(scene.waiting))
    scene.running = []
    scene.plan.next_step()
    scene.plan.forget(scene.queues, 1.0)
    gc.collect()
    assert len(requests) == 5
    assert [one() for one in requests] == [None] * 5


# In the scheduler


class Planned:
    """A policy whose decisions the test makes."""

    def __init__(self, plan: Callable[[Snapshot], Decision]) -> None:
        self.plan = plan

    def finished(self, output_tokens: int) -> None:
        """Nothing is learned."""


@pytest.fixture
def machine(tiny_model: Path) -> Machine:
    """Three that run and one that waits, of 40 tokens each, and a plan that holds."""
    machine = Machine(engine_config(tiny_model, max_num_seqs=3), blocks=200)
    machine.scheduler.andes_policy = Planned(lambda _: FOREVER)
    for index in range(4):
        machine.scheduler.add_request(request(f"r{index}", 20, 40))
    for _ in range(3):
        machine.step()
    assert machine.scheduler.andes_counters.fallbacks == 0
    return machine


def names(requests: Any) -> list[str]:
    return [one.request_id for one in requests]


def serve_all(machine: Machine) -> set[str]:
    """Run until nobody is left; who has ended, with all tokens of the request."""
    ended = set()
    requests = dict(machine.scheduler.requests)
    while machine.scheduler.has_unfinished_requests():
        ended |= {output.request_id for output in machine.step() if output.finish_reason}
    assert {len(requests[name].output_token_ids) for name in ended} == {40}
    return ended


def changed(machine: Machine, decision: Decision) -> None:
    """Let the policy decide so, and give it a reason to be asked."""
    machine.scheduler.andes_policy.plan = lambda _: decision
    machine.scheduler.andes_plan.end()


def test_victims_are_not_there_while_vllm_schedules(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = machine.scheduler
    seen: list[list[str]] = []
    begin = scheduler.kv_cache_manager.new_step_starts

    def looking() -> None:
        seen.append(names(scheduler.waiting) + names(scheduler.running))
        begin()

    monkeypatch.setattr(scheduler.kv_cache_manager, "new_step_starts", looking)
    changed(machine, Decision(preempt=np.array([0, 2]), again_in_s=math.inf))
    machine.step()
    assert seen == [["r3", "r1"]]
    assert names(scheduler.running) == ["r1", "r3"]
    assert names(scheduler.waiting) == ["r0", "r2"]


def test_victims_wait_even_if_vllms_own_schedule_raises(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("vLLM is broken")

    scheduler = machine.scheduler
    changed(machine, Decision(preempt=np.array([1]), admit=1, again_in_s=math.inf))
    with monkeypatch.context() as patched:
        patched.setattr(scheduler.kv_cache_manager, "new_step_starts", broken)
        with pytest.raises(ZeroDivisionError):
            scheduler.schedule()
    assert names(scheduler.running) == ["r0", "r2"]
    assert names(scheduler.waiting) == ["r3", "r1"]
    scheduler.andes_policy.plan = lambda _: FOREVER
    assert serve_all(machine) == {"r0", "r1", "r2", "r3"}
    assert scheduler.andes_counters.preempted["policy"] == 1


def test_a_preemption_that_fails_leaves_no_plan_and_nobody_twice(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two victims cannot be preempted."""
    scheduler, preempt = machine.scheduler, versions.preempt
    preempted: list[str] = []

    def once(of: Any, victim: Request) -> None:
        if preempted:
            raise ZeroDivisionError("vLLM is broken")
        preempted.append(victim.request_id)
        preempt(of, victim)

    changed(machine, Decision(preempt=np.array([0, 1]), admit=0, again_in_s=math.inf))
    with monkeypatch.context() as patched:
        patched.setattr(versions, "preempt", once)
        machine.step()
    assert preempted == ["r0"]
    assert scheduler.andes_counters.fallbacks == 1
    assert not scheduler.andes_plan.victims
    everybody = names(scheduler.waiting) + names(scheduler.running)
    assert sorted(everybody) == ["r0", "r1", "r2", "r3"]
    asked = scheduler.andes_counters.steps
    scheduler.andes_policy.plan = lambda _: FOREVER
    machine.step()
    assert scheduler.andes_counters.steps == asked + 1
    assert serve_all(machine) == {"r0", "r1", "r2", "r3"}
