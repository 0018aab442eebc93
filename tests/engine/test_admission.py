"""What vLLM admits by is what plans go by: asked of vLLM's real scheduler, flag by flag."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vllm.lora.request import LoRARequest
from vllm.v1.request import Request

from andes_backend.engine import admission
from andes_backend.engine.figures import figures_of
from andes_backend.policy import Decision, Snapshot
from tests.engine.real_scheduler import Machine, engine_config, needs_argument, request

MakeMachine = Callable[..., Machine]

needs_active_limit = needs_argument("max_num_active_seqs")


@pytest.fixture
def make_machine(tiny_model: Path) -> MakeMachine:
    def make(andes: Any = None, *, blocks: int = 201, **engine_args: Any) -> Machine:
        additional = {} if andes is None else {"andes": andes}
        config = engine_config(tiny_model, additional_config=additional, **engine_args)
        return Machine(config, blocks=blocks)

    return make


class Watching:
    """A policy that keeps what it was shown, and lets in whom vLLM lets in."""

    def __init__(self) -> None:
        self.seen: list[Snapshot] = []

    def plan(self, snapshot: Snapshot) -> Decision:
        self.seen.append(snapshot)
        return Decision(again_in_s=0.0)

    def finished(self, output_tokens: int) -> None:
        """Nothing is learned."""


def waiting(machine: Machine, count: int, prompt_tokens: int = 40, output_tokens: int = 40) -> None:
    first = len(machine.scheduler.requests)
    for index in range(first, first + count):
        machine.scheduler.add_request(request(f"r{index}", prompt_tokens, output_tokens))


@pytest.mark.parametrize(
    ("flags", "places"),
    [
        ({"max_num_seqs": 8}, 8),
        pytest.param({"max_num_seqs": 8, "max_num_active_seqs": 3}, 3, marks=needs_active_limit),
    ],
)
def test_as_many_run_as_a_plan_has_places(
    make_machine: MakeMachine, flags: dict[str, int], places: int
) -> None:
    machine = make_machine(**flags)
    policy = machine.scheduler.andes_policy = Watching()
    waiting(machine, 12)
    for _ in range(3):
        machine.step()
    assert len(machine.scheduler.running) == places
    assert {snapshot.max_running for snapshot in policy.seen} == {places}
    assert admission.admissions_left(machine.scheduler) == 0


@pytest.mark.parametrize(
    "flags",
    [
        {"max_num_seqs": 8, "watermark": 0.3},
        pytest.param({"max_num_seqs": 8, "max_num_active_seqs": 3}, marks=needs_active_limit),
    ],
)
def test_routers_are_told_of_the_same_limits(
    make_machine: MakeMachine, flags: dict[str, float]
) -> None:
    machine = make_machine(**flags)
    plain, given = make_machine(max_num_seqs=8), admission.room(machine.scheduler)
    told, told_without = figures_of(machine.scheduler), figures_of(plain.scheduler)
    block = machine.scheduler.block_size
    assert told.most_running == given.most_running
    assert told.kv_tokens == (given.total_blocks - 1) * block
    assert told.free_tokens == given.free_blocks * block
    assert (told.most_running, told.kv_tokens) != (
        told_without.most_running,
        told_without.kv_tokens,
    )


@pytest.mark.parametrize("watermark", [0.0, 0.3])
def test_vllm_admits_until_the_blocks_that_a_plan_has_are_given_out(
    make_machine: MakeMachine, watermark: float
) -> None:
    """Each request takes ten blocks, and so vLLM stops with fewer than ten to give."""
    machine = make_machine(watermark=watermark)
    policy = machine.scheduler.andes_policy = Watching()
    assert admission.room(machine.scheduler).free_blocks == 200 - int(201 * watermark)
    assert admission.room(machine.scheduler).total_blocks == 201 - int(201 * watermark)
    waiting(machine, 30, prompt_tokens=150)
    for _ in range(4):  # a step has tokens for half of them
        machine.step()
    assert 0 <= policy.seen[-1].free_blocks < 10
    assert len(machine.scheduler.running) == (200 - int(201 * watermark)) // 10


def test_those_who_run_may_take_what_is_kept_free(make_machine: MakeMachine) -> None:
    """And then there is less than nothing for newcomers."""
    machine = make_machine({"policy": "fcfs"}, blocks=41, watermark=0.5)
    waiting(machine, 2, prompt_tokens=150, output_tokens=150)
    for _ in range(140):
        machine.step()
    waiting(machine, 1)
    machine.step()
    assert admission.room(machine.scheduler).free_blocks < 0
    running = [one.request_id for one in machine.scheduler.running]
    while machine.scheduler.has_unfinished_requests():
        machine.step()
    assert sorted(running) == ["r0", "r1"]
    assert machine.scheduler.andes_counters.preempted.total() == 0
    assert machine.scheduler.andes_counters.responses == 3


@pytest.mark.parametrize("policy", ["qoe", "andes", "vtc", "round-robin", "fcfs"])
def test_a_prompt_for_which_everybody_has_to_leave_is_served(
    make_machine: MakeMachine, policy: str
) -> None:
    """vLLM makes an exception from the watermark where nobody runs."""
    machine = make_machine({"policy": policy, "overdue_after_s": 1.0}, blocks=41, watermark=0.5)
    waiting(machine, 3, output_tokens=60)
    waiting(machine, 1, prompt_tokens=500)
    waiting(machine, 6, output_tokens=60)
    for _ in range(5_000):
        machine.step()
        if not machine.scheduler.has_unfinished_requests():
            break
    assert machine.scheduler.andes_counters.responses == 10
    assert machine.scheduler.andes_counters.fallbacks == 0


def test_a_session_that_waits_for_input_keeps_its_place(make_machine: MakeMachine) -> None:
    machine = make_machine(max_num_seqs=3)
    session = request("session", 20, 3)
    session.resumable = True
    machine.scheduler.add_request(session)
    while machine.scheduler.num_waiting_for_streaming_input == 0:
        machine.step()
    policy = machine.scheduler.andes_policy = Watching()
    waiting(machine, 5, output_tokens=20)
    machine.step()
    assert [one.request_id for one in machine.scheduler.running] == ["r1", "r2"]
    assert policy.seen[-1].max_running == 2


def test_a_plan_lets_in_as_many_as_it_says_beside_such_a_session(make_machine: MakeMachine) -> None:
    machine = make_machine(max_num_seqs=8)
    session = request("session", 20, 3)
    session.resumable = True
    machine.scheduler.add_request(session)
    while machine.scheduler.num_waiting_for_streaming_input == 0:
        machine.step()
    watching = machine.scheduler.andes_policy = Watching()
    watching.plan = lambda snapshot: Decision(  # type: ignore[method-assign]  # noqa: ARG005
        admit=2, preempt=np.zeros(0, np.intp), again_in_s=0.0
    )
    waiting(machine, 6)
    machine.step()
    assert len(machine.scheduler.running) == 2
    machine.step()
    assert len(machine.scheduler.running) == 4


def with_adapter(name: str, adapter: int, output_tokens: int = 100) -> Request:
    made = request(name, 40, output_tokens)
    if adapter:
        made.lora_request = LoRARequest(f"adapter-{adapter}", adapter, "/no/such/place")
    return made


def test_nobody_is_preempted_for_whom_vllm_passes_over(make_machine: MakeMachine) -> None:
    """The memory is full, and a request comes that would be worth an exchange: its adapter has no
    place. Without an adapter it is, and somebody gives way."""
    preempted = {}
    for adapter in (0, 2):
        machine = make_machine(blocks=24, enable_lora=True, max_loras=1)
        for index in range(4):
            machine.scheduler.add_request(with_adapter(f"slow-{index}", 1, output_tokens=200))
        while len(machine.scheduler.running) < 2:
            machine.step()
        machine.now += 120.0  # far too late to be helped
        for index in range(3):
            machine.scheduler.add_request(with_adapter(f"fresh-{index}", adapter))
        for _ in range(20):
            machine.step()
        preempted[adapter] = machine.scheduler.andes_counters.preemptions
    assert preempted[0] > preempted[2] == 0


def test_an_adapter_without_a_place_gets_one(make_machine: MakeMachine) -> None:
    """Though requests of another one never end; vLLM's own order leaves it waiting."""
    machine = make_machine(blocks=41, enable_lora=True, max_loras=1)
    scheduler, served = machine.scheduler, set[str]()
    scheduler.add_request(with_adapter("r", 1))
    for step in range(6_000):  # 300 s
        if step % 20 == 0:
            scheduler.add_request(with_adapter(f"r{step}", 1))
        if step == 200:
            scheduler.add_request(with_adapter("other", 2))
        served |= {o.request_id for o in machine.step() if o.finish_reason is not None}
        if "other" in served:
            break
    assert "other" in served
    assert scheduler.andes_counters.fallbacks == 0
    assert machine.now < 10.0 + 30.0 + 60.0
