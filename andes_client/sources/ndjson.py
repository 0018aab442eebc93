"""Streams over plain HTTP with a JSON object in each line, such as Ollama's.

    async with client.stream("POST", url, json=request) as response:
        async with pace(ollama.text(response), reading()) as paced: ...

Lines end at a line feed and nowhere else: JSON may contain U+2028 and U+0085 as they are, at
which many libraries' `aiter_lines()` splits.
"""

import inspect
import json
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from typing import Any, Final

from andes_client.sources.ending import StreamError
from andes_client.sources.refusals import check, check_blocking, quoted

__all__ = ["BlockingEvents", "Events", "events"]

_QUOTED: Final = 80  # characters of what is none of ours
_LONGEST: Final = 16 * 1024 * 1024  # bytes of a line


def events(body: Any) -> "Events":
    """The JSON objects of a streamed response, one a line; for `pace_events`.

    Args:
        body: a streaming response of httpx2 or httpx, or an async iterable of bytes in any
            pieces.

    Raises (when it is iterated):
        StreamError: a line is not a JSON object. The beginning of one at the end of a body that
            was cut off is left out: how the answer ended, `ending` says.
        HTTPStatusError: of httpx2 or httpx; the server answered with an error, or sent you
            elsewhere. The message has its words.
    """
    return Events(body)


class Events(AsyncIterable[dict[str, Any]]):
    """Made by `events`; closing it closes the response."""

    def __init__(self, body: Any) -> None:
        self.response = body
        """What was given."""

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        if hasattr(self.response, "raise_for_status"):
            await check(self.response)
        body, lines = self.response, _Lines(self.response)
        pieces = aiter(body.aiter_bytes() if hasattr(body, "aiter_bytes") else body)
        try:
            async for piece in pieces:
                for event in lines.taken(piece):
                    yield event
            for event in lines.rest():
                yield event
        finally:
            if inspect.isasyncgen(pieces):
                await pieces.aclose()

    async def aclose(self) -> None:
        """Close the response, or whatever the body is."""
        close = getattr(self.response, "aclose", None)
        if close is not None:
            await close()


class BlockingEvents(Iterable[dict[str, Any]]):
    """`events` of a streaming response of a plain client, or of an iterable of bytes."""

    def __init__(self, body: Any) -> None:
        self.response = body
        """What is hung up if its reader leaves (andes_client.hang_up)."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if hasattr(self.response, "raise_for_status"):
            check_blocking(self.response)
        body, lines = self.response, _Lines(self.response)
        for piece in body.iter_bytes() if hasattr(body, "iter_bytes") else body:
            yield from lines.taken(piece)
        yield from lines.rest()

    def close(self) -> None:
        """Close the response, or whatever the body is."""
        close = getattr(self.response, "close", None)
        if close is not None:
            close()


class _Lines:
    """Pieces of a body in, JSON objects out; without I/O."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._begun: list[bytes] = []  # the pieces of a line that has not ended
        self._length = 0

    def taken(self, piece: bytes) -> Iterator[dict[str, Any]]:
        """Those that a piece completes."""
        first, *others = piece.split(b"\n")
        self._begun.append(first)
        self._length += len(first)
        if self._length > _LONGEST:
            raise StreamError(f"a line is longer than {_LONGEST:,} bytes")
        for other in others:
            line, self._begun, self._length = b"".join(self._begun), [other], len(other)
            if line.strip():
                yield self._parsed(line)

    def rest(self) -> Iterator[dict[str, Any]]:
        """The one that the end of the body leaves without a line feed, unless it was cut off."""
        line = b"".join(self._begun)
        if _json(line) is not None:
            yield self._parsed(line)

    def _parsed(self, line: bytes) -> dict[str, Any]:
        event = _json(line)
        if not isinstance(event, dict):
            begins = quoted(line.decode("utf-8", "replace"), self._response, _QUOTED)
            raise StreamError(f"a line is not a JSON object: {begins!r}")
        return event


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
