"""The engine's end: vLLM's real scheduler is told, and the front ends that wait are."""

import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from vllm.v1.engine import EngineCoreOutputs, FinishReason
from vllm.v1.engine.core import EngineCore, EngineCoreProc
from vllm.v1.serial_utils import MsgpackDecoder, MsgpackEncoder

from andes_backend.engine import listener, versions
from andes_backend.engine.reports import Checked
from andes_backend.routing import ReplicaFigures
from andes_client import wire
from andes_client.wire import Forecast
from tests.engine.real_scheduler import Machine, engine_config, request


class Core:
    """vLLM's EngineCore, as far as aborts go: our scheduler, and vLLM's own methods."""

    _send_abort_outputs = EngineCoreProc._send_abort_outputs
    _send_abort_outputs_to_client = EngineCoreProc._send_abort_outputs_to_client
    _send_finish_outputs_to_client = EngineCoreProc._send_finish_outputs_to_client

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.sent: list[tuple[int, EngineCoreOutputs]] = []
        self.output_queue = self

    def put_nowait(self, output: tuple[int, EngineCoreOutputs]) -> None:
        self.sent.append(output)

    def hear(self, *reports: Sequence[Any]) -> Any:
        return getattr(EngineCore, listener.METHOD)(self, list(reports))


@pytest.fixture
def machine(tiny_model: Path) -> Machine:
    return Machine(engine_config(tiny_model), blocks=200)


def says(stream: str, state: wire.State = "reading", number: int = 1) -> Sequence[Any]:
    """As vLLM brings it from the front end's process."""
    report = wire.Report(
        stream=stream, number=number, units=0, tokens=0.0, buffer_s=0.0, state=state
    )
    brought: Sequence[Any] = MsgpackDecoder().decode(MsgpackEncoder().encode(Checked.of(report)))
    assert type(brought) is list
    return brought


def begin(machine: Machine, *names: str, front_ends: Sequence[int] = (0, 1)) -> None:
    """A request of each name, with the stream `of-NAME`, for the front ends in turn."""
    for index, name in enumerate(names):
        made = request(name, 20, 10, wire.encode(None, stream=f"of-{name}"))
        made.client_index = front_ends[index % len(front_ends)]
        machine.scheduler.add_request(made)
    machine.step()


def test_vllm_finds_the_method_by_its_name(machine: Machine) -> None:
    assert machine.scheduler  # which has installed it
    assert getattr(EngineCoreProc, listener.METHOD) is getattr(EngineCore, listener.METHOD)
    # vLLM converts arguments to classes of msgspec where a method asks for them.
    annotations = [p.annotation for p in inspect.signature(listener._hear).parameters.values()]
    assert not any(inspect.isclass(one) and issubclass(one, wire.Report) for one in annotations)


def test_each_front_end_learns_which_of_its_streams_has_ended(machine: Machine) -> None:
    begin(machine, "a", "b", "c", "d")
    core = Core(machine.scheduler)
    free, _ = versions.block_counts(machine.scheduler)
    answer = core.hear(*(says(f"of-{name}", "gone") for name in "abc"), says("of-d"))
    assert answer == {f"of-{name}": None for name in "abcd"}
    assert versions.block_counts(machine.scheduler)[0] == free + 3 * 2
    ended = {
        front_end: {(one.request_id, one.finish_reason) for one in outputs.outputs}
        for front_end, outputs in core.sent
    }
    assert ended == {
        0: {("a", FinishReason.ABORT), ("c", FinishReason.ABORT)},
        1: {("b", FinishReason.ABORT)},
    }
    assert core.hear(says("of-a", "gone", 2)) == {}
    assert len(core.sent) == 2


def test_who_is_gone_before_the_request_is_there_is_told_so_and_says_it_again(
    machine: Machine,
) -> None:
    """An answer without the stream means: not heard. The same report, later, ends the request."""
    core, gone = Core(machine.scheduler), says("of-a", "gone", 0)
    assert core.hear(gone) == {}
    begin(machine, "a", "b")
    assert core.hear(gone, says("of-b")) == {"of-a": None, "of-b": None}
    assert list(machine.scheduler.requests) == ["b"]
    assert core.hear(gone) == {}, "it is over, and nothing more is to be said"


def test_a_rank_that_holds_none_of_them_does_nothing(machine: Machine) -> None:
    begin(machine, "a")
    core = Core(machine.scheduler)
    # What is not for this rank is not even read.
    assert core.hear(["of-b", "and no more"], says("of-nobody", "gone")) == {}
    assert core.sent == []
    assert machine.scheduler.andes_counters.heard == 0


def test_a_process_without_engines_gets_none(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulation, say, does not pay for loading vLLM's engine."""
    assert machine.scheduler
    monkeypatch.delattr(EngineCore, listener.METHOD)
    with monkeypatch.context() as without:
        without.delitem(sys.modules, EngineCore.__module__)
        listener.install()
        assert EngineCore.__module__ not in sys.modules
    assert not hasattr(EngineCore, listener.METHOD)
    listener.install()
    assert hasattr(EngineCore, listener.METHOD)


def test_what_is_expected_is_said_in_numbers(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(machine, "a", "b")

    def expect(streams: Iterable[str]) -> dict[str, Forecast | None]:
        return {one: Forecast(1.5, 4.0) if one == "of-a" else None for one in streams}

    monkeypatch.setattr(machine.scheduler, "andes_expect", expect)
    assert Core(machine.scheduler).hear(says("of-a"), says("of-b"), says("of-c")) == {
        "of-a": (1.5, 4.0),
        "of-b": None,
    }


def test_who_waits_is_told_how_long(machine: Machine) -> None:
    """Once it is known how long others have waited; who is served has nothing to wait for."""
    scheduler = machine.scheduler
    scheduler.scheduler_config.max_num_seqs = scheduler.max_num_running_reqs = 1
    names = [f"r{index}" for index in range(20)]
    begin(machine, *names)
    core = Core(scheduler)
    assert core.hear(*(says(f"of-{name}") for name in names)) == {
        f"of-{name}": None for name in names
    }
    while len(scheduler.requests) > 5:
        machine.step()
    answer = core.hear(*(says(f"of-{name}", number=2) for name in names))
    live = [f"of-{name}" for name in names if name in scheduler.requests]
    assert sorted(answer) == sorted(live)
    running = {f"of-{one.request_id}" for one in scheduler.running}
    assert {stream for stream, times in answer.items() if times is None} == running
    for median_s, p90_s in filter(None, answer.values()):
        assert 0 < median_s <= p90_s


def test_an_engine_without_a_front_end_ends_them_all_the_same(machine: Machine) -> None:
    """vLLM's `LLM` without a process of its own for the engine has nobody to tell."""
    begin(machine, "a")

    class Alone:
        scheduler = machine.scheduler

    assert listener._hear(Alone(), [Checked(*says("of-a", "gone"))]) == {"of-a": None}
    assert not machine.scheduler.has_unfinished_requests()


def test_what_happened_is_counted(machine: Machine) -> None:
    begin(machine, "a", "b")
    core = Core(machine.scheduler)
    core.hear(says("of-a"), says("of-a"), says("of-b"), says("of-c", "gone"))
    core.hear(says("of-a", "gone", 2))
    counters = machine.scheduler.andes_counters
    assert (counters.heard, counters.gone) == (3, 1)
    news = counters.take_news()
    assert (news.reports, news.gone) == (3, 1)


def test_a_router_is_told_how_the_engine_is(machine: Machine) -> None:
    begin(machine, "a", "b", "c")
    said = getattr(EngineCore, listener.FIGURES)(Core(machine.scheduler))
    brought = MsgpackDecoder().decode(MsgpackEncoder().encode(said))
    figures = ReplicaFigures.from_mapping(brought)
    assert (figures.running, figures.waiting) == (3, 0)
    assert figures.is_complete
    free, total = versions.block_counts(machine.scheduler)
    assert figures.free_tokens == free * machine.scheduler.block_size
    assert figures.kv_tokens == (total - 1) * machine.scheduler.block_size
