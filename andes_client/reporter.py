"""Takes what readers do to the server that sends their text: in the background, a call at a time.

    reporter = Reporter(posting(client, "http://localhost:8000/v1"))  # an httpx2.AsyncClient
    line = reporter.line(reading())
    stream = await sdk.chat.completions.create(..., extra_body=reading().extra_body(stream=line.id))
    async with pace(text(stream), reading(), report=line) as paced: ...

One reporter serves all streams of an event loop to one server, and `BlockingReporter` those of
`pace_blocking`. With a transport of andes_client.transport, `report=True` does all of this.

The text never waits for a report. A call that is not answered in time is given up; after a
failure there is silence for a while, longer after each. A server that refuses reports (no such
route, not allowed) gets no more of them. There is no task and no thread where no stream is open,
but for some seconds after a reader has left; neither keeps a program from ending.
"""

import contextvars
import logging
import threading
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import anyio

from andes_client import wire
from andes_client.background import running_loop, spawn
from andes_client.desk import MAX_ANSWER_BYTES, Answer, Desk
from andes_client.expectation import Expectation
from andes_client.reports import Line

__all__ = [
    "TIMEOUT_S",
    "Answer",
    "BlockingReporter",
    "Reporter",
    "answer_to",
    "answer_to_blocking",
    "posting",
    "posting_blocking",
]

_log = logging.getLogger(__name__)

TIMEOUT_S: Final = 5.0
"""How long a call may take."""
_LAST_WORDS_S: Final = 1.0  # how long closing waits for the server to hear who has left
_JSON: Final = {"content-type": "application/json", "accept-encoding": "identity"}


class Reporter:
    """Reports for the streams of one event loop, asyncio's or trio's, to one server.

    Args:
        send: makes a call with this JSON and returns what came back; what it raises counts as
            no answer. `posting` makes one of an HTTP client.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[Answer]]) -> None:
        self._send = send
        self._desk = Desk(self._wake, blocking=False)
        self._loop: object = None  # in which its task runs
        self._woken: anyio.Event | None = None
        self._answered: anyio.Event | None = None
        self._scope: anyio.CancelScope | None = None

    def line(self, expectation: Expectation | None = None, *, stream: str | None = None) -> Line:
        """A line for one response: its `id` goes into the request, and itself to `pace`.

        Args:
            expectation: what the request says; None: the same as `pace` is given.
            stream: the id; 128 random bits by default. Whoever knows it can report, too.

        Raises:
            WireError: nobody can report about a stream with that id.
        """
        return _line(self._desk, expectation, stream)

    @property
    def is_idle(self) -> bool:
        """Whether nobody has anything to report: there is no task then, or it ends."""
        return self._desk.is_idle

    async def aclose(self) -> None:
        """Stop, and before that say who has left: for a second, if the server listens."""
        with anyio.move_on_after(_LAST_WORDS_S):
            while self._loop is not None and self._desk.has_last_words:
                self._answered = anyio.Event()
                await self._answered.wait()
        self._desk.clear()
        if self._scope is not None and self._loop is running_loop():
            self._scope.cancel()

    def _wake(self, is_urgent: bool) -> None:
        loop = running_loop()
        if self._loop is loop:
            if is_urgent and self._woken is not None:
                self._woken.set()
        elif not self._desk.is_idle:
            self._loop, self._woken = loop, None
            self._scope = anyio.CancelScope()
            # Nothing of the reader who happens to be the first is kept alive by its context.
            spawn(lambda: self._run(loop), lambda: self._end(loop), contextvars.Context())

    def _end(self, loop: object) -> None:
        if self._loop is loop:
            self._loop = None

    async def _run(self, loop: object) -> None:
        try:
            assert self._scope is not None  # made for it
            with self._scope:
                while not self._desk.is_idle:
                    await self._step()
        except Exception:
            _log.exception("reports of readers have stopped")
            self._desk.clear()
        finally:
            self._end(loop)

    async def _step(self) -> None:
        now = anyio.current_time()
        if (wait := self._desk.next_at(now) - now) > 0:
            self._woken = anyio.Event()
            with anyio.move_on_after(wait):
                await self._woken.wait()
            self._woken = None
        elif body := self._desk.call(now):
            await self._call(body)

    async def _call(self, body: bytes) -> None:
        try:
            with anyio.fail_after(TIMEOUT_S):
                answer = await self._send(body)
        except Exception:  # whatever an HTTP library raises
            _log.debug("a report has not been answered", exc_info=True)
            self._desk.failed(anyio.current_time())
        else:
            self._desk.answered(answer, anyio.current_time())
        if self._answered is not None:
            self._answered.set()


class BlockingReporter:
    """The same for streams of `pace_blocking`, with a thread in place of the task.

    Args:
        send: as for `Reporter`; it gives up by itself (`TIMEOUT_S`).
    """

    def __init__(self, send: Callable[[bytes], Answer]) -> None:
        self._send = send
        self._desk = Desk(self._wake, blocking=True)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken, self._answered = threading.Event(), threading.Event()

    def line(self, expectation: Expectation | None = None, *, stream: str | None = None) -> Line:
        """As `Reporter.line`, for `pace_blocking`."""
        return _line(self._desk, expectation, stream)

    @property
    def is_idle(self) -> bool:
        """Whether nobody has anything to report: there is no thread then, or it ends."""
        return self._desk.is_idle

    def close(self) -> None:
        """Stop, and before that say who has left: for a second, if the server listens."""
        until = time.monotonic() + _LAST_WORDS_S
        while self._desk.has_last_words and (left := until - time.monotonic()) > 0:
            self._answered.clear()
            self._answered.wait(min(0.1, left))
        self._desk.clear()
        self._woken.set()

    def _wake(self, is_urgent: bool) -> None:
        with self._lock:
            # A forked child has the object, but not the thread, and then it is not alive.
            if (self._thread is None or not self._thread.is_alive()) and not self._desk.is_idle:
                self._woken, self._answered = threading.Event(), threading.Event()
                self._thread = threading.Thread(target=self._run, name="andes-reports", daemon=True)
                self._thread.start()
        if is_urgent:
            self._woken.set()

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._step()
        except Exception:
            _log.exception("reports of readers have stopped")
            self._desk.clear()

    def _is_over(self) -> bool:
        with self._lock:
            if self._desk.is_idle:
                self._thread = None
            return self._thread is None

    def _step(self) -> None:
        self._woken.clear()
        now = time.monotonic()
        if (wait := self._desk.next_at(now) - now) > 0:
            self._woken.wait(wait)
        elif body := self._desk.call(now):
            try:
                answer = self._send(body)
            except Exception:
                _log.debug("a report has not been answered", exc_info=True)
                self._desk.failed(time.monotonic())
            else:
                self._desk.answered(answer, time.monotonic())
            self._answered.set()


def posting(
    client: Any, base_url: str, *, headers: Mapping[str, str] | None = None
) -> Callable[[bytes], Awaitable[Answer]]:
    """Makes calls with an `httpx2.AsyncClient` or `httpx.AsyncClient`, which stays the caller's.

    Args:
        client: the client; its own headers go with each call.
        base_url: of the API, as SDKs have it: it ends in /v1.
        headers: others, such as the key's.
    """
    call = _call(base_url, headers)

    async def send(body: bytes) -> Answer:
        async with client.stream(**call, content=body) as response:
            return await answer_to(response)

    return send


def posting_blocking(
    client: Any, base_url: str, *, headers: Mapping[str, str] | None = None
) -> Callable[[bytes], Answer]:
    """`posting` for `httpx2.Client` and `httpx.Client`."""
    call = _call(base_url, headers)

    def send(body: bytes) -> Answer:
        with client.stream(**call, content=body) as response:
            return answer_to_blocking(response)

    return send


async def answer_to(response: Any) -> Answer:
    """What a response of httpx2 or httpx says, as far as it is read.

    Raises:
        ValueError: it is too long.
    """
    body = b""
    chunks: AsyncIterable[bytes] = response.aiter_raw()
    async for chunk in chunks:
        body = _longer(body, chunk)
    return Answer(response.status_code, body, response.headers.get("retry-after"))


def answer_to_blocking(response: Any) -> Answer:
    """`answer_to` for the plain side.

    Raises:
        ValueError: it is too long.
        TimeoutError: it does not end.
    """
    body, until = b"", time.monotonic() + TIMEOUT_S
    chunks: Iterable[bytes] = response.iter_raw()
    for chunk in chunks:
        body = _longer(body, chunk)
        if time.monotonic() > until:
            raise TimeoutError("the answer to a report does not end")
    return Answer(response.status_code, body, response.headers.get("retry-after"))


def _longer(body: bytes, chunk: bytes) -> bytes:
    if len(body) + len(chunk) > MAX_ANSWER_BYTES:
        raise ValueError("the answer to a report is too long")
    return body + chunk


def _call(base_url: str, headers: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"{str(base_url).rstrip('/')}/{wire.REPORTS_PATH}",
        "headers": {**_JSON, **(headers or {})},
        "follow_redirects": False,
        "timeout": TIMEOUT_S,
    }


def _line(desk: Desk, expectation: Expectation | None, stream: str | None) -> Line:
    return Line(
        desk,
        wire.new_stream_id() if stream is None else stream,
        None if expectation is None else expectation.told_tds,
    )
