"""What servers of others answer, read up to a bound: a server may send without end."""

import asyncio
import contextlib
from typing import Final

import httpx2

__all__ = ["LONGEST", "LONGEST_REFUSAL", "get", "get_async", "refusal"]

LONGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer that is read; metrics of a large server are a few hundred thousand."""
LONGEST_REFUSAL: Final = 64 * 1024
"""Bytes of an answer that says why there is none."""
_REFUSAL_S: Final = 10.0


def get(client: httpx2.Client, path: str) -> httpx2.Response:
    """The answer to a GET, or the beginning of a very long one.

    Raises:
        httpx2.HTTPError: there is no answer.
    """
    with client.stream("GET", path) as response:
        most, body = _most(response), bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > most:
                break
    return httpx2.Response(response.status_code, content=bytes(body[:most]))


async def get_async(client: httpx2.AsyncClient, path: str) -> httpx2.Response:
    """The same in asyncio."""
    async with client.stream("GET", path) as response:
        body = await _beginning(response, _most(response))
    return httpx2.Response(response.status_code, content=body)


async def refusal(response: httpx2.Response) -> str:
    """What a server says when it refuses, as far as it comes within ten seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_REFUSAL_S):
            return (await _beginning(response, LONGEST_REFUSAL)).decode(errors="replace")
    return ""


async def _beginning(response: httpx2.Response, most: int) -> bytes:
    body = bytearray()
    async with contextlib.aclosing(response.aiter_bytes()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > most:
                break
    return bytes(body[:most])


def _most(response: httpx2.Response) -> int:
    return LONGEST if response.is_success else LONGEST_REFUSAL
