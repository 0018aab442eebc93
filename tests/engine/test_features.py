"""Features of vLLM beside our scheduler, on vLLM's real scheduler; no model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vllm import PoolingParams
from vllm.v1.core.sched.interface import PauseState
from vllm.v1.engine import EngineCoreOutput, EngineCoreOutputs, FinishReason
from vllm.v1.request import Request, RequestStatus

from andes_backend.engine import admission
from andes_backend.policy import Decision, Snapshot
from tests.engine.real_scheduler import Machine, engine_config, request

MakeMachine = Callable[..., Machine]


@pytest.fixture
def make_machine(tiny_model: Path) -> MakeMachine:
    def make(andes: Any = None, *, blocks: int = 200, **engine_args: Any) -> Machine:
        additional = {"andes": andes or {}}
        config = engine_config(tiny_model, additional_config=additional, **engine_args)
        return Machine(config, blocks=blocks)

    return make


class PreemptsAll:
    def plan(self, snapshot: Snapshot) -> Decision:
        return Decision(preempt=np.arange(len(snapshot.running)), again_in_s=0.0)

    def finished(self, output_tokens: int) -> None:
        del output_tokens


def serve_all(machine: Machine, in_flight: int) -> int:
    tokens = 0
    while machine.scheduler.has_unfinished_requests():
        tokens += sum(len(output.new_token_ids) for output in machine.step(in_flight))
        assert machine.steps < 10_000
    return tokens


@pytest.mark.parametrize("ahead", [True, False])
def test_async_scheduling_is_vllms_to_choose(make_machine: MakeMachine, ahead: bool) -> None:
    """Ahead, a request is scheduled again before its token is known; in step, it is not."""
    machine = make_machine(async_scheduling=ahead)
    machine.scheduler.add_request(request("a", 20, 10))
    machine.step(1)
    assert machine.scheduler.requests["a"].num_output_placeholders == int(ahead)
    again = machine.scheduler.schedule()
    assert ("a" in again.num_scheduled_tokens) is ahead


@pytest.mark.parametrize("ahead", [True, False])
def test_several_steps_under_way(make_machine: MakeMachine, ahead: bool) -> None:
    """As with pipeline parallelism: up to four steps at once."""
    machine = make_machine(async_scheduling=ahead, max_num_seqs=8)
    for index in range(12):
        machine.scheduler.add_request(request(f"r{index}", 30, 20 + index))
    assert serve_all(machine, in_flight=3) == sum(20 + index for index in range(12))
    assert machine.scheduler.andes_counters.fallbacks == 0


@pytest.mark.parametrize("state", [PauseState.PAUSED_NEW, PauseState.PAUSED_ALL])
def test_nobody_is_preempted_in_a_pause(make_machine: MakeMachine, state: PauseState) -> None:
    """Who is taken off in a pause could not come back before its end, and the pause waits."""
    machine = make_machine(async_scheduling=False)
    for name in "ab":
        machine.scheduler.add_request(request(name, 20, 10))
    machine.step()
    machine.scheduler.andes_policy = PreemptsAll()
    machine.scheduler.set_pause_state(state)
    for _ in range(3):
        machine.now += 1.0  # no plan holds so long
        machine.step()
    assert [r.request_id for r in machine.scheduler.running] == ["a", "b"]
    assert machine.scheduler.andes_counters.preempted["policy"] == 0


@pytest.mark.parametrize("hand_off", [False, True])
def test_a_kv_cache_to_be_handed_on_is_never_promised_without_it(
    make_machine: MakeMachine, hand_off: bool
) -> None:
    """Then vLLM drops the token under way and computes it again with its KV."""
    machine = make_machine()
    machine.scheduler.requires_kv_delivery = hand_off
    machine.scheduler.add_request(request("a", 20, 10))
    machine.step(1)
    machine.scheduler.andes_policy = PreemptsAll()
    machine.now += 1.0  # the last plan holds no longer
    machine.scheduler.schedule()
    assert machine.scheduler.requests["a"].drop_stale_output is hand_off


def test_who_holds_memory_already_is_not_kept_out(make_machine: MakeMachine) -> None:
    """A request whose KV came from elsewhere waits in a queue of vLLM's own."""
    machine = make_machine({"policy": "qoe"})
    scheduler = machine.scheduler
    scheduler.add_request(request("running", 20, 10))
    machine.step(1)
    held = request("held", 20, 10)
    held.status = RequestStatus.WAITING
    scheduler.requests["held"] = held
    admission.held_queue(scheduler).add_request(held)
    machine.now += 1.0  # the last plan holds no longer
    queues = scheduler._queues()
    assert not scheduler.andes_plan.holds(queues, machine.now)
    machine.step(1)
    assert held in scheduler.running


def test_more_input_for_a_session_does_not_forget_its_reader(make_machine: MakeMachine) -> None:
    machine = make_machine()
    first = request("session", 20, 10)
    first.resumable = True
    machine.scheduler.add_request(first)
    for _ in range(3):
        machine.step(0)
    ledger = machine.scheduler.andes_ledger
    row = ledger.rows([first], machine.now)
    delivered = int(ledger.table.data["delivered"][row][0])
    assert delivered > 0
    more = request("session", 5, 10)
    more.resumable = True
    machine.scheduler.add_request(more)
    row = ledger.rows([first], machine.now)
    assert int(ledger.table.data["delivered"][row][0]) == delivered


def test_pooling_has_no_reader(make_machine: MakeMachine) -> None:
    """It ends without a token; it counts neither as a response nor as a wait without end."""
    ledger = make_machine().scheduler.andes_ledger
    ledger.add(Request("pooled", [1, 2, 3], None, PoolingParams()), 0.0)
    done = EngineCoreOutput("pooled", [], finish_reason=FinishReason.STOP)
    assert ledger.deliver([EngineCoreOutputs(outputs=[done])], 1.0) == []
    assert len(ledger) == 0
    assert ledger._counters.responses == 0


def test_an_abort_leaves_nothing_even_if_nobody_comes_after(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.scheduler.add_request(request("a", 20, 10))
    machine.step(1)
    machine.scheduler.finish_requests("a", RequestStatus.FINISHED_ABORTED)
    assert len(machine.scheduler.andes_ledger) == 0
    machine.step(0)
    assert machine.scheduler.andes_plan._running.is_still([])
