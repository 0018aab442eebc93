"""Long prompts among readers, in vLLM's real scheduler on a virtual clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from vllm.lora.request import LoRARequest
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.request import Request

from andes_backend.engine import scheduler as ours
from andes_backend.engine import versions
from andes_backend.engine.step_budget import StepBudget, applied
from andes_backend.policy.latency import StepTimes
from andes_client.expectation import Expectation
from andes_client.qoe import Meter
from tests.engine.real_scheduler import Machine, engine_config, needs_argument, request

ROOM: Final = 512  # tokens in a step
LONG: Final = 1900
READER: Final = {"andes_ttft": 1.0, "andes_tds": 5.0}
TIMES: Final = StepTimes(0.03, 0.0, 0.0, 0.001)  # a step full of prompts takes 0.54 s

MakeMachine = Callable[..., "Watched"]


@pytest.fixture
def make_machine(tiny_model: Path) -> MakeMachine:
    def make(policy: str = "qoe", **engine_args: Any) -> Watched:
        config = engine_config(
            tiny_model,
            additional_config={"andes": {"policy": policy}},
            **{"max_num_batched_tokens": ROOM, **engine_args},
        )
        machine = Watched(config, blocks=1000)
        machine.scheduler.andes_latency.times = TIMES
        machine.scheduler.andes_latency.learned = True
        return machine

    return make


class Watched(Machine):
    """Remembers the steps, and when each request got its tokens."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, latency=self._takes, **kwargs)
        self.scheduled: list[dict[str, int]] = []
        self.times: dict[str, list[float]] = {}

    def _takes(self, scheduled: SchedulerOutput) -> float:
        self.scheduled.append(dict(scheduled.num_scheduled_tokens))
        return TIMES.step_s(*versions.step_shape(scheduled))

    def run(self, steps: int = 2000) -> None:
        """Until all requests have ended."""
        for _ in range(steps):
            for output in self.step():
                self.times.setdefault(output.request_id, []).extend(
                    self.now for _ in output.new_token_ids
                )
            if not self.scheduler.has_unfinished_requests():
                return

    def chunks(self, name: str) -> list[int]:
        """Of a prompt, step by step; 0 where it sat out."""
        steps = [step.get(name, 0) for step in self.scheduled]
        first = next(place for place, tokens in enumerate(steps) if tokens)
        last = max(place for place, tokens in enumerate(steps) if tokens > 1)
        return steps[first : last + 1]

    def longest_wait_s(self, name: str, arrival_s: float = 0.0) -> float:
        """Of a reader for more text."""
        meter, longest = Meter(Expectation(1.0, 5.0)), 0.0
        for time in self.times[name]:
            if meter.count:
                longest = max(longest, time - arrival_s - meter.free_at)
            meter.add(time - arrival_s)
        return longest


def served(machine: Watched, *, readers: int = 3, longs: int = 1) -> None:
    """Readers who have just got their first text, and long prompts that come then."""
    for index in range(readers):
        machine.scheduler.add_request(request(f"reader {index}", 20, 60, READER))
    machine.run(steps=1)
    for index in range(longs):
        machine.scheduler.add_request(request(f"long {index}", LONG, 20, READER))


def test_no_reader_waits_while_a_long_prompt_is_computed(make_machine: MakeMachine) -> None:
    waits = {}
    for policy in ("fcfs", "qoe"):
        machine = make_machine(policy)
        served(machine)
        machine.run()
        waits[policy] = max(machine.longest_wait_s(f"reader {i}") for i in range(3))
        assert sum(machine.chunks("long 0")) == LONG
    assert waits["fcfs"] == pytest.approx(0.34, abs=0.01)
    assert waits["qoe"] < 0.01


def test_of_several_long_prompts_the_first_goes_on(make_machine: MakeMachine) -> None:
    machine = make_machine()
    served(machine, longs=3)
    machine.run()
    ends = [machine.times[f"long {index}"][0] for index in range(3)]
    assert len(set(ends)) == 3  # one after the other
    assert 0 in machine.chunks("long 2") + machine.chunks("long 1")  # they have sat out
    for index in range(3):
        assert sum(machine.chunks(f"long {index}")) == LONG
        assert len(machine.times[f"long {index}"]) == 20


def test_a_prompt_goes_on_even_if_readers_have_no_text_at_all(make_machine: MakeMachine) -> None:
    """These read 1,000 tokens/s: nothing is fast enough for them."""
    machine = make_machine()
    for index in range(3):
        hungry = {"andes_ttft": 1.0, "andes_tds": 1000.0}
        machine.scheduler.add_request(request(f"reader {index}", 20, 300, hungry))
    machine.run(steps=3)
    machine.scheduler.add_request(request("long 0", LONG, 20, READER))
    machine.run()
    chunks = machine.chunks("long 0")
    assert min(chunks) > 0
    assert sum(chunks) == LONG
    fast, slow = ((TIMES.step_s(3, 0, n) / n) for n in (ROOM - 3, LONG / len(chunks)))
    assert slow < 1.2 * fast


def test_without_a_reader_nothing_is_limited(make_machine: MakeMachine) -> None:
    machine = make_machine()
    served(machine, readers=0)
    machine.run()
    assert machine.chunks("long 0") == [ROOM, ROOM, ROOM, LONG - 3 * ROOM]


def test_under_another_policy_nothing_is_limited(make_machine: MakeMachine) -> None:
    machine = make_machine("vtc")
    served(machine)
    machine.run()
    assert machine.chunks("long 0")[0] == ROOM - 3


@pytest.mark.parametrize(
    "floats",
    [
        False,
        pytest.param(True, marks=needs_argument("long_prefill_token_threshold_adaptive")),
    ],
)
@pytest.mark.parametrize("threshold", [100, 300])
def test_the_operators_own_limits_hold(
    make_machine: MakeMachine, threshold: int, floats: bool
) -> None:
    """One below and one above what readers leave; floating, it is a fair share or more."""
    adaptive = {"long_prefill_token_threshold_adaptive": True} if floats else {}
    machine = make_machine(long_prefill_token_threshold=threshold, **adaptive)
    served(machine, longs=2)
    machine.run()
    most = max(threshold, ROOM // 2) if floats else threshold
    assert max(tokens for step in machine.scheduled for tokens in step.values()) <= most
    assert max(sum(step.values()) for step in machine.scheduled) <= ROOM
    assert machine.scheduler.scheduler_config.long_prefill_token_threshold == threshold
    assert versions.chunks_float(machine.scheduler) is floats
    assert sum(machine.chunks("long 1")) == LONG


def test_a_budget_is_for_one_step(make_machine: MakeMachine) -> None:
    scheduler = make_machine().scheduler
    config = scheduler.scheduler_config
    with pytest.raises(RuntimeError, match="within"), applied(scheduler, StepBudget(7)):
        assert config.long_prefill_token_threshold == 7
        raise RuntimeError("within")
    assert config.long_prefill_token_threshold == 0


def test_a_budget_that_fails_leaves_vllm_its_own_way(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> StepBudget:
        raise ArithmeticError("no budget")

    machine = make_machine()
    served(machine)
    monkeypatch.setattr(ours, "step_budget", broken)
    machine.run()
    assert machine.chunks("long 0")[0] == ROOM - 3
    assert machine.scheduler.andes_counters.fallbacks > 0
    assert machine.scheduler.scheduler_config.long_prefill_token_threshold == 0


def test_when_planning_fails_no_budget_stays_in_force(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a prompt; readers still have text afterwards."""
    machine = make_machine()
    served(machine)
    machine.run(steps=3)
    scheduler = machine.scheduler

    class Broken:
        def plan(self, _: object) -> None:
            raise ArithmeticError("no plan")

        def finished(self, _: int) -> None: ...

    monkeypatch.setattr(scheduler, "andes_policy", Broken())
    scheduler.add_request(request("late", 20, 20, READER))
    machine.run()
    assert scheduler.andes_counters.fallbacks > 0
    assert scheduler.scheduler_config.long_prefill_token_threshold == 0
    assert sum(machine.chunks("long 0")) == LONG
    assert {len(times) for times in machine.times.values()} == {20, 60}


def test_who_sits_out_does_so_for_one_step(make_machine: MakeMachine) -> None:
    machine = make_machine()
    served(machine, longs=0)
    machine.run(steps=1)
    one = machine.scheduler.requests["reader 1"]
    with sitting_out(machine, one.request_id):
        machine.run(steps=1)
    machine.run(steps=1)
    assert [set(step) for step in machine.scheduled[-2:]] == [
        {"reader 0", "reader 2"},
        {"reader 0", "reader 1", "reader 2"},
    ]


@contextmanager
def sitting_out(machine: Machine, name: str) -> Iterator[None]:
    with applied(machine.scheduler, StepBudget(ROOM, [machine.scheduler.requests[name]])):
        yield


def test_prompts_that_vllm_may_not_cut_are_left_alone(make_machine: MakeMachine) -> None:
    machine = make_machine(max_num_batched_tokens=2048, enable_chunked_prefill=False)
    assert not versions.prompts_can_be_cut(machine.scheduler, [])
    scheduler = make_machine().scheduler
    assert versions.prompts_can_be_cut(scheduler, [request("text", 5, 5)])


def test_a_server_that_has_just_started_holds_no_prompt_back(make_machine: MakeMachine) -> None:
    """What a step costs is a guess then, and may be many times too long."""
    steps = {}
    for learned in (False, True):
        machine = make_machine()
        machine.scheduler.andes_latency.learned = learned
        served(machine)
        machine.run(steps=4)
        steps[learned] = max(step.get("long 0", 0) for step in machine.scheduled)
    assert steps[True] < steps[False]


def adapted(name: str, adapter: int, *shape: Any) -> Request:
    """A request for a LoRA adapter; for the model alone if its number is 0."""
    made = request(name, *shape)
    if adapter:
        made.lora_request = LoRARequest(f"adapter-{adapter}", adapter, "/no/such/place")
    return made


@pytest.mark.parametrize("lora", [False, True])
def test_nobody_sits_out_whose_adapter_vllm_would_forget(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch, lora: bool
) -> None:
    """Until 0.32 it may give the adapter's place away."""
    limits = {"enable_lora": True, "max_loras": 1} if lora else {}
    machine, sat_out = make_machine(max_num_seqs=4, **limits), set[str]()
    sit_out = versions.sit_out

    def seen(scheduler: Any, one: Request) -> None:
        sat_out.add(one.request_id)
        sit_out(scheduler, one)

    monkeypatch.setattr(versions, "sit_out", seen)
    for name, adapter, speed in (("rich", 1, 1.0), ("poor", 0, 30.0)):
        hints = {"andes_ttft": 1.0, "andes_tds": speed}
        machine.scheduler.add_request(adapted(name, adapter * lora, 20, 300, hints))
    for _ in range(100):  # until one of them can lend time
        machine.step()
    machine.scheduler.add_request(adapted("other", 2 * lora, 20, 20, READER))
    for number in range(3):
        machine.scheduler.add_request(request(f"long {number}", LONG, 5, READER))
    machine.run()
    assert not machine.scheduler.has_unfinished_requests()
    assert ("rich" in sat_out) is (not lora or versions.can_sit_out(machine.scheduler))
