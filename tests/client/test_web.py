"""Server-Sent Events: over a real server on the loopback, and alone on a virtual clock."""

import asyncio
import contextlib
import gc
import json
import logging
import math
import runpy
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import anyio
import httpx2
import pytest
from andes_demos.bursty_server import running
from anyio.lowlevel import checkpoint
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from andes_client import Expectation, pace, pace_blocking, reading
from andes_client.sources.openai import text
from andes_client.testing import run_virtual, scripted
from andes_client.web import HEADERS, sse, sse_blocking

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 120.0
QUICK = reading(wpm=60_000, ttft=DEADLINE_S)  # so that a busy machine is no delay
ONE_A_SECOND = Expectation(ttft=1.0, tds=1.0)
HOSTILE = [
    "One\ntwo\r\nthree\r",
    "\nfour\rfive\u2028six\u0085seven\x00 data: [DONE]\n\n",
    'eight "nine" \\ event: done\n\n 漢字 👩🏽\u200d🚀 half: \ud83d end',
]


def app_of(events: Callable[[], AsyncGenerator[bytes, None]]) -> Starlette:
    async def answer(_: Request) -> StreamingResponse:
        return StreamingResponse(events(), headers=HEADERS)

    return Starlette(routes=[Route("/", answer)])


def received(events: Callable[[], AsyncGenerator[bytes, None]]) -> list[httpx2.ServerSentEvent]:
    """All events of one response over HTTP."""
    with (
        running(app_of(events)) as url,
        httpx2.Client(trust_env=False, timeout=DEADLINE_S) as client,
        client.sse(url) as source,
    ):
        assert source.response.headers["cache-control"] == "no-store"
        return list(source)


def texts(events: list[httpx2.ServerSentEvent]) -> list[str]:
    return [json.loads(event.data)["text"] for event in events if event.event == "message"]


async def chunks(said: str, **end: Any) -> AsyncGenerator[Any, None]:
    """Of a chat completion; without an end if none is given."""
    yield {"choices": [{"delta": {"content": said}}]}
    if end:
        yield {"choices": [{"delta": {}, **end}]}


class Upstream:
    """A stream that says when it was closed; after its script it waits, fails or ends."""

    def __init__(self, script: list[tuple[float, str]], then: Any = None) -> None:
        self.script, self.then = script, then
        self.sent = 0
        self.closed = threading.Event()

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            async for text in scripted(self.script):
                self.sent += 1
                yield text
            if isinstance(self.then, Exception):
                raise self.then
            if self.then == "wait":
                await anyio.sleep_forever()
        finally:
            self.closed.set()


class TestOverHttp:
    def test_the_text_is_exact_and_the_figures_come_last(self) -> None:
        *words, done = received(
            lambda: sse(pace(scripted([(0.05, "One two"), (0.0, " three.")]), QUICK))
        )
        assert texts(words) == ["One", " two", " three."]
        figures = json.loads(done.data)
        assert done.event == "done"
        assert (figures["shown"], figures["qoe"], figures["stalls"]) == (3, 1.0, 0)
        assert figures["ttft"] >= 0.05

    def test_any_text_survives_the_way(self) -> None:
        script = [(0.0, text) for text in HOSTILE]
        events = received(lambda: sse(pace(scripted(script), QUICK)))
        assert "".join(texts(events)) == "".join(HOSTILE)
        assert [event.event for event in events].count("done") == 1

    def test_bare_text_keeps_its_lines(self) -> None:
        script = [(0.0, "One\ntwo\n\n three\rfour\u2028five")]
        events = received(lambda: sse(scripted(script), event_of=str))
        assert [event.data for event in events] == ["One\ntwo\n\n three\nfour\u2028five", "{}"]

    def test_a_client_that_leaves_closes_the_upstream_at_once(self) -> None:
        upstream = Upstream([(0.0, "Hello world")], then="wait")
        with (
            running(app_of(lambda: sse(pace(upstream, QUICK), keep_alive=math.inf))) as url,
            httpx2.Client(trust_env=False, timeout=DEADLINE_S) as client,
        ):
            with client.sse(url) as source:
                events = iter(source)  # to be kept: dropping it closes the connection
                assert json.loads(next(events).data) == {"text": "Hello"}
                assert not upstream.closed.is_set()
            assert upstream.closed.wait(DEADLINE_S)

    def test_an_upstream_that_fails_is_reported_after_its_text(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        upstream = Upstream([(0.0, "One two")], then=ConnectionError("secret-host:443"))
        events = received(lambda: sse(pace(upstream, QUICK)))
        assert texts(events) == ["One", " two"]
        assert [event.event for event in events] == ["message", "message", "error"]
        assert json.loads(events[-1].data) == {"error": "ConnectionError"}
        assert "secret-host" not in "".join(event.data for event in events)
        assert "secret-host" in caplog.text

    def test_the_example_is_paced_as_the_query_says(self) -> None:
        example = runpy.run_path(str(ROOT / "examples" / "web_app.py"))
        answer = example["answer"].__globals__  # its stand-in for a model takes six seconds
        answer["model"] = lambda: chunks("One two three.\n\n", finish_reason="length")
        with (
            running(example["app"]) as url,
            httpx2.Client(trust_env=False, timeout=DEADLINE_S, base_url=url) as client,
        ):
            assert "EventSource" in client.get("/").text
            for wrong in ("0", "-5", "nan", "fast"):
                assert client.get("/answer", params={"wpm": wrong}).status_code == 400
            with client.sse("/answer", params={"wpm": "6000"}) as source:
                events = list(source)
        assert texts(events) == ["One", " two", " three.", "\n\n"]
        assert [event.event for event in events[-2:]] == ["ending", "done"]
        assert json.loads(events[-2].data) == {"reason": "length", "said": "length"}

    def test_the_example_fits_on_a_page(self) -> None:
        lines = (ROOT / "examples" / "web_app.py").read_text().splitlines()
        assert len(lines) <= 60


async def events_of(generator: AsyncGenerator[bytes, None]) -> list[tuple[float, bytes]]:
    """Each event or comment, and when it came; several may be sent in one piece."""
    start = anyio.current_time()
    return [
        (round(anyio.current_time() - start, 6), event + b"\n\n")
        async for chunk in generator
        for event in chunk.split(b"\n\n")[:-1]
    ]


@pytest.mark.anyio
class TestAlone:
    async def test_events_come_at_the_readers_pace(self) -> None:
        paced = pace(scripted([(2.0, "a"), (0.0, "b")]), ONE_A_SECOND, unit="token")
        first, second, done = await events_of(sse(paced))
        assert first == (2.0, b'data: {"text": "a"}\n\n')
        assert second == (3.0, b'data: {"text": "b"}\n\n')
        assert done[0] == 3.0
        assert done[1].startswith(b'event: done\ndata: {"shown": 2, "ttft": 2.0, "tds": 1.0, "qoe"')

    async def test_silences_are_filled_with_comments(self) -> None:
        paced = pace(scripted([(40.0, "a")]), ONE_A_SECOND)
        events = await events_of(sse(paced, keep_alive=15.0))
        assert events[:2] == [(15.0, b": keep-alive\n\n"), (30.0, b": keep-alive\n\n")]
        assert [at for at, _ in events[2:]] == [40.0] * len(events[2:])

    async def test_no_comments_if_none_are_wanted(self) -> None:
        paced = pace(scripted([(1e6, "a")]), ONE_A_SECOND)
        events = await events_of(sse(paced, keep_alive=math.inf))
        assert {at for at, _ in events} == {1e6}

    async def test_a_client_that_reads_slowly_holds_nothing_back(self) -> None:
        upstream = Upstream([(0.1, "x")] * 50)
        events = sse(pace(upstream, ONE_A_SECOND, unit="token"))
        await anext(events)
        await anyio.sleep(100.0)
        assert upstream.sent == 50
        rest = await events_of(events)
        assert len(rest) == 49 + 1
        assert {at for at, _ in rest} == {0.0}, "what was due meanwhile is sent at once"

    async def test_closing_it_from_another_task_closes_the_upstream(self) -> None:
        upstream = Upstream([(0.0, "Hello world")], then="wait")
        events = sse(pace(upstream, ONE_A_SECOND))
        await anext(events)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(events.aclose)
        assert upstream.closed.is_set()

    async def test_a_cancelled_response_closes_the_upstream(self) -> None:
        upstream = Upstream([(0.0, "Hello world")], then="wait")
        start = anyio.current_time()
        with anyio.move_on_after(5.0) as scope:
            async for _ in sse(pace(upstream, ONE_A_SECOND)):
                pass
        assert scope.cancelled_caught
        assert upstream.closed.is_set()
        assert anyio.current_time() == start + 5.0

    async def test_one_that_was_never_begun_needs_no_closing(self) -> None:
        events = sse(pace(Upstream([]), ONE_A_SECOND))
        await events.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(events)

    async def test_the_controls_work_while_it_runs(self) -> None:
        paced = pace(scripted([(0.0, "x")] * 5), ONE_A_SECOND, unit="token")
        events = sse(paced)
        assert await anext(events) == b'data: {"text": "x"}\n\n'
        paced.reveal_all()
        rest = await events_of(events)
        assert {at for at, _ in rest} == {0.0}
        assert [event for _, event in rest].count(b'data: {"text": "x"}\n\n') == 4

    async def test_a_stream_that_is_not_paced_is_passed_on_as_it_comes(self) -> None:
        assert await events_of(sse(scripted([(1.0, "a b"), (1.0, ""), (1.0, "c")]))) == [
            (1.0, b'data: {"text": "a b"}\n\n'),
            (3.0, b'data: {"text": "c"}\n\n'),
            (3.0, b"event: done\ndata: {}\n\n"),
        ]

    @pytest.mark.parametrize(
        ("end", "told"),
        [
            ({"finish_reason": "stop"}, {"reason": "complete", "said": "stop"}),
            (
                {"finish_reason": "content_filter"},
                {"reason": "filtered", "said": "content_filter"},
            ),
            ({"finish_reason": "length"}, {"reason": "length", "said": "length"}),
            (
                {"finish_reason": "stop", "delta": {"refusal": "Not that."}},
                {"reason": "refused", "said": "Not that."},
            ),
            (
                {
                    "finish_reason": "tool_calls",
                    "delta": {"tool_calls": [{"function": {"name": "drop_tables"}}]},
                },
                {"reason": "tool call", "said": ""},
            ),
        ],
    )
    async def test_the_page_is_told_how_the_answer_ended(self, end: Any, told: Any) -> None:
        answer = text(chunks("a", **end))
        events = await events_of(sse(pace(answer, ONE_A_SECOND), ending_of=answer))
        ending = b"event: ending\ndata: " + json.dumps(told).encode() + b"\n\n"
        assert [event for _, event in events[:2]] == [b'data: {"text": "a"}\n\n', ending]
        assert events[2][1].startswith(b"event: done")

    @pytest.mark.parametrize(
        ("end", "reason"),
        [
            ({}, "cut off"),
            ({"finish_reason": "error"}, "failed"),
            ({"error": {"message": "db-7.internal is down"}}, "failed"),
        ],
    )
    async def test_the_page_is_told_of_a_failure_without_the_servers_words(
        self, end: Any, reason: str
    ) -> None:
        answer = text(chunks("a", **end))
        events = [event for _, event in await events_of(sse(answer, ending_of=answer))]
        told = json.dumps({"reason": reason, "said": ""}).encode()
        assert events[1:] == [
            b"event: ending\ndata: " + told + b"\n\n",
            b'event: error\ndata: {"error": "StreamError"}\n\n',
        ]

    async def test_of_an_end_that_is_not_known_nothing_is_told(self) -> None:
        answer = text(chunks("a", finish_reason="stop"))
        other = text(chunks("b"))  # it is not read, so it has no end
        events = [event for _, event in await events_of(sse(answer, ending_of=other))]
        assert events == [b'data: {"text": "a"}\n\n', b"event: done\ndata: {}\n\n"]

    async def test_an_empty_answer_is_an_answer(self) -> None:
        ((_, done),) = await events_of(sse(pace(scripted([]), ONE_A_SECOND)))
        assert json.loads(done.partition(b"data: ")[2]) == {
            "shown": 0, "ttft": None, "tds": None, "qoe": 0.0, "stalls": 0, "stalled_seconds": 0.0,
        }  # fmt: skip

    async def test_what_makes_the_data_may_fail_too(self, caplog: pytest.LogCaptureFixture) -> None:
        def broken(text: str) -> str:
            raise LookupError(f"no event for {text!r}")

        upstream = Upstream([(0.0, "a b")], then="wait")
        ((_, event),) = await events_of(sse(pace(upstream, ONE_A_SECOND), event_of=broken))
        assert event == b'event: error\ndata: {"error": "LookupError"}\n\n'
        assert upstream.closed.is_set()
        assert "no event for 'a'" in caplog.text

    async def test_a_stream_that_is_in_use_is_an_error(self) -> None:
        async with pace(scripted([(0.0, "a")]), ONE_A_SECOND) as paced:
            ((_, event),) = await events_of(sse(paced))
        assert event == b'event: error\ndata: {"error": "RuntimeError"}\n\n'


def test_one_that_is_dropped_closes_the_upstream() -> None:
    """As Starlette drops it when the client goes while an event is being sent."""
    upstream = Upstream([(0.0, "Hello world")], then="wait")

    async def drop() -> None:
        events = sse(pace(upstream, ONE_A_SECOND))
        await anext(events)
        del events
        gc.collect()
        for _ in range(20):
            await checkpoint()
        assert upstream.closed.is_set()

    run_virtual(drop)


def test_a_send_that_fails_closes_the_upstream() -> None:
    """So servers tell Starlette of a client that has gone, from version 2.4 of ASGI's spec."""
    upstream = Upstream([(0.0, "Hello world")], then="wait")

    async def respond() -> None:
        async def send(message: Any) -> None:
            if message.get("body"):
                raise OSError("the client has gone")

        async def receive() -> Any:
            await anyio.sleep_forever()

        scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
        response = StreamingResponse(sse(pace(upstream, ONE_A_SECOND)), headers=HEADERS)
        with contextlib.suppress(ClientDisconnect):
            await response(scope, receive, send)
            pytest.fail("Starlette noticed nothing")
        assert upstream.sent == 1
        del response
        gc.collect()
        for _ in range(20):
            await checkpoint()
        assert upstream.closed.is_set()

    run_virtual(respond)


def test_a_task_that_is_killed_before_it_begins_ends_the_response() -> None:
    """As asyncio does with all tasks when it shuts down."""
    upstream = Upstream([(0.0, "Hello world")], then="wait")

    async def kill() -> list[bytes]:
        async def read() -> list[bytes]:
            return [chunk async for chunk in sse(pace(upstream, ONE_A_SECOND))]

        reader = asyncio.create_task(read())
        await asyncio.sleep(0)  # it has made its task, which has not had its turn yet
        (its_task,) = asyncio.all_tasks() - {reader, asyncio.current_task()}
        its_task.cancel()
        return await reader

    assert run_virtual(kill) == [b'event: error\ndata: {"error": "RuntimeError"}\n\n']
    assert upstream.sent == 0


def test_misuse_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="a paced stream, not list"):
        sse(["a"])  # type: ignore[arg-type]
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="keep_alive must be above 0"):
            sse(scripted([]), keep_alive=wrong)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


class TestBlocking:
    """`sse_blocking`, over a real WSGI server."""

    @contextlib.contextmanager
    def serving_wsgi(self, events: Callable[[], Iterator[bytes]]) -> Iterator[str]:
        def app(_: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", list(HEADERS.items()))
            return events()

        with make_server("127.0.0.1", 0, app, _Threads, _Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join(DEADLINE_S)

    def test_the_events_are_those_of_the_other(self) -> None:
        with (
            self.serving_wsgi(lambda: sse_blocking(pace_blocking(HOSTILE, QUICK))) as url,
            httpx2.Client(trust_env=False, timeout=DEADLINE_S) as client,
            client.sse(url) as source,
        ):
            *words, done = list(source)
        assert "".join(texts(words)) == "".join(HOSTILE)
        assert done.event == "done"
        assert json.loads(done.data)["qoe"] == 1.0

    def test_any_iterable_will_do_and_failures_are_told_by_name(self) -> None:
        def upstream() -> Iterator[str]:
            yield "One two"
            raise ConnectionError("secret")

        chunks = list(sse_blocking(upstream()))
        assert chunks[0] == b'data: {"text": "One two"}\n\n'
        assert chunks[1] == b'event: error\ndata: {"error": "ConnectionError"}\n\n'
        assert list(sse_blocking(["a"]))[-1] == b"event: done\ndata: {}\n\n"

    def test_a_client_that_leaves_in_a_silence_closes_the_upstream(self) -> None:
        closed = threading.Event()

        class Silent:
            def __iter__(self) -> Iterator[str]:
                yield "Hello world"
                closed.wait(DEADLINE_S)

            def close(self) -> None:
                closed.set()

        with self.serving_wsgi(
            lambda: sse_blocking(pace_blocking(Silent(), QUICK), keep_alive=0.01)
        ) as url:
            with (
                httpx2.Client(trust_env=False, timeout=DEADLINE_S) as client,
                client.sse(url) as source,
            ):
                assert json.loads(next(iter(source)).data) == {"text": "Hello"}
                assert not closed.is_set()
            assert closed.wait(DEADLINE_S)

    def test_misuse_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match="a paced stream, not int"):
            sse_blocking(3)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="keep_alive must be above 0"):
            sse_blocking([], keep_alive=0.0)


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass
