"""Readers in front of a live load: what they do reaches the server, if they report. Real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from andes_demos.reader_load import ReaderLoad

from andes_backend.lab.bench.load import Target
from andes_backend.lab.workload import Behaviour, Request, Workload
from andes_client import Expectation
from tests.lab.bench.fake_server import FakeServer, chunk, refusal, serving, usage


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    with serving() as server:
        yield server


READER = Expectation(ttft=1.0, tds=40.0)
LIMIT_S = 20.0


def workload(*behaviours: Behaviour, tokens: int = 20) -> Workload:
    requests = (Request(0.0, 5, tokens, READER, behaviour=does) for does in behaviours)
    return Workload("readers", 1, tuple(requests))


def run(server: FakeServer, work: Workload, *, reports: bool) -> ReaderLoad:
    load = ReaderLoad(work, Target(url=server.url, model="m"), reports=reports)
    asyncio.run(asyncio.wait_for(load.run(), LIMIT_S))
    return load


def states(server: FakeServer, stream: str = "readers-1-0") -> list[str]:
    said = sorted((one for one in server.reports if one.stream == stream), key=lambda r: r.number)
    return [one.state for one in said]


def test_who_only_reads_sees_what_came(fake_server: FakeServer) -> None:
    load = run(fake_server, workload(Behaviour(), Behaviour()), reports=False)
    assert load.changed == []
    assert [outcome.error for outcome in load.outcomes] == [None, None]
    assert {seen.shown for seen in load.seen.values()} == {20}
    assert all(took == pytest.approx(19 / 40, abs=0.3) for took in load.took_s.values())
    assert fake_server.reports == []


async def a_hundred_a_second(body: dict[str, Any]) -> AsyncIterator[str]:
    """A hundred tokens a second."""
    for token in range(body["max_tokens"]):
        await asyncio.sleep(0.01)
        yield chunk([token])
    yield usage(body["max_tokens"])


def test_a_pause_is_told_and_so_is_its_end(fake_server: FakeServer) -> None:
    fake_server.events = a_hundred_a_second
    load = run(fake_server, workload(Behaviour(pause_at=5, pause_s=0.3), tokens=150), reports=True)
    assert [one for one in states(fake_server) if one != "reading"] == ["paused"]
    assert states(fake_server)[-1] == "reading"
    assert load.took_s[0] >= 0.3
    assert load.changed == []


def test_who_skims_and_who_has_all_revealed_say_so(fake_server: FakeServer) -> None:
    fake_server.events = a_hundred_a_second
    work = workload(Behaviour(speed=2.0), Behaviour(reveal_at=5), tokens=100)
    run(fake_server, work, reports=True)
    assert 2.0 in {one.speed for one in fake_server.reports if one.stream == "readers-1-0"}
    assert "revealed" in states(fake_server, "readers-1-1")


@pytest.mark.parametrize("reports", [False, True])
def test_who_leaves_closes_the_connection(fake_server: FakeServer, reports: bool) -> None:
    fake_server.events = a_hundred_a_second
    load = run(fake_server, workload(Behaviour(leave_at=5), tokens=1000), reports=reports)
    (outcome,) = load.outcomes
    assert outcome.error is None
    assert 5 <= len(outcome.times) < 200
    assert outcome.read == 5
    assert load.took_s == {}
    assert states(fake_server)[-1:] == (["gone"] if reports else [])


def test_behind_a_proxy_all_comes_and_nobody_reads_it(fake_server: FakeServer) -> None:
    fake_server.events = a_hundred_a_second
    load = run(fake_server, workload(Behaviour(leave_at=5, proxied=True), tokens=60), reports=True)
    (outcome,) = load.outcomes
    assert (outcome.error, len(outcome.times), outcome.read) == (None, 60, 5)
    assert states(fake_server)[-1] == "gone"


def test_a_server_that_refuses_is_an_outcome(fake_server: FakeServer) -> None:
    fake_server.check = refusal(503, "too busy")
    (outcome,) = run(fake_server, workload(Behaviour()), reports=True).outcomes
    assert outcome.error == "HTTP 503: too busy"
    assert outcome.times == ()


def test_a_cancelled_load_leaves_nothing_running(fake_server: FakeServer) -> None:
    fake_server.events = a_hundred_a_second
    work = replace(workload(Behaviour(), Behaviour(), tokens=2000))

    async def begin_and_stop() -> set[str]:
        load = ReaderLoad(work, Target(url=fake_server.url, model="m"), reports=True)
        running = asyncio.create_task(load.run())
        while load.statistics().tokens < 10:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
        await asyncio.sleep(0.05)
        return {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}

    assert asyncio.run(begin_and_stop()) == set()
