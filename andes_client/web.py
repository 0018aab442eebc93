"""A paced stream as Server-Sent Events, for a browser at the other end.

    async def answer(request):  # a Starlette or FastAPI handler
        paced = pace(model(request), reading(wpm=238))
        return StreamingResponse(sse(paced), headers=HEADERS)

What goes over the wire, for the text `Hello` and then the end:

    data: {"text": "Hello"}

    event: done
    data: {"shown": 1, "ttft": 0.4, "tds": null, "qoe": 1.0, "stalls": 0, ...}

If the upstream fails, `event: error` with `{"error": "ConnectionError"}` comes in place of
`done`, after the text before it. During silences a comment keeps proxies from giving up.

A browser's `EventSource` connects again by itself when a response ends: close it at `done`.

The stream is drained and paced in a task of its own, not in the generator: a web framework
drops a generator wherever it happens to be when the client has gone, and a task group that
is open across a `yield` would then be left by another task than entered it, which neither
asyncio nor trio can stand. Here the generator may be dropped or closed at any moment, by
anyone: its task is cancelled, and with it the upstream.
"""

import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Final

import anyio

from andes_client.background import spawn
from andes_client.buffer import Statistics
from andes_client.expectation import Expectation
from andes_client.pacer import Paced, pace

__all__ = ["HEADERS", "sse"]

HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would collect the events otherwise
}
"""What the response should carry."""

_log = logging.getLogger(__name__)

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_KEEP_ALIVE: Final = b": keep-alive\n\n"


def sse(
    stream: AsyncIterable[str],
    *,
    event_of: Callable[[str], str] | None = None,
    keep_alive: float = 15.0,
) -> AsyncGenerator[bytes, None]:
    """The events of one response, ready to be sent.

    Args:
        stream: what `pace` returned, not entered yet; entering, leaving and closing it is
            done here, and its controls may be used from elsewhere while it runs. Any other
            async iterable of text is passed on as it comes, and its `done` has no figures.
        event_of: makes the data of an event from a text. By default `{"text": ...}` in
            JSON, from which every text comes back exact. `str` sends the bare text; line
            breaks of all kinds then arrive as "\\n", because the format has no other.
        keep_alive: seconds of silence after which a comment is sent; `math.inf`: never.

    Returns:
        A generator of UTF-8; closing it, or dropping it, cancels and closes the stream at
        once. A failure of the upstream is logged with its traceback, and the client gets
        the name of its type only.

    Raises:
        TypeError: `stream` is not an async iterable.
        ValueError: `keep_alive` is not above 0.
    """
    if not hasattr(stream, "__aiter__"):
        raise TypeError(f"sse() needs a paced stream, not {type(stream).__name__}")
    if not keep_alive > 0:
        raise ValueError(f"keep_alive must be above 0 seconds, not {keep_alive!r}")
    return _events(stream, event_of or _as_json, keep_alive)


async def _events(
    stream: AsyncIterable[str], event_of: Callable[[str], str], keep_alive: float
) -> AsyncGenerator[bytes, None]:
    outbox = _Outbox()
    spawn(lambda: outbox.fill(stream, event_of), outbox.end)
    try:
        while not outbox.ended or outbox.chunks:
            if outbox.chunks:
                chunk = b"".join(outbox.chunks)
                outbox.chunks.clear()
                yield chunk
                continue
            with anyio.move_on_after(keep_alive) as silence:
                await outbox.wait()
            if silence.cancelled_caught:
                yield _KEEP_ALIVE
    finally:
        await outbox.close()


class _Outbox:
    """What waits to be sent, and the work of the task that fills it."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.ended = False
        self._changed = anyio.Event()
        self._scope = anyio.CancelScope()

    async def wait(self) -> None:
        """Until something has been put in, or the end."""
        if not self.ended:
            self._changed = anyio.Event()
            await self._changed.wait()

    async def close(self) -> None:
        """Cancel the filling, and wait until it has let go of the stream."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            while not self.ended:
                await self.wait()

    async def fill(self, stream: AsyncIterable[str], event_of: Callable[[str], str]) -> None:
        """Put everything in, until the stream has ended; it is closed then."""
        paced = stream if isinstance(stream, Paced) else pace(stream, Expectation.program())
        try:
            with self._scope:
                async with paced:
                    async for text in paced:
                        self._put(_event(event_of(text)))
                figures = _figures(paced.statistics()) if paced is stream else {}
                self._put(_event(json.dumps(figures), "done"))
        except Exception as error:
            _log.warning("a stream failed while it was sent as events", exc_info=True)
            self._put(_event(json.dumps({"error": type(error).__name__}), "error"))
        finally:
            self.end()

    def end(self) -> None:
        """Nothing more will be put in."""
        self.ended = True
        self._changed.set()

    def _put(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self._changed.set()


def _event(data: str, name: str | None = None) -> bytes:
    lines = [f"data: {line}\n" for line in _LINE_END.split(data)]
    head = "" if name is None else f"event: {name}\n"
    # Half a surrogate pair has no UTF-8; JSON, being ASCII here, carries it all the same.
    return (head + "".join(lines) + "\n").encode("utf-8", "replace")


def _as_json(text: str) -> str:
    return json.dumps({"text": text})


def _figures(statistics: Statistics) -> dict[str, float | None]:
    names = ("shown", "ttft", "tds", "qoe", "stalls", "stalled_seconds")
    return {name: getattr(statistics, name) for name in names}
