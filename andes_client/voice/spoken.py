"""Text that is shown when it is spoken: released by the position of the audio, not by a clock."""

import contextlib
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Final, Self

from anyio.lowlevel import checkpoint

from andes_client.expectation import Expectation
from andes_client.nap import Nap, nap
from andes_client.voice.chunk import Chunk
from andes_client.voice.track import Track
from andes_client.voice.utterance import Mark, Utterance

__all__ = ["BlockingSpoken", "Speech", "Spoken"]

# The position is looked at again after so many seconds at most, as it may be halted or run faster;
# and at least, while it moves. While it stands the wait doubles, from the third up to the first.
_OFTEN_S: Final = 0.05
_SOON_S: Final = 0.002
_STANDING_S: Final = 0.005
_WORDS_A_TURN: Final = 64
_TAKEN: Final = "spoken words are iterated by one task; another one waits for the next already"


class Speech(ABC):
    """The text of an answer and its audio: what `Spoken` and `BlockingSpoken` have in common.

    Args:
        position: how many seconds of the audio have been played; asked twenty times a second and
            more. It may halt, jump forward, and run at any speed.
        language: ISO 639-1 code of the text, for what words cost aloud.

    Raises:
        TypeError: `position` cannot be called.
        ValueError: the language is not known.
    """

    _lock: contextlib.AbstractContextManager[Any]

    def __init__(self, position: Callable[[], float], language: str = "en") -> None:
        if not callable(position):
            raise TypeError(
                "position must be a function that says how many seconds of audio have been "
                f"played, not {position!r}"
            )
        self._position = position
        self._track = Track(language, self._changed, self._lock)
        self._stopped_at: float | None = None
        self._last = math.nan
        self._standing_s = _STANDING_S

    @property
    def shown(self) -> int:
        """Words shown."""
        return self._track.shown

    @property
    def shown_tokens(self) -> float:
        """The same in tokens."""
        return self._track.shown_tokens

    @property
    def added_tokens(self) -> float:
        """Tokens of all chunks that were added."""
        return self._track.added_tokens

    def add(
        self,
        chunk: Chunk | str,
        seconds: float | None = None,
        words: Iterable[Mark] | None = None,
        *,
        at: float | None = None,
    ) -> Utterance:
        """The voice says this next.

        Args:
            chunk: from `chunks`; a str is said as it is written.
            seconds: the length of its audio. Without it the audio is still coming: tell the
                utterance with `grow` and `mark`, and end it with `end`; the next `add` ends it,
                too.
            words: when each word begins, if the voice tells: pairs of seconds from the beginning
                of this audio, and either the word or where it begins in `chunk.spoken`.
            at: where its audio begins, seconds on the clock of `position`; straight after the
                chunk before it, if not given.

        Returns:
            The utterance, to be told more of its audio.

        Raises:
            RuntimeError: after `end`.
            TypeError, ValueError: an argument is none of these, or out of range.
        """
        with self._lock:
            return self._track.add(chunk, seconds, words, at)

    def end(self) -> None:
        """No more chunks come: the iteration ends when all have been shown."""
        with self._lock:
            self._track.end()

    def stop(self) -> str:
        """The listener has interrupted: nothing more is shown.

        Returns:
            What they have heard, as `said()` from now on.

        Raises:
            Exception: what `position` raised. It is stopped all the same, where it was last seen.
        """
        try:
            at = self._now()
        except Exception:
            self._stop_at(0.0 if math.isnan(self._last) else self._last)
            raise
        self._stop_at(at)
        return self.said()

    def said(self) -> str:
        """The text that has been heard, as it came: what belongs into a conversation's history.

        A word counts when more than half of it has been played.
        """
        position = self._now()
        with self._lock:
            return self._track.said(position)

    def ahead(self) -> float:
        """The slack: seconds of audio that are there and have not been played."""
        position = self._now()
        with self._lock:
            return self._track.ahead(position)

    def expectation(self, *, ttft: float = 1.0) -> Expectation:
        """What this listener expects, at the speed of the voice as measured on its audio so far.

        Args:
            ttft: seconds until the first token is expected.
        """
        with self._lock:
            return self._track.expectation(ttft)

    def _stop_at(self, position: float) -> None:
        with self._lock:
            if self._stopped_at is None:
                self._stopped_at = position
            self._changed()

    @abstractmethod
    def _changed(self) -> None:
        """More is known: whoever waits for a word looks again."""

    def _now(self) -> float:
        """The position, seconds. Not under the lock: a player may have one of its own."""
        if self._stopped_at is not None:
            return self._stopped_at
        position = self._position()
        if isinstance(position, bool) or not isinstance(position, int | float):
            raise TypeError(
                "position() must return the seconds of audio that have been played, not "
                f"{position!r}"
            )
        if not math.isfinite(position):
            raise ValueError(f"position() must return a finite number, not {position!r}")
        return position

    def _poll(self) -> str | float | None:
        """A word to show; or after how many seconds to look again; or None at the end."""
        position = self._now()
        with self._lock:
            found = None if self._stopped_at is not None else self._track.poll(position)
        if found is None or isinstance(found, str):
            return found
        moves, self._last = position != self._last, position
        self._standing_s = _STANDING_S if moves else min(_OFTEN_S, 2 * self._standing_s)
        if found == math.inf:
            return math.inf
        return min(_OFTEN_S, max(_SOON_S if moves else self._standing_s, found - position))


class Spoken(Speech, AsyncIterator[str]):
    """The text of an answer, each word when it is heard.

        spoken = Spoken(player.position)

        async def speak():                                 # in a task of its own
            try:
                async with chunks(stream, spoken=spoken) as pieces:
                    async for chunk in pieces:
                        audio = await tts(chunk.spoken)
                        player.play(audio)
                        spoken.add(chunk, seconds=len(audio) / rate)
            finally:
                spoken.end()                               # or its words are waited for

        async for word in spoken:                          # meanwhile
            print(word, end="", flush=True)

    Runs on asyncio and trio; all calls belong to one event loop. Nothing has to be closed.
    """

    def __init__(self, position: Callable[[], float], language: str = "en") -> None:
        self._lock = contextlib.nullcontext()
        self._bed: Nap | None = None
        self._turn = 0
        super().__init__(position, language)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """The next word, when it is spoken.

        Raises:
            RuntimeError: somebody else waits for it.
        """
        if self._turn == _WORDS_A_TURN:
            self._turn = 0
            await checkpoint()  # before a word is taken: who is cancelled here has lost none
        while (found := self._poll()) is not None:
            if isinstance(found, str):
                self._turn += 1
                return found
            self._turn = 0
            await self._sleep(found)
        raise StopAsyncIteration

    async def _sleep(self, seconds: float) -> None:
        """For so long, or until more is known."""
        if self._bed is not None:
            raise RuntimeError(_TAKEN)
        self._bed = bed = nap()  # for each wait: nothing is left behind by who leaves the loop
        try:
            await bed.until(bed.now() + seconds)
        finally:
            self._bed = None
            bed.close()

    def _changed(self) -> None:
        if self._bed is not None:
            self._bed.wake()


class BlockingSpoken(Speech, Iterator[str]):
    """`Spoken` for plain code: iterate it in one thread, tell it of the audio from any.

        spoken = BlockingSpoken(player.position)
        threading.Thread(target=speak).start()             # as above, with chunks_blocking
        for word in spoken:
            print(word, end="", flush=True)

    The iteration waits until `end` or `stop`: whatever happens to who speaks, one of them is due.
    """

    def __init__(self, position: Callable[[], float], language: str = "en") -> None:
        self._lock = self._news = threading.Condition(threading.RLock())
        self._count = 0  # of the news
        super().__init__(position, language)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """The next word, when it is spoken."""
        while True:
            seen = self._count
            found = self._poll()
            if found is None:
                raise StopIteration
            if isinstance(found, str):
                return found
            with self._news:
                if self._count == seen:
                    self._news.wait(None if found == math.inf else found)

    def _changed(self) -> None:
        self._count += 1
        self._news.notify_all()
