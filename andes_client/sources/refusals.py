"""What an HTTP server says when it does not answer, in words for a person."""

import contextlib
import json
from typing import Any, Final

import anyio

from andes_client.sources.ending import words

__all__ = ["check", "error_in", "quoted", "redacted"]

_PATIENCE_S: Final = 10.0  # for the body of a refusal
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
    try:
        response.raise_for_status()
    except Exception as error:
        if not hasattr(error, "response"):
            raise
        told = await _told(response)
        made: Any = type(error)
        raise made(told, request=response.request, response=response) from None


async def _told(response: Any) -> str:
    # Any of it may hold the key: the reason, an address, a header.
    reason = quoted(response.reason_phrase, response)
    told = f"the server answered {response.status_code} {reason}".rstrip()
    if location := quoted(response.headers.get("location", ""), response):
        return f"{told}: it sends you to {location}, and this client does not follow it"
    body = b""
    with contextlib.suppress(Exception), anyio.move_on_after(_PATIENCE_S):
        body = await response.aread()
    said = error_in(body) or body.decode("utf-8", "replace")
    if said := quoted(said, response):
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
