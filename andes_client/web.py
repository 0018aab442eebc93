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

Whether the answer is whole, `done` does not say: a filter may have stopped it, or a limit on its
length. The texts of andes_client.sources know. Give them as `ending_of`, and before `done` (or
`error`) comes one event more, with the `reason` and what the server `said` (see `Ending`):

    texts = text(model(request))
    events = sse(pace(texts, reading(wpm=238)), ending_of=texts)

    event: ending
    data: {"reason": "refused", "said": "I cannot help with that."}

What is said of failures and of tools stays at home: it may tell of your servers.

A browser's `EventSource` connects again by itself when a response ends: close it at `done`.

`sse_blocking` does the same for frameworks without an event loop (Flask, Django under WSGI).

The generator may be dropped or closed at any moment, by anyone, as web frameworks do when the
client has gone: the stream is closed with it. Before its first step it holds nothing yet: a stream
that makes its request when it is iterated has made none; one that was opened before is yours to
close then (a server that answers HEAD, say, takes no step).
"""

import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from typing import Final, Protocol

from andes_client.blocking import BlockingPaced, pace_blocking
from andes_client.buffer import Statistics
from andes_client.expectation import Expectation
from andes_client.pacer import Paced, pace
from andes_client.sources.ending import Ending

__all__ = ["HEADERS", "HasEnding", "sse", "sse_blocking"]

HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would collect the events otherwise
}
"""What the response should carry."""

_log = logging.getLogger(__name__)

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_KEEP_ALIVE: Final = b": keep-alive\n\n"
_NOT_FOR_PAGES: Final = ("failed", "tool call")


class HasEnding(Protocol):
    """What knows how an answer ended: the `Texts` of a source, for one."""

    @property
    def ending(self) -> Ending | None:
        """How it ended; None if that is not known."""
        ...


def sse(
    stream: AsyncIterable[str],
    *,
    event_of: Callable[[str], str] | None = None,
    ending_of: HasEnding | None = None,
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
        ending_of: what the `ending` of the answer is taken from, once all has been shown; for
            `event: ending`. By default, and if its `ending` is None, there is no such event.
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
    _check_keep_alive(keep_alive)
    return _events(stream, _writer(event_of), ending_of, keep_alive)


def sse_blocking(
    stream: Iterable[str],
    *,
    event_of: Callable[[str], str] | None = None,
    ending_of: HasEnding | None = None,
    keep_alive: float = 15.0,
) -> Generator[bytes, None, None]:
    """`sse` for what `pace_blocking` returned, or any other iterable of text.

    A server of this kind hears that its client has gone when it next sends something: in a
    silence that is the comment. A `keep_alive` of half a second lets nobody's model run longer
    than that for nobody.

    Returns:
        A generator of UTF-8. Closing it, from the thread that iterates it, closes the stream.
    """
    if not hasattr(stream, "__iter__"):
        raise TypeError(f"sse_blocking() needs a paced stream, not {type(stream).__name__}")
    _check_keep_alive(keep_alive)
    return _events_blocking(stream, _writer(event_of), ending_of, keep_alive)


def _check_keep_alive(keep_alive: float) -> None:
    if not keep_alive > 0:
        raise ValueError(f"keep_alive must be above 0 seconds, not {keep_alive!r}")


async def _events(
    stream: AsyncIterable[str],
    written: Callable[[str], bytes],
    ending_of: HasEnding | None,
    keep_alive: float,
) -> AsyncGenerator[bytes, None]:
    paced = stream if isinstance(stream, Paced) else pace(stream, Expectation.program())
    try:
        async with paced:
            paced.keep_time()
            while (text := await paced.next(keep_alive)) is not None:
                yield written(text) if text else _KEEP_ALIVE
        end = _done(paced.statistics() if paced is stream else None)
    except Exception as error:
        end = _failed(error)
    yield _ending(ending_of) + end


def _events_blocking(
    stream: Iterable[str],
    written: Callable[[str], bytes],
    ending_of: HasEnding | None,
    keep_alive: float,
) -> Generator[bytes, None, None]:
    paced = (
        stream
        if isinstance(stream, BlockingPaced)
        else pace_blocking(stream, Expectation.program())
    )
    try:
        with paced:
            paced.keep_time()
            while (text := paced.next(keep_alive)) is not None:
                yield written(text) if text else _KEEP_ALIVE
        end = _done(paced.statistics() if paced is stream else None)
    except Exception as error:
        end = _failed(error)
    yield _ending(ending_of) + end


def _done(statistics: Statistics | None) -> bytes:
    return _event(json.dumps({} if statistics is None else _figures(statistics)), "done")


def _failed(error: Exception) -> bytes:
    _log.warning("a stream failed while it was sent as events", exc_info=True)
    return _event(json.dumps({"error": type(error).__name__}), "error")


def _ending(ending_of: HasEnding | None) -> bytes:
    ending = None if ending_of is None else ending_of.ending
    if ending is None:
        return b""
    said = "" if ending.reason in _NOT_FOR_PAGES else ending.said
    return _event(json.dumps({"reason": ending.reason, "said": said}), "ending")


def _event(data: str, name: str | None = None) -> bytes:
    lines = [f"data: {line}\n" for line in _LINE_END.split(data)]
    head = "" if name is None else f"event: {name}\n"
    # Half a surrogate pair has no UTF-8; JSON, being ASCII here, carries it all the same.
    return (head + "".join(lines) + "\n").encode("utf-8", "replace")


def _writer(event_of: Callable[[str], str] | None) -> Callable[[str], bytes]:
    return _as_json if event_of is None else lambda text: _event(event_of(text))


def _as_json(text: str) -> bytes:
    # In one line of ASCII: with thousands of readers what `_event` looks for costs time.
    return f'data: {{"text": {json.dumps(text)}}}\n\n'.encode()


def _figures(statistics: Statistics) -> dict[str, float | None]:
    names = ("shown", "ttft", "tds", "qoe", "stalls", "stalled_seconds")
    return {name: getattr(statistics, name) for name in names}
