"""Refuses requests whose readers would have to wait too long, so that they can go elsewhere.

Off unless the operator sets `refuse_after_s`. An answer that would come too late is refused when
the request arrives, with HTTP 503, `Retry-After` and an error in the API's own form: a router or an
SDK can then try another server. What is expected is the forecast for an arrival, in the engine
where it is shortest.

The answer is sent by a middleware, as vLLM (0.32: http_exception_handler) leaves out the headers of
an `HTTPException`, and `Retry-After` with them.
"""

import asyncio
import functools
import json
import math
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from prometheus_client import Counter

from andes_backend.gateway import PATHS, App, Receive, Send

__all__ = ["Door", "Refusal"]

_FRESH_S: Final = 0.25  # for so long what the engines have said is good
_PATIENCE_S: Final = 0.5  # so long a request waits for what they say


@functools.cache
def _refused() -> Counter:
    """The front end's own: the engine does not see these requests."""
    return Counter("andes:refused_requests", "Requests refused for their expected wait.")


class Door:
    """Knows how long a request that arrives now would wait, and whether that is too long.

        door.open(ask, limit_s=10.0)
        await door.too_late()        # None: come in; 14.2: it would wait 14.2 s

    Until it is opened nobody is refused.
    """

    def __init__(self) -> None:
        self.limit_s = math.inf
        """Who waits longer is refused, seconds."""
        self._ask: Callable[[], Awaitable[Sequence[float | None]]] | None = None
        self._expected: float | None = None
        self._asked_at = -math.inf
        self._asking: asyncio.Task[None] | None = None

    def open(self, ask: Callable[[], Awaitable[Sequence[float | None]]], *, limit_s: float) -> None:
        """From now on, refuse.

        Args:
            ask: what each engine expects, seconds; None from one that does not know.
            limit_s: see `Door.limit_s`.
        """
        self._ask, self.limit_s = ask, limit_s
        _refused()  # it is on /metrics from the start

    async def too_late(self) -> float | None:
        """How long a request that arrives now would wait, if that is above the limit; else None.

        If the engines do not say it soon, it comes in.
        """
        if self._ask is None:
            return None
        now = asyncio.get_running_loop().time()
        if self._asking is None and now - self._asked_at > _FRESH_S:
            self._asking = asyncio.create_task(self._look(now))
        if self._asking is not None:
            await asyncio.wait([self._asking], timeout=_PATIENCE_S)
        if self._expected is None or self._expected <= self.limit_s:
            return None
        _refused().inc()
        return self._expected

    async def _look(self, now: float) -> None:
        assert self._ask is not None
        self._expected = None  # until they answer, nobody is refused for what was once
        try:
            said = [seconds for seconds in await self._ask() if seconds is not None]
            self._expected = min(said, default=None)
        except Exception:  # an engine that cannot be asked: vLLM itself will say so
            self._expected = None
        finally:
            self._asked_at, self._asking = now, None


class Refusal:
    """ASGI middleware: a request for text that would come too late is answered with HTTP 503."""

    def __init__(self, app: App, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["method"] == "POST" and _path(scope) in PATHS:
            wait_s = await self._door.too_late()
            if wait_s is not None:
                await _refuse(send, wait_s, self._door.limit_s)
                return
        await self._app(scope, receive, send)


def _path(scope: MutableMapping[str, Any]) -> str:
    path: str = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
    return path


async def _refuse(send: Send, wait_s: float, limit_s: float) -> None:
    seconds = math.ceil(wait_s)
    error = {
        "message": (
            f"this server is busy: the first text could be expected in about {seconds} s, and it "
            f"takes no request that would wait for more than {limit_s:g} s. Try another server, or "
            "this one later"
        ),
        "type": "ServiceUnavailableError",
        "param": None,
        "code": 503,
    }
    body = json.dumps({"error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % seconds),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
