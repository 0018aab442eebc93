"""Release a bursty text stream at a reader's pace. The only file that sleeps."""

import inspect
import logging
import math
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.abc
import anyio.lowlevel

from andes_client.expectation import Expectation
from andes_client.playout import Playout
from andes_client.qoe import Meter
from andes_client.segment import Segmenter, Unit, Words

__all__ = ["Paced", "Statistics", "pace"]

_log = logging.getLogger(__name__)

# How long a word that the reader is due may stay hidden because its end has not come yet.
_FRAGMENT_HOLD_S: Final = 0.25
# How long a stream may take over being closed before the reader's block is left anyway.
_CLOSE_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """What has happened so far; an immutable snapshot. Times are in seconds."""

    shown: int
    """Units released."""
    buffered: int
    """Units that have arrived and wait for their time."""
    buffered_seconds: float
    """How long the reader is busy with what is shown and buffered: their slack."""
    ttft: float | None
    """From submission to the arrival of the first unit; None before it."""
    qoe: float
    """QoE of what has arrived so far (andes_client.qoe); 0 before the first unit."""
    stalls: int
    """Times the reader had to wait for text that was due, after the first unit."""
    stalled_seconds: float
    """Total length of the stalls."""
    ended: bool
    """The upstream has ended; what is buffered is all there is to come."""


def pace(
    stream: AsyncIterable[str],
    expectation: Expectation,
    *,
    segmenter: Callable[[], Segmenter] = Words,
    submitted: float | None = None,
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
        segmenter: makes the splitter of this stream into units (andes_client.segment).
        submitted: when the user submitted the request, on the clock of the event loop
            (`anyio.current_time()`); when the block is entered, if not given.

    Raises:
        TypeError: `stream` is not an async iterable, `expectation` is not an Expectation.
    """
    if not hasattr(stream, "__aiter__"):
        raise TypeError(
            f"pace() needs an async iterable of str, not {type(stream).__name__}; "
            "if the stream comes from a coroutine function, await it first"
        )
    if not isinstance(expectation, Expectation):
        raise TypeError(
            f"pace() needs an Expectation, such as reading(wpm=238), not {expectation!r}"
        )
    return Paced(stream, expectation, segmenter(), submitted)


class Paced(AsyncIterator[str]):
    """A paced stream; made by `pace`, used in `async with`. Iterate it once, in one task."""

    def __init__(
        self,
        stream: AsyncIterable[str],
        expectation: Expectation,
        segmenter: Segmenter,
        submitted: float | None,
    ) -> None:
        self._stream = stream
        self._segmenter = segmenter
        self._submitted = math.nan if submitted is None else submitted
        self._playout = Playout(expectation)
        self._meter = Meter(expectation)
        self._buffer: deque[tuple[float, Unit]] = deque()  # (arrival, unit)
        self._shown = 0
        self._ended = False
        self._error: Exception | None = None
        self._fragment_since = math.inf  # arrival of the oldest text in the segmenter
        self._arrived: anyio.Event | None = None  # set by the drain, made by a reader who waits
        self._tasks: anyio.abc.TaskGroup | None = None
        self._left = False

    async def __aenter__(self) -> Self:
        if self._tasks is not None:
            raise RuntimeError("a paced stream is entered once; call pace() again for another")
        now = anyio.current_time()
        if math.isnan(self._submitted):
            self._submitted = now
        elif not self._submitted <= now:
            raise ValueError(
                f"pace(submitted=...) must not be later than now ({now!r} on the event loop's "
                f"clock, anyio.current_time()), but it is {self._submitted!r}"
            )
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
        if self._tasks is None or self._left:
            raise RuntimeError("iterate a paced stream inside its block: async with pace(...)")
        arrival, unit = await self._next_unit()
        due = self._playout.due(arrival)
        if due > anyio.current_time():
            await anyio.sleep_until(due)
        else:
            # A loop over text that is due must still let others run, and be cancellable.
            await anyio.lowlevel.checkpoint()
        self._buffer.popleft()
        self._shown += 1
        self._playout.released(anyio.current_time(), due, unit.cost)
        return unit.text

    def statistics(self) -> Statistics:
        """A snapshot of what has happened so far."""
        meter = self._meter
        now = 0.0 if self._tasks is None else anyio.current_time() - self._submitted
        return Statistics(
            shown=self._shown,
            buffered=len(self._buffer),
            buffered_seconds=max(0.0, meter.free_at - now),
            ttft=meter.first,
            qoe=meter.qoe,
            stalls=meter.stalls,
            stalled_seconds=meter.stalled,
            ended=self._ended,
        )

    async def _next_unit(self) -> tuple[float, Unit]:
        """The head of the buffer, left in it; raises what ended the stream once it is empty."""
        while not self._buffer:
            if self._ended:
                if self._error is not None:
                    error, self._error = self._error, None
                    raise error
                raise StopAsyncIteration
            await self._wait_for_text()
        return self._buffer[0]

    async def _wait_for_text(self) -> None:
        """Until something arrives, or the start of a word has kept its reader too long."""
        show_anyway = self._playout.due(self._fragment_since)
        # The first word is never delayed, nor is a program: what has come of it is shown.
        if self._shown and self._playout.paced:
            show_anyway += _FRAGMENT_HOLD_S
        self._arrived = anyio.Event()
        with anyio.move_on_at(show_anyway):
            await self._arrived.wait()
            return
        since, self._fragment_since = self._fragment_since, math.inf
        fragment = self._segmenter.fragment()
        if fragment is not None:
            self._buffer.append((since, fragment))

    async def _drain(self) -> None:
        """Read the whole upstream, as fast as it comes, whatever the reader does."""
        iterator = aiter(self._stream)
        try:
            async for text in iterator:
                self._receive(text)
            self._take(self._segmenter.flush())
        except Exception as error:
            # The reader gets it from the loop, after the text that came before.
            self._take(self._segmenter.flush())
            self._error = error
        finally:
            self._ended = True
            self._wake()
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await _close(iterator)
                if iterator is not self._stream:
                    await _close(self._stream)

    def _receive(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(
                f"pace() needs a stream of str, but this one yielded {type(text).__name__}; "
                "map its events to text first"
            )
        if not text:
            return
        units = self._segmenter.decode(text)
        if units or math.isinf(self._fragment_since):
            self._fragment_since = anyio.current_time()
            self._wake()
        self._take(units)

    def _take(self, units: list[Unit]) -> None:
        """Put units that have just become complete into the buffer, and count them."""
        if not units:
            return
        now = anyio.current_time()
        for unit in units:
            self._buffer.append((now, unit))
            self._meter.add(now - self._submitted, unit.cost)
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived.set()


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
