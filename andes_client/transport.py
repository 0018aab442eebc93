"""Tell the server what its reader expects, with any SDK: a transport for its HTTP client.

    client = openai.AsyncOpenAI(
        base_url="http://localhost:8000/v1",
        http_client=openai.DefaultAsyncHttpxClient(transport=httpx2_transport(reading())),
    )

Requests for a streamed completion, chat completion, response (OpenAI's) or message
(Anthropic's) get the expectation into their JSON (andes_client.wire); what the caller said
there themselves stands. Every other request passes unchanged, byte for byte.

With `report=True` the server is also told what the reader does while the text streams, and says
when text will come: what goes through the transport and is read by `pace` needs nothing else
(andes_client.reporter says what is told). Reports go through the inner transport, with the key of
the request; it should have one connection to spare.

It is meant for vLLM. Other servers may refuse a field that they do not know, and the hosted
APIs of OpenAI and Anthropic do.

A client with a transport of its own takes no proxy from the environment and ignores its
`limits`, `verify` and the like: give those to the inner transport.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

from andes_client import wire
from andes_client.expectation import Expectation
from andes_client.reporter import BlockingReporter, Reporter
from andes_client.reports import READER, Line
from andes_client.response_lines import (
    AsyncBody,
    BlockingBody,
    Reporters,
    place_of,
    sender,
    sender_blocking,
)

if TYPE_CHECKING:
    import httpx
    import httpx2

__all__ = [
    "ExpectationOf",
    "NameOf",
    "httpx2_transport",
    "httpx2_transport_blocking",
    "httpx_transport",
    "httpx_transport_blocking",
]

R = TypeVar("R", Reporter, BlockingReporter)

ExpectationOf = Expectation | Callable[[Any], Expectation | None]
"""One for all requests, or a function from the request to one; None leaves it unchanged."""

NameOf = str | None | Callable[[Any], str | None]
"""The same for `stream` and `user` (andes_client.wire.encode)."""

_PATHS: Final = ("/completions", "/responses", "/messages")  # and /chat/completions
_PATHS_IN_FULL: Final = ("/chat/completions", *_PATHS)
_OK: Final = 200


def httpx2_transport(
    expectation: ExpectationOf,
    inner: "httpx2.AsyncBaseTransport | None" = None,
    *,
    stream: NameOf = None,
    user: NameOf = None,
    report: bool = False,
) -> "httpx2.AsyncBaseTransport":
    """For `httpx2.AsyncClient(transport=...)`, on which openai and anthropic are built.

    Args:
        expectation: the reader's, or a function of the request.
        inner: what sends the requests; an `AsyncHTTPTransport` by default. It is closed
            with this one.
        stream: the client's own id for the response, usually a function.
        user: the tenant to whom the service is charged.
        report: tell the server what each reader does. Responses that `stream` gives no id get
            one, which nobody else knows.

    Raises:
        WireError: a value is nothing a server accepts; a function's, when it is called.
    """
    import httpx2

    class Body(AsyncBody, httpx2.AsyncByteStream):
        pass

    class Transport(_AsyncTransport, httpx2.AsyncBaseTransport):
        pass

    hints = _Hints(expectation, stream, user, report)
    return Transport(hints, inner or httpx2.AsyncHTTPTransport(), httpx2.Request, Body)


def httpx2_transport_blocking(
    expectation: ExpectationOf,
    inner: "httpx2.BaseTransport | None" = None,
    *,
    stream: NameOf = None,
    user: NameOf = None,
    report: bool = False,
) -> "httpx2.BaseTransport":
    """`httpx2_transport` for `httpx2.Client`."""
    import httpx2

    class Body(BlockingBody, httpx2.SyncByteStream):
        pass

    class Transport(_BlockingTransport, httpx2.BaseTransport):
        pass

    hints = _Hints(expectation, stream, user, report)
    return Transport(hints, inner or httpx2.HTTPTransport(), httpx2.Request, Body)


def httpx_transport(
    expectation: ExpectationOf,
    inner: "httpx.AsyncBaseTransport | None" = None,
    *,
    stream: NameOf = None,
    user: NameOf = None,
    report: bool = False,
) -> "httpx.AsyncBaseTransport":
    """`httpx2_transport` for `httpx.AsyncClient`; the libraries' classes are unrelated."""
    import httpx

    class Body(AsyncBody, httpx.AsyncByteStream):
        pass

    class Transport(_AsyncTransport, httpx.AsyncBaseTransport):
        pass

    hints = _Hints(expectation, stream, user, report)
    return Transport(hints, inner or httpx.AsyncHTTPTransport(), httpx.Request, Body)


def httpx_transport_blocking(
    expectation: ExpectationOf,
    inner: "httpx.BaseTransport | None" = None,
    *,
    stream: NameOf = None,
    user: NameOf = None,
    report: bool = False,
) -> "httpx.BaseTransport":
    """`httpx2_transport` for `httpx.Client`."""
    import httpx

    class Body(BlockingBody, httpx.SyncByteStream):
        pass

    class Transport(_BlockingTransport, httpx.BaseTransport):
        pass

    hints = _Hints(expectation, stream, user, report)
    return Transport(hints, inner or httpx.HTTPTransport(), httpx.Request, Body)


@dataclass(frozen=True)
class _Hints:
    """What is added to which request. Knows nothing of transports."""

    expectation: ExpectationOf
    stream: NameOf
    user: NameOf
    report: bool

    def __post_init__(self) -> None:
        if isinstance(self.expectation, Expectation):
            stream = self.stream if isinstance(self.stream, str) else None
            user = self.user if isinstance(self.user, str) else None
            wire.encode(self.expectation, stream=stream, user=user)
        elif not callable(self.expectation):
            raise TypeError(
                "the transport needs an Expectation, such as reading(), or a function that "
                f"returns one, not {self.expectation!r}"
            )

    def concern(self, request: Any) -> bool:
        """Whether the request may be one for streamed text; its body decides."""
        path: str = request.url.path
        return request.method == "POST" and path.endswith(_PATHS)

    def added_to(self, request: Any) -> tuple[Any, "_Told | None"]:
        """A request with the hints, or the same one; its body has been read.

        And what the hints are, if the reader is to be reported on.
        """
        body = _body(request.content)
        if body is None or body.get("stream") is not True:
            return request, None
        own = body.get(wire.FIELD) or {}
        expectation = _value(self.expectation, request)
        if expectation is None or not isinstance(own, Mapping):
            return request, None
        names = {"stream": _value(self.stream, request), "user": _value(self.user, request)}
        if self.report and names["stream"] is None:
            names["stream"] = wire.new_stream_id()
        hints = {**wire.encode(expectation, **names), **own}
        body[wire.FIELD] = hints
        told = _Told(expectation, hints[wire.STREAM]) if self.report else None
        content = json.dumps(body, separators=(",", ":")).encode()
        headers = request.headers.copy()
        headers.pop("transfer-encoding", None)
        headers["content-length"] = str(len(content))
        hinted = type(request)(
            request.method,
            request.url,
            headers=headers,
            content=content,
            extensions=request.extensions,
        )
        return hinted, told


class _Told(NamedTuple):
    """What a request says of a reader who is reported on."""

    expectation: Expectation
    stream: Any
    """The id; its caller may have said anything in its place."""


def _body(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):  # no JSON, no text at all, or too deep
        return None
    return body if isinstance(body, dict) else None


def _value(value: Any, request: Any) -> Any:
    return value(request) if callable(value) else value


def _line(reporters: Reporters[R], request: Any, told: _Told | None) -> Line | None:
    """The line of the response to a request; handed to its reader if they are waiting for it."""
    if told is None:
        return None
    path = next(path for path in _PATHS_IN_FULL if request.url.path.endswith(path))
    line = reporters.line(place_of(request, path), told.expectation, told.stream)
    if line is not None and (reader := READER.get()) is not None:
        reader(line)
    return line


class _AsyncTransport:
    """A transport that adds hints, for the async side of httpx2 and httpx alike."""

    def __init__(self, hints: _Hints, inner: Any, request: type, body: Callable[..., Any]) -> None:
        self._hints = hints
        self._inner = inner
        self._body = body
        self._reporters = Reporters(lambda place: Reporter(sender(inner, request, place)))

    async def handle_async_request(self, request: Any) -> Any:
        line = None
        if self._hints.concern(request):
            await request.aread()
            request, told = self._hints.added_to(request)
            line = _line(self._reporters, request, told)
        response = await self._inner.handle_async_request(request)
        if line is not None and response.status_code == _OK:
            response.stream = self._body(response.stream, line)
        return response

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._close()
        await self._inner.__aexit__(exc_type, exc, traceback)

    async def aclose(self) -> None:
        await self._close()
        await self._inner.aclose()

    async def _close(self) -> None:
        for reporter in self._reporters:
            await reporter.aclose()


class _BlockingTransport:
    """The same for the plain side."""

    def __init__(self, hints: _Hints, inner: Any, request: type, body: Callable[..., Any]) -> None:
        self._hints = hints
        self._inner = inner
        self._body = body
        self._reporters = Reporters(
            lambda place: BlockingReporter(sender_blocking(inner, request, place))
        )

    def handle_request(self, request: Any) -> Any:
        line = None
        if self._hints.concern(request):
            request.read()
            request, told = self._hints.added_to(request)
            line = _line(self._reporters, request, told)
        response = self._inner.handle_request(request)
        if line is not None and response.status_code == _OK:
            response.stream = self._body(response.stream, line)
        return response

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._close()
        self._inner.__exit__(exc_type, exc, traceback)

    def close(self) -> None:
        self._close()
        self._inner.close()

    def _close(self) -> None:
        for reporter in self._reporters:
            reporter.close()
