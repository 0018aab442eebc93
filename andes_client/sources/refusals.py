"""What an HTTP server says when it does not answer, in words for a person."""

import contextlib
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Final, NamedTuple

import anyio

from andes_client.sources.ending import words

__all__ = [
    "Body",
    "beginning",
    "beginning_blocking",
    "check",
    "check_blocking",
    "error_in",
    "quoted",
    "redacted",
]

_PATIENCE_S: Final = 10.0  # for the body of a refusal
_LONGEST_BODY: Final = 64 * 1024  # bytes
_LONGEST_KEY: Final = 8 * 1024  # characters; servers take no longer header
_LONGEST: Final = 300  # characters of what a server says
# Headers of a request that hold a key, which the server may quote.
_SECRET: Final = (
    "authorization",
    "proxy-authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
)
_SHORTEST_SECRET: Final = 6  # one that is shorter could be any word


async def check(response: Any) -> None:
    """Nothing, if the status of the response is one of success; its body is not read then.

    Raises:
        HTTPStatusError: of httpx2 or httpx; the message has the server's words, where a
            redirect leads to, and when to try again.
    """
    if (error := _refusal(response)) is not None:
        # Where a redirect leads to is told; what its body says is not.
        moved = "location" in response.headers
        raise _with_words(error, response, _NOTHING if moved else await beginning(response))


def check_blocking(response: Any) -> None:
    """`check` for the plain clients; of requests, its own HTTPError."""
    if (error := _refusal(response)) is not None:
        if not hasattr(response, "iter_bytes"):
            raise error
        moved = "location" in response.headers
        raise _with_words(error, response, _NOTHING if moved else beginning_blocking(response))


def _refusal(response: Any) -> Exception | None:
    try:
        response.raise_for_status()
    except Exception as error:
        if hasattr(error, "response"):
            return error
        raise
    return None


def _with_words(error: Exception, response: Any, body: "Body") -> Exception:
    made: Any = type(error)
    told = made(_told(response, body), request=response.request, response=_with(response, body))
    told.__suppress_context__ = True
    return told  # type: ignore[no-any-return]


class Body(NamedTuple):
    """The body of a refusal, or the beginning of a long one."""

    content: bytes
    whole: bool

    def text(self, redact: Callable[[str], str]) -> str:
        """Its text, without the key: also without the part of one with which it may break off.

        Args:
            redact: takes the key out of a text.
        """
        text = redact(self.content.decode("utf-8", "replace"))
        if self.whole or not text or text[-1].isspace():
            return text
        return text[: -min(len(text.split()[-1]), _LONGEST_KEY)]


_NOTHING: Final = Body(b"", whole=True)


async def beginning(response: Any) -> Body:
    """What a server says when it refuses: at most 64 KiB, and what comes within ten seconds.

    Args:
        response: of httpx2 or httpx, not read yet.
    """
    content, whole = b"", False
    with contextlib.suppress(Exception), anyio.move_on_after(_PATIENCE_S):
        async with aclosing(response.aiter_bytes()) as pieces:
            async for piece in pieces:
                content += piece
                if len(content) > _LONGEST_BODY:
                    break
            else:
                whole = True
    return Body(content[:_LONGEST_BODY], whole)


def beginning_blocking(response: Any) -> Body:
    """`beginning` for a plain response; how long it waits is the client's own timeout."""
    content, whole, until = b"", False, time.monotonic() + _PATIENCE_S
    with contextlib.suppress(Exception):
        for piece in response.iter_bytes():
            content += piece
            if len(content) > _LONGEST_BODY or time.monotonic() > until:
                break
        else:
            whole = True
    return Body(content[:_LONGEST_BODY], whole)


def _with(response: Any, body: Body) -> Any:
    """The response as if it had this body: those who catch its error may ask for that."""
    coded = ("content-encoding", "content-length", "transfer-encoding")
    return type(response)(
        response.status_code,
        headers=[item for item in response.headers.multi_items() if item[0].lower() not in coded],
        content=body.content,
        request=response.request,
        extensions=response.extensions,
    )


def _told(response: Any, body: Body) -> str:
    # Any of it may hold the key: the reason, an address, a header.
    reason = quoted(response.reason_phrase, response)
    told = f"the server answered {response.status_code} {reason}".rstrip()
    if location := quoted(response.headers.get("location", ""), response):
        return f"{told}: it sends you to {location}, and this client does not follow it"
    text = body.text(lambda text: redacted(text, response))
    if said := quoted(error_in(text) or text, response):
        told += f": {said}"
    if wait := quoted(response.headers.get("retry-after", ""), response):
        told += f" (Retry-After: {wait})"
    return told


def error_in(body: bytes | str) -> str:
    """The words of an error that is a JSON object of its own; "" if it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    names = ("error", "message", "detail")
    return words(said) if isinstance(said, dict) and any(said.get(name) for name in names) else ""


def redacted(said: str, response: Any) -> str:
    """Words of a server without the key that its request carried.

    To be done before anything is cut off: part of a key is not found.

    Args:
        said: the words.
        response: of httpx2 or httpx; anything else has no key.
    """
    headers: Any = {}
    with contextlib.suppress(AttributeError, RuntimeError):  # no response, or of no request
        headers = response.request.headers
    for name in _SECRET:
        for secret in headers.get(name, "").split():
            if len(secret) >= _SHORTEST_SECRET:
                said = said.replace(secret, "[key]")
    return said


def quoted(said: str, response: Any, longest: int = _LONGEST) -> str:
    """Words of a server as part of a sentence: without the key, in one line, not too long.

    All that it said, and not a part of it: part of a key is not found.
    """
    return " ".join(redacted(said, response).split())[:longest]
