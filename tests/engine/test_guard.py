"""A policy that is wrong or slow, on vLLM's real scheduler: everybody is served all the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from andes_backend.engine.guard import InvalidDecisionError, checked
from andes_backend.policy import Decision, Snapshot
from tests.engine.real_scheduler import Machine, engine_config, request

NOBODY = np.zeros(0, np.intp)


class Made:
    """A policy made of a function."""

    def __init__(self, plan: Callable[[Snapshot], Any]) -> None:
        self.plan = plan

    def finished(self, output_tokens: int) -> None:
        del output_tokens


def served(machine: Machine, requests: int = 6, tokens: int = 12) -> None:
    """Every request gets its tokens, and every KV block comes back."""
    for index in range(requests):
        machine.scheduler.add_request(request(f"r{index}", 40, tokens))
    delivered = dict.fromkeys((f"r{index}" for index in range(requests)), 0)
    while machine.scheduler.has_unfinished_requests():
        for output in machine.step(in_flight=1):
            delivered[output.request_id] += len(output.new_token_ids)
        assert machine.steps < 10_000
    assert set(delivered.values()) == {tokens}
    assert machine.scheduler.kv_cache_manager.usage == 0
    assert len(machine.scheduler.andes_ledger) == 0


@pytest.fixture
def machine(tiny_model: Path) -> Machine:
    settings = {"andes": {"policy": "qoe", "plan_every_s": 0}}
    config = engine_config(tiny_model, additional_config=settings, max_num_seqs=2)
    return Machine(config, blocks=60)


def other_type(value: Any) -> Callable[[Snapshot], Any]:
    return lambda _: value


def decision(**fields: Any) -> Callable[[Snapshot], Any]:
    return lambda _: Decision(**fields)


def with_nan(snapshot: Snapshot) -> Any:
    return Decision(running=np.full(len(snapshot.running), np.nan))


INVALID = {
    "nothing": other_type(None),
    "a string": other_type("serve the first"),
    "a list": other_type([0, 1]),
    "the class": other_type(Decision),
    "an order that is a list": decision(waiting=[0]),
    "an order that is a number": decision(running=3),
    "an order that is too long": lambda s: Decision(waiting=np.arange(len(s.waiting) + 1)),
    "an order of floats": lambda s: Decision(running=np.arange(len(s.running), dtype=float)),
    "an order of NaN": with_nan,
    "an order with two dimensions": lambda s: Decision(waiting=np.arange(len(s.waiting))[None]),
    "an order that names one twice": lambda _: Decision(running=np.zeros(9, np.intp)),
    "a mask for an order": lambda s: Decision(running=np.ones(len(s.running), bool)),
    "text for an order": lambda s: Decision(running=np.array(["a"] * len(s.running))),
    "admit of NaN": decision(admit=float("nan")),
    "admit of a half": decision(admit=0.5),
    "admit of a string": decision(admit="all"),
    "admit below nobody": decision(admit=-1),
    "a victim who is not there": decision(preempt=np.array([99])),
    "a victim from behind": decision(preempt=np.array([-1])),
    "a victim who is no position": decision(preempt=np.array([0.0])),
    "victims as one number": decision(preempt=np.array(0)),
    "a plan for NaN seconds": decision(again_in_s=float("nan")),
    "a plan for ever so long": decision(again_in_s="long"),
}


@pytest.mark.parametrize("plan", INVALID.values(), ids=INVALID)
def test_an_invalid_decision_is_counted_and_vllm_serves_as_it_would(
    machine: Machine, plan: Callable[[Snapshot], Any], caplog: pytest.LogCaptureFixture
) -> None:
    machine.scheduler.andes_policy = Made(plan)
    served(machine)
    counters = machine.scheduler.andes_counters
    assert set(counters.fell_back) == {"invalid"}
    assert counters.fallbacks > 0
    (told,) = [r.getMessage() for r in caplog.records if "planning failed" in r.getMessage()]
    assert "made an invalid decision" in told


def test_an_error_is_counted_and_shown_once(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    def plan(_: Snapshot) -> Decision:
        raise KeyError("reader")

    machine.scheduler.andes_policy = Made(plan)
    served(machine)
    counters = machine.scheduler.andes_counters
    assert set(counters.fell_back) == {"raised"}
    assert counters.fallbacks == counters.steps
    (told,) = [r for r in caplog.records if "planning failed" in r.getMessage()]
    assert "the policy raised an error" in told.getMessage()
    assert told.exc_info is not None
    assert told.exc_info[0] is KeyError


def test_a_policy_that_cannot_learn_does_not_lose_the_figures(machine: Machine) -> None:
    class Forgetful(Made):
        def finished(self, output_tokens: int) -> None:
            raise MemoryError(output_tokens)

    machine.scheduler.andes_policy = Forgetful(lambda _: Decision())
    served(machine)
    counters = machine.scheduler.andes_counters
    assert counters.responses == 6
    assert counters.fell_back["raised"] > 0


def test_planning_takes_at_most_a_tenth_of_the_time(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[float] = []

    def plan(snapshot: Snapshot) -> Decision:
        asked.append(machine.now)
        machine.now += 1.0
        return Decision(waiting=np.arange(len(snapshot.waiting))[::-1].copy(), admit=0)

    machine.scheduler.andes_policy = Made(plan)
    served(machine, requests=8, tokens=200)
    assert len(asked) >= 3
    assert min(np.diff(asked)) >= 11.0  # one second of planning, ten of serving
    counters = machine.scheduler.andes_counters
    assert counters.fell_back == {"slow": len(asked)}
    assert counters.steps == len(asked)
    (told,) = [r.getMessage() for r in caplog.records if "slow_plan_s" in r.getMessage()]
    assert "took 1.000 s, longer than slow_plan_s = 0.05" in told
    assert "for the next 10.0 s" in told


def test_a_slow_plan_that_fails_is_both(machine: Machine) -> None:
    def plan(_: Snapshot) -> Decision:
        machine.now += 0.2
        raise ValueError

    machine.scheduler.andes_policy = Made(plan)
    served(machine, tokens=50)
    counters = machine.scheduler.andes_counters
    assert counters.fell_back["slow"] == counters.fell_back["raised"] >= 2


def test_the_operator_says_what_is_slow(tiny_model: Path) -> None:
    settings = {"andes": {"slow_plan_s": 2.0, "plan_every_s": 0}}
    config = engine_config(tiny_model, additional_config=settings, max_num_seqs=2)
    machine = Machine(config, blocks=60)

    def plan(_: Snapshot) -> Decision:
        machine.now += 1.0
        return Decision()

    machine.scheduler.andes_policy = Made(plan)
    served(machine)
    assert machine.scheduler.andes_counters.fallbacks == 0


def test_on_a_virtual_clock_no_plan_is_slow(machine: Machine) -> None:
    served(machine)
    counters = machine.scheduler.andes_counters
    assert counters.fallbacks == 0
    assert counters.steps > 10


def test_a_decision_that_can_be_carried_out_is_left_alone() -> None:
    good = Decision(
        waiting=np.array([1, 0]),
        running=np.array([0]),
        admit=np.int64(1),  # type: ignore[arg-type] # numpy's integers are good, too
        preempt=NOBODY,
    )
    assert checked(good, 2, 1) is good


def test_the_message_says_what_is_wrong() -> None:
    with pytest.raises(InvalidDecisionError, match=r"not a Decision but 'first'"):
        checked("first", 1, 1)
    with pytest.raises(InvalidDecisionError, match=r"the waiting order must name distinct pos"):
        checked(Decision(waiting=np.array([0, 0])), 2, 1)
    with pytest.raises(InvalidDecisionError, match=r"admit is not a number of requests but nan"):
        checked(Decision(admit=float("nan")), 0, 0)  # type: ignore[arg-type]
