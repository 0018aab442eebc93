"""Server-sent events over plain HTTP, with OpenAI's (or another's) JSON in them.

    async with client.stream("POST", url, json=request) as response:
        async with pace(text(response), reading()) as paced: ...

`client` is httpx2's or httpx's, or any other whose body comes in pieces. Lines end where the
standard says they do. Many libraries' `aiter_lines()` also splits at U+2028 and U+0085,
which JSON may contain as they are.
"""

import codecs
import inspect
import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Any, Final

from andes_client.sources import openai
from andes_client.sources.texts import Split, Texts

__all__ = ["Decoder", "Events", "StreamError", "events", "text"]

_DONE: Final = "[DONE]"


class StreamError(Exception):
    """The server reported an error in its stream, or what came is no stream of JSON events."""


def text(body: Any, split: Split[Any] = openai.split) -> Texts[Any]:
    """The text of a streamed response; for `pace`.

    Args:
        body: as for `events`.
        split: for JSON in another form than OpenAI's: `anthropic.split`, or your own.
    """
    return Texts(events(body), split)


def events(body: Any) -> "Events":
    """The JSON objects of a streamed response, up to `[DONE]` or its end; for `pace_events`.

    Args:
        body: a streaming response or an EventSource of httpx2, a streaming response of
            httpx, or an async iterable of bytes or text in any pieces.

    Raises (when it is iterated):
        StreamError: see there.
        HTTPStatusError: of httpx2 or httpx; the server answered with an error.
    """
    return Events(body)


class Events(AsyncIterable[dict[str, Any]]):
    """Made by `events`; closing it closes the response."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self._response = getattr(body, "response", body)  # an EventSource has one

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        if hasattr(self._response, "raise_for_status"):
            _check(self._response)
        async with aclosing(_data(self._body)) as received:
            async for data in received:
                if data == _DONE:
                    return
                if data:  # an empty event only keeps the connection alive
                    yield _parsed(data)

    async def aclose(self) -> None:
        """Close the response, or whatever the body is."""
        close = getattr(self._response, "aclose", None)
        if close is not None:
            await close()


class Decoder:
    """Pieces of an event stream in, the data of whole events out; without I/O.

    UTF-8 and nothing else, as https://html.spec.whatwg.org/#event-stream-interpretation
    says; an event that has not ended when the stream does is dropped.
    """

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._line: list[str] = []  # the pieces of one that has not ended
        self._data: list[str] = []  # the lines of an event that has not ended
        self._after_cr = self._begun = False

    def decode(self, piece: bytes | str) -> list[str]:
        """Take in the next piece; return the data of the events that it ends."""
        new = self._utf8.decode(piece) if isinstance(piece, bytes) else piece
        if not new:
            return []
        if not self._begun:
            new, self._begun = new.removeprefix("\ufeff"), True
        if self._after_cr:  # a line feed now belongs to the line end before it
            new = new.removeprefix("\n")
        self._after_cr = new.endswith("\r")
        first, *others = new.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._line.append(first)
        ended = []
        for other in others:
            ended += self._take("".join(self._line))
            self._line = [other]
        return ended

    def _take(self, line: str) -> list[str]:
        name, _, value = line.partition(":")
        if line == "":
            data, self._data = self._data, []
            return ["\n".join(data)] if data else []
        if name == "data":
            self._data.append(value.removeprefix(" "))
        return []


async def _data(body: Any) -> AsyncGenerator[str, None]:
    decoder = Decoder()
    pieces = aiter(body.aiter_bytes() if hasattr(body, "aiter_bytes") else body)
    try:
        async for piece in pieces:
            if isinstance(piece, bytes | str):
                for data in decoder.decode(piece):
                    yield data
            else:
                yield piece.data  # an EventSource has decoded it
    finally:
        if inspect.isasyncgen(pieces):
            await pieces.aclose()


def _check(response: Any) -> None:
    response.raise_for_status()
    kind = response.headers.get("content-type", "")
    if not kind.lower().startswith("text/event-stream"):
        raise StreamError(f"expected text/event-stream, but the server sent {kind or 'no type'}")


def _parsed(data: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise StreamError(f"an event is not a JSON object: {data[:200]!r}")
    if event.get("error") or event.get("type") == "error":
        error = event.get("error") or event
        message = error.get("message") if isinstance(error, dict) else None
        raise StreamError(str(message or error))
    return event
