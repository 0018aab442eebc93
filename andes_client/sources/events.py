"""Pace the text of a stream of events, and pass its other events on in order.

    async with pace_events(stream, reading(), split=openai.split) as paced:
        async for item in paced:
            if isinstance(item, str):
                print(item, end="", flush=True)
            else:
                ...  # the SDK's own event: a tool call, reasoning, usage, the end

An event that starts something (a tool call, reasoning) is never held back: what was
written before it is shown at once, and then it is passed on. An event that only closes or
counts (the finish reason, usage) waits for the text before it, in the reader's time: if
it did not, the end of every answer would tip all that is buffered before the reader at
once. Which is which, `split` says; each source has one, and yours may wrap it.

Thinking that comes as a `<think>` block at the beginning of the text is no text: its events
are passed on as they came, at once, like those of any other reasoning.

A failure that an event reports is raised after that event, and so is a stream that just stops.
Afterwards `ending` says how the answer ended. Both as for `text` of the same source.

All of it is one `Paced` and a queue. Text goes through the pacer; an event waits in the
queue with the number of characters before it, and is due when so many have been shown.
"""

import math
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

import anyio

from andes_client.buffer import check_expectation, splitter_for
from andes_client.expectation import Expectation
from andes_client.markdown import MarkdownGuard
from andes_client.pacer import Paced, pace
from andes_client.pending import holding
from andes_client.reports import Line
from andes_client.segment import Segmenter, Unit, UnitKind
from andes_client.sources.ending import Ending
from andes_client.sources.known import known
from andes_client.sources.source import Note, Split
from andes_client.sources.texts import Texts, Thinks

__all__ = ["PacedEvents", "pace_events"]

T = TypeVar("T")


def pace_events(
    stream: AsyncIterable[T],
    expectation: Expectation,
    *,
    split: Split[T],
    unit: UnitKind | None = None,
    language: str | None = None,
    markdown: bool = False,
    anti_stall: float | None = None,
    max_lag: float | None = None,
    max_speed_up: float = 2.0,
    submitted: float | None = None,
    report: Line | None = None,
    note: Note[T] | None = None,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> "PacedEvents[T]":
    """Wrap a stream of events so that its text comes at the pace of `expectation`.

    Iterating gives pieces of text (`str`) and events, in the order of the stream. Inside
    the block the stream is drained as fast as it comes; leaving the block closes it. An
    error of the stream is raised from the loop after all that came before it; so is a
    `StreamError`, if the server reported an error or the stream just stopped.

    Args:
        stream: an SDK's stream, or any async iterable of events that are not `str`.
        expectation: the reader's pace.
        split: takes an event apart into its text and what else it is (`Split`).
        unit: as for `andes_client.pace`. A segmenter of your own is flushed before each
            event that does not wait, and must go on after that.
        note: notes what an event says of reasoning and of the end. Needed for a `split` of your
            own only: `openai.note`, say, if it wraps `openai.split`. Without it such a stream
            ends "unsaid", and only an error of the stream itself is raised.
        thinks: gets the reasoning alone, in whichever form it came, as it comes. Its events are
            passed on all the same.
        begins_thinking: the text begins inside a `<think>` block that the server's template
            has opened.

    The other arguments and errors are those of `andes_client.pace`.
    """
    upstream = _Upstream(stream, split, note, thinks, begins_thinking)
    check_expectation(expectation)
    is_program = expectation.tds == math.inf
    splitter = splitter_for(expectation, unit, language)
    text = pace(
        upstream,
        expectation,
        unit=_Breakable(
            MarkdownGuard(splitter, half_words=not is_program) if markdown else splitter
        ),
        language=language,
        anti_stall=anti_stall,
        max_lag=max_lag,
        max_speed_up=max_speed_up,
        submitted=submitted,
        report=report,
    )
    return PacedEvents(text, upstream)


class PacedEvents(AsyncIterator[str | T], Generic[T]):
    """Paced text and events; made by `pace_events`, used in `async with`, iterated once.

    While the reader pauses, text waits, and so do the events behind it.
    """

    def __init__(self, text: Paced, upstream: "_Upstream[T]") -> None:
        self.text = text
        """The text alone: for its controls and statistics, not to be iterated."""
        self._upstream = upstream
        self._shown = 0  # characters
        # Text that is due; an event that came while it was waited for may go before it.
        self._next = ""
        self._nap: anyio.CancelScope | None = None  # of a reader that waits for text
        self._end: Exception | None = None  # of the text
        upstream.on_event = self._wake

    @property
    def ending(self) -> Ending | None:
        """How the answer ended; None until the stream has ended, and if the reader left first."""
        return self._upstream.ending

    async def __aenter__(self) -> Self:
        await self.text.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.text.__aexit__(exc_type, exc, traceback)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | T:
        events = self._upstream.events
        while True:
            if self._upstream.stopped:
                raise StopAsyncIteration
            if events and (events[0][0] <= self._shown or self._end is not None):
                return events.popleft()[1]
            if self._next:
                text, self._next = self._next, ""
                self._shown += len(text)
                return text
            if self._end is not None:
                end, self._end = self._end, StopAsyncIteration()
                raise end
            try:
                await (self._rush() if self._must_rush() else self._wait())
            except Exception as end:  # no more text; but there may be events still
                self._end = end

    def stop(self) -> None:
        """End it now, text and events, and close the stream; as for `Paced.stop`."""
        self._upstream.stopped = True
        self.text.stop()

    def _must_rush(self) -> bool:
        return self._shown < self._upstream.urgent and not self.text.statistics().paused

    async def _rush(self) -> None:
        """Take all text before the next event, at once and in one piece."""
        speed, before = self.text.statistics().speed, self._upstream.events[0][0]
        self.text.reveal_all()
        try:
            while self._shown + len(self._next) < before:
                self._next += await anext(self.text)  # it is all there
        finally:
            if speed < math.inf:
                self.text.speed(speed)

    async def _wait(self) -> None:
        """Take the next text in its time, or none if an event came first."""
        try:
            with anyio.CancelScope() as self._nap:
                self._next = await anext(self.text)  # cancelling it loses no text
        finally:
            self._nap = None

    def _wake(self) -> None:
        if self._nap is not None:
            self._nap.cancel()


class _Break(str):
    """Sent through the text where an event does not wait: what came before is complete."""


class _Upstream(Texts[T]):
    """The text of the stream, for the pacer; the other events go to a queue."""

    def __init__(
        self,
        stream: AsyncIterable[T],
        split: Split[T],
        note: Note[T] | None,
        thinks: Thinks | None,
        begins_thinking: bool,
    ) -> None:
        source = known(split, note)
        super().__init__(stream, source, thinks=thinks, begins_thinking=begins_thinking)
        self._characters = 0
        self._waiting: deque[T] = deque()  # for text that the reader holds
        self.events: deque[tuple[int, T]] = deque()
        """Each with the number of characters before it."""
        self.urgent = 0
        """Characters that an event which does not wait has behind it."""
        self.stopped = False
        """The reader has ended it."""
        self.on_event: Callable[[], None] = lambda: None

    def _take(self, event: T) -> Iterator[str]:
        answer, is_thought, rest = self._reader.take(event)
        if rest == "nothing" and is_thought:
            yield from self._break()
            self._pass_on(event, at_once=True)
        if rest == "at once":
            answer += self._reader.rest()
        yield from self._counted(answer)
        if rest == "at once":
            yield from self._break()
        if rest != "nothing":
            self._pass_on(event, at_once=rest == "at once")

    def _take_rest(self) -> Iterator[str]:
        yield from self._counted(self._reader.rest())
        self._let_go()

    def _counted(self, answer: str) -> Iterator[str]:
        self._characters += len(answer)
        if answer:
            yield answer

    def _break(self) -> Iterator[str]:
        if self._characters > self.urgent:  # there is text that an event now must not wait for
            yield _Break("\0")

    def _pass_on(self, event: T, *, at_once: bool) -> None:
        self._waiting.append(event)
        if at_once:
            self.urgent = self._characters
        if at_once or not self._reader.holds:
            self._let_go()

    def _let_go(self) -> None:
        while self._waiting:
            self.events.append((self._characters, self._waiting.popleft()))
            self.on_event()


class _Breakable:
    """A segmenter around another, which ends its unit at a `_Break`."""

    def __init__(self, inner: Segmenter) -> None:
        self._inner = holding(inner)

    @property
    def patience(self) -> tuple[float, ...]:
        return self._inner.patience

    @property
    def held_cost(self) -> float:
        return self._inner.held_cost

    def decode(self, text: str) -> list[Unit]:
        return self._inner.flush() if isinstance(text, _Break) else self._inner.decode(text)

    def fragment(self) -> Unit | None:
        return self._inner.fragment()

    def overdue(self, waited: float) -> list[Unit]:
        return self._inner.overdue(waited)

    def flush(self) -> list[Unit]:
        return self._inner.flush()
