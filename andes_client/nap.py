"""Sleep until a moment or until woken, on any event loop. One sleeper at a time."""

import math
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import anyio

from andes_client.background import running_loop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

__all__ = ["Nap", "nap"]

# With more sleepers than this in an event loop, moments that lie closer together than a millisecond
# are one: nobody sees a word come so much later, and a timer for each of thousands of readers is
# most of what pacing costs.
_FEW: Final = 64
_GRAIN_S: Final = 1e-3
# But a sleeper who is woken early stays in its grain until the moment comes. Thousands who wait for
# a silence of seconds, and are woken by each text, would fill the memory with theirs.
_FAR_S: Final = 1.0
_TAKEN: Final = "a paced stream is iterated by one task; another one waits for its text already"


class Nap:
    """A sleeper's bed, for trio; asyncio has one of its own below."""

    __slots__ = ("_scope",)

    def __init__(self) -> None:
        self._scope: anyio.CancelScope | None = None

    def now(self) -> float:
        """The event loop's clock, seconds."""
        return anyio.current_time()

    def until(self, moment: float) -> "Awaitable[None]":
        """Sleep until that moment, or until woken; a millisecond longer at most.

        Raises:
            RuntimeError: somebody sleeps here already.
        """
        return self._until(moment)

    def wake(self) -> None:
        """Wake who sleeps, if anybody does."""
        if self._scope is not None:
            self._scope.cancel()

    def close(self) -> None:
        """Nobody sleeps here any more."""

    async def _until(self, moment: float) -> None:
        if self._scope is not None:
            raise RuntimeError(_TAKEN)
        try:
            with anyio.CancelScope() as self._scope:
                await anyio.sleep(max(0.0, moment - anyio.current_time()))
        finally:
            self._scope = None


class _AsyncioNap(Nap):
    __slots__ = ("_clock", "_timer", "_woken", "now")

    def __init__(self, clock: "_Clock") -> None:
        super().__init__()
        clock.beds += 1
        self._clock = clock
        self._woken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None  # of its own
        self.now: Callable[[], float] = clock.now

    def until(self, moment: float) -> "Awaitable[None]":
        # No coroutine, and nothing to be cleaned up after each sleep: it is most of what a word
        # costs.
        if self._woken is not None and not self._woken.done():
            raise RuntimeError(_TAKEN)
        if self._timer is not None:
            self._timer.cancel()
        clock = self._clock
        self._woken = woken = clock.sleeper()
        self._timer = clock.ring(woken, moment) if moment < math.inf else None
        return woken

    def wake(self) -> None:
        if self._woken is not None:
            _finish(self._woken)

    def close(self) -> None:
        self.wake()
        if self._timer is not None:
            self._timer.cancel()
        self._clock.beds -= 1


class _Clock:
    """Wakes the sleepers of an event loop of asyncio's."""

    __slots__ = ("__weakref__", "_due", "_few", "_loop", "beds", "now", "sleeper")

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self._loop = loop
        # uvloop rounds each timer to a millisecond, down as well as up: a sleeper who is woken too
        # early would sleep again and again, dozens of times, until its moment has come.
        self._few = 0 if type(loop).__module__.startswith("uvloop") else _FEW
        self.now = loop.time
        self.sleeper: Callable[[], asyncio.Future[None]] = loop.create_future
        self.beds = 0
        """How many may sleep."""
        self._due: dict[int, list[asyncio.Future[None]]] = {}

    def ring(self, sleeper: "asyncio.Future[None]", at: float) -> "asyncio.TimerHandle | None":
        """Finish it at that moment; returns a timer of its own, if it has one."""
        if self.beds < self._few:
            return self._loop.call_at(at, _finish, sleeper)
        grain = int(at / _GRAIN_S) + 1  # never before it, whatever is rounded
        if at - self.now() > _FAR_S:
            return self._loop.call_at(grain * _GRAIN_S, _finish, sleeper)
        together = self._due.get(grain)
        if together is None:
            self._due[grain] = [sleeper]
            self._loop.call_at(grain * _GRAIN_S, self._finish_all, grain)
        else:
            together.append(sleeper)
        return None

    def _finish_all(self, grain: int) -> None:
        for sleeper in self._due.pop(grain):
            if not sleeper.done():
                sleeper.set_result(None)


def _finish(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)


# By the id of the event loop, which its clock keeps alive: for as long as somebody has a bed there.
_clocks: Final[WeakValueDictionary[int, _Clock]] = WeakValueDictionary()


def nap() -> Nap:
    """A bed in the running event loop."""
    import asyncio  # not by everybody who imports us: it is the largest part of anyio's cost

    loop = running_loop()
    if not isinstance(loop, asyncio.AbstractEventLoop):
        return Nap()
    clock = _clocks.get(id(loop))
    if clock is None:
        clock = _clocks[id(loop)] = _Clock(loop)
    return _AsyncioNap(clock)
