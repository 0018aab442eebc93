"""Release a bursty text stream at a reader's pace, in an event loop.

What is released when is decided in buffer.py; here it is waited for, and the upstream is
drained.
"""

import inspect
import logging
import math
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

import anyio
import anyio.abc
import anyio.from_thread
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectSendStream

from andes_client.background import Work, call_soon, is_cancelled, running_loop, spawn
from andes_client.buffer import Buffer, Event, Statistics, check_tick, make_buffer
from andes_client.expectation import Expectation
from andes_client.nap import nap
from andes_client.reports import READER, Line, check_line
from andes_client.segment import UnitKind

__all__ = ["Paced", "pace"]

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

# How long a stream may take over being closed before the reader's block is left anyway.
_CLOSE_TIMEOUT_S: Final = 5.0
_CANCELLED: Final = "the stream was cancelled, and not by its reader"
# Text that is due is handed on without a pause, but others must get their turn.
_UNITS_A_TURN: Final = 64


def pace(
    stream: AsyncIterable[str],
    expectation: Expectation,
    *,
    unit: UnitKind | None = None,
    language: str | None = None,
    markdown: bool = False,
    anti_stall: float | None = None,
    max_lag: float | None = None,
    max_speed_up: float = 2.0,
    submitted: float | None = None,
    report: Line | None = None,
    tick: float = math.inf,
) -> "Paced":
    """Wrap `stream` so that its text comes at the pace of `expectation`.

        async with pace(stream, reading(wpm=238)) as paced:
            async for word in paced:
                ...

    Runs on asyncio and trio. Inside the block the stream is drained as fast as it comes.
    Leaving the block, in whatever way, stops the draining and closes the stream. An error
    of the stream is raised from the loop after the text that came before it.

    Args:
        stream: any async iterable of text; it must not be iterated by anyone else.
        expectation: the reader's pace, or `smooth()`; `tds=math.inf` passes all on at once.
        unit: what is shown at once: "word", "grapheme", "sentence", "line", "token", a
            pattern, a function or a segmenter (andes_client.segment.segmenter). By default
            words, and for a program the pieces as they come.
        language: ISO 639-1 code of the text, for the mean length of words and for what they take
            aloud. By default that of `speaking(language=...)`, else English.
        markdown: the text is Markdown: show only what what follows cannot make look otherwise,
            held back for a second at most, and take no time for marks (andes_client.markdown).
        anti_stall: the most by which text is slowed down while the buffer is about to run
            dry; 1 is off, 1.25 hardly seen (andes_client.playout). None: only if the server
            has said when more will come, and then by 1.5.
        max_lag: seconds after the end of the stream within which all is shown; None: at
            the reader's pace, however long it takes.
        max_speed_up: the most by which `max_lag` speeds the text up; the rest is then
            shown at once.
        submitted: when the user submitted the request, on the clock of the event loop
            (`anyio.current_time()`); when the block is entered, if not given.
        report: tell the server what the reader does (`andes_client.reporter`). Not needed if
            the request went through a transport with `report=True` (andes_client.transport).
        tick: seconds of silence after which the iteration yields "", and again after as many:
            for who drives a generator and looks between two texts whether to go on. Never, by
            default.

    Raises:
        TypeError: `stream` is not an async iterable, `expectation` is not an Expectation,
            `report` is no line of a `Reporter`.
        ValueError: another argument is out of range.
    """
    if not hasattr(stream, "__aiter__"):
        raise TypeError(f"pace() needs an async iterable of str, not {_what_else(stream)}")
    check_line(report, "pace()", "Reporter", blocking=False)
    check_tick(tick)
    return Paced(
        stream,
        make_buffer(
            expectation,
            unit=unit,
            language=language,
            markdown=markdown,
            anti_stall=anti_stall,
            max_lag=max_lag,
            max_speed_up=max_speed_up,
        ),
        submitted,
        report,
        tick,
    )


def _what_else(stream: object) -> str:
    """What it is that is no stream, and what to do with it."""
    name = type(stream).__name__
    if hasattr(stream, "__aenter__"):
        return f"{name}: enter it first (async with ... as stream)"
    if inspect.isawaitable(stream):
        return f"{name}: await it first"
    return (
        f"{name}; for a plain one there is pace_blocking()" if hasattr(stream, "__iter__") else name
    )


class Paced(AsyncIterator[str]):
    """A paced stream; made by `pace`, used in `async with`. Iterate it once, a task at a time.

    The controls below are plain calls, for any task of the same event loop. From another
    thread, go through `call_from_thread`; only `stop` may be called from anywhere.
    """

    __slots__ = (
        "__weakref__",
        "_begun",
        "_buffer",
        "_closing",
        "_done",
        "_is_entered",
        "_is_open",
        "_left",
        "_listener",
        "_loop",
        "_nap",
        "_report",
        "_stopped",
        "_stream",
        "_submitted",
        "_thread",
        "_tick",
        "_token",
        "_units_this_turn",
        "_work",
    )

    def __init__(
        self,
        stream: AsyncIterable[str],
        buffer: Buffer,
        submitted: float | None,
        report: Line | None = None,
        tick: float = math.inf,
    ) -> None:
        self._stream: AsyncIterable[str] | None = stream  # until it is drained
        self._report = report
        self._buffer = buffer
        self._submitted = submitted
        self._tick = tick
        self._work: Work | None = None  # the task that drains the stream, while it runs
        self._begun = self._closing = self._done = False  # that task
        self._is_entered = self._is_open = self._left = self._stopped = False
        self._units_this_turn = 0
        self._listener: MemoryObjectSendStream[Event] | None = None

    async def __aenter__(self) -> Self:
        if self._is_entered:
            raise RuntimeError("a paced stream is entered once; call pace() again for another")
        self._nap = nap()
        now = self._nap.now()
        submitted = now if self._submitted is None else self._submitted
        if not submitted <= now:
            self._nap.close()
            raise ValueError(
                f"pace(submitted=...) must not be later than now ({now!r} on the event loop's "
                f"clock, anyio.current_time()), but it is {submitted!r}"
            )
        self._buffer.start(submitted)
        self._thread = threading.get_ident()
        if self._report is not None:
            self._connect(self._report)
        self._token = anyio.lowlevel.current_token()
        self._loop = running_loop()
        self._work = spawn(self._drain, self._drained)
        self._is_entered = self._is_open = True
        if self._stopped:
            self._end()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._is_entered
        self._left, self._is_open = True, False
        self._buffer.leave()
        if self._listener is not None:
            self._buffer.on_event = None
            self._listener.close()
        try:
            if not self._done:
                self._cancel()
                await self._drained_or_late()
        finally:
            self._nap.close()
        if not self._begun:  # cancelled before its first turn: nobody has closed the stream
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await _close(self._stream)

    async def _drained_or_late(self) -> None:
        """Wait until the draining has ended and the stream is closed, but not for ever."""
        self._nap.close()  # another task that iterates: it is over
        bed = self._nap = nap()
        until = bed.now() + _CLOSE_TIMEOUT_S
        with anyio.CancelScope(shield=True):
            while not self._done and bed.now() < until:
                await bed.until(until)
        if not self._done and self._work is not None:
            _log.warning("the paced stream's upstream does not end; it is left behind")
            self._work.cancel()

    def _cancel(self) -> None:
        """Wake the draining out of its wait; once, and not while it closes the stream."""
        if self._work is not None and not self._closing:
            self._closing = True
            if not is_cancelled(self._work):  # by who ends the event loop
                self._work.cancel()

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, str]:
        return self._next(self._tick, is_loop=True)

    def next(self, timeout: float = math.inf) -> Coroutine[Any, Any, str | None]:
        """The next text; "" if none is due within `timeout` seconds; None at the end.

        The same as the iteration, for who has something else to do in a silence. Raises as that
        does.
        """
        return self._next(timeout, is_loop=False)

    async def _next(self, timeout: float, *, is_loop: bool) -> Any:
        if not self._is_open:
            self._entered()  # which raises
        if self._units_this_turn >= _UNITS_A_TURN:
            self._units_this_turn = 0
            # Before anything is taken: to cancel it loses no text.
            await anyio.lowlevel.checkpoint()
        buffer, nap = self._buffer, self._nap
        now = nap.now()
        until, has_slept = now + timeout, False
        while True:
            if self._stopped:
                self._end()
            step = buffer.poll(now)
            if isinstance(step, str):
                self._units_this_turn += 1
                return step
            if step is None:
                if is_loop:
                    raise StopAsyncIteration
                return None
            if until < step:
                if has_slept and now >= until:
                    return ""
                step = until
            # Until that moment, or until a control or the drain gives reason to look again.
            self._units_this_turn = 0
            await nap.until(step)
            if self._left:
                self._entered()
            now, has_slept = nap.now(), True

    async def generator(self) -> AsyncGenerator[str, None]:
        """All of it as a generator, which enters and leaves the block by itself.

            return StreamingResponse(pace(stream, reading()).generator())

        For frameworks that step a generator from whichever task, and drop it. Closing or dropping
        it, from wherever, closes the stream.
        """
        async with self:
            async for text in self:
                yield text

    def stop(self) -> None:
        """End it now: the iteration ends, what was not shown is dropped, the stream is closed.

        From any task, any thread and any signal's handler; it does not wait. A second call does
        nothing, and neither does one after the block; one before the block stops the stream as
        soon as it is entered.
        """
        if self._stopped:
            return
        self._stopped = True
        # Never here: a signal's handler may have interrupted anything, and to wake somebody would
        # not wake an event loop that sleeps. Who asks for text before that is told in `_next`.
        if self._is_open:
            call_soon(self._loop, self._end)

    def _end(self) -> None:
        if not self._is_open:
            return
        self._buffer.stop(self._nap.now())
        self._cancel()
        self._nap.wake()

    def pause(self) -> None:
        """Show nothing until `resume`; the stream is drained all the same."""
        self._entered().pause(self._nap.now())
        self._nap.wake()

    def resume(self) -> None:
        """Go on where the reader stopped; the pause counts neither as delay nor as stall."""
        self._entered().resume(self._nap.now())
        self._nap.wake()

    def speed(self, factor: float) -> None:
        """From now on, go at `factor` times the expectation; above 0.

        Raises:
            ValueError: it is not.
        """
        self._entered().speed(factor, self._nap.now())
        self._nap.wake()

    def reveal_all(self) -> None:
        """Show at once what is there, and what is still to come as it comes."""
        self._entered().reveal_all(self._nap.now())
        self._nap.wake()

    def visible(self, visible: bool) -> None:
        """Whether the reader has the text before them; a server that listens is told.

        The text comes all the same: `pause` if it is to wait.
        """
        self._entered().visible(visible, self._nap.now())

    def keep_time(self) -> None:
        """Who iterates passes the text on, and is held up by a slow network, not by a reader.

        What was due while nobody asked for it then comes at once. Without this, the reader goes
        on where they left off, as one does who has looked away.
        """
        self._entered().keeps_time = True

    def statistics(self) -> Statistics:
        """A snapshot of what has happened so far."""
        if self._stopped:
            self._end()
        return self._entered(or_left=True).statistics(self._nap.now())

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncIterator[Event], None]:
        """What happens from now on, for a screen: started, stalled, paused, ...

            async with paced.events() as events:
                async for event in events: ...

        One listener at a time; the iteration ends with the event "finished" or "stopped",
        or with the block of `pace`.
        """
        buffer = self._entered()
        if buffer.on_event is not None:
            raise RuntimeError("this paced stream has a listener already; share its events")
        send, receive = anyio.create_memory_object_stream[Event](math.inf)

        def tell(event: Event) -> None:
            # A listener who has closed it hears no more.
            with suppress(anyio.BrokenResourceError):
                send.send_nowait(event)
            if event.kind in ("finished", "stopped"):
                buffer.on_event = None
                send.close()

        buffer.on_event, self._listener = tell, send
        try:
            with send, receive:
                yield receive
        finally:
            buffer.on_event = self._listener = None

    def call_from_thread(self, control: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Use a control from a thread that runs no event loop; returns when it has taken effect.

        paced.call_from_thread(paced.speed, 1.5)
        """
        self._entered(or_left=True)
        if threading.get_ident() == self._thread:  # it would wait for itself
            return control(*args, **kwargs)
        return anyio.from_thread.run_sync(lambda: control(*args, **kwargs), token=self._token)

    def _entered(self, *, or_left: bool = False) -> Buffer:
        if not self._is_entered or (self._left and not or_left):
            raise RuntimeError("use a paced stream inside its block: async with pace(...)")
        return self._buffer

    def _connect(self, line: Line) -> None:
        """The text comes through this line."""
        is_ours = threading.get_ident() == self._thread and not line.blocking
        if is_ours and not self._left:
            self._buffer.connect(line, self._nap.now)

    async def _drain(self) -> None:
        """Read the whole upstream, as fast as it comes, whatever the reader does."""
        self._begun = True
        if self._report is None:
            READER.set(self._connect)
        error: BaseException | None = None
        stream, iterator = self._stream, None
        assert stream is not None  # not drained yet
        try:
            if not self._over:
                iterator = aiter(stream)
                await self._read(iterator)
        except anyio.get_cancelled_exc_class():
            if not self._over:
                error = RuntimeError(_CANCELLED)
            raise
        except BaseException as raised:
            error = raised  # the reader gets it from the loop, after the text before it
            if isinstance(raised, KeyboardInterrupt):
                raise
        finally:
            self._closing = True
            self._buffer.end(self._nap.now(), error)
            self._nap.wake()
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await _close(iterator)
                if iterator is not stream:
                    await _close(stream)

    async def _read(self, iterator: AsyncIterator[str]) -> None:
        texts = 0
        async for text in iterator:
            if self._over:
                break  # the stream has caught its cancellation
            if self._buffer.receive(text, self._nap.now()):
                self._nap.wake()
            # A stream that never waits must not keep all others from their turn.
            texts += 1
            if texts % _UNITS_A_TURN == 0:
                await anyio.lowlevel.checkpoint()

    @property
    def _over(self) -> bool:
        """The reader has left, or stopped it."""
        return self._left or self._stopped

    def _drained(self) -> None:
        self._done, self._work = True, None
        if self._begun:
            # It is closed. Its reader may be busy for minutes yet, and so may thousands.
            self._stream = None
        else:
            self._buffer.end(self._nap.now(), RuntimeError(_CANCELLED))
        self._nap.wake()


async def _close(stream: object) -> None:
    """Close what offers `aclose()` or `close()`; an error in it is logged, not raised."""
    try:
        close = getattr(stream, "aclose", None) or getattr(stream, "close", None)
        closing = None if close is None else close()
        if inspect.isawaitable(closing):
            await closing
    except Exception:
        _log.warning("closing the paced stream's upstream failed", exc_info=True)
