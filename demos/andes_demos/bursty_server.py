"""A server that streams a text in the rhythm of an overloaded one; loopback only.

It answers as OpenAI-compatible servers do, in chat-completion chunks sent as Server-Sent
Events. It needs no model: the texts and the moments are fixed.
"""

import asyncio
import contextlib
import json
import re
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

__all__ = [
    "MODEL",
    "OVERLOADED",
    "TEXT",
    "Burst",
    "chat_app",
    "hurried",
    "listening",
    "moments",
    "running",
    "serving",
    "settings",
    "tokens",
]

MODEL: Final = "demo"
"""What it says its model is."""

TEXT: Final = (Path(__file__).parent / "text.txt").read_text(encoding="utf-8").strip()
"""How "The Wind in the Willows" begins (Kenneth Grahame, 1908; in the public domain)."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A silence, and then some tokens at a steady rate."""

    silence: float
    """Seconds since the token before (or since the request) until the first of these."""
    tokens: int
    """How many; the last burst of a schedule carries all that is left."""
    rate: float = 40.0
    """Tokens a second within the burst."""


OVERLOADED: Final = (
    Burst(silence=3.0, tokens=64),
    Burst(silence=5.0, tokens=48),
    Burst(silence=6.5, tokens=30),
    Burst(silence=8.6, tokens=40),  # longer than what came before lasts: the reader waits too
    Burst(silence=5.2, tokens=60),
    Burst(silence=2.5, tokens=43),
)
"""A long wait for the first token; then much at a time, and nothing for seconds."""


def hurried(schedule: Sequence[Burst], factor: float) -> tuple[Burst, ...]:
    """The same rhythm, `factor` times as fast."""
    return tuple(Burst(b.silence / factor, b.tokens, b.rate * factor) for b in schedule)


def moments(schedule: Sequence[Burst], count: int) -> list[float]:
    """When each of `count` tokens is sent, in seconds since the request.

    Raises:
        ValueError: the schedule is empty.
    """
    if not schedule:
        raise ValueError("a schedule needs at least one Burst")
    times: list[float] = []
    now = 0.0
    for index, burst in enumerate(schedule):
        left = count - len(times)
        here = left if index == len(schedule) - 1 else min(burst.tokens, left)
        now += burst.silence
        times += [now + i / burst.rate for i in range(here)]
        now = times[-1] if times else now
    return times


def tokens(text: str) -> list[str]:
    """Cut a text into pieces much like a tokenizer's: short words whole, long ones in parts.

    Joining the pieces gives the text.
    """
    return re.findall(r" ?\w{1,7}| ?[^\w\s]+|\s", text)


@contextlib.contextmanager
def serving(
    schedule: Sequence[Burst] = OVERLOADED,
    text: str = TEXT,
    *,
    on_close: Callable[[int], object] = lambda _: None,
) -> Iterator[str]:
    """Serve `text` while the block runs; yields the URL to post chat completions to.

    Args:
        schedule: the rhythm.
        text: what is streamed.
        on_close: called, in the server's thread, with the number of tokens sent, when a
            response has ended or its client has gone.
    """

    with running(chat_app(schedule, lambda _: text, on_close=on_close)) as url:
        yield f"{url}/v1/chat/completions"


def chat_app(
    schedule: Sequence[Burst] | Callable[[Any], Sequence[Burst]],
    answer: Callable[[Any], str],
    *,
    on_close: Callable[[int], object] = lambda _: None,
) -> Starlette:
    """An application with `/v1/chat/completions` and `/v1/models`.

    Args:
        schedule: the rhythm of every answer; or a function that gives it for a request, as
            `answer` does.
        answer: the text for a request, given its JSON (None where that is none).
        on_close: as for `serving`.
    """

    async def completions(request: Request) -> StreamingResponse:
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        rhythm = schedule(asked) if callable(schedule) else schedule
        events = _events(rhythm, answer(asked), on_close)
        return StreamingResponse(events, media_type="text/event-stream")

    async def models(_: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", completions, methods=["POST"]),
            Route("/v1/models", models),
        ]
    )


@contextlib.contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """Serve an application on a loopback port while the block runs; yields `http://host:port`.

    The server runs in a thread with an event loop of its own, so that nothing but HTTP lies
    between it and the client; the kernel chooses the port.
    """
    server = uvicorn.Server(settings(app))
    with listening() as (listener, url):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


def settings(app: ASGIApp) -> uvicorn.Config:
    """What uvicorn is told: to say nothing, and to end within a second."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level="critical",
        timeout_graceful_shutdown=1,
    )


@contextlib.contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """A loopback port to which clients may connect from now on, and its `http://host:port`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


async def _events(
    schedule: Sequence[Burst], text: str, on_close: Callable[[int], object]
) -> AsyncGenerator[str, None]:
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), 0
    pieces = tokens(text)
    try:
        for moment, piece in zip(moments(schedule, len(pieces)), pieces, strict=True):
            await asyncio.sleep(start + moment - loop.time())
            if not sent:
                yield _event({"role": "assistant", "content": ""})
            yield _event({"content": piece})
            sent += 1
        yield _event({}, finish_reason="stop")
        yield "data: [DONE]\n\n"
    finally:
        on_close(sent)


def _event(delta: dict[str, str], finish_reason: str | None = None) -> str:
    chunk = {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }
    return f"data: {json.dumps(chunk)}\n\n"
