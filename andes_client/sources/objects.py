"""The JSON objects of an event stream, out of the pieces of its body; without I/O."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from andes_client.sources.decoder import Data, Decoder
from andes_client.sources.ending import StreamError, words
from andes_client.sources.refusals import error_in, quoted

__all__ = ["Objects"]

_DONE: Final = "[DONE]"
# By these, and by `data: null`, servers say only that they are still there.
_HEARTBEATS: Final = ("ping", "heartbeat", "keepalive", "keep-alive")
_QUOTED: Final = 80  # characters of what is none of ours
_LONGEST: Final = 64 * 1024  # bytes of a body that is no stream, which is read for its words
_EVENTS: Final = "text/event-stream"
_LINE: Final = re.compile(rb"(?:data|event|id|retry)?:|(?:data|event|id|retry)[\r\n]")
_LONGEST_NAME: Final = 8  # bytes that decide whether a line is one of an event stream


class Objects:
    """Pieces of a body in, JSON objects out; without I/O.

    Args:
        response: whose body it is; anything else has no type and no key.
    """

    def __init__(self, response: Any) -> None:
        self._response = response
        self._decoder, self._beginning = Decoder(), _Beginning(response)
        self.done = False
        """Whether `[DONE]` has come: nothing follows."""

    def taken(self, piece: Any) -> Iterator[dict[str, Any]]:
        """Those that a piece completes: bytes, text, or an event that a library has decoded."""
        if not isinstance(piece, bytes | str):
            yield from self._of(Data(piece.data, getattr(piece, "event", None) or ""))
        elif self._beginning.is_stream(piece):
            for data in self._decoder.decode(piece):
                yield from self._of(data)

    def rest(self) -> Iterator[dict[str, Any]]:
        """Those that the end of the body completes."""
        if why := self._beginning.complaint():
            raise StreamError(why)
        for data in self._decoder.flush():
            if data.strip() == _DONE or _json(data) is not None:  # else it was cut off
                yield from self._of(data)

    def _of(self, data: Data) -> Iterator[dict[str, Any]]:
        self.done = self.done or data.strip() == _DONE
        if not self.done and (event := self._parsed(data)) is not None:
            yield event

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
