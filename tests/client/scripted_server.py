"""A real HTTP server on loopback that sends what a test tells it to, piece by piece."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import anyio.to_thread
import pytest
import uvicorn

from andes_client import Expectation

DEADLINE_S: Final = 120.0

QUICK: Final = Expectation(ttft=1.0, tds=2_000.0)
# So slow that a second word would take hours: what comes at all was not paced.
SLOW: Final = Expectation(ttft=1.0, tds=1e-4)

# SDKs talk to it over real sockets, so the clock is the real one too.
on_real_loops = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])


class Gate:
    """In a script: what follows is sent when the test opens the gate."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def open(self) -> None:
        self._opened.set()
        for loop, passed in self._waiting:
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(passed.set)

    async def passed(self) -> None:
        """No thread waits here: tests count those that an SDK leaves behind."""
        passed = asyncio.Event()
        self._waiting.append((asyncio.get_running_loop(), passed))
        if not self._opened.is_set():
            await asyncio.wait_for(passed.wait(), DEADLINE_S)


class BreakOff:
    """In a script: the connection breaks here, in the middle of the body."""


@dataclass(frozen=True)
class Forever:
    """In a script: this is sent again and again, until the client goes."""

    piece: bytes
    every_s: float = 0.0
    """0: as fast as the client takes it."""


@dataclass
class Received:
    """A request, as it came over the wire."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)


Script = list[bytes | Gate | BreakOff | Forever]


@dataclass
class ScriptedServer:
    """Answers every request with `script`; the URL of its API is `url`/v1."""

    url: str = ""
    script: Script = field(default_factory=list)
    later: list[Script] = field(default_factory=list)
    """What the next requests are answered with, one after the other; the last of them again."""
    status: int = 200
    media_type: str = "text/event-stream; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    unanswered: Gate | None = None
    """Not even the headers are sent before it is opened."""
    received: list[Received] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a client has gone before it had everything."""
    _played: list[Script] = field(default_factory=list)

    def says(self, *script: bytes | Gate | BreakOff | Forever) -> None:
        self.script, self.later = list(script), []

    def says_in_turn(self, first: Script, *later: Script) -> None:
        """Answer each request with a script of its own."""
        self.script, self.later = first, list(later)

    async def client_left(self) -> bool:
        """Whether the client goes, soon, before it had everything."""
        return await anyio.to_thread.run_sync(self.left.wait, DEADLINE_S)

    def forget(self) -> None:
        """As it was before any test."""
        for piece in chain(self.script, *self.later, *self._played, [self.unanswered]):
            if isinstance(piece, Gate):
                piece.open()
        self.script, self.later, self._played = [], [], []
        self.status, self.unanswered = 200, None
        self.media_type = "text/event-stream; charset=utf-8"
        self.headers, self.received, self.left = {}, [], threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path, headers = scope["raw_path"].decode(), list(scope["headers"])
        self.received.append(Received(scope["method"], path, headers, body))
        script = self.script
        self._played.append(script)
        if self.later:
            self.script = self.later.pop(0)
        playing = asyncio.ensure_future(self._play(send, script))
        leaving = asyncio.ensure_future(_disconnected(receive))
        left = self.left
        await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if playing.done():
            playing.result()
        else:
            playing.cancel()
            left.set()

    async def _play(
        self, send: Callable[[dict[str, Any]], Awaitable[None]], script: Script
    ) -> None:
        headers = [(b"content-type", self.media_type.encode())] if self.media_type else []
        headers += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        if self.unanswered is not None:
            await self.unanswered.passed()
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for piece in list(script):
            if isinstance(piece, Gate):
                await piece.passed()
            elif isinstance(piece, Forever):
                while True:
                    await send(
                        {"type": "http.response.body", "body": piece.piece, "more_body": True}
                    )
                    # Even at once: with the client gone, `send` no longer waits.
                    await asyncio.sleep(piece.every_s)
            elif isinstance(piece, BreakOff):
                raise ConnectionAbortedError
            else:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def sse(data: dict[str, Any] | str, event: str | None = None) -> bytes:
    """One server-sent event. JSON is written as it is: U+2028 is not escaped."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {text}\n\n".encode()


def chat(*, usage: Any = None, finish_reason: str | None = None, **delta: Any) -> bytes:
    """A chunk of a chat completion; without a delta and a finish reason it has no choices."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "scripted",
        "choices": [choice] if delta or finish_reason else [],
    }
    return sse(chunk if usage is None else {**chunk, "usage": usage})


def tool_call(arguments: str, name: str | None = None) -> dict[str, Any]:
    """A delta of one: the first has its name, the others more of the arguments."""
    function: dict[str, Any] = {"arguments": arguments}
    if name is None:
        return {"index": 0, "function": function}
    return {"index": 0, "id": "call-1", "type": "function", "function": {"name": name, **function}}


USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
DONE = sse("[DONE]")


@contextlib.contextmanager
def serving() -> Iterator[ScriptedServer]:
    """A server in a thread of its own, for the length of the block."""
    scripted = ScriptedServer()
    server = uvicorn.Server(
        uvicorn.Config(
            scripted,
            log_level="critical",
            lifespan="off",
            http="h11",
            timeout_graceful_shutdown=1,
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scripted.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield scripted
        finally:
            scripted.forget()
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()
