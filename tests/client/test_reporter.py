"""Reports over real HTTP: with each client and transport, and every fault of a server."""

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import httpx
import httpx2
import openai
import pytest

from andes_client import Expectation, pace, pace_blocking, wire
from andes_client.reporter import (
    TIMEOUT_S,
    Answer,
    BlockingReporter,
    Reporter,
    posting,
    posting_blocking,
)
from andes_client.sources.openai import text, text_blocking
from andes_client.transport import (
    httpx2_transport,
    httpx2_transport_blocking,
    httpx_transport,
    httpx_transport_blocking,
)
from tests.client.reporting_server import Host, ReportingServer, serving_reports
from tests.client.scripted_server import on_real_loops

# On trio openai's SDK leaves generators behind after [DONE]; asyncio says nothing of them.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Async generator '{name}:ResourceWarning")
    for name in ("openai", "httpx2", "httpcore2")
]

READER = Expectation(ttft=1.5, tds=4.8)
CHAT = {"model": "m", "stream": True, "messages": []}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with serving_reports(Host()) as host:
        yield host


@pytest.fixture
def server(host: Host) -> ReportingServer:
    return host.fresh()


@pytest.fixture(autouse=True)
def closing_takes_its_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may need more than a second to say the last words."""
    if "server" in request.fixturenames and "fault" not in request.fixturenames:
        monkeypatch.setattr("andes_client.reporter._LAST_WORDS_S", 60.0)


async def said(server: ReportingServer, state: str) -> None:
    await anyio.to_thread.run_sync(server.wait_for_state, state)


async def ever() -> AsyncIterator[str]:
    """Text without end; the first at once."""
    while True:
        yield "word "
        await anyio.sleep(0.05)


async def never() -> AsyncIterator[str]:
    """Text that does not come."""
    await anyio.sleep_forever()
    yield ""


def ever_blocking() -> Iterator[str]:
    while True:
        yield "word "
        time.sleep(0.05)


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "andes-reports"]


@pytest.mark.anyio
@on_real_loops
class TestTheTransport:
    async def test_with_an_sdk_one_word_is_all(self, server: ReportingServer) -> None:
        server.words = 100
        http = openai.DefaultAsyncHttpxClient(transport=httpx2_transport(READER, report=True))
        async with openai.AsyncOpenAI(
            base_url=server.url, api_key="the-key", http_client=http
        ) as sdk:
            messages: Any = [{"role": "user", "content": "Hi"}]
            stream = await sdk.chat.completions.create(model="m", messages=messages, stream=True)
            async with pace(text(stream), READER) as paced:
                await anext(paced)
                paced.pause()
                await said(server, "paused")
        hints = wire.decode(server.requests[0][wire.FIELD])
        assert (hints.ttft, hints.tds) == (1.5, 4.8)
        assert server.states(str(hints.stream)) == ["paused", "gone"]
        assert set(server.keys) == {"Bearer the-key"}
        assert set(server.paths) == {"/v1/chat/completions", "/v1/andes/reports"}

    @pytest.mark.parametrize("library", [httpx, httpx2])
    @pytest.mark.parametrize("path", ["chat/completions", "completions", "responses", "messages"])
    async def test_every_library_and_path(
        self, server: ReportingServer, library: Any, path: str
    ) -> None:
        server.words = 100
        make = httpx_transport if library is httpx else httpx2_transport
        async with library.AsyncClient(transport=make(READER, report=True)) as client:

            async def answer() -> AsyncIterator[str]:
                """The request is made where it is read."""
                async with client.stream("POST", f"{server.url}/{path}", json=CHAT) as response:
                    async for piece in response.aiter_text():
                        yield piece

            async with pace(answer(), READER) as paced:
                await anext(paced)
                paced.speed(2.0)
                await said(server, "reading")
        assert server.paths == [f"/v1/{path}", "/v1/andes/reports", "/v1/andes/reports"]
        assert [each.speed for each in server.reports] == [2.0, 2.0]
        assert server.reports[-1].state == "gone"

    async def test_two_responses_at_once_are_not_confused(self, server: ReportingServer) -> None:
        server.words = 100
        transport = httpx2_transport(READER, report=True)
        async with (
            httpx2.AsyncClient(transport=transport, base_url=server.url) as client,
            client.stream("POST", "/completions", json=CHAT) as first,
            client.stream("POST", "/completions", json=CHAT) as second,
            pace(second.aiter_text(), READER) as other,
            pace(first.aiter_text(), READER) as paced,
        ):
            await anext(paced)
            await anext(other)
            paced.pause()
            await said(server, "paused")
            other.reveal_all()
            await said(server, "revealed")
        ids = [str(request[wire.FIELD][wire.STREAM]) for request in server.requests]
        assert server.states(ids[0]) == ["paused", "gone"]
        assert server.states(ids[1]) == ["revealed", "gone"]

    async def test_a_response_that_nobody_paces_is_not_reported_on(
        self, server: ReportingServer
    ) -> None:
        transport = httpx2_transport(READER, report=True)
        async with httpx2.AsyncClient(transport=transport, base_url=server.url) as client:
            response = await client.post("/completions", json=CHAT)
            assert b"word " in response.content
        assert server.reports == []

    async def test_what_the_caller_says_stands(self, server: ReportingServer) -> None:
        own = {wire.STREAM: "mine", wire.TDS: 9.6}
        transport = httpx2_transport(READER, report=True)
        async with httpx2.AsyncClient(transport=transport, base_url=server.url) as client:
            body = {**CHAT, wire.FIELD: own}
            async with (
                client.stream("POST", "/completions", json=body) as response,
                pace(response.aiter_text(), READER) as paced,
            ):
                paced.pause()
                await said(server, "paused")
        assert server.requests[0][wire.FIELD][wire.STREAM] == "mine"
        assert server.states("mine")[0] == "paused"

    async def test_a_name_that_is_no_id_is_sent_and_not_reported_on(
        self, server: ReportingServer
    ) -> None:
        transport = httpx2_transport(READER, stream="two words", report=True)
        async with (
            httpx2.AsyncClient(transport=transport, base_url=server.url) as client,
            client.stream("POST", "/completions", json=CHAT) as response,
            pace(response.aiter_text(), Expectation.program()) as paced,
        ):
            paced.pause()
            paced.resume()
            assert "word " in "".join([piece async for piece in paced])
        assert server.requests[0][wire.FIELD][wire.STREAM] == "two words"
        assert server.reports == []

    async def test_without_the_word_nothing_is_said(self, server: ReportingServer) -> None:
        transport = httpx2_transport(READER)
        async with (
            httpx2.AsyncClient(transport=transport, base_url=server.url) as client,
            client.stream("POST", "/completions", json=CHAT) as response,
            pace(response.aiter_text(), READER) as paced,
        ):
            paced.pause()
            await anyio.sleep(0.1)
        assert wire.STREAM not in server.requests[0][wire.FIELD]
        assert server.reports == []


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_plain_side(server: ReportingServer, library: Any) -> None:
    server.words = 100
    make = httpx_transport_blocking if library is httpx else httpx2_transport_blocking
    transport = make(READER, report=True)
    with (
        library.Client(transport=transport, base_url=server.url) as client,
        client.stream("POST", "/completions", json=CHAT) as response,
        pace_blocking(response.iter_text(), READER) as paced,
    ):
        next(paced)
        paced.pause()
        server.wait_for_state("paused")
    assert [each.state for each in server.reports] == ["paused", "gone"]
    server.wait_for(lambda: not threads())


def test_the_plain_side_with_an_sdk(server: ReportingServer) -> None:
    server.words = 100
    http = openai.DefaultHttpxClient(transport=httpx2_transport_blocking(READER, report=True))
    with openai.OpenAI(base_url=server.url, api_key="k", http_client=http) as sdk:
        messages: Any = [{"role": "user", "content": "Hi"}]
        stream = sdk.chat.completions.create(model="m", messages=messages, stream=True)
        with pace_blocking(text_blocking(stream), READER) as paced:
            next(paced)
            paced.visible(False)
            server.wait_for_state("hidden")
    assert [each.state for each in server.reports] == ["hidden", "gone"]


@pytest.mark.anyio
@on_real_loops
class TestAReporterOfOnesOwn:
    async def test_a_line(self, server: ReportingServer) -> None:
        server.forecast = wire.Forecast(3.0, 9.0)
        async with httpx2.AsyncClient() as client:
            reporter = Reporter(posting(client, server.url + "/", headers={"authorization": "K"}))
            line = reporter.line(READER)
            async with pace(ever(), READER, report=line) as paced, paced.events() as events:
                paced.pause()
                async for event in events:
                    if event.kind == "expected":
                        break
            await reporter.aclose()
        assert server.states(line.id) == ["paused", "gone"]
        assert set(server.keys) == {"K"}
        assert len(line.id) == 22

    async def test_who_leaves_before_the_engine_has_the_request(
        self, server: ReportingServer
    ) -> None:
        server.late = 2
        async with httpx2.AsyncClient() as client:
            reporter = Reporter(posting(client, server.url))
            line = reporter.line(READER)
            async with pace(never(), READER, report=line):
                pass
            await anyio.to_thread.run_sync(server.wait_for, lambda: len(server.reports) == 3)
            await reporter.aclose()
        assert server.states(line.id) == ["gone"] * 3

    @pytest.mark.parametrize("status", [401, 403, 404, 405])
    async def test_a_server_without_the_route_hears_of_it_once(
        self, server: ReportingServer, status: int
    ) -> None:
        server.status = status
        async with httpx2.AsyncClient() as client:
            reporter = Reporter(posting(client, server.url))
            async with pace(ever(), READER, report=reporter.line()) as paced:
                for _ in range(5):
                    paced.pause()
                    await anyio.sleep(0.1)
                    paced.resume()
                    await anext(paced)
        assert len(server.keys) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 429, "headers": {"retry-after": "1"}},
            {"status": 503},
            {"body": b"<html>"},
            {"body": b"x" * 1_000_000},
            {"headers": {"content-encoding": "gzip"}},
            {"drips": True},
            {"hangs": True},
        ],
        ids=lambda fault: str(fault)[:40],
    )
    async def test_no_fault_is_seen_by_the_reader(
        self, server: ReportingServer, fault: dict[str, Any]
    ) -> None:
        for name, value in fault.items():
            setattr(server, name, value)
        async with httpx2.AsyncClient() as client:
            reporter = Reporter(posting(client, server.url))
            began = time.monotonic()
            async with pace(ever(), READER, report=reporter.line()) as paced:
                for _ in range(3):
                    paced.pause()
                    await anyio.sleep(0.1)
                    paced.resume()
                    await anext(paced)
            assert time.monotonic() - began < 2 * TIMEOUT_S
            await reporter.aclose()
            assert time.monotonic() - began < 2.5 * TIMEOUT_S
        assert server.most_at_once == 1
        assert reporter.is_idle

    async def test_a_server_that_is_restarted(self) -> None:
        host, up = Host(), contextlib.ExitStack()
        with up:
            up.enter_context(serving_reports(host))
            server = host.fresh()
            async with httpx2.AsyncClient() as client:
                reporter = Reporter(posting(client, server.url))
                async with pace(ever(), READER, report=reporter.line()) as paced:
                    paced.pause()
                    await said(server, "paused")
                    await anyio.to_thread.run_sync(up.close)
                    paced.resume()
                    await anyio.sleep(0.1)
                    assert server.reports[-1].state == "paused"
                    await anyio.to_thread.run_sync(up.enter_context, serving_reports(host))
                    await said(server, "reading")
                await reporter.aclose()
        assert [each.state for each in server.reports][-1] == "gone"

    async def test_nobody_is_there(self) -> None:
        async with httpx2.AsyncClient() as client:
            reporter = Reporter(posting(client, "http://127.0.0.1:9/v1"))
            async with pace(ever(), READER, report=reporter.line()) as paced:
                paced.pause()
                await anyio.sleep(0.1)
                paced.resume()
                assert await anext(paced) == "word"


class TestBlocking:
    def test_a_line(self, server: ReportingServer) -> None:
        server.forecast = wire.Forecast(3.0, 9.0)
        with httpx.Client() as client:
            reporter = BlockingReporter(posting_blocking(client, server.url))
            line = reporter.line(READER)
            with pace_blocking(ever_blocking(), READER, report=line) as paced:
                next(paced)
                paced.pause()
                server.wait_for_state("paused")
                paced.speed(2.0)
                paced.resume()
                server.wait_for_state("reading")
            reporter.close()
        assert server.states(line.id)[0] == "paused"
        assert server.states(line.id)[-1] == "gone"
        server.wait_for(lambda: not threads())

    @pytest.mark.parametrize(("late", "word"), [(0, False), (2, False), (2, True)])
    def test_who_leaves_before_the_engine_has_the_request(
        self, server: ReportingServer, late: int, word: bool
    ) -> None:
        """It is said until the server knows the stream; once, if text has come."""
        server.late = late
        waiting, times = threading.Event(), 1 if word else late + 1

        def silent() -> Iterator[str]:
            if word:
                yield "word "
            waiting.wait(60)

        with httpx.Client() as client:
            reporter = BlockingReporter(posting_blocking(client, server.url))
            line = reporter.line(READER)
            with pace_blocking(silent(), READER, report=line) as paced:
                if word:
                    next(paced)
            server.wait_for(lambda: len(server.reports) == times and not threads())
            assert server.states(line.id) == ["gone"] * times
            reporter.close()
        waiting.set()

    def test_closing_does_not_wait_until_the_engine_has_the_request(self) -> None:
        heard, waiting = threading.Event(), threading.Event()

        def silent() -> Iterator[str]:
            waiting.wait(60)
            yield ""

        def send(_: bytes) -> Answer:
            heard.set()
            return Answer(200, b'{"v": 1, "streams": {}}')

        reporter = BlockingReporter(send)
        with pace_blocking(silent(), READER, report=reporter.line()):
            pass
        assert heard.wait(60)
        reporter.close()
        assert reporter.is_idle
        waiting.set()

    def test_what_the_server_expects(self, server: ReportingServer) -> None:
        server.forecast = wire.Forecast(3.0, 9.0)
        waiting = threading.Event()

        def silent() -> Iterator[str]:
            yield "word "
            waiting.wait(10)

        with httpx.Client() as client:
            reporter = BlockingReporter(posting_blocking(client, server.url))
            with pace_blocking(silent(), READER, report=reporter.line()) as paced:
                paced.pause()
                server.wait_for(lambda: paced.statistics().expected_s is not None)
                assert 0.0 <= (paced.statistics().expected_s or 0.0) <= 3.0
                waiting.set()
            reporter.close()

    @pytest.mark.parametrize(
        "fault", [{"status": 404}, {"status": 503}, {"body": b"x" * 1_000_000}, {"hangs": True}]
    )
    def test_no_fault_is_seen_by_the_reader(
        self, server: ReportingServer, fault: dict[str, Any]
    ) -> None:
        for name, value in fault.items():
            setattr(server, name, value)
        with httpx2.Client() as client:
            reporter = BlockingReporter(posting_blocking(client, server.url))
            began = time.monotonic()
            with pace_blocking(ever_blocking(), READER, report=reporter.line()) as paced:
                for _ in range(3):
                    paced.pause()
                    time.sleep(0.1)
                    paced.resume()
                    next(paced)
            assert time.monotonic() - began < 2 * TIMEOUT_S
            reporter.close()
            assert time.monotonic() - began < 2.5 * TIMEOUT_S
        assert server.most_at_once == 1
        server.wait_for(lambda: not threads())

    def test_many_streams_have_one_thread(self) -> None:
        calls: list[bytes] = []

        def send(body: bytes) -> Answer:
            calls.append(body)
            return Answer(503)

        reporter = BlockingReporter(send)
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                paced = stack.enter_context(
                    pace_blocking(ever_blocking(), READER, report=reporter.line())
                )
                paced.pause()
            assert len(threads()) == 1
        reporter.close()
        assert len(calls) <= 2

    def test_a_line_for_the_other_kind(self) -> None:
        async def send(_: bytes) -> Answer:
            return Answer(200)

        with pytest.raises(TypeError, match="needs a line of a BlockingReporter"):
            pace_blocking([], READER, report=Reporter(send).line())
