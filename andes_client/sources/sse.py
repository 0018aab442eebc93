"""Server-sent events over plain HTTP, with OpenAI's (or another's) JSON in them.

    async with client.stream("POST", url, json=request) as response:
        async with pace(text(response), reading()) as paced: ...

`client` is httpx2's or httpx's, or any other whose body comes in pieces. Lines end where the
standard says they do. Many libraries' `aiter_lines()` also splits at U+2028 and U+0085,
which JSON may contain as they are.
"""

import inspect
import json
import re
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Any, Final

from andes_client.sources import openai
from andes_client.sources.decoder import Data, Decoder
from andes_client.sources.ending import StreamError, words
from andes_client.sources.known import known
from andes_client.sources.refusals import check, error_in, quoted
from andes_client.sources.source import Split
from andes_client.sources.texts import Texts, Thinks

__all__ = ["Data", "Decoder", "Events", "StreamError", "events", "text"]

_DONE: Final = "[DONE]"
# By these, and by `data: null`, servers say only that they are still there.
_HEARTBEATS: Final = ("ping", "heartbeat", "keepalive", "keep-alive")
_QUOTED: Final = 80  # characters of what is none of ours
_LONGEST: Final = 64 * 1024  # bytes of a body that is no stream, which is read for its words
_EVENTS: Final = "text/event-stream"
_LINE: Final = re.compile(rb"(?:data|event|id|retry)?:|(?:data|event|id|retry)[\r\n]")
_LONGEST_NAME: Final = 8  # bytes that decide whether a line is one of an event stream


def text(
    body: Any,
    split: Split[Any] = openai.split,
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of a streamed response; for `pace`.

    Afterwards its `ending` says how the answer ended. A body that stops without a finish
    reason and without `[DONE]` is an error.

    Args:
        body: as for `events`.
        split: for JSON in another form than OpenAI's: `anthropic.split`, or your own. With
            your own, the `ending` is "unsaid".
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(events(body), known(split), thinks=thinks, begins_thinking=begins_thinking)


def events(body: Any) -> "Events":
    """The JSON objects of a streamed response, up to `[DONE]` or its end; for `pace_events`.

    Heartbeats are left out: comments, empty events, `data: null`, and events of that name. The
    content type may be another one, if what comes is an event stream.

    Args:
        body: a streaming response or an EventSource of httpx2, a streaming response of
            httpx, or an async iterable of bytes or text in any pieces.

    Raises (when it is iterated):
        StreamError: see there.
        HTTPStatusError: of httpx2 or httpx; the server answered with an error, or sent you
            elsewhere. The message has its words.
    """
    return Events(body)


class Events(AsyncIterable[dict[str, Any]]):
    """Made by `events`; closing it closes the response."""

    def __init__(self, body: Any) -> None:
        self.done = False
        """Whether `[DONE]` has come."""
        self._body = body
        self._response = getattr(body, "response", body)  # an EventSource has one

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        if hasattr(self._response, "raise_for_status"):
            await check(self._response)
        async with aclosing(self._data()) as received:
            async for data in received:
                if data.strip() == _DONE:
                    self.done = True
                    return
                event = self._parsed(data)
                if event is not None:
                    yield event

    async def aclose(self) -> None:
        """Close the response, or whatever the body is."""
        close = getattr(self._response, "aclose", None)
        if close is not None:
            await close()

    async def _data(self) -> AsyncGenerator[Data, None]:
        decoder, beginning = Decoder(), _Beginning(self._response)
        body = self._response if hasattr(self._response, "aiter_bytes") else self._body
        pieces = aiter(body.aiter_bytes() if hasattr(body, "aiter_bytes") else body)
        try:
            async for piece in pieces:
                if not isinstance(piece, bytes | str):  # a library has decoded it
                    yield Data(piece.data, getattr(piece, "event", None) or "")
                elif beginning.is_stream(piece):
                    for data in decoder.decode(piece):
                        yield data
            if why := beginning.complaint():
                raise StreamError(why)
            for data in decoder.flush():
                if data.strip() == _DONE or _json(data) is not None:  # else it was cut off
                    yield data
        finally:
            if inspect.isasyncgen(pieces):
                await pieces.aclose()

    def _parsed(self, data: Data) -> dict[str, Any] | None:
        event = _json(data)
        if data.event == "error":
            raise StreamError(self._words(event or str(data)))
        if data.strip() in ("", "null"):
            return None
        if not isinstance(event, dict):
            if data.event in _HEARTBEATS:
                return None
            begins = quoted(data, self._response, _QUOTED)
            raise StreamError(f"an event is not a JSON object: {begins!r}")
        if event.get("error") or "error" in (event.get("type"), event.get("object")):
            raise StreamError(self._words(event.get("error") or event))
        return event

    def _words(self, error: object) -> str:
        return quoted(words(error), self._response) or "the server reported an error"


class _Beginning:
    """The beginning of a body, until it is clear whether it is an event stream.

    Some servers send one as text/plain or as JSON. Some send an error, or a page, in its place,
    with a status of success.
    """

    def __init__(self, response: Any) -> None:
        self._response = response
        self._kind = kind = _content_type(response)
        self._trusted = kind is None or kind.lower().startswith(_EVENTS)
        self._known = False
        self._body = b""

    def is_stream(self, piece: bytes | str) -> bool:
        """Whether the piece is to be decoded.

        Raises:
            StreamError: it is not, and enough of it has come.
        """
        if self._known:
            return True
        self._body += piece.encode("utf-8", "replace") if isinstance(piece, str) else piece
        begins = self._body.lstrip(b"\xef\xbb\xbf \t\r\n")
        self._known = _LINE.match(begins) is not None
        foreign = not self._known and len(begins) >= _LONGEST_NAME
        if foreign and not self._trusted and len(self._body) > _LONGEST:
            raise StreamError(self.complaint())
        if self._trusted and len(self._body) > _LONGEST:
            self._known = True  # it has lines of other names
        return self._trusted or not foreign

    def complaint(self) -> str:
        """At the end of the body: what is wrong with it; "" if nothing is."""
        if self._known or not self._body.strip():
            return ""
        if said := error_in(self._body):
            return quoted(said, self._response)
        begins = quoted(self._body.decode("utf-8", "replace"), self._response, _QUOTED)
        kind = quoted(self._kind or "", self._response, _QUOTED)
        if self._kind is None or self._trusted:
            return f"the server sent no event stream: {begins!r}"
        return f"expected {_EVENTS}, but the server sent {kind or 'no type'}: {begins!r}"


def _content_type(response: Any) -> str | None:
    headers = getattr(response, "headers", None)
    return None if headers is None else str(headers.get("content-type", ""))


def _json(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
