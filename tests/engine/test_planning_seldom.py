"""A plan holds while nothing changes; whatever changes behind our back, the next one sees it."""

import math
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.request import Request, RequestStatus

from andes_backend.config import AndesConfig
from andes_backend.engine import admission, versions
from andes_backend.engine.ledger import Ledger
from andes_backend.engine.queues import RememberedQueue
from andes_backend.policy import Decision, Snapshot
from tests.engine.real_scheduler import Machine, engine_config, request
from tests.thorough import cases

MakeMachine = Callable[..., Machine]


class Watched:
    """A policy whose decisions the test makes, and that remembers what it was asked."""

    def __init__(self, plan: Callable[[Snapshot], Decision]) -> None:
        self.decide = plan
        self.asked: list[Snapshot] = []

    def plan(self, snapshot: Snapshot) -> Decision:
        self.asked.append(snapshot)
        return self.decide(snapshot)

    def finished(self, output_tokens: int) -> None:
        """Nothing is learned."""


@pytest.fixture
def make_machine(tiny_model: Path) -> MakeMachine:
    def make(
        plan: Callable[[Snapshot], Decision], *, andes: Any = None, blocks: int = 200, **args: Any
    ) -> Machine:
        config = engine_config(tiny_model, additional_config={"andes": andes or {}}, **args)
        machine = Machine(config, blocks=blocks)
        machine.scheduler.andes_policy = Watched(plan)
        return machine

    return make


def plans(machine: Machine, steps: int = 1) -> int:
    """How many of the next steps the policy is asked for."""
    before = machine.scheduler.andes_counters.steps
    for _ in range(steps):
        machine.step()
    asked: int = machine.scheduler.andes_counters.steps - before
    assert machine.scheduler.andes_counters.fallbacks == 0
    return asked


def full(machine: Machine, *, running: int = 2, waiting: int = 2) -> None:
    """Requests that run and requests that have no place, and a plan that knows them all."""
    for index in range(running + waiting):
        machine.scheduler.add_request(request(f"r{index}", 20, 200))
    for _ in range(4):
        machine.step()
    assert len(machine.scheduler.running) == running
    assert len(machine.scheduler.waiting) == waiting


def test_a_plan_that_leaves_the_engine_idle_does_not_hold(make_machine: MakeMachine) -> None:
    machine = make_machine(lambda _: Decision(admit=0, again_in_s=math.inf))
    machine.scheduler.add_request(request("alone", 20, 5))
    assert plans(machine, 3) == 3
    machine.scheduler.andes_policy.decide = forever
    while machine.scheduler.has_unfinished_requests():
        machine.step()


def test_carrying_a_plan_out_is_no_reason_for_another(make_machine: MakeMachine) -> None:
    """One is admitted and another gives way, as planned: the queues change, and that is all."""
    machine = make_machine(lambda _: Decision(admit=1, again_in_s=math.inf), max_num_seqs=2)
    machine.scheduler.add_request(request("a", 20, 50))
    assert plans(machine) == 1
    assert plans(machine, 5) == 0
    preempted = Decision(preempt=np.array([0]), admit=1, again_in_s=math.inf)
    machine.scheduler.andes_policy.decide = lambda _: preempted
    machine.scheduler.add_request(request("b", 20, 50))
    assert plans(machine) == 1
    assert [r.request_id for r in machine.scheduler.running] == ["b"]
    ledger = machine.scheduler.andes_ledger
    rows = ledger.rows([machine.scheduler.requests[name] for name in "ab"], machine.now)
    assert ledger.table.data["running"][rows].tolist() == [False, True]
    assert ledger.table.data["preemptions"][rows].tolist() == [1, 0]
    assert plans(machine, 5) == 0


def test_what_vllm_could_not_carry_out_is_planned_again(make_machine: MakeMachine) -> None:
    machine = make_machine(lambda _: Decision(admit=2, again_in_s=math.inf), max_num_seqs=1)
    for name in "ab":
        machine.scheduler.add_request(request(name, 20, 50))
    assert plans(machine) == 1
    assert len(machine.scheduler.running) == 1
    assert plans(machine) == 1


@pytest.mark.parametrize(
    ("again_in_s", "plan_every_s", "asked"),
    [(0.0, 0.2, 20), (0.5, 0.2, 2), (None, 0.25, 4), (None, 0.0, 20), (math.inf, 0.2, 0)],
)
def test_a_policy_says_for_how_long_its_plan_holds(
    make_machine: MakeMachine, again_in_s: float | None, plan_every_s: float, asked: int
) -> None:
    """20 steps of 0.05 s in which no queue changes."""
    machine = make_machine(
        lambda _: Decision(again_in_s=again_in_s),
        andes={"plan_every_s": plan_every_s},
        max_num_seqs=2,
    )
    full(machine)
    assert plans(machine, 20) == pytest.approx(asked, abs=1)


@pytest.mark.parametrize("again_in_s", [-1.0, math.nan])
def test_a_decision_cannot_hold_for_less_than_no_time(again_in_s: float) -> None:
    with pytest.raises(ValueError, match="again_in_s must be 0 or more"):
        Decision(again_in_s=again_in_s).check(0, 0)


def forever(_: Snapshot) -> Decision:
    return Decision(again_in_s=math.inf)


CHANGES: dict[str, Callable[[Machine], object]] = {
    "arrives": lambda m: m.scheduler.add_request(request("new", 20, 20)),
    "arrives behind our back": lambda m: _slip_in(m, "new"),
    "waiting request is aborted": lambda m: _abort(m, m.scheduler.waiting.peek_request()),
    "running request is aborted": lambda m: _abort(m, m.scheduler.running[0]),
    "preempted by the cache's reset": lambda m: m.scheduler.reset_prefix_cache(True),
    "order of running": lambda m: m.scheduler.running.reverse(),
    "comes with its KV": lambda m: _hand_over(m, "new"),
    "one for another": lambda m: _exchange(m, "new"),
}


def _slip_in(machine: Machine, name: str) -> None:
    new = request(name, 20, 20)
    machine.scheduler.requests[name] = new
    machine.scheduler.waiting.add_request(new)


def _exchange(machine: Machine, name: str) -> None:
    _abort(machine, list(machine.scheduler.waiting)[1])
    _slip_in(machine, name)


def _hand_over(machine: Machine, name: str) -> None:
    """Requests whose KV is there already wait in a queue that is not ours."""
    held = request(name, 20, 20)
    held.status = RequestStatus.WAITING
    machine.scheduler.requests[name] = held
    admission.held_queue(machine.scheduler).add_request(held)


def _abort(machine: Machine, gone: Request) -> None:
    machine.scheduler.finish_requests(gone.request_id, RequestStatus.FINISHED_ABORTED)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_queue_is_seen_by_a_plan_at_once(make_machine: MakeMachine, change: str) -> None:
    machine = make_machine(forever, max_num_seqs=2)
    full(machine)
    assert plans(machine, 10) == 0
    CHANGES[change](machine)
    expected = [_names(machine.scheduler.waiting), _names(machine.scheduler.running)]
    sizes = [len(names) for names in expected]
    assert plans(machine) == 1
    snapshot = machine.scheduler.andes_policy.asked[-1]
    assert [len(snapshot.waiting), len(snapshot.running)] == sizes
    ledger = machine.scheduler.andes_ledger
    for names, rows in zip(expected, (snapshot.waiting, snapshot.running), strict=True):
        known = [machine.scheduler.requests.get(name) for name in names]
        of_theirs = ledger.rows([one for one in known if one is not None], machine.now)
        assert len(of_theirs) == len(rows)
        assert ledger.table.data["serial"][of_theirs].tolist() == rows["serial"].tolist()
    while machine.scheduler.has_unfinished_requests():
        machine.step()
    assert machine.scheduler.andes_counters.fallbacks == 0


def _names(requests: Any) -> list[str]:
    return [one.request_id for one in requests]


def test_vllms_own_preemption_is_seen(make_machine: MakeMachine) -> None:
    """Two that grow until the memory holds only one of them."""
    machine = make_machine(forever, blocks=20)
    for name in ("a", "b"):
        machine.scheduler.add_request(request(name, 100, 100))
    while len(machine.scheduler.running) < 2:
        machine.step()
    plans(machine, 3)
    while len(machine.scheduler.running) == 2:
        machine.step()
    assert plans(machine) == 1
    assert machine.scheduler.andes_policy.asked[-1].waiting["preemptions"].tolist() == [1]


def test_a_limit_on_admissions_holds_as_long_as_its_plan(make_machine: MakeMachine) -> None:
    machine = make_machine(lambda s: Decision(admit=0 if len(s.running) else 1, again_in_s=1.0))
    for index in range(3):
        machine.scheduler.add_request(request(f"r{index}", 20, 60))
    for _ in range(40):
        machine.step()
        assert len(machine.scheduler.running) == 1
    assert machine.scheduler.andes_counters.steps < 10


def test_after_a_failure_the_next_step_plans(make_machine: MakeMachine) -> None:
    def broken(_: Snapshot) -> Decision:
        raise ZeroDivisionError

    machine = make_machine(lambda _: Decision(admit=0, again_in_s=math.inf))
    machine.scheduler.add_request(request("a", 20, 20))
    machine.step()
    machine.step()
    policy = machine.scheduler.andes_policy
    policy.decide = broken
    machine.scheduler.add_request(request("b", 20, 20))
    machine.step()
    assert len(machine.scheduler.running) == 2  # vLLM's own order has vLLM's own limits
    asked = len(policy.asked)
    machine.step()
    assert len(policy.asked) == asked + 1


def test_bookkeeping_that_fails_leaves_no_old_limit(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan is made in the step after, whatever the last one has said about its next time."""
    machine = make_machine(forever, max_num_seqs=2)
    full(machine)
    assert plans(machine, 5) == 0

    def broken(*_: object) -> object:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(machine.scheduler.andes_ledger, "deliver", broken)
        machine.step()
    before = machine.scheduler.andes_counters.steps
    machine.step()
    assert machine.scheduler.andes_counters.steps == before + 1


def test_victims_of_a_policy_go_to_the_end_whether_it_orders_or_not(
    make_machine: MakeMachine,
) -> None:
    machine = make_machine(forever, max_num_seqs=2)
    full(machine)
    victim = machine.scheduler.running[0]
    machine.scheduler.andes_policy.decide = lambda _: Decision(preempt=np.array([0]), admit=0)
    machine.scheduler.andes_plan.end()
    machine.step()
    assert list(machine.scheduler.waiting)[-1] is victim
    assert len(machine.scheduler.waiting) == 3


names = st.lists(st.integers(0, 30), unique=True, max_size=12)


@settings(max_examples=cases(100))
@given(steps=st.lists(st.tuples(names, st.integers(0, 3), st.integers(0, 3), st.booleans())))
def test_rows_are_those_of_a_fresh_look_whatever_happens(
    steps: list[tuple[list[int], int, int, bool]],
) -> None:
    """Each step: some leave at the head, others come at the end; sometimes all is new, some
    rows are given up behind the queue's back, or the queue is put in another order."""
    everyone = [request(f"r{index}", 4, 4) for index in range(31)]
    ledger = Ledger(AndesConfig())
    queue, actual = RememberedQueue(ledger), deque[Request]()
    for chosen, leave, forgotten, anew in steps:
        if anew:
            actual = deque(everyone[index] for index in chosen)
        else:
            for _ in range(min(leave, len(actual))):
                actual.popleft()
            actual.extend(everyone[i] for i in chosen if everyone[i] not in actual)
        for gone in list(actual)[:forgotten]:
            ledger.remove(gone.request_id)
        for other in everyone[:forgotten]:
            ledger.add(other, 0.0)
        rows = queue.look(list(actual), 0.0)
        assert rows.tolist() == ledger.rows(actual, 0.0).tolist()
        assert queue.is_still(list(actual))
        order = np.argsort([one.request_id for one in actual]) if len(actual) else rows
        actual = deque(queue.reorder(order))
        assert [one.request_id for one in actual] == sorted(one.request_id for one in actual)
        assert queue.look(list(actual), 0.0).tolist() == ledger.rows(actual, 0.0).tolist()


def test_a_request_that_comes_again_under_its_name_is_found() -> None:
    """The queue has not changed, but the row has gone to another request."""
    ledger = Ledger(AndesConfig())
    queue, first = RememberedQueue(ledger), request("first", 4, 4)
    assert queue.look([first], 0.0).tolist() == [ledger.add(first, 0.0)]
    ledger.remove("first")
    other = ledger.add(request("other", 4, 4), 0.0)
    assert queue.look([first], 0.0).tolist() != [other]


def test_the_shape_of_a_step_is_that_of_its_requests(make_machine: MakeMachine) -> None:
    """Two that decode with 21 and 31 tokens in the cache, and a prompt of 40."""
    machine = make_machine(forever)
    shapes = []

    def latency(scheduled: SchedulerOutput) -> float:
        shapes.append(versions.step_shape(scheduled))
        return 0.05

    machine.latency = latency
    for name, prompt in (("a", 20), ("b", 30)):
        machine.scheduler.add_request(request(name, prompt, 5))
    machine.step()
    machine.step()
    machine.scheduler.add_request(request("c", 40, 5))
    machine.step()
    assert shapes == [(0, 0, 50), (2, 21 + 31, 0), (2, 22 + 32, 40)]
