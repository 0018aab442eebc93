"""A stream of text, cut for a voice, in an event loop or in plain code.

What is cut where is decided in cutter.py; the stream is drained, and closed, as for a reader who
is a program (pacer.py, blocking.py).
"""

import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from types import TracebackType
from typing import Final, Self

import anyio

from andes_client.blocking import BlockingPaced
from andes_client.pacer import Paced
from andes_client.voice.chunk import Chunk
from andes_client.voice.cutter import Cutter
from andes_client.voice.hearing import Hearing
from andes_client.voice.spoken import Speech

__all__ = ["BlockingChunks", "Chunks", "chunks", "chunks_blocking"]

# A stream that never waits must not keep its first chunk back.
_TEXTS_A_TURN: Final = 256


def chunks(
    stream: AsyncIterable[str],
    *,
    language: str = "en",
    spoken: Speech | None = None,
    ahead: Callable[[], float] | None = None,
    markdown: bool = True,
) -> "Chunks":
    """Cut `stream` into what a voice says in one go.

        async with chunks(stream, language="en", spoken=spoken) as parts:
            async for chunk in parts:
                if chunk.spoken:
                    ...

    The first part of a sentence comes soon, then sentences and lines (a list item, a heading, a
    line of verse), and longer chunks while audio in hand lasts. None ends inside a number, a date,
    a short form, an address or a link. The texts of all chunks joined are the stream's; one that
    has nothing to say (code, say) has `spoken` "".

    Runs on asyncio and trio. Inside the block the stream is drained as fast as it comes. Leaving
    it closes the stream, as does leaving a loop over `chunks(...)` without a block (on trio, which
    closes what was dropped later, the block is better). An error of the stream is raised after the
    text that came before it.

    Args:
        stream: any async iterable of text; it must not be iterated by anyone else.
        language: ISO 639-1 code.
        spoken: shows the text as it is heard, and knows how much audio is in hand. Over a transport
            with `report=True` (andes_client.transport) the server is told of it, too.
        ahead: says how many seconds of audio are there and not played yet, when it is called, if
            there is no `spoken`. With neither, each chunk is taken to be spoken when it comes, at
            the language's usual speed.
        markdown: the text is Markdown: what is said has no marks (andes_client.voice.markup).

    Raises:
        TypeError: `stream` is not an async iterable, or both `spoken` and `ahead` are given.
        ValueError: the language is not known.
    """
    if not hasattr(stream, "__aiter__"):
        instead = "; for a plain one: chunks_blocking()" if hasattr(stream, "__iter__") else ""
        raise TypeError(
            f"chunks() needs an async iterable of str, not {type(stream).__name__}{instead}"
        )
    cutter = Cutter(language, markdown=markdown)
    return Chunks(Paced(stream, Hearing(spoken, language), None), cutter, _ahead(spoken, ahead))


class Chunks(AsyncIterable[Chunk]):
    """Made by `chunks`. Iterate it once, in one task at a time."""

    def __init__(
        self, texts: Paced, cutter: Cutter, ahead: Callable[[], float] | None = None
    ) -> None:
        self._texts = texts
        self._pieces = _Pieces(cutter, ahead)
        self._entered = self._taking = False

    async def __aenter__(self) -> Self:
        await self._texts.__aenter__()
        self._entered = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._texts.__aexit__(exc_type, exc, traceback)

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self if self._entered else self.generator()

    async def generator(self) -> AsyncGenerator[Chunk, None]:
        """All of it as a generator, which enters and leaves the block by itself."""
        async with self:
            async for chunk in self:
                yield chunk

    async def __anext__(self) -> Chunk:
        if not self._entered:
            raise RuntimeError("enter it first: async with chunks(...) as parts")
        if self._taking:
            raise RuntimeError("chunks are iterated by one task; another one waits for its own")
        self._taking = True
        try:
            return await self._next()
        finally:
            self._taking = False

    async def _next(self) -> Chunk:
        timeout = 0.0  # what is there already comes first
        while True:
            await self._take(timeout)
            now = anyio.current_time()
            step = self._pieces.poll(now)
            if isinstance(step, Chunk):
                return step
            if step is None:
                raise self._pieces.error() or StopAsyncIteration
            timeout = step - now

    async def _take(self, timeout: float) -> None:
        """Take in what comes within so many seconds, and what else has come by then."""
        for _ in range(_TEXTS_A_TURN):
            if self._pieces.is_over:
                return
            text: str | Exception | None
            try:
                text = await self._texts.next(timeout)
            except Exception as error:
                text = error
            if not self._pieces.take(text, anyio.current_time()):
                return
            timeout = 0.0

    def stop(self) -> None:
        """End it now, from any task or thread: the iteration ends, the stream is closed."""
        self._pieces.is_stopped = True
        self._texts.stop()


def chunks_blocking(
    stream: Iterable[str],
    *,
    language: str = "en",
    spoken: Speech | None = None,
    ahead: Callable[[], float] | None = None,
    markdown: bool = True,
) -> "BlockingChunks":
    """`chunks` for plain code: the stream is drained in a thread, the caller's thread waits.

        with chunks_blocking(stream, language="en") as parts:
            for chunk in parts:
                ...

    Arguments and errors are those of `chunks`; how the stream is closed is said at
    `andes_client.pace_blocking`.
    """
    if not hasattr(stream, "__iter__"):
        instead = "; for an async one: chunks()" if hasattr(stream, "__aiter__") else ""
        raise TypeError(
            f"chunks_blocking() needs an iterable of str, not {type(stream).__name__}{instead}"
        )
    cutter = Cutter(language, markdown=markdown)
    texts = BlockingPaced(stream, Hearing(spoken, language))
    return BlockingChunks(texts, cutter, _ahead(spoken, ahead))


class BlockingChunks(Iterable[Chunk]):
    """Made by `chunks_blocking`. Iterate it once, in one thread."""

    def __init__(
        self, texts: BlockingPaced, cutter: Cutter, ahead: Callable[[], float] | None = None
    ) -> None:
        self._texts = texts
        self._pieces = _Pieces(cutter, ahead)
        self._entered = False

    def __enter__(self) -> Self:
        self._texts.__enter__()
        self._entered = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._texts.__exit__(exc_type, exc, traceback)

    def __iter__(self) -> Iterator[Chunk]:
        return self if self._entered else self.generator()

    def generator(self) -> Generator[Chunk, None, None]:
        """All of it as a generator, which enters and leaves the block by itself."""
        with self:
            yield from self

    def __next__(self) -> Chunk:
        if not self._entered:
            raise RuntimeError("enter it first: with chunks_blocking(...) as parts")
        timeout = 0.0
        while True:
            self._take(timeout)
            now = time.monotonic()
            step = self._pieces.poll(now)
            if isinstance(step, Chunk):
                return step
            if step is None:
                raise self._pieces.error() or StopIteration
            timeout = step - now

    def _take(self, timeout: float) -> None:
        for _ in range(_TEXTS_A_TURN):
            if self._pieces.is_over:
                return
            text: str | Exception | None
            try:
                text = self._texts.next(timeout)
            except Exception as error:
                text = error
            if not self._pieces.take(text, time.monotonic()):
                return
            timeout = 0.0

    def stop(self) -> None:
        """End it now, from any thread: the iteration ends, the stream is closed."""
        self._pieces.is_stopped = True
        self._texts.stop()


class _Pieces:
    """What has come of a stream and is cut: the part that does not wait.

    Args:
        cutter: a new one.
        ahead: seconds of audio in hand.
    """

    def __init__(self, cutter: Cutter, ahead: Callable[[], float] | None) -> None:
        self._cutter = cutter
        self._ahead = ahead
        self._error: Exception | None = None
        self.is_over = False
        """No more text comes."""
        self.is_stopped = False
        """Nobody wants the rest."""

    def take(self, text: str | Exception | None, now: float) -> bool:
        """Text has come, or "" for none so far; or the end, by an error or without (None).

        Returns:
            Whether it was text: more of it may be there already.
        """
        if isinstance(text, str):
            if text:
                self._cutter.feed(text, now)
            return bool(text)
        self.is_over, self._error = True, text
        self._cutter.end(now)
        return False

    def poll(self, now: float) -> Chunk | float | None:
        """As `Cutter.poll`; None when it was stopped, too."""
        if self.is_stopped:
            return None
        return self._cutter.poll(now, None if self._ahead is None else self._ahead())

    def error(self) -> Exception | None:
        """That of the stream: once, after all text before it."""
        error, self._error = self._error, None
        return error


def _ahead(spoken: Speech | None, ahead: Callable[[], float] | None) -> Callable[[], float] | None:
    if spoken is not None and ahead is not None:
        raise TypeError(
            "give chunks() either spoken or ahead: what is spoken has an ahead() itself"
        )
    return ahead if spoken is None else spoken.ahead
