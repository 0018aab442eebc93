"""An app of the terminal and the real server that it asks in one event loop, whose clock jumps.

Between the two are sockets: HTTP is real. But nobody waits, and a machine that stops for a while
changes nothing that is measured.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn
from andes_demos.bursty_server import listening, settings
from starlette.types import ASGIApp

from andes_client.testing import VirtualClockLoop

__all__ = ["BACKEND", "serving_here", "textual_on_the_loops_clock"]

BACKEND = ("asyncio", {"loop_factory": VirtualClockLoop})
"""For anyio's fixture `anyio_backend`."""


@contextlib.contextmanager
def textual_on_the_loops_clock() -> Iterator[None]:
    """Its timers compare `time.monotonic` with what they slept on the loop (Textual 8.2)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual._time.get_time", lambda: asyncio.get_running_loop().time())
        yield


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are the tests'."""
        yield


@contextlib.asynccontextmanager
async def serving_here(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application in this event loop while the block runs; yields `http://host:port`."""
    server = _Server(settings(app))
    with listening() as (listener, url):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]))
            try:
                yield url
            finally:
                server.should_exit = True
