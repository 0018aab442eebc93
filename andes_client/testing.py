"""For tests of apps that pace text: scripted bursty streams, on a clock that jumps.

Time passes only when everyone sleeps, and then at once, so an hour of reading takes
milliseconds and every moment is exact. With anyio's pytest plug-in:

    @pytest.fixture(params=virtual_clock_backends(), ids=lambda backend: backend[0])
    def anyio_backend(request):
        return request.param

    @pytest.mark.anyio
    async def test_my_app():
        async with pace(scripted([(0.5, "Hello"), (3.0, " world")]), reading()) as paced:
            ...
"""

import asyncio
import selectors
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import anyio

__all__ = ["VirtualClockLoop", "scripted", "virtual_clock_backends"]


async def scripted(script: Iterable[tuple[float, str]]) -> AsyncGenerator[str, None]:
    """A stream that yields each text the given number of seconds after the one before."""
    for wait, text in script:
        if wait > 0:
            await anyio.sleep(wait)
        yield text


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop whose time jumps to the next timer when nothing else is ready.

    I/O is served in real time before any jump. Starts at 0 seconds.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


def virtual_clock_backends() -> list[tuple[str, dict[str, Any]]]:
    """anyio back ends with a virtual clock, as its `anyio_backend` fixture takes them.

    asyncio always, trio where it is installed.
    """
    backends: list[tuple[str, dict[str, Any]]] = [("asyncio", {"loop_factory": VirtualClockLoop})]
    try:
        from trio.testing import MockClock
    except ModuleNotFoundError:
        return backends
    return [*backends, ("trio", {"clock": MockClock(autojump_threshold=0)})]
