"""A real HTTP server on loopback that sends text for a while and hears reports meanwhile."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn

from andes_client import wire
from tests.client.scripted_server import DONE, chat

__all__ = ["Host", "ReportingServer", "serving_reports"]

DEADLINE_S: Final = 120.0


@dataclass
class ReportingServer:
    """The URL of its API is `url`."""

    port: int = 0
    words: int = 3
    pause_s: float = 0.05
    """Between words."""
    status: int = 200
    """Of its answers to reports."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Of these answers, if it is not the right one."""
    drips: bool = False
    """It answers a byte at a time, without end."""
    hangs: bool = False
    """It does not answer."""
    forecast: wire.Forecast | None = None
    late: int = 0
    """So many calls come before the request has reached the engine."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    reports: list[wire.Report] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def states(self, stream: str) -> list[str]:
        return [each.state for each in self.reports if each.stream == stream]

    def wait_for(self, happened: Callable[[], bool]) -> None:
        until = time.monotonic() + DEADLINE_S
        while not happened():
            assert time.monotonic() < until, "it does not happen"
            time.sleep(0.01)

    def wait_for_state(self, state: str) -> None:
        self.wait_for(lambda: any(each.state == state for each in self.reports))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.paths.append(scope["path"])
        headers = dict(scope["headers"])
        if scope["path"].endswith(wire.REPORTS_PATH):
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                self.keys.append(headers.get(b"authorization", b"").decode())
                await self._hear(json.loads(body), send)
            finally:
                self._at_once -= 1
        else:
            self.requests.append(json.loads(body))
            await self._tell(send)

    async def _hear(self, body: Any, send: Any) -> None:
        reports = wire.decode_reports(body)
        self.reports += reports
        is_late, self.late = self.late > 0, self.late - 1
        known = [] if is_late else reports
        answer = wire.encode_answer({each.stream: self.forecast for each in known})
        said = json.dumps(answer).encode() if self.body is None else self.body
        if self.hangs:
            await asyncio.sleep(DEADLINE_S)
        await self._start(send, self.status, self.headers)
        while self.drips:
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": said})

    async def _tell(self, send: Any) -> None:
        await self._start(send, 200, {"content-type": "text/event-stream"})
        for piece in [*[chat(content="word ")] * self.words, chat(finish_reason="stop"), DONE]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(self.pause_s)
        await send({"type": "http.response.body", "body": b""})

    async def _start(self, send: Any, status: int, headers: dict[str, str]) -> None:
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})


class Host:
    """Where the present server is, of several at the same place one after the other."""

    def __init__(self) -> None:
        self.port = 0
        self.server = ReportingServer()

    def fresh(self) -> ReportingServer:
        """A server that has heard nothing yet, in place of the one before."""
        self.server = ReportingServer(port=self.port)
        return self.server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.server(scope, receive, send)


@contextlib.contextmanager
def serving_reports(host: Host) -> Iterator[Host]:
    """Serve in a thread of its own, for the length of the block; again at the same port."""
    config = uvicorn.Config(
        host, log_level="critical", lifespan="off", http="h11", timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", host.port)) as listener:
        host.port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield host
        finally:
            server.should_exit = True
            thread.join(DEADLINE_S)
    assert not thread.is_alive()
