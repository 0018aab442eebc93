"""For tests of apps that pace text: scripted bursty streams, on a clock that jumps.

Time passes only when everyone sleeps, and then at once, so an hour of reading takes
milliseconds and every moment is exact. Anywhere:

    recorded = run_virtual(trace, bursty(reading(), 100), reading())
    print(recorded)  # what arrived and what was shown, and when

With anyio's pytest plug-in:

    @pytest.fixture(params=virtual_clock_backends(), ids=lambda backend: backend[0])
    def anyio_backend(request):
        return request.param

    @pytest.mark.anyio
    async def test_my_app():
        async with pace(scripted([(0.5, "Hello"), (3.0, " world")]), reading()) as paced:
            ...
"""

import asyncio
import math
import selectors
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, TypeVar, TypeVarTuple

import anyio

from andes_client.expectation import Expectation
from andes_client.pacer import pace
from andes_client.patterns import (
    FIGURE_1,
    Pattern,
    Script,
    arrival_times,
    bursty,
    just_right,
    long_wait,
    script_of,
    tortoise_then_hare,
)
from andes_client.trace import (
    Entry,
    Trace,
    assert_fluent,
    assert_nothing_lost,
    assert_trace,
)

__all__ = [
    "FIGURE_1",
    "Entry",
    "Pattern",
    "Script",
    "Trace",
    "VirtualClockLoop",
    "arrival_times",
    "assert_fluent",
    "assert_nothing_lost",
    "assert_trace",
    "bursty",
    "just_right",
    "long_wait",
    "run_virtual",
    "script_of",
    "scripted",
    "tortoise_then_hare",
    "trace",
    "virtual_clock_backends",
]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def scripted(script: Iterable[tuple[float, str]]) -> AsyncGenerator[str, None]:
    """A stream that yields each text the given number of seconds after the one before."""
    for wait, text in script:
        if wait > 0:
            await anyio.sleep(wait)
        yield text


async def trace(
    stream: AsyncIterable[str] | Iterable[tuple[float, str]],
    expectation: Expectation,
    **options: Any,
) -> Trace:
    """Pace a stream to its end, and record every arrival and every release.

    Args:
        stream: a script for `scripted`, or any async iterable of text.
        expectation: the reader's.
        options: those of `andes_client.pace`.
    """
    recorded = Trace()
    upstream = stream if isinstance(stream, AsyncIterable) else scripted(stream)
    async with pace(recorded.arriving(upstream), expectation, **options) as paced:
        async for _ in recorded.releasing(paced):
            pass
        recorded.statistics = paced.statistics()
    return recorded


def run_virtual(function: Callable[[*Ts], Awaitable[T]], *args: *Ts, backend: str = "asyncio") -> T:
    """Run an async function on a clock that jumps, from plain code; returns what it returns.

    Args:
        function: called with `args` in a new event loop, whose time begins at 0 or later.
        args: positional arguments; use `functools.partial` for others.
        backend: "asyncio" or "trio".

    Raises:
        ValueError: the back end is not known, or not installed.
        RuntimeError: an event loop is running in this thread already.
    """
    backends = dict(virtual_clock_backends())
    if backend not in backends:
        raise ValueError(
            f"there is no virtual clock for {backend!r} here; there is for: {', '.join(backends)}"
        )
    return anyio.run(function, *args, backend=backend, backend_options=backends[backend])


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

    @property
    def _clock_resolution(self) -> float:
        """Asyncio takes a timer for due so long before its moment: here, not at all.

        Time stands still while anything is ready. With a nanosecond, as asyncio has it, a task
        that looks at the clock and finds that its moment has not come would be woken for ever.
        """
        return math.ulp(self._jumping.now)

    @_clock_resolution.setter
    def _clock_resolution(self, resolution: float) -> None:
        """Of the real clock, from the base class."""


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

    asyncio always, trio where it is installed. Where one list serves many tests, trio's clock goes
    on from each to the next: measure times from the beginning of the test.
    """
    backends: list[tuple[str, dict[str, Any]]] = [("asyncio", {"loop_factory": VirtualClockLoop})]
    try:
        from trio.testing import MockClock
    except ModuleNotFoundError:
        return backends
    return [*backends, ("trio", {"clock": MockClock(autojump_threshold=0)})]
