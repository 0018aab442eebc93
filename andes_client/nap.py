"""Sleep until a moment or until woken, on any event loop. One sleeper at a time."""

import asyncio
import contextvars
import itertools
import math
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any, Final, Protocol, TypeVarTuple, Unpack
from weakref import WeakValueDictionary

import anyio

from andes_client.background import running_loop

__all__ = ["Nap", "nap"]

Ts = TypeVarTuple("Ts")

# With more sleepers than this in an event loop, moments that lie closer together than a millisecond
# are one: nobody sees a word come so much later, and a timer for each of thousands of readers is
# most of what pacing costs.
_FEW: Final = 64
_GRAIN_S: Final = 1e-3
# But a sleeper who is woken early stays in its grain until the moment comes. Thousands who wait for
# a silence of seconds, and are woken by each text, would fill the memory with theirs.
_FAR_S: Final = 1.0
_TAKEN: Final = "a paced stream is iterated by one task; another one waits for its text already"


class Nap(Protocol):
    """A place to sleep, for one at a time."""

    @property
    def now(self) -> Callable[[], float]:
        """The event loop's clock, seconds."""
        ...

    def until(self, moment: float) -> Awaitable[None]:
        """Sleep until that moment, or until woken; a millisecond longer at most.

        Raises:
            RuntimeError: somebody sleeps here already.
        """
        ...

    def wake(self) -> None:
        """Wake who sleeps, if anybody does."""
        ...

    def close(self) -> None:
        """Nobody sleeps here any more."""
        ...


def nap() -> Nap:
    """A place to sleep in the running event loop."""
    loop = running_loop()
    if not isinstance(loop, asyncio.AbstractEventLoop):
        return _TrioNap()
    clock = _clocks.get(id(loop))
    if clock is None:
        clock = _clocks[id(loop)] = _Clock(loop)
    return _AsyncioNap(clock)


class _TrioNap:
    __slots__ = ("_scope",)

    def __init__(self) -> None:
        self._scope: anyio.CancelScope | None = None

    def now(self) -> float:
        return anyio.current_time()

    def until(self, moment: float) -> Awaitable[None]:
        return self._until(moment)

    def wake(self) -> None:
        if self._scope is not None:
            self._scope.cancel()

    def close(self) -> None:
        """It keeps nothing that would have to be given back."""

    async def _until(self, moment: float) -> None:
        if self._scope is not None:
            raise RuntimeError(_TAKEN)
        try:
            with anyio.CancelScope() as self._scope:
                await anyio.sleep(max(0.0, moment - anyio.current_time()))
        finally:
            self._scope = None


class _AsyncioNap:
    __slots__ = ("_bed", "_clock", "_timer", "now")

    def __init__(self, clock: "_Clock") -> None:
        clock.naps += 1
        self._clock = clock
        self._bed = _Bed(clock)
        self._timer: asyncio.TimerHandle | None = None  # of its own
        self.now = clock.now

    def until(self, moment: float) -> Awaitable[None]:
        bed = self._bed
        if bed.wakeup is not None:
            if not bed.is_called:
                raise RuntimeError(_TAKEN)
            # Who slept here has been called, and has not got up yet.
            bed = self._bed = _Bed(self._clock)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if moment < math.inf:
            self._timer = self._clock.ring(bed, moment)
        bed._asyncio_future_blocking = True  # as a future does that is about to be awaited
        return bed

    def wake(self) -> None:
        self._bed.call()

    def close(self) -> None:
        self._bed.call()
        if self._timer is not None:
            self._timer.cancel()
        self._clock.naps -= 1


class _Bed(asyncio.Future[None]):
    """A future that is awaited again and again, each time by one task.

    To a task it is a future as any other. But it is made once a stream and not once a word, and
    whoever is due gets up in the clock's own callback, without another one for each: a word leaves
    nothing behind that the garbage collector would have to look at.
    """

    __slots__ = ("_clock", "_context", "_is_cancelled", "_message", "grain", "is_called", "wakeup")

    def __init__(self, clock: "_Clock") -> None:
        super().__init__(loop=clock.loop)
        self._clock = clock
        self.wakeup: Callable[[Any], object] | None = None
        """Goes on with the task that sleeps here, if one does."""
        self._context: contextvars.Context | None = None  # of that task
        self.is_called = False
        """It will get up at the next turn of the event loop."""
        self.grain = 0
        """In which it is due, if it has no timer of its own."""
        self._is_cancelled = False
        self._message: object = None  # of the cancellation

    def __await__(self) -> Generator[Any, None, None]:
        once: Any = itertools.repeat(self, 1)
        return once  # type: ignore[no-any-return]

    def add_done_callback(
        self,
        fn: Callable[[Any], object],
        /,
        *,
        context: contextvars.Context | None = None,
    ) -> None:
        self.wakeup, self._context = fn, context

    def rise(self) -> None:
        """Go on with the task, here and now: never within another one."""
        wakeup, context = self.wakeup, self._context
        self.wakeup = self._context = None
        self.is_called, self.grain = False, 0
        if wakeup is not None:
            assert context is not None  # a task's
            context.run(wakeup, self)

    def ring(self) -> None:
        """The moment has come."""
        if not self.is_called:
            self.rise()

    def call(self) -> None:
        """Go on with the task soon."""
        if self.wakeup is not None and not self.is_called:
            self._clock.loop.call_soon(self.rise, context=contextvars.Context())
            self.is_called, self.grain = True, 0

    def cancel(self, msg: object = None) -> bool:
        """As a task does with what it waits for, when it is cancelled."""
        if self.wakeup is None or self.is_called:
            return False
        self._is_cancelled, self._message = True, msg
        self.call()
        return True

    def cancelled(self) -> bool:
        return self._is_cancelled

    def done(self) -> bool:
        return self.wakeup is None or self.is_called

    def result(self) -> None:
        """What the task is told when it goes on.

        Raises:
            asyncio.CancelledError: it has been cancelled while it slept.
        """
        if self._is_cancelled:
            self._is_cancelled, message, self._message = False, self._message, None
            raise asyncio.CancelledError(*(() if message is None else (message,)))


class _Clock:
    """Rings for the sleepers of an event loop of asyncio's.

    Each bell has an empty context of its own: it keeps nothing of whoever has set it, and may ring
    while another one does, where tasks run the event loop themselves (nest_asyncio in notebooks).
    """

    __slots__ = ("__weakref__", "_due", "_few", "loop", "naps", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # uvloop rounds each timer to a millisecond, down as well as up: a sleeper who is woken too
        # early would sleep again and again, dozens of times, until its moment has come.
        self._few = 0 if type(loop).__module__.startswith("uvloop") else _FEW
        # What asyncio's own loops return, without a call in between.
        is_usual = getattr(loop.time, "__func__", None) is asyncio.BaseEventLoop.time
        self.now: Callable[[], float] = time.monotonic if is_usual else loop.time
        self.naps = 0
        """How many may sleep."""
        self._due: dict[int, list[_Bed]] = {}

    def ring(self, bed: _Bed, at: float) -> asyncio.TimerHandle | None:
        """At that moment; returns a timer of its own, if it has one."""
        if self.naps < self._few:
            return self._call_at(at, bed.ring)
        grain = int(at / _GRAIN_S) + 1  # never before it, whatever is rounded
        together = self._due.get(grain)
        if together is not None:
            together.append(bed)
        elif at - self.now() > _FAR_S:
            return self._call_at(grain * _GRAIN_S, bed.ring)
        else:
            self._due[grain] = [bed]
            self._call_at(grain * _GRAIN_S, self._ring_for_all, grain)
        bed.grain = grain
        return None

    def _call_at(
        self, at: float, bell: Callable[[Unpack[Ts]], object], *args: *Ts
    ) -> asyncio.TimerHandle:
        return self.loop.call_at(at, bell, *args, context=contextvars.Context())

    def _ring_for_all(self, grain: int) -> None:
        beds = iter(self._due.pop(grain))
        # If a task ends the event loop (SystemExit, say) or runs it itself, the others get up all
        # the same.
        self.loop.call_soon(self._go_on, beds, grain, context=contextvars.Context())
        self._go_on(beds, grain)

    @staticmethod
    def _go_on(beds: Iterator[_Bed], grain: int) -> None:
        for bed in beds:
            if bed.grain == grain:  # not called before, nor asleep in another one
                bed.rise()


# By the id of the event loop, which its clock keeps alive: for as long as there is a nap in it.
_clocks: Final[WeakValueDictionary[int, _Clock]] = WeakValueDictionary()
