"""Ending a paced stream, from wherever: on a virtual clock, and over real connections."""

import asyncio
import gc
import math
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from itertools import pairwise
from typing import Any

import anyio
import anyio.to_thread
import httpx
import httpx2
import pytest
from anyio.lowlevel import checkpoint
from openai import OpenAI

from andes_client import Expectation, blocking, pace, pace_blocking
from andes_client.segment import Unit, Words
from andes_client.sources import pace_events
from andes_client.testing import run_virtual, scripted
from tests.client.scripted_server import (
    DEADLINE_S,
    SLOW,
    Gate,
    ScriptedServer,
    chat,
    on_real_loops,
)

ONE_A_SECOND = Expectation(ttft=1.0, tds=4 / 3)
WORDS = [(0.0, "one two three four "), (10.0, "five six")]


class Upstream:
    """Says when it was closed, and how it was woken."""

    def __init__(self, script: list[tuple[float, str]], cleaning_s: float = 0.0) -> None:
        self.script, self.cleaning_s = script, cleaning_s
        self.closed_at: float | None = None
        self.cleaned = False
        self.begun = False

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        self.begun = True
        try:
            async for text in scripted(self.script):
                yield text
            await anyio.sleep_forever()
        finally:
            self.closed_at = anyio.current_time()
            if self.cleaning_s:
                await asyncio.sleep(self.cleaning_s)
            self.cleaned = True

    async def aclose(self) -> None:
        self.closed_at = self.closed_at or anyio.current_time()


class Stopping(Words):
    """A segmenter in the middle of whose work the stream is stopped."""

    def __init__(self, paced: Callable[[], Any]) -> None:
        super().__init__()
        self._paced = paced

    def decode(self, text: str) -> list[Unit]:
        self._paced().stop()
        return super().decode(text)


@pytest.mark.anyio
class TestStop:
    async def test_it_ends_the_iteration_and_closes_the_stream_at_once(self) -> None:
        upstream, start = Upstream(WORDS), anyio.current_time()
        async with pace(upstream, ONE_A_SECOND) as paced, anyio.create_task_group() as tasks:

            async def press() -> None:
                await anyio.sleep(1.5)
                paced.stop()

            tasks.start_soon(press)
            words = [word async for word in paced]
            assert words == ["one", " two"]
            assert anyio.current_time() == start + 1.5
            await checkpoint()
            await checkpoint()
            assert upstream.closed_at == start + 1.5, "before the block is left"
            assert paced.statistics().buffered == 0
            paced.stop()
            assert [word async for word in paced] == []
        paced.stop()

    async def test_a_stop_before_the_block_ends_it_as_soon_as_it_is_entered(self) -> None:
        upstream = Upstream(WORDS)
        paced = pace(upstream, ONE_A_SECOND)
        paced.stop()
        async with paced:
            assert [word async for word in paced] == []
        assert not upstream.begun
        assert upstream.closed_at is not None

    async def test_a_stop_while_paused(self) -> None:
        async with pace(Upstream(WORDS), ONE_A_SECOND) as paced:
            await anext(paced)
            paced.pause()
            paced.stop()
            assert [word async for word in paced] == []

    async def test_an_error_that_the_reader_has_not_come_to_is_not_raised(self) -> None:
        async def upstream() -> AsyncIterator[str]:
            yield "one two three"
            raise ConnectionError

        async with pace(upstream(), ONE_A_SECOND) as paced:
            await anext(paced)
            paced.stop()
            assert [word async for word in paced] == []

    @pytest.mark.parametrize("stops", [True, False])
    async def test_a_stall_lasts_no_longer_than_the_stream(self, stops: bool) -> None:
        script = [(0.0, "one "), (9.0, "two" if stops else "")]
        async with pace(scripted(script), ONE_A_SECOND) as paced:
            assert await anext(paced) == "one"
            assert await paced.next(5.0) == ""
            if stops:
                paced.stop()
            assert "".join([word async for word in paced]).strip() == ""
            stalled = paced.statistics().stalled_seconds
            assert stalled > 0
            await anyio.sleep(100)
            assert paced.statistics().stalled_seconds == stalled

    async def test_in_the_middle_of_another_call(self) -> None:
        """As a signal's handler may."""
        async with pace(scripted(WORDS), ONE_A_SECOND, unit=Stopping(lambda: paced)) as paced:
            assert [word async for word in paced] == []

    async def test_it_is_an_event_and_the_last(self) -> None:
        async with pace(Upstream(WORDS), ONE_A_SECOND) as paced, paced.events() as events:
            await anext(paced)
            paced.stop()
            assert [event.kind async for event in events] == ["started", "stopped"]

    async def test_events_are_stopped_too(self) -> None:
        upstream = Upstream([(0.0, "one two three "), (0.0, "!"), (5.0, "four")])

        def split(event: str) -> tuple[str, Any]:
            return ("", "in turn") if event == "!" else (event, "nothing")

        async with pace_events(upstream, ONE_A_SECOND, split=split) as paced:
            assert await anext(paced) == "one"
            paced.stop()
            assert [item async for item in paced] == []
        assert upstream.closed_at is not None


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_stop_from_another_thread() -> None:
    upstream = Upstream([(0.0, "one two")])
    async with pace(upstream, SLOW) as paced:
        await anext(paced)
        threading.Timer(0.01, paced.stop).start()
        with anyio.fail_after(DEADLINE_S):
            assert [word async for word in paced] == []
    assert upstream.closed_at is not None
    await anyio.to_thread.run_sync(paced.stop)  # when all is over


@on_real_loops
@pytest.mark.anyio
async def test_a_stop_from_a_signals_handler() -> None:
    async with pace(Upstream([(0.0, "one two")]), SLOW) as paced:
        before = signal.signal(signal.SIGUSR1, lambda *_: paced.stop())
        try:
            await anext(paced)
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with anyio.fail_after(10.0):
                assert [word async for word in paced] == []
        finally:
            signal.signal(signal.SIGUSR1, before)


@pytest.mark.anyio
class TestSilences:
    async def test_a_tick_gives_control_back(self) -> None:
        start = anyio.current_time()
        came = []
        async with pace(
            scripted([(1.2, "one two"), (2.0, " end")]), ONE_A_SECOND, tick=0.5
        ) as paced:
            async for text in paced:
                came.append((round(anyio.current_time() - start, 3), text))
        texts = [(at, text) for at, text in came if text]
        assert [text for _, text in texts] == ["one", " two", " end"]
        moments = [0.0, *(at for at, _ in came)]
        gaps = [after - before for before, after in pairwise(moments)]
        assert max(gaps) == pytest.approx(0.5)
        assert (0.5, "") in came
        assert (1.0, "") in came

    async def test_by_default_there_is_none(self) -> None:
        async with pace(scripted([(100.0, "one")]), ONE_A_SECOND) as paced:
            assert [text async for text in paced] == ["one"]

    async def test_the_next_with_a_timeout(self) -> None:
        start = anyio.current_time()
        async with pace(scripted([(1.0, "one two")]), ONE_A_SECOND) as paced:
            assert await paced.next(0.25) == ""
            assert anyio.current_time() == start + 0.25
            assert await paced.next(5.0) == "one"
            assert anyio.current_time() < start + 1.3
            assert await paced.next(0.0) == ""
            assert await paced.next() == " two"
            assert await paced.next() is None
            assert await paced.next(0.0) is None

    async def test_a_pause_is_a_silence(self) -> None:
        async with pace(scripted([(0.0, "one two")]), ONE_A_SECOND, tick=0.5) as paced:
            paced.pause()
            assert [await anext(paced) for _ in range(3)] == ["", "", ""]
            paced.resume()
            assert await anext(paced) == "one"


def test_a_tick_that_is_no_time_is_refused() -> None:
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="tick must be above 0"):
            pace(scripted([]), ONE_A_SECOND, tick=wrong)
        with pytest.raises(ValueError, match="tick must be above 0"):
            pace_blocking([], ONE_A_SECOND, tick=wrong)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_upstream_that_awaits_while_it_cleans_up_is_cancelled_once() -> None:
    """As LangGraph does: cancelled at every await, it never gets to stop its model."""
    for leave in ("scope", "break"):
        upstream = Upstream(WORDS, cleaning_s=0.01)
        with anyio.move_on_after(0.05 if leave == "scope" else math.inf):
            async with pace(upstream, ONE_A_SECOND) as paced:
                async for _ in paced:
                    if leave == "break":
                        break
        assert upstream.cleaned


@pytest.mark.parametrize("first", ["the reader", "the stream"])
def test_it_is_cancelled_once_even_by_an_event_loop_that_ends(first: str) -> None:
    async def end() -> bool:
        upstream = Upstream(WORDS, cleaning_s=0.01)

        async def read() -> None:
            async with pace(upstream, ONE_A_SECOND) as paced:
                async for _ in paced:
                    pass

        reader = asyncio.create_task(read())
        await asyncio.sleep(1.5)
        (its_task,) = asyncio.all_tasks() - {reader, asyncio.current_task()}
        both = [reader, its_task] if first == "the reader" else [its_task, reader]
        for task in both:
            task.cancel()
        await asyncio.wait(both)
        return upstream.cleaned

    assert run_virtual(end)


@pytest.mark.anyio
async def test_whatever_a_stream_raises_its_reader_gets() -> None:
    class Odd(BaseException):
        pass

    async def upstream() -> AsyncIterator[str]:
        yield "one"
        raise Odd

    async with pace(upstream(), ONE_A_SECOND) as paced:
        assert await anext(paced) == "one"
        with pytest.raises(Odd):
            await anext(paced)


def test_a_native_cancellation_loses_no_text() -> None:
    script = [(0.0, f"{number} ") for number in range(200)]

    async def read() -> str:
        words = list[str]()

        async def take() -> None:
            async for word in paced:
                words.append(word)

        async with pace(scripted(script), Expectation.program()) as paced:
            while not (taker := asyncio.create_task(take())).done():
                await asyncio.sleep(0)
                if not taker.done():
                    taker.cancel()
                await asyncio.wait([taker])
                if not taker.cancelled():
                    break
        return "".join(words)

    assert run_virtual(read) == "".join(text for _, text in script)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stream_that_somebody_else_cancels_is_no_whole_answer() -> None:
    async def upstream() -> AsyncIterator[str]:
        yield "one "
        raise asyncio.CancelledError

    async def read() -> list[str]:
        async with pace(upstream(), ONE_A_SECOND) as paced:
            return [word async for word in paced]

    with pytest.raises(RuntimeError, match="not by its reader"):
        await read()


@pytest.mark.anyio
class TestGenerators:
    """A block of pace() may stand across a yield: any task may step it, and close it."""

    @pytest.mark.parametrize("own", [True, False])
    async def test_each_step_in_another_task(self, own: bool) -> None:
        upstream = Upstream([(0.0, "one two three")])
        paced = pace(upstream, ONE_A_SECOND)

        async def around() -> AsyncGenerator[str, None]:
            async with paced:
                async for text in paced:
                    yield text

        generator, words = around() if own else paced.generator(), list[str]()

        async def step() -> None:
            words.append(await anext(generator))

        for _ in range(2):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(step)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(generator.aclose)
        assert words == ["one", " two"]
        assert upstream.closed_at == anyio.current_time()

    async def test_a_step_that_is_cancelled_closes_the_stream(self) -> None:
        upstream = Upstream([(0.0, "one two")])
        generator = pace(upstream, ONE_A_SECOND).generator()
        await anext(generator)
        with anyio.move_on_after(0.5):
            await anext(generator)
        assert upstream.closed_at == anyio.current_time()


def test_a_generator_that_is_dropped_closes_the_stream() -> None:
    async def drop() -> bool:
        upstream = Upstream([(0.0, "one two")])
        generator = pace(upstream, ONE_A_SECOND).generator()
        await anext(generator)
        del generator
        gc.collect()
        for _ in range(10):
            await checkpoint()
        return upstream.closed_at is not None

    assert run_virtual(drop)


class TestBlocking:
    def test_a_tick_and_a_timeout(self) -> None:
        gate = threading.Event()

        def upstream() -> Iterator[str]:
            gate.wait(DEADLINE_S)
            yield "one two"

        with pace_blocking(upstream(), Expectation(1.0, 2000.0), tick=0.01) as paced:
            assert next(paced) == ""
            assert paced.next(0.01) == ""
            gate.set()
            assert [text for text in paced if text] == ["one", " two"]
            assert paced.next() is None

    def test_a_stop_from_another_thread(self) -> None:
        closed = threading.Event()

        class Stream:
            def __iter__(self) -> Iterator[str]:
                yield "one two"
                closed.wait(DEADLINE_S)

            def close(self) -> None:
                closed.set()

        with pace_blocking(Stream(), SLOW) as paced:
            assert next(paced) == "one"
            threading.Timer(0.01, paced.stop).start()
            assert list(paced) == []
            assert closed.wait(DEADLINE_S)
            paced.stop()
        paced.stop()

    def test_a_stop_from_a_signals_handler(self) -> None:
        with pace_blocking(iter(["one two"]), SLOW) as paced:
            before = signal.signal(signal.SIGUSR1, lambda *_: paced.stop())
            try:
                assert next(paced) == "one"
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                assert list(paced) == []
            finally:
                signal.signal(signal.SIGUSR1, before)

    def test_in_the_middle_of_another_call(self) -> None:
        paced = pace_blocking(iter(["one two"]), SLOW, unit=Stopping(lambda: paced))
        with paced:
            assert list(paced) == []

    def test_a_pipe_that_waits_to_be_closed_too(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """To close it takes the lock that its reader has."""
        monkeypatch.setattr(blocking, "_CLOSE_TIMEOUT_S", 0.1)
        reading, writing = os.pipe()
        os.write(writing, b"one two\n")
        with pace_blocking(open(reading, encoding="utf-8"), Expectation.program()) as paced:
            next(paced)
        assert "left behind" in caplog.text
        os.close(writing)

    def test_a_stream_that_makes_up_its_attributes_and_fails(self) -> None:
        class Stream:
            waits = threading.Event()

            def __getattr__(self, name: str) -> Any:
                return dict[str, Any]()[name]

            def __iter__(self) -> Iterator[str]:
                yield "one "
                self.waits.wait(0.1)
                yield "two"

        with pace_blocking(Stream(), Expectation.program()) as paced:
            assert next(paced) == "one "
        assert not [one for one in threading.enumerate() if one.name == "andes-drain"]

    def test_whatever_a_stream_raises_its_reader_gets(self) -> None:
        def upstream() -> Iterator[str]:
            yield "one"
            raise asyncio.CancelledError

        with pace_blocking(upstream(), Expectation.program()) as paced:
            assert next(paced) == "one"
            with pytest.raises(asyncio.CancelledError):
                next(paced)

    def test_a_stop_before_the_block(self) -> None:
        paced = pace_blocking(iter(["one two"]), SLOW)
        paced.stop()
        with paced:
            assert list(paced) == []

    def test_the_generator_closes_the_stream(self) -> None:
        closed = threading.Event()

        def upstream() -> Iterator[str]:
            try:
                while True:
                    yield "one "
                    time.sleep(0.001)
            finally:
                closed.set()

        generator = pace_blocking(upstream(), Expectation(1.0, 2000.0)).generator()
        assert next(generator) == "one"
        generator.close()
        assert closed.is_set()


class TestHangingUp:
    """A thread that waits for a silent server is hung up, whatever is around the stream."""

    def streams(self, kind: str, url: str) -> Iterator[str]:
        """Generators as people write them; each makes its request itself."""
        if kind == "openai":
            client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
            stream = client.chat.completions.create(model="m", messages=[], stream=True)
            for chunk in stream:
                yield chunk.choices[0].delta.content or ""
        elif kind in ("httpx", "httpx2"):
            library: Any = {"httpx": httpx, "httpx2": httpx2}[kind]
            with (
                library.Client(trust_env=False, timeout=DEADLINE_S) as client,
                client.stream("POST", url) as response,
            ):
                yield from response.iter_text()
        else:
            requests: Any = pytest.importorskip("requests")
            with requests.post(url, stream=True, timeout=DEADLINE_S) as response:
                for piece in response.iter_content(None):
                    yield piece.decode()

    @pytest.mark.parametrize("kind", ["openai", "httpx", "httpx2", "requests"])
    def test_while_the_server_is_silent(self, server: ScriptedServer, kind: str) -> None:
        server.says(chat(content="one two"), Gate())

        def outer() -> Iterator[str]:
            yield from self.streams(kind, server.url)

        with pace_blocking(outer(), Expectation.program()) as paced:
            next(paced)
        assert server.left.wait(DEADLINE_S)
        assert not [one for one in threading.enumerate() if one.name == "andes-drain"]

    def test_before_there_is_a_response(self, server: ScriptedServer) -> None:
        server.unanswered = Gate()

        def upstream() -> Iterator[str]:
            yield "one"
            yield from self.streams("httpx2", server.url)

        with pace_blocking(upstream(), Expectation.program()) as paced:
            next(paced)
            while not server.received:
                time.sleep(0.001)
        assert server.left.wait(DEADLINE_S)

    def test_another_socket_is_none_of_our_business(self, caplog: pytest.LogCaptureFixture) -> None:
        ours, theirs = socket.socketpair()

        def upstream() -> Iterator[str]:
            yield "one"
            ours.recv(1)
            yield "two"

        with pace_blocking(upstream(), Expectation.program()) as paced:
            next(paced)
            threading.Timer(0.1, lambda: theirs.send(b"!")).start()
        assert ours.fileno() >= 0
        theirs.send(b"?")
        assert ours.recv(1) == b"?", "it was left alone"
        assert "left behind" not in caplog.text
        ours.close()
        theirs.close()


@on_real_loops
@pytest.mark.anyio
async def test_an_async_reader_leaves_a_silent_server(server: ScriptedServer) -> None:
    server.says(b"one two", Gate())
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=DEADLINE_S) as client,
        client.stream("POST", server.url) as response,
    ):
        async with pace(response.aiter_text(), SLOW) as paced:
            await anext(paced)
        assert await server.client_left()
