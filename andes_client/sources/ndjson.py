"""Streams over plain HTTP with a JSON object in each line, such as Ollama's.

    async with client.stream("POST", url, json=request) as response:
        async with pace(ollama.text(response), reading()) as paced: ...

Lines end at a line feed and nowhere else: JSON may contain U+2028 and U+0085 as they are, at
which many libraries' `aiter_lines()` splits.
"""

import inspect
import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Any, Final

from andes_client.sources.ending import StreamError
from andes_client.sources.refusals import check, quoted

__all__ = ["Events", "events"]

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
        self._response = body

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        if hasattr(self._response, "raise_for_status"):
            await check(self._response)
        async with aclosing(self._lines()) as lines:
            async for line in lines:
                if line.strip():
                    yield self._parsed(line)

    async def aclose(self) -> None:
        """Close the response, or whatever the body is."""
        close = getattr(self._response, "aclose", None)
        if close is not None:
            await close()

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        body = self._response
        pieces = aiter(body.aiter_bytes() if hasattr(body, "aiter_bytes") else body)
        begun: list[bytes] = []  # the pieces of a line that has not ended
        length = 0
        try:
            async for piece in pieces:
                first, *others = piece.split(b"\n")
                begun.append(first)
                length += len(first)
                if length > _LONGEST:
                    raise StreamError(f"a line is longer than {_LONGEST:,} bytes")
                for other in others:
                    yield b"".join(begun)
                    begun, length = [other], len(other)
            last = b"".join(begun)
            if _json(last) is not None:  # else it was cut off
                yield last
        finally:
            if inspect.isasyncgen(pieces):
                await pieces.aclose()

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
