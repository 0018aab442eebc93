"""A reverse proxy that notes when each event of an answer passed: the measure of other measures.

    with witnessing("http://127.0.0.1:8000") as witness:
        ...  # send requests to witness.url
    witness.outcomes(reading(), sent)

It asks for token ids in every request, so that it counts tokens exactly whatever the client
asks for, and changes nothing else. It listens on loopback only.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from andes_backend.lab.others.events import Events
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Request as Asked
from andes_client.expectation import Expectation

__all__ = ["Seen", "Witness", "witnessing"]

_DROPPED = ("host", "content-length", "transfer-encoding", "connection")


@dataclass
class Seen:
    """One request for text."""

    name: str
    """Its X-Request-Id, if the client sends one."""
    at: float
    """When it had arrived, by the monotonic clock, seconds."""
    body: dict[str, Any]
    """As the client sent it."""
    events: Events = field(default_factory=Events)


class Witness:
    """What passed; use `witnessing` to start one."""

    def __init__(self, upstream: str) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._client = httpx2.AsyncClient(
            base_url=upstream,
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
        )

    def forget(self) -> None:
        """From here on."""
        self.seen = []

    def outcomes(self, expectation: Expectation, sent: Mapping[str, float]) -> list[Outcome]:
        """Of all that was streamed, in the order in which it came.

        Args:
            expectation: of all readers.
            sent: the name of a request -> when the client began to send it, by the monotonic
                clock, seconds. A busy client or proxy may take a while until it has arrived, and
                a reader waits from the first of the two. Others count from their arrival.
        """
        began = min((one.at for one in self.seen), default=0.0)
        return [
            self._outcome(i, one, began, one.at - sent.get(one.name, one.at), expectation)
            for i, one in enumerate(self.seen)
        ]

    @staticmethod
    def _outcome(
        index: int, one: Seen, began: float, on_its_way: float, expectation: Expectation
    ) -> Outcome:
        times = tuple(on_its_way + time for time in one.events.times())
        asked = Asked(
            one.at - began, max(1, one.events.prompt or 0), max(1, len(times)), expectation
        )
        error = one.events.failure or (None if one.events.ended else "the stream broke off")
        return Outcome(index, asked, one.at - began, times, error)

    async def handle(self, request: Request) -> Response:
        """Pass a request on."""
        at, content = time.monotonic(), await request.body()
        body = _stream_asked_for(request, content)
        if body is not None:
            content = json.dumps({**body, "return_token_ids": True}).encode()
        sent = self._client.build_request(
            request.method,
            request.url.path,
            content=content,
            headers=[(k, v) for k, v in request.headers.items() if k not in _DROPPED],
        )
        answer = await self._client.send(sent, stream=True)
        headers = {k: v for k, v in answer.headers.items() if k not in _DROPPED}
        chunks: AsyncIterator[bytes] = answer.aiter_raw()
        if body is not None and answer.status_code == 200:
            self.seen.append(seen := Seen(_name(request), at, body))
            chunks = _noting(chunks, seen)
        return StreamingResponse(_closing(chunks, answer), answer.status_code, headers)


def _stream_asked_for(request: Request, content: bytes) -> dict[str, Any] | None:
    """The body of a request for a stream of text; None of any other."""
    if request.method != "POST":
        return None
    with contextlib.suppress(ValueError):
        body: dict[str, Any] = json.loads(content)
        return body if body.get("stream") else None
    return None


def _name(request: Request) -> str:
    name: str = request.headers.get("x-request-id", "")
    return name


async def _noting(chunks: AsyncIterator[bytes], seen: Seen) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                came = time.monotonic() - seen.at  # no two events at the same time
                seen.events.add(line.removeprefix(b"data:").strip().decode(), came)
        yield chunk


async def _closing(chunks: AsyncIterator[bytes], answer: Any) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await answer.aclose()


@contextlib.contextmanager
def witnessing(upstream: str) -> Iterator[Witness]:
    """Start one in front of a server; it is gone at the end of the block."""
    witness = Witness(upstream)
    route = Route("/{path:path}", witness.handle, methods=["GET", "POST"])
    config = uvicorn.Config(
        Starlette(routes=[route]), log_level="warning", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        witness.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield witness
        finally:
            server.should_exit = True
            thread.join(10)
