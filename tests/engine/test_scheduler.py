"""AndesScheduler over vLLM's real scheduler, block manager and preemption; no model."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vllm.v1.request import RequestStatus

from andes_backend.engine import releases, versions
from andes_backend.engine.reports import Checked
from andes_backend.policy import Decision, Snapshot, shortlist
from andes_client import Expectation, wire
from andes_client.qoe import qoe
from tests.engine.real_scheduler import Machine, engine_config, request

MakeMachine = Callable[..., Machine]


@pytest.fixture
def make_machine(tiny_model: Path) -> MakeMachine:
    def make(andes: Any = None, *, blocks: int = 200, **engine_args: Any) -> Machine:
        additional = {} if andes is None else {"andes": andes}
        config = engine_config(tiny_model, additional_config=additional, **engine_args)
        return Machine(config, blocks=blocks)

    return make


class Planned:
    """A policy whose decisions the test makes."""

    def __init__(self, plan: Callable[[Snapshot], Decision]) -> None:
        self.plan = plan
        self.lengths: list[int] = []

    def finished(self, output_tokens: int) -> None:
        self.lengths.append(output_tokens)


def serve_all(machine: Machine, in_flight: int = 1) -> Counter[str]:
    """Run until nobody is left; the tokens that each request was delivered."""
    delivered: Counter[str] = Counter()
    while machine.scheduler.has_unfinished_requests():
        for output in machine.step(in_flight):
            delivered[output.request_id] += len(output.new_token_ids)
        assert machine.steps < 100_000, "the scheduler goes round in circles"
    return delivered


def assert_clean(machine: Machine) -> None:
    """Everyone served, every KV block given back, no state left behind."""
    free, total = versions.block_counts(machine.scheduler)
    assert free == total - 1  # vLLM keeps one block for padding
    assert len(machine.scheduler.andes_ledger) == 0
    assert len(machine.scheduler.andes_ledger.table) == 0
    assert not machine.scheduler.requests


@pytest.mark.parametrize("policy", ["fcfs", "qoe"])
@pytest.mark.parametrize("in_flight", [0, 1])
def test_every_token_once_though_memory_is_scarce(
    make_machine: MakeMachine, policy: str, in_flight: int
) -> None:
    machine = make_machine({"policy": policy}, blocks=60)
    expected = {f"r{i}": 20 + 7 * (i % 13) for i in range(60)}
    for index, (name, tokens) in enumerate(expected.items()):
        hints = wire.encode(Expectation(1.0, 2.0 + index % 5))
        machine.scheduler.add_request(request(name, 30 + 11 * (index % 7), tokens, hints))
    assert serve_all(machine, in_flight) == expected
    counters = machine.scheduler.andes_counters
    assert counters.responses == 60
    assert counters.fallbacks == 0
    assert 0.0 < counters.qoe_sum < 60.0
    assert_clean(machine)


def test_a_plan_about_a_few_of_those_who_wait_forgets_nobody(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a queue of thousands: most who wait are no part of a plan."""
    for name, value in (("FEW", 0), ("_BEST", 4), ("_SLICE", 3)):
        monkeypatch.setattr(shortlist, name, value)
    machine = make_machine(blocks=60, max_num_seqs=4)
    expected = {f"r{i}": 20 + 7 * (i % 13) for i in range(40)}
    for name, length in expected.items():
        machine.scheduler.add_request(request(name, 50, length))
    scheduler, looked = machine.scheduler, []
    plan: Callable[[Snapshot], Decision] = scheduler.andes_policy.plan

    def counting(snapshot: Snapshot) -> Decision:
        looked.append(len(snapshot.waiting) / max(1, len(scheduler.waiting)))
        return plan(snapshot)

    monkeypatch.setattr(scheduler.andes_policy, "plan", counting)
    assert serve_all(machine) == expected
    assert scheduler.andes_counters.fallbacks == 0
    assert min(looked) < 0.5
    assert_clean(machine)


def test_made_without_its_constructor_it_is_vllms_own(make_machine: MakeMachine) -> None:
    """vLLM's own tests make schedulers so, and set its attributes one by one."""
    machine = make_machine()
    whole = vars(machine.scheduler)
    bare = type(machine.scheduler).__new__(type(machine.scheduler))
    for name in [one for one in whole if not one.startswith(("andes_", "_minute", "_exchange"))]:
        setattr(bare, name, whole[name])
    machine.scheduler = bare
    for name in "abc":
        bare.add_request(request(name, 20, 30))
    machine.step()
    (gone,) = bare.finish_requests("c", RequestStatus.FINISHED_ABORTED)
    assert gone.request_id == "c"
    assert set(serve_all(machine)) == {"a", "b"}


def test_the_ledger_sees_the_qoe_that_was_delivered(make_machine: MakeMachine) -> None:
    machine = make_machine({"policy": "qoe"}, blocks=60)
    expectation, times = Expectation(0.2, 9.0), []
    for name in "abc":
        machine.scheduler.add_request(request(name, 300, 40, wire.encode(expectation)))
    while machine.scheduler.has_unfinished_requests():
        for output in machine.step():
            if output.request_id == "c":
                times += [machine.now] * len(output.new_token_ids)
                if output.finish_reason is None:
                    row = machine.scheduler.andes_ledger.rows([machine.scheduler.requests["c"]], 0)
                    assert machine.scheduler.andes_ledger.table.qoe(row)[0] == pytest.approx(
                        qoe(times, expectation), abs=1e-9
                    )
    assert len(times) == 40
    assert qoe(times, expectation) < 1.0


@pytest.mark.parametrize(("share", "order"), [(0.0, ["fresh", "late"]), (0.05, ["late", "fresh"])])
def test_the_most_urgent_is_admitted_first_and_nobody_is_forgotten(
    make_machine: MakeMachine, share: float, order: list[str]
) -> None:
    """Room for one at a time: the fresh request passes the one that is hopelessly late, except
    in the lane for those who are overdue."""
    machine = make_machine({"policy": "qoe", "overdue_kv_share": share}, max_num_seqs=1)
    machine.scheduler.add_request(request("first", 40, 30))
    machine.scheduler.add_request(request("late", 40, 30))
    machine.step()
    machine.now += 300.0
    machine.scheduler.add_request(request("fresh", 40, 30))
    finished = []
    while machine.scheduler.has_unfinished_requests():
        finished += [o.request_id for o in machine.step() if o.finish_reason is not None]
    assert sorted(finished) == ["first", "fresh", "late"]
    assert [name for name in finished if name != "first"] == order


def test_a_policy_may_limit_admissions(make_machine: MakeMachine) -> None:
    machine = make_machine()
    every_step = Decision(admit=2, again_in_s=0.0)
    policy = machine.scheduler.andes_policy = Planned(lambda _: every_step)
    for name in "abcde":
        machine.scheduler.add_request(request(name, 20, 30))
    machine.step()
    assert len(machine.scheduler.running) == 2
    machine.step()
    assert len(machine.scheduler.running) == 4
    policy.plan = broken  # vLLM's own order has vLLM's own limits
    machine.step()
    assert len(machine.scheduler.running) == 5
    serve_all(machine)


def test_who_is_preempted_for_a_step_does_not_come_back_in_it(make_machine: MakeMachine) -> None:
    """A KV connector of vLLM fails on a request that is preempted and resumed at once."""
    machine = make_machine()
    machine.scheduler.add_request(request("alone", 20, 8))
    machine.step()
    policy = machine.scheduler.andes_policy = Planned(lambda _: Decision(preempt=np.array([0])))
    machine.now += 1.0  # the first plan holds no longer
    scheduled = machine.scheduler.schedule()
    assert scheduled.total_num_scheduled_tokens == 0
    assert [r.request_id for r in machine.scheduler.waiting] == ["alone"]
    policy.plan = lambda _: Decision()
    serve_all(machine)


def test_fcfs_is_vllms_own_order(make_machine: MakeMachine) -> None:
    machine = make_machine({"policy": "fcfs"}, max_num_seqs=1)
    for name in ("a", "b", "c"):
        machine.scheduler.add_request(request(name, 40, 5))
        machine.now += 100.0
    finished = []
    while machine.scheduler.has_unfinished_requests():
        finished += [o.request_id for o in machine.step() if o.finish_reason is not None]
    assert finished == ["a", "b", "c"]


def test_random_preemptions_lose_no_token(make_machine: MakeMachine) -> None:
    """With outputs in flight, as async scheduling has them."""
    machine = make_machine(blocks=100)
    random = np.random.default_rng(1)

    def plan(snapshot: Snapshot) -> Decision:
        w, r = len(snapshot.waiting), len(snapshot.running)
        victims = np.flatnonzero(random.random(r) < 0.1)
        return Decision(
            waiting=random.permutation(w), running=random.permutation(r), preempt=victims
        )

    machine.scheduler.andes_policy = Planned(plan)
    expected = {f"r{i}": 10 + i for i in range(40)}
    for name, tokens in expected.items():
        machine.scheduler.add_request(request(name, 50, tokens))
    assert serve_all(machine) == expected
    assert machine.scheduler.andes_counters.preemptions > 50
    assert machine.scheduler.andes_counters.fallbacks == 0
    assert_clean(machine)


def test_the_policy_hears_of_lengths_of_complete_responses_only(
    make_machine: MakeMachine,
) -> None:
    machine = make_machine()
    policy = machine.scheduler.andes_policy = Planned(lambda _: Decision())
    for name, tokens in (("a", 5), ("gone", 50), ("b", 9)):
        machine.scheduler.add_request(request(name, 20, tokens))
    for _ in range(3):
        machine.step(1)
    machine.scheduler.finish_requests("gone", RequestStatus.FINISHED_ABORTED)
    serve_all(machine)
    assert policy.lengths == [5, 9]
    machine.scheduler.add_request(request("last", 20, 1))
    serve_all(machine)
    assert_clean(machine)


@pytest.mark.parametrize("when", ["waiting", "running"])
def test_an_aborted_request_leaves_nothing_behind(make_machine: MakeMachine, when: str) -> None:
    machine = make_machine({"policy": "qoe"}, max_num_seqs=1)
    for name in ("running", "waiting", "other"):
        machine.scheduler.add_request(request(name, 40, 20))
    machine.step(1)
    machine.step(1)
    machine.scheduler.finish_requests(when, RequestStatus.FINISHED_ABORTED)
    serve_all(machine)
    assert_clean(machine)


def says(stream: str, number: int, state: wire.State, **more: Any) -> Checked:
    values: dict[str, Any] = {"units": 0, "tokens": 0.0, "buffer_s": 0.0, **more}
    return Checked.of(wire.Report(stream=stream, number=number, state=state, **values))


@pytest.mark.parametrize("policy", ["fcfs", "qoe"])
@pytest.mark.parametrize("when", ["waiting", "running"])
def test_the_memory_of_who_is_gone_is_free_at_once(
    make_machine: MakeMachine, policy: str, when: str
) -> None:
    """Though nobody has closed a connection."""
    machine = make_machine({"policy": policy}, max_num_seqs=1)
    scheduler = machine.scheduler
    for name in ("running", "waiting", "other"):
        scheduler.add_request(request(name, 40, 20, wire.encode(None, stream=f"of-{name}")))
    machine.step(1)
    machine.step(1)
    before, _ = versions.block_counts(scheduler)
    (gone,) = scheduler.andes_tell([says(f"of-{when}", 1, "gone")])
    assert gone.request_id == when
    assert versions.block_counts(scheduler)[0] == before + (3 if when == "running" else 0)
    assert scheduler.andes_tell([says(f"of-{when}", 2, "gone")]) == []
    delivered = serve_all(machine)
    assert {name: delivered[name] for name in ("waiting", "other")} == {
        "waiting": 0 if when == "waiting" else 20,
        "other": 20,
    }
    assert_clean(machine)
    assert not len(scheduler.andes_ledger.reports)


def test_who_is_away_gives_way_to_who_reads(make_machine: MakeMachine) -> None:
    machine = make_machine({"policy": "qoe"}, max_num_seqs=1)
    scheduler = machine.scheduler
    for name in ("first", "away", "reads"):
        scheduler.add_request(request(name, 40, 8, wire.encode(None, stream=f"of-{name}")))
    machine.step()
    scheduler.andes_tell([says("of-away", 1, "hidden")])
    order: list[str] = []
    while scheduler.has_unfinished_requests():
        order += [o.request_id for o in machine.step() if o.finish_reason is not None]
    assert order == ["first", "reads", "away"]
    assert_clean(machine)


def test_a_report_that_cannot_be_applied_does_not_take_the_server_down(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = make_machine({"policy": "qoe"})
    scheduler = machine.scheduler
    scheduler.add_request(request("one", 40, 8, wire.encode(None, stream="a")))
    monkeypatch.delattr(type(scheduler.andes_ledger.table), "hear")
    assert scheduler.andes_tell([says("a", 1, "paused")]) == []
    assert scheduler.andes_counters.fallbacks == 1
    assert serve_all(machine) == {"one": 8}


def test_a_forecast_that_fails_leaves_the_streams_without_one(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = make_machine({"policy": "qoe"})
    scheduler = machine.scheduler
    scheduler.add_request(request("one", 40, 8, wire.encode(None, stream="a")))
    monkeypatch.delattr(type(scheduler.andes_ledger.forecasts), "of")
    assert scheduler.andes_expect(["a", "elsewhere"]) == {"a": None}
    assert scheduler.andes_counters.fallbacks == 1
    assert serve_all(machine) == {"one": 8}


def invalid(snapshot: Snapshot) -> Decision:
    return Decision(waiting=np.zeros(len(snapshot.waiting) + 1, dtype=np.intp))


def broken(_: Snapshot) -> Decision:
    raise ZeroDivisionError("the policy is broken")


@pytest.mark.parametrize("plan", [invalid, broken])
def test_a_policy_that_fails_does_not_take_the_server_down(
    make_machine: MakeMachine,
    plan: Callable[[Snapshot], Decision],
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = make_machine(max_num_seqs=1)
    machine.scheduler.andes_policy = Planned(plan)
    for name in ("a", "b"):
        machine.scheduler.add_request(request(name, 20, 10))
    assert serve_all(machine) == {"a": 10, "b": 10}
    counters = machine.scheduler.andes_counters
    assert counters.fallbacks == counters.steps > 10
    errors = [r for r in caplog.records if "planning failed" in r.getMessage()]
    assert len(errors) == 1
    assert errors[0].exc_info is not None


def test_a_bad_hint_is_ignored_with_one_warning(
    make_machine: MakeMachine, caplog: pytest.LogCaptureFixture
) -> None:
    machine = make_machine({"default_tds": 3.0})
    for index, hints in enumerate([{"andes_tds": "fast"}, {"andes_ttft": -1}, {"other": 1}, None]):
        machine.scheduler.add_request(request(f"r{index}", 20, 10, hints))
    ledger = machine.scheduler.andes_ledger
    rows = ledger.rows(machine.scheduler.waiting, 0.0)
    assert ledger.table.data["tds"][rows].tolist() == [3.0] * 4
    assert ledger.bad_hints == 2
    warnings = [r.getMessage() for r in caplog.records if "Its hints are ignored" in r.getMessage()]
    assert len(warnings) == 1
    assert "r0: andes_tds must be a number" in warnings[0]
    serve_all(machine)


def test_a_program_is_planned_at_the_operators_speed(make_machine: MakeMachine) -> None:
    machine = make_machine({"program_tds": 50.0})
    hints = wire.encode(Expectation.program(ttft=2.0))
    machine.scheduler.add_request(request("program", 20, 10, hints))
    data = machine.scheduler.andes_ledger.table.data
    row = machine.scheduler.andes_ledger.rows(machine.scheduler.waiting, 0.0)
    assert (data["ttft"][row].tolist(), data["tds"][row].tolist()) == ([2.0], [50.0])
    serve_all(machine)


@pytest.mark.parametrize(
    ("andes", "engine_args", "message"),
    [
        ({"policy": "best"}, {}, "andes.policy is 'best'; the policies are: andes, fcfs, qoe"),
        ({"horizon": 4}, {}, "unknown setting andes.horizon in"),
        ("qoe", {}, 'needs an object under "andes"'),
        ({}, {"scheduling_policy": "priority"}, "--scheduling-policy priority orders the queue"),
    ],
)
def test_a_server_that_cannot_work_does_not_start(
    make_machine: MakeMachine, andes: Any, engine_args: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_machine(andes, **engine_args)


def test_priority_scheduling_goes_with_fcfs(make_machine: MakeMachine) -> None:
    machine = make_machine({"policy": "fcfs"}, scheduling_policy="priority")
    machine.scheduler.add_request(request("a", 20, 10))
    assert serve_all(machine) == {"a": 10}


def test_an_untested_vllm_is_refused_unless_insisted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANDES_ANY_VLLM", raising=False)
    with pytest.raises(
        RuntimeError, match=r"tested with vLLM .*0\.33, but this is 9\.9\.1"
    ) as info:
        releases.check_version("9.9.1")
    for way_out in (releases.INSTALL, "ray[llm]==2.60.0", "env_vars", "ANDES_ANY_VLLM=1"):
        assert way_out in str(info.value)
    monkeypatch.setenv("ANDES_ANY_VLLM", "1")
    releases.check_version("9.9.1")
