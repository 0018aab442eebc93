"""A small real server: HTTP on loopback, server-sent events, a script for each model name."""

import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from andes_client import wire

Events = Callable[[dict[str, Any]], AsyncIterator[str]]
Check = Callable[[dict[str, Any]], Awaitable[Response | None]]


@dataclass
class FakeServer:
    """`events` makes the stream of a request; `check` may answer it otherwise."""

    url: str = ""
    events: Events | None = None
    check: Check | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """What the requests said, in the order in which they came."""
    reports: list[wire.Report] = field(default_factory=list)
    """What readers reported."""

    def forget(self) -> None:
        """As it was before any test."""
        self.events = self.check = None
        self.bodies.clear()
        self.reports.clear()

    async def completions(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        if self.check is not None and (other := await self.check(body)) is not None:
            return other
        stream = (self.events or every_token)(body)
        return StreamingResponse(_framed(stream), media_type="text/event-stream")

    async def hear(self, request: Request) -> Response:
        self.reports += (said := wire.decode_reports(await request.json()))
        return JSONResponse(wire.encode_answer({one.stream: None for one in said}))

    async def metrics(self, _request: Request) -> Response:
        return Response(f"vllm:num_preemptions_total {float(len(self.bodies))}\n")


def chunk(token_ids: list[int] | None, text: str = " word") -> str:
    """An event as vLLM sends it; without `token_ids`, as other servers do."""
    choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": None}
    if token_ids is not None:
        choice["token_ids"] = token_ids
    return json.dumps({"object": "text_completion", "choices": [choice], "usage": None})


def usage(tokens: int) -> str:
    """The last event before [DONE] with `include_usage`."""
    return json.dumps({"choices": [], "usage": {"completion_tokens": tokens}})


async def every_token(body: dict[str, Any]) -> AsyncIterator[str]:
    """What was asked for: one token a chunk, then the count."""
    for token in range(body["max_tokens"]):
        yield chunk([token])
    yield usage(body["max_tokens"])


def script(*events: str) -> Events:
    """The same events for every request."""

    async def play(_body: dict[str, Any]) -> AsyncIterator[str]:
        for event in events:
            yield event

    return play


def refusal(status: int, message: str) -> Check:
    """An HTTP error in OpenAI's form for every request."""

    async def refuse(_body: dict[str, Any]) -> Response:
        return JSONResponse({"error": {"message": message, "code": status}}, status)

    return refuse


async def _framed(events: AsyncIterator[str]) -> AsyncIterator[str]:
    async for event in events:
        yield f"data: {event}\n\n"
    yield "data: [DONE]\n\n"


@contextlib.contextmanager
def serving() -> Iterator[FakeServer]:
    """A server in a thread of its own, for the length of the block."""
    fake = FakeServer()
    routes = [
        Route("/v1/completions", fake.completions, methods=["POST"]),
        Route(f"/v1/{wire.REPORTS_PATH}", fake.hear, methods=["POST"]),
        Route("/metrics", fake.metrics),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    # Listening from here on: who comes before uvicorn is ready waits in the queue.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fake.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()
