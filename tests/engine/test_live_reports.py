"""What readers report to the real server while their text streams."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from andes_backend.lab.bench.server import Server
from andes_client import wire
from tests.engine.competing import (
    READER,
    WAIT_S,
    Request,
    alone,
    connect,
    greedy,
    heard,
    idle,
)
from tests.live import our_figures, said_since

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

PATH = "/v1/andes/reports"
LONG = 450


@pytest.fixture
def server(competing_server: Server) -> Server:
    return competing_server


def aborted(server: Server) -> float:
    """Requests that vLLM itself counts as aborted."""
    text = httpx2.get(server.url + "/metrics", trust_env=False).raise_for_status().text
    counted = re.findall(
        r'^vllm:request_success_total\{.*finished_reason="abort".*\} (\S+)$', text, re.MULTILINE
    )
    return sum(map(float, counted))


def says(stream: str, state: wire.State, number: int = 1) -> wire.Report:
    return wire.Report(stream=stream, number=number, units=3, tokens=4.0, buffer_s=0.5, state=state)


async def told(client: httpx2.AsyncClient, *reports: wire.Report) -> dict[str, Any]:
    """What the server answers to these reports."""
    answer = await client.post(PATH, json=wire.encode_reports(reports))
    return dict(wire.decode_answer(answer.raise_for_status().json()))


def named(index: int, stream: str, tokens: int) -> dict[str, Any]:
    """A greedy request whose reader can be spoken for."""
    hints = {**READER[wire.FIELD], wire.STREAM: stream}
    return {**greedy(index, tokens), wire.FIELD: hints}


@asynccontextmanager
async def streaming(
    server: Server, requests: list[Request]
) -> AsyncIterator[tuple[httpx2.AsyncClient, list[asyncio.Task[None]]]]:
    """Inside of the block some tokens of the first have come; after it, all of all."""
    async with (
        asyncio.timeout(WAIT_S),
        connect(server) as client,
        connect(server) as speaker,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(request.send(client)) for request in requests]
        while heard(requests[:1]) < 5:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.005)
        yield speaker, tasks
    await idle(server)


async def test_who_is_gone_behind_an_open_connection_is_not_served_on(server: Server) -> None:
    """The stream ends and the memory is free; what the others are told is what it always is."""
    others = [greedy(index, 60) for index in range(3)]
    undisturbed = await alone(server, others)
    before, log = our_figures(server), len(said_since(server, 0))
    aborts = aborted(server)
    stream = wire.new_stream_id()
    gone = Request("gone-0", named(7, stream, LONG))
    requests = [gone, *(Request(f"other-{i}", body) for i, body in enumerate(others))]
    async with streaming(server, requests) as (speaker, tasks):
        assert await told(speaker, says(stream, "reading", 0)) == {stream: None}
        assert await told(speaker, says(stream, "gone")) == {stream: None}
        tokens = heard(requests[:1])
        await tasks[0]
    assert gone.answers[0].finish_reason == "abort"
    assert tokens <= heard(requests[:1]) < tokens + 20 < LONG  # what was under way comes
    assert [request.answers for request in requests[1:]] == undisturbed
    after = our_figures(server)
    assert after["andes:reports_total"] - before["andes:reports_total"] == 2
    assert after["andes:readers_gone_total"] - before["andes:readers_gone_total"] == 1
    assert aborted(server) - aborts == 1
    assert "Traceback" not in said_since(server, log)


async def test_its_memory_is_free_at_once(server: Server) -> None:
    """Also if it is all alone, and no other request makes the engine go on."""
    stream = wire.new_stream_id()
    gone = Request("gone-0", named(7, stream, LONG))
    async with streaming(server, [gone]) as (speaker, _):
        assert server.metrics()["vllm:kv_cache_usage_perc"] > 0
        await told(speaker, says(stream, "gone"))
        while server.metrics()["vllm:kv_cache_usage_perc"]:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.01)
        assert heard([gone]) < LONG


async def test_what_is_forged_unknown_or_wrong_changes_nothing(server: Server) -> None:
    """And a report that comes late, twice, or about an id that two requests share."""
    before, log = our_figures(server), len(said_since(server, 0))
    stream, shared = wire.new_stream_id(), wire.new_stream_id()
    bodies = [named(0, stream, 60), named(1, shared, 60), named(2, shared, 60)]
    undisturbed = await alone(server, bodies)
    requests = [Request(f"reads-{i}", body) for i, body in enumerate(bodies)]
    async with streaming(server, requests) as (speaker, _):
        forged = [says(wire.new_stream_id(), "gone") for _ in range(wire.MAX_REPORTS)]
        assert await told(speaker, *forged) == {}
        newest = says(stream, "reading", 7)
        assert await told(speaker, newest, newest, says(stream, "gone", 6)) == {stream: None}
        assert await told(speaker, says(stream, "gone", 7), says(shared, "gone")) == {stream: None}
        wrong = wire.encode_report(newest) | {"n": 8, "state": "gone", "tokens": 1e300}
        answer = await speaker.post(PATH, json={"v": 1, "reports": [wrong]})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith("reports[0]: tokens must be tokens")
    assert [request.answers for request in requests] == undisturbed
    after = our_figures(server)
    assert after["andes:reports_total"] - before["andes:reports_total"] == 1
    assert after["andes:readers_gone_total"] == before["andes:readers_gone_total"]
    assert "Traceback" not in said_since(server, log)


async def test_it_says_that_it_hears_and_is_silent_about_calls(server: Server) -> None:
    log = said_since(server, 0)
    assert log.count("Readers' reports: heard at POST /v1/andes/reports") == 1
    assert 'POST /v1/andes/reports HTTP/1.1" 400' in log
    assert 'POST /v1/andes/reports HTTP/1.1" 200' not in log
