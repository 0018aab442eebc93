"""What all sources have in common: an event is text, something else, or both."""

import contextlib
import inspect
import socket
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, Generic, Literal, TypeVar

__all__ = ["BlockingTexts", "Rest", "Split", "Texts", "field"]

T = TypeVar("T")

Rest = Literal[
    "nothing",  # the event is its text and no more: the event itself is dropped
    "in turn",  # it is passed on when the text before it has been shown
    "at once",  # it is passed on without delay, and the text before it is shown at once
]
"""What there is to an event besides its text, and when it is due."""

Split = Callable[[T], tuple[str, Rest]]
"""Takes an event apart: the text to be paced, often "", and what is left of the event."""


class Texts(AsyncIterable[str], Generic[T]):
    """The text in a stream of events, delta by delta. To be iterated once.

    Closing it closes the stream, also while it is being read; `pace` does so at its end.

    Args:
        stream: an SDK's stream, or any async iterable of events.
        split: takes its events apart.

    Raises:
        TypeError: the stream cannot be iterated so; the message says what to do.
    """

    def __init__(self, stream: AsyncIterable[T], split: Split[T]) -> None:
        if not hasattr(stream, "__aiter__"):
            raise TypeError(f"text needs an async stream, not {_what(stream, 'text_blocking')}")
        self._stream = stream
        self._split = split
        self._iterator: AsyncIterator[T] | None = None

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        async for event in self._events():
            text, _ = self._split(event)
            if text:
                yield text

    async def aclose(self) -> None:
        """Close the stream, and with it the connection to the server."""
        iterator = self._iterator
        try:
            # One that is left in the middle is not closed by the stream's own `close`.
            if inspect.isasyncgen(iterator) and not iterator.ag_running:
                await iterator.aclose()
        finally:
            close = getattr(self._stream, "aclose", None) or getattr(self._stream, "close", None)
            if close is not None and inspect.isawaitable(closing := close()):
                await closing

    def _events(self) -> AsyncIterator[T]:
        self._iterator = aiter(self._stream)
        return self._iterator


class BlockingTexts(Iterable[str], Generic[T]):
    """`Texts` for the plain iterators of SDKs, for `pace_blocking`.

    Closing it, from whatever thread, also ends a wait for the server, if the stream is one
    of openai or anthropic over HTTP/1.1. A generator cannot be interrupted.
    """

    def __init__(self, stream: Iterable[T], split: Split[T]) -> None:
        if not hasattr(stream, "__iter__"):
            raise TypeError(f"text_blocking needs a plain stream, not {_what(stream, 'text')}")
        self._stream = stream
        self._split = split

    def __iter__(self) -> Iterator[str]:
        for event in self._stream:
            text, _ = self._split(event)
            if text:
                yield text

    def close(self) -> None:
        """Close the stream, and with it the connection to the server."""
        if inspect.isgenerator(self._stream) and self._stream.gi_running:
            return
        _hang_up(self._stream)
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


def _hang_up(stream: object) -> None:
    """End the connection of a response that another thread waits for.

    To close a socket does not wake who reads from it; to shut it down does. An HTTP/2
    connection carries others' responses too and is left alone.
    """
    response: Any = getattr(stream, "response", None) or getattr(stream, "_response", None)
    if response is None or response.is_closed or response.http_version != "HTTP/1.1":
        return
    network = response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network is not None else None
    if connection is not None:
        with contextlib.suppress(OSError):  # it is gone already
            connection.shutdown(socket.SHUT_RDWR)


def field(event: object, name: str) -> Any:
    """A field of an SDK's object, or of the JSON object that it was; None if it has none."""
    return event.get(name) if isinstance(event, Mapping) else getattr(event, name, None)


def _what(stream: object, other: str) -> str:
    name = type(stream).__name__
    if inspect.isawaitable(stream):
        return f"{name}: await it first"
    if hasattr(stream, "__aiter__") or hasattr(stream, "__iter__"):
        return f"{name}; for that there is {other}"
    if hasattr(stream, "__aenter__") or hasattr(stream, "__enter__"):
        return f"{name}: enter it first (with ... as stream)"
    return name
