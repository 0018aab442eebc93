"""Lines for the responses that go through a transport: which server, and which reader.

A response's line finds its reader by itself. Where `pace` drains its stream, `READER` is set
(andes_client.reports); the request is made there, or the body of its response is read there, and
either way the line is handed over. A response that nobody paces is never reported on.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, Generic, TypeVar

import anyio

from andes_client import wire
from andes_client.expectation import Expectation
from andes_client.reporter import (
    TIMEOUT_S,
    Answer,
    BlockingReporter,
    Reporter,
    answer_to,
    answer_to_blocking,
)
from andes_client.reports import READER, Line

__all__ = [
    "AsyncBody",
    "BlockingBody",
    "Place",
    "Reporters",
    "place_of",
    "sender",
    "sender_blocking",
]

R = TypeVar("R", Reporter, BlockingReporter)

Place = tuple[str, tuple[tuple[str, str], ...]]
"""Where reports go: the URL, and the headers that let one in."""

_KEYS: Final = ("authorization", "api-key", "x-api-key", "cookie")
_MOST_PLACES: Final = 256  # servers and keys that are remembered
_CLOSE_TIMEOUT_S: Final = 1.0


def place_of(request: Any, path: str) -> Place:
    """Where the reports of the response to this request go.

    Args:
        request: of httpx2 or httpx.
        path: the end of its path, behind the base URL.
    """
    base = request.url.path.removesuffix(path).rstrip("/")
    url = request.url.copy_with(path=f"{base}/{wire.REPORTS_PATH}", query=None)
    held = ((name, request.headers.get(name)) for name in _KEYS)
    return str(url), tuple((name, value) for name, value in held if value is not None)


class Reporters(Generic[R]):
    """A reporter for each place.

    Args:
        make: makes one.
    """

    def __init__(self, make: Callable[[Place], R]) -> None:
        self._make: Callable[[Place], R] = make
        self._reporters: dict[Place, R] = {}

    def line(self, place: Place, expectation: Expectation, stream: str) -> Line | None:
        """A line for one response; None: nobody can report about a stream with that id."""
        try:
            return self._at(place).line(expectation, stream=stream)
        except wire.WireError:
            return None

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._reporters.values()))

    def _at(self, place: Place) -> R:
        if place not in self._reporters:
            if len(self._reporters) >= _MOST_PLACES:
                for other in [key for key, one in self._reporters.items() if one.is_idle]:
                    del self._reporters[other]
            self._reporters[place] = self._make(place)
        return self._reporters[place]


class _Finder:
    """Hands the line to its reader, and to another one who reads on."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._reader: Callable[[Line], None] | None = None

    def look(self) -> None:
        reader = READER.get()
        if reader is not None and reader != self._reader:
            self._reader = reader
            reader(self._line)


class AsyncBody:
    """The body of a response that has a line; the library's AsyncByteStream is its other base.

    Args:
        inner: the body.
        line: its line; whoever reads in this context has it already.
    """

    def __init__(self, inner: Any, line: Line) -> None:
        self._inner = inner
        self._finder = _Finder(line)
        self._finder.look()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Chunks(aiter(self._inner), self._finder)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Chunks(AsyncGenerator[bytes, None]):
    """Looks for the reader before each chunk; no more of a generator than the one inside."""

    def __init__(self, inner: AsyncIterator[bytes], finder: _Finder) -> None:
        self._inner = inner
        self._finder = finder

    async def asend(self, value: None) -> bytes:  # noqa: ARG002, of the protocol
        self._finder.look()
        return await anext(self._inner)

    async def athrow(self, *error: Any) -> bytes:
        if isinstance(self._inner, AsyncGenerator):
            chunk: bytes = await self._inner.athrow(*error)
            return chunk
        raise error[0]

    async def aclose(self) -> None:
        if isinstance(self._inner, AsyncGenerator):
            await self._inner.aclose()


class BlockingBody:
    """The same for the plain side, with SyncByteStream."""

    def __init__(self, inner: Any, line: Line) -> None:
        self._inner = inner
        self._finder = _Finder(line)
        self._finder.look()

    def __iter__(self) -> Iterator[bytes]:
        self._finder.look()
        for chunk in self._inner:
            yield chunk
            self._finder.look()

    def close(self) -> None:
        self._inner.close()


def sender(inner: Any, request: type, place: Place) -> Callable[[bytes], Awaitable[Answer]]:
    """Makes calls to a place through an async transport.

    Args:
        inner: the transport.
        request: the class of requests of its library.
        place: whither, and with which key.
    """

    async def send(body: bytes) -> Answer:
        response = await inner.handle_async_request(_request(request, place, body))
        try:
            return await answer_to(response)
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CLOSE_TIMEOUT_S):
                await response.aclose()

    return send


def sender_blocking(inner: Any, request: type, place: Place) -> Callable[[bytes], Answer]:
    """`sender` for a plain transport."""

    def send(body: bytes) -> Answer:
        response = inner.handle_request(_request(request, place, body))
        try:
            return answer_to_blocking(response)
        finally:
            response.close()

    return send


def _request(request: type, place: Place, body: bytes) -> Any:
    url, keys = place
    limits = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT_S)
    headers = {"content-type": "application/json", "accept": "application/json", **dict(keys)}
    return request("POST", url, headers=headers, content=body, extensions={"timeout": limits})
