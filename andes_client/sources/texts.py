"""What all sources have in common: an event is text, something else, or both."""

import dataclasses
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
)
from typing import Any, Final, Generic, NamedTuple, TypeVar

from andes_client.hang_up import hang_up, response_of
from andes_client.sources import closing
from andes_client.sources.content import field
from andes_client.sources.ending import Ending, Notes, StreamError
from andes_client.sources.reasoning import Kind, ThinkSplitter
from andes_client.sources.refusals import redacted
from andes_client.sources.source import Rest, Source, Split
from andes_client.sources.who import advice, source_for, source_name

__all__ = ["BlockingTexts", "Reader", "Taken", "Texts", "Thinks", "as_source", "field"]

T = TypeVar("T")

Thinks = Callable[[str], object]
"""Gets reasoning, piece by piece, as it comes: it is never paced."""

# So many events from the beginning, none of which is of the source's kind, are enough.
_STRANGERS: Final = 8


TEXT: Final[Source[str]] = Source(
    name="text", split=lambda text: (text, "nothing"), knows=lambda event: isinstance(event, str)
)
"""Streams of text, which need no source."""


def as_source(source: Source[T] | Split[T] | None) -> Source[T] | None:
    """A source; made of a bare `split`, one that knows nothing of ends; None stays None."""
    return Source(name="split", split=source) if callable(source) else source


class Taken(NamedTuple):
    """What one event has brought."""

    answer: str
    """The text of the answer that it has decided."""
    thought: bool
    """Whether part of its text was reasoning."""
    rest: Rest


class Reader(Generic[T]):
    """Events in, the text of the answer out, and at the end how it ended; without I/O.

    The arguments are those of `Texts`.
    """

    def __init__(
        self,
        stream: object,
        source: Source[T] | None,
        thinks: Thinks | None,
        begins_thinking: bool,
    ) -> None:
        self._stream = stream
        self._use(source or TEXT)
        self._source = source  # None until the first event says which
        self._notes = Notes(thinks or (lambda _: None))
        self._inside = begins_thinking
        self._think = ThinkSplitter(inside=begins_thinking)
        self._rethought = False
        self._message: object = None  # whose words come
        self._last = ""  # the last character of the answer so far
        self._apart = False  # what comes next is of another message
        self._strangers: list[T] | None = []  # events from the beginning, all of another kind
        self.ending: Ending | None = None
        """How the answer ended; None until it has."""

    @property
    def over(self) -> bool:
        """Whether an event has said that all has failed."""
        return self._notes.failed

    @property
    def holds(self) -> bool:
        """Whether there is text that waits for more."""
        return self._think.holds

    def take(self, event: T) -> Taken:
        """Take in the next event.

        Raises:
            TypeError: as many events as that, and none of the kind that the source knows.
        """
        if self._strangers is not None and not self._meet(event, self._strangers):
            return Taken("", False, "at once")
        if self._note is not None:
            self._note(event, self._notes)
        before = self._turn_to(event)
        text, rest = self._split(event)
        pieces = self._think.feed(text) if text else []
        thought = any(kind == "reasoning" for kind, _ in pieces)
        return Taken(before + self._answer(pieces), thought, rest)

    def rest(self) -> str:
        """The text that waited for more, which does not come now."""
        return self._answer(self._think.flush())

    def fail(self, error: Exception) -> None:
        """The stream raised it."""
        self.ending = error.ending if isinstance(error, StreamError) else None
        self.ending = self.ending or Ending("failed", str(error) or type(error).__name__)

    def end(self) -> None:
        """The stream is over.

        Raises:
            StreamError: the server reported an error, or the stream just stopped.
            TypeError: none of its events was of the kind that the source knows.
        """
        if self._strangers:
            self._refuse(self._strangers)
        if self._is_whole is not None and self._is_whole():
            self._notes.whole = True
        # Of event streams over plain HTTP each protocol promises one, also if no event has come.
        nothing = self._source is None and getattr(self._stream, "done", None) is False
        ending = self._notes.ending(promised=nothing or self._is_whole is not None)
        said = redacted(ending.said, response_of(self._stream))
        ending = self.ending = dataclasses.replace(ending, said=said)
        if ending.reason == "failed":
            raise StreamError(ending.said or "the server reported an error", ending)
        if ending.reason == "cut off":
            raise StreamError("the stream stopped before the answer was whole", ending)

    def _meet(self, event: T, strangers: list[T]) -> bool:
        """Whether the event is of a kind that is known; asked until one is."""
        if self._source is None:
            self._choose(event)
        if self._source is not None and self._source.knows(event):
            self._strangers = None
            return True
        strangers.append(event)
        if len(strangers) == _STRANGERS:
            self._refuse(strangers)
        return False

    def _choose(self, event: T) -> None:
        """Find the source by the first event, if it can be found."""
        source = TEXT if isinstance(event, str) else None
        if source is None and (name := source_name(event)) is not None:
            source = source_for(name)
        if source is not None:
            self._use(source)

    def _turn_to(self, event: T) -> str:
        """The text that is left of the message before, if another begins."""
        message = self._names(event)
        if message is None or message == self._message:
            return ""
        self._message = message
        left = self.rest() if self.holds else ""
        self._apart = bool(self._last)
        if self._notes.turned:
            self._notes.turned, self._rethought = False, False
            self._think = ThinkSplitter(inside=self._inside)
        return left

    def _use(self, source: Source[Any]) -> None:
        source = source.anew(self._stream) if source.anew else source
        self._names = source.message
        self._source, self._split, self._note = source, source.split, source.note
        self._is_whole = source.is_whole(self._stream)

    def _refuse(self, strangers: list[T]) -> None:
        self._strangers = None
        name = None if self._source is None else self._source.name
        error = TypeError(advice(name, self._stream, strangers[0]))
        self.ending = Ending("failed", str(error))
        raise error

    def _answer(self, pieces: list[tuple[Kind, str]]) -> str:
        if self._think.unopened and not self._rethought:
            self._rethought, self._last = True, ""
            self._notes.rethink()
        answer = ""
        for kind, text in pieces:
            if kind == "answer":
                answer += text
            else:
                self._notes.think(text)
        if answer and self._apart and not (self._last.isspace() or answer[0].isspace()):
            answer = "\n\n" + answer
        if answer:
            self._last, self._apart = answer[-1], False
        self._notes.write(answer)
        return answer


class Texts(AsyncIterable[str], Generic[T]):
    """The text in a stream of events, delta by delta. To be iterated once.

    Closing it closes the stream, also while it is being read; `pace` does so at its end.

    Thinking is not part of the text, whether it comes in events of its own or as a `<think>`
    block at the beginning of the text (andes_client.sources.reasoning).

    Args:
        stream: an SDK's stream, or any async iterable of events.
        source: what is known of such streams; or only a `split`, which takes events apart.
            None: found out by the first event.
        thinks: gets the reasoning.
        begins_thinking: the text begins inside a `<think>` block, which the server's template
            has opened.

    Raises:
        TypeError: the stream cannot be iterated so; or, from the loop, its events are not of the
            kind that the source knows. The message says what to do.
        StreamError: from the loop, after all text: the server reported an error, or the stream
            just stopped.
    """

    def __init__(
        self,
        stream: AsyncIterable[T],
        source: Source[T] | Split[T] | None = None,
        *,
        thinks: Thinks | None = None,
        begins_thinking: bool = False,
    ) -> None:
        source = as_source(source)
        stream = source.opened(stream) if source else stream
        if not hasattr(stream, "__aiter__"):
            raise TypeError(f"text needs an async stream, not {_what(stream, 'text_blocking')}")
        self._stream = stream
        self._reader = Reader(stream, source, thinks, begins_thinking)
        self._iterator: AsyncIterator[T] | None = None

    @property
    def ending(self) -> Ending | None:
        """How the answer ended; None until the stream has ended."""
        return self._reader.ending

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        reader = self._reader
        try:
            async for event in self._events():
                for text in self._take(event):
                    yield text
                if reader.over:
                    await self.aclose()  # trio leaves a generator alone that is not read to its end
                    break
        except Exception as error:
            for text in self._take_rest():
                yield text
            reader.fail(error)
            raise
        for text in self._take_rest():
            yield text
        reader.end()

    def _take(self, event: T) -> Iterator[str]:
        """The text that an event brings."""
        if text := self._reader.take(event).answer:
            yield text

    def _take_rest(self) -> Iterator[str]:
        """The text that is left at the end."""
        if text := self._reader.rest():
            yield text

    async def aclose(self) -> None:
        """Close the stream, and with it the connection to the server."""
        iterator = self._iterator
        try:
            # One that is left in the middle is not closed by the stream's own `close`.
            if inspect.isasyncgen(iterator) and not iterator.ag_running:
                await closing.aclose(iterator)
        finally:
            close = getattr(self._stream, "aclose", None) or getattr(self._stream, "close", None)
            if close is not None and inspect.isawaitable(closed := close()):
                await closed

    def _events(self) -> AsyncIterator[T]:
        self._iterator = aiter(self._stream)
        return self._iterator


class BlockingTexts(Iterable[str], Generic[T]):
    """`Texts` for the plain iterators of SDKs, for `pace_blocking`.

    Closing it, from whatever thread, also ends a wait for the server, if the stream is one
    of openai or anthropic over HTTP/1.1. A generator cannot be interrupted.
    """

    def __init__(
        self,
        stream: Iterable[T],
        source: Source[T] | Split[T] | None = None,
        *,
        thinks: Thinks | None = None,
        begins_thinking: bool = False,
    ) -> None:
        source = as_source(source)
        stream = source.opened(stream) if source else stream
        if not hasattr(stream, "__iter__"):
            raise TypeError(f"text_blocking needs a plain stream, not {_what(stream, 'text')}")
        self._stream = stream
        self._reader = Reader(stream, source, thinks, begins_thinking)

    @property
    def ending(self) -> Ending | None:
        """How the answer ended; None until the stream has ended."""
        return self._reader.ending

    def __iter__(self) -> Iterator[str]:
        reader = self._reader
        try:
            for event in self._stream:
                if text := reader.take(event).answer:
                    yield text
                if reader.over:
                    break
        except Exception as error:
            if text := reader.rest():
                yield text
            reader.fail(error)
            raise
        if text := reader.rest():
            yield text
        reader.end()

    def close(self) -> None:
        """Close the stream, and with it the connection to the server."""
        if inspect.isgenerator(self._stream) and self._stream.gi_running:
            return
        hang_up(self._stream)
        if inspect.isgenerator(self._stream):
            closing.close(self._stream)
            return
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


def _what(stream: object, other: str) -> str:
    name = type(stream).__name__
    if inspect.isawaitable(stream):
        return f"{name}: await it first"
    if hasattr(stream, "__aiter__") or hasattr(stream, "__iter__"):
        return f"{name}; for that there is {other}"
    if hasattr(stream, "__aenter__") or hasattr(stream, "__enter__"):
        return f"{name}: enter it first (with ... as stream)"
    return name
