"""The body of an answer as JSON objects: an event stream, whatever it calls itself, or one object.

A server that does not stream sends the completion in one piece, and some report an error like
that, with status 200.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import httpx2

from andes_client.sources.sse import Decoder
from andes_demos.chat.reply import ReportedError
from andes_demos.chat.words import words_of_body

__all__ = ["DONE", "NoAnswerError", "events", "whole"]

DONE: Final = "[DONE]"
"""In the place of an event: the server says that this was all."""

_LARGEST: Final = 1 << 24  # bytes of a body that is no event stream


class NoAnswerError(Exception):
    """What came is no answer; the message says what it is."""


async def events(response: httpx2.Response) -> AsyncGenerator[Any, None]:
    """What is in the events of a response, parsed; `DONE` at its end if the server says so.

    Raises:
        ReportedError: an event says of itself that it is an error.
        NoAnswerError: it is neither an event stream nor a JSON object.
    """
    pieces = response.aiter_bytes()
    async with aclosing(pieces):
        begin = await _begin(pieces)
        if begin.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"["):
            yield _whole(begin + await _rest(pieces, _LARGEST))
            yield DONE
            return
        decoder, is_stream = Decoder(), False
        async for data in _data(decoder, begin, pieces):
            is_stream = True
            if data.strip() == DONE:
                yield DONE
                return
            if data.strip():
                yield _parsed(data)
    kind = response.headers.get("content-type", "")
    if not is_stream and not kind.lower().startswith("text/event-stream"):
        raise NoAnswerError(f"expected text/event-stream, but it is {kind or 'of no type'}")


async def whole(response: httpx2.Response) -> bytes:
    """A body that is no event stream.

    Raises:
        NoAnswerError: it is too long to be one.
    """
    async with aclosing(response.aiter_bytes()) as pieces:
        return await _rest(pieces, _LARGEST)


async def _begin(pieces: AsyncIterator[bytes]) -> bytes:
    """The first that is more than white space."""
    begin = b""
    async for piece in pieces:
        begin += piece
        if begin.strip(b"\xef\xbb\xbf \r\n\t"):
            break
    return begin


async def _rest(pieces: AsyncIterator[bytes], most: int) -> bytes:
    rest: list[bytes] = []
    async for piece in pieces:
        rest.append(piece)
        most -= len(piece)
        if most < 0:
            raise NoAnswerError("it is a file")
    return b"".join(rest)


async def _data(
    decoder: Decoder, begin: bytes, pieces: AsyncIterator[bytes]
) -> AsyncGenerator[str, None]:
    for data in decoder.decode(begin):
        yield data
    async for piece in pieces:
        for data in decoder.decode(piece):
            yield data
    # The last event is an event, also when the blank line after it is missing.
    for data in decoder.decode(b"\n\n"):
        yield data


def _parsed(data: str) -> Any:
    try:
        event = json.loads(data)
    except ValueError:
        event = data
    if getattr(data, "event", "") == "error":
        raise ReportedError(words_of_body(data))
    if event and not isinstance(event, dict):
        raise NoAnswerError(f"an event is not a JSON object: {data}")
    return event


def _whole(body: bytes) -> Any:
    try:
        found = json.loads(body)
    except ValueError:
        raise NoAnswerError("it is no JSON, although it begins like that") from None
    if isinstance(found, list):  # Google's way with errors
        found = next(iter(found), None)
    if not isinstance(found, dict):
        raise NoAnswerError("it is JSON, but no completion")
    return found
