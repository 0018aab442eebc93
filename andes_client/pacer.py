"""Release a bursty text stream at a reader's pace, in an event loop.

What is released when is decided in buffer.py; here it is waited for, and the upstream is
drained. Together with blocking.py the only file that sleeps.
"""

import inspect
import logging
import math
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Final, ParamSpec, Self, TypeVar

import anyio
import anyio.abc
import anyio.from_thread
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectSendStream

from andes_client.buffer import Buffer, Event, Statistics, make_buffer
from andes_client.expectation import Expectation
from andes_client.reports import READER, Line, check_line
from andes_client.segment import UnitKind

if TYPE_CHECKING:
    import asyncio

__all__ = ["Paced", "pace"]

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

# How long a stream may take over being closed before the reader's block is left anyway.
_CLOSE_TIMEOUT_S: Final = 5.0
# Text that is due is handed on without a pause, but others must get their turn.
_UNITS_A_TURN: Final = 64


def pace(
    stream: AsyncIterable[str],
    expectation: Expectation,
    *,
    unit: UnitKind | None = None,
    language: str = "en",
    markdown: bool = False,
    anti_stall: float | None = None,
    max_lag: float | None = None,
    max_speed_up: float = 2.0,
    submitted: float | None = None,
    report: Line | None = None,
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
        expectation: the reader's pace; `tds=math.inf` passes everything on at once.
        unit: what is shown at once: "word", "grapheme", "sentence", "line", "token", a
            pattern, a function or a segmenter (andes_client.segment.segmenter). By default
            words, and for a program the pieces as they come.
        language: ISO 639-1 code, for the mean length of words.
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

    Raises:
        TypeError: `stream` is not an async iterable, `expectation` is not an Expectation,
            `report` is no line of a `Reporter`.
        ValueError: another argument is out of range.
    """
    if not hasattr(stream, "__aiter__"):
        raise TypeError(
            f"pace() needs an async iterable of str, not {type(stream).__name__}; "
            "if the stream comes from a coroutine function, await it first"
        )
    check_line(report, "pace()", "Reporter", blocking=False)
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
    )


class Paced(AsyncIterator[str]):
    """A paced stream; made by `pace`, used in `async with`. Iterate it once, in one task.

    The controls below are plain calls, for any task of the same event loop. From another
    thread, go through `call_from_thread`.
    """

    def __init__(
        self,
        stream: AsyncIterable[str],
        buffer: Buffer,
        submitted: float | None,
        report: Line | None = None,
    ) -> None:
        self._stream = stream
        self._report = report
        self._buffer = buffer
        self._submitted = submitted
        self._tasks: anyio.abc.TaskGroup | None = None
        self._left = False
        self._hungry = False  # they wait for text, not for their time
        self._units_this_turn = 0
        self._listener: MemoryObjectSendStream[Event] | None = None

    async def __aenter__(self) -> Self:
        if self._tasks is not None:
            raise RuntimeError("a paced stream is entered once; call pace() again for another")
        self._nap = _nap()
        now = self._nap.now()
        submitted = now if self._submitted is None else self._submitted
        if not submitted <= now:
            raise ValueError(
                f"pace(submitted=...) must not be later than now ({now!r} on the event loop's "
                f"clock, anyio.current_time()), but it is {submitted!r}"
            )
        self._buffer.start(submitted)
        self._thread = threading.get_ident()
        if self._report is not None:
            self._connect(self._report)
        self._token = anyio.lowlevel.current_token()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._drain)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        assert self._tasks is not None  # entered
        self._left = True
        self._buffer.leave()
        if self._listener is not None:
            self._buffer.on_event = None
            self._listener.close()
        self._tasks.cancel_scope.cancel()
        try:
            return await self._tasks.__aexit__(exc_type, exc, traceback)
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1 and group.exceptions[0] is exc:
                return False  # what the block raised goes on as it is, not in a group
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        buffer = self._entered()
        while True:
            step = buffer.poll(self._nap.now())
            if isinstance(step, str):
                self._units_this_turn += 1
                if self._units_this_turn >= _UNITS_A_TURN:
                    self._units_this_turn = 0
                    await anyio.lowlevel.cancel_shielded_checkpoint()
                return step
            if step is None:
                raise StopAsyncIteration
            # Until that moment, or until a control or the drain gives reason to look again.
            self._units_this_turn = 0
            self._hungry = buffer.is_empty
            await self._nap.until(step)

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

    def statistics(self) -> Statistics:
        """A snapshot of what has happened so far."""
        return self._entered(or_left=True).statistics(self._nap.now())

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncIterator[Event], None]:
        """What happens from now on, for a screen: started, stalled, paused, ...

            async with paced.events() as events:
                async for event in events: ...

        One listener at a time; the iteration ends with the event "finished", or with the
        block of `pace`.
        """
        buffer = self._entered()
        if buffer.on_event is not None:
            raise RuntimeError("this paced stream has a listener already; share its events")
        send, receive = anyio.create_memory_object_stream[Event](math.inf)

        def tell(event: Event) -> None:
            send.send_nowait(event)
            if event.kind == "finished":
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
        return anyio.from_thread.run_sync(lambda: control(*args, **kwargs), token=self._token)

    def _entered(self, *, or_left: bool = False) -> Buffer:
        if self._tasks is None or (self._left and not or_left):
            raise RuntimeError("use a paced stream inside its block: async with pace(...)")
        return self._buffer

    def _connect(self, line: Line) -> None:
        """The text comes through this line."""
        is_ours = threading.get_ident() == self._thread and not line.blocking
        if is_ours and not self._left:
            self._buffer.connect(line, self._nap.now)

    async def _drain(self) -> None:
        """Read the whole upstream, as fast as it comes, whatever the reader does."""
        if self._report is None:
            READER.set(self._connect)
        buffer, iterator = self._buffer, aiter(self._stream)
        error: Exception | None = None
        texts = 0
        try:
            async for text in iterator:
                buffer.receive(text, self._nap.now())
                if self._hungry:
                    self._nap.wake()
                # A stream that never waits must not keep all others from their turn.
                texts += 1
                if texts % _UNITS_A_TURN == 0:
                    await anyio.lowlevel.checkpoint()
        except Exception as raised:
            error = raised  # the reader gets it from the loop, after the text before it
        finally:
            buffer.end(self._nap.now(), error)
            self._nap.wake()
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await _close(iterator)
                if iterator is not self._stream:
                    await _close(self._stream)


class _Nap:
    """Sleep until a moment or until woken, on any event loop. One sleeper at a time."""

    def __init__(self) -> None:
        self._scope: anyio.CancelScope | None = None

    def now(self) -> float:
        return anyio.current_time()

    async def until(self, moment: float) -> None:
        with anyio.CancelScope() as self._scope:
            await anyio.sleep(max(0.0, moment - anyio.current_time()))
        self._scope = None

    def wake(self) -> None:
        if self._scope is not None:
            self._scope.cancel()


class _AsyncioNap(_Nap):
    """The same at a third of the price: with thousands of readers it is the main cost."""

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        super().__init__()
        self._loop = loop
        self._woken: asyncio.Future[None] | None = None
        self.now = self._loop.time  # type: ignore[method-assign]

    async def until(self, moment: float) -> None:
        self._woken = woken = self._loop.create_future()
        timer = self._loop.call_at(moment, _finish, woken) if moment < math.inf else None
        try:
            await woken
        finally:
            self._woken = None
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        if self._woken is not None:
            _finish(self._woken)


def _finish(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


def _nap() -> _Nap:
    import asyncio  # not by everybody who imports us: it is the largest part of anyio's cost

    on_asyncio = anyio.get_cancelled_exc_class() is asyncio.CancelledError
    return _AsyncioNap(asyncio.get_running_loop()) if on_asyncio else _Nap()


async def _close(stream: object) -> None:
    """Close what offers `aclose()` or `close()`; an error in it is logged, not raised."""
    close = getattr(stream, "aclose", None) or getattr(stream, "close", None)
    if close is None:
        return
    try:
        closing = close()
        if inspect.isawaitable(closing):
            await closing
    except Exception:
        _log.warning("closing the paced stream's upstream failed", exc_info=True)
