"""One answer on its way to one page, twice: as it arrives, and at the pace of its reader.

One request feeds both sides, so that they show the same text and a server is asked, and
paid, once.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Literal

import anyio

from andes_client import Expectation, Paced, pace, reading
from andes_client.expectation import TOKENS_PER_WORD
from andes_client.segment import Unit
from andes_demos.chat.server import ServerError
from andes_demos.recorded_words import RecordedWords

__all__ = ["Answer", "NotRunningError", "Side"]

Side = Literal["raw", "paced"]


class NotRunningError(RuntimeError):
    """A control was used before the answer began, or after its end."""


class Answer:
    """An answer, and the controls of its reader; `run` it once.

    Args:
        texts: makes the stream of its text, given what asks for the reader's expectation.
        wpm: the reader's speed to begin with, words a minute; above 0.
    """

    def __init__(
        self,
        texts: Callable[[Callable[[], Expectation]], AsyncGenerator[str, None]],
        wpm: float,
    ) -> None:
        self.expectation = reading(wpm)
        """What the reader expects now."""
        self.paced: Paced | None = None
        """The stream that is paced, from `run` on."""
        self._start = self.expectation
        self._texts = texts
        self._over = False
        self._whole = False  # all of the text has come
        self._failure: str | None = None
        self._submitted = 0.0
        self._words: dict[Side, float] = {"raw": 0.0, "paced": 0.0}

    async def run(self, tell: Callable[[dict[str, Any]], object]) -> None:
        """Show it, until the paced side is through; cancelling it hangs up.

        Args:
            tell: gets what happens as it happens. Each event has its `side`, `at` (seconds
                since submission), either the `text` that side shows next or `ended` with the
                error message (None: it is whole), and the figures so far: `words` that side
                has shown (of mean length), and of the reader `qoe`, `stalls` and `buffer`,
                the seconds for which they have text in hand.
        """
        self._submitted = anyio.current_time()
        self._start = self.expectation
        recorded = _Arrivals(
            lambda unit: self._count("raw", unit.cost), lambda: self._tell_end(tell)
        )
        self.paced = pace(
            self._arriving(tell), self._start, unit=recorded, submitted=self._submitted
        )
        try:
            async with self.paced as paced:
                async for text in paced:
                    self._count("paced", recorded.coming.popleft().cost)
                    tell(self._event("paced", text=text))
        except ServerError:
            pass  # told below, as on the other side
        finally:
            self._over = True
        tell(self._event("paced", ended=self._failure))

    def pause(self) -> None:
        """Show nothing more on the paced side, until `resume`.

        Raises:
            NotRunningError: it is not under way; so do the others.
        """
        self._running().pause()

    def resume(self) -> None:
        """Go on."""
        self._running().resume()

    def reveal(self) -> None:
        """Show what has come, and what is still to come, at once."""
        self._running().reveal_all()

    def speed(self, wpm: float) -> None:
        """From now on, release so many words a minute; above 0. Before the beginning as well."""
        if self._over:
            raise NotRunningError
        self.expectation = reading(wpm)
        if self.paced is not None:
            self.paced.speed(self.expectation.tds / self._start.tds)

    async def _arriving(
        self, tell: Callable[[dict[str, Any]], object]
    ) -> AsyncGenerator[str, None]:
        """The text for the pacer, told as it comes."""
        try:
            async with aclosing(self._texts(lambda: self.expectation)) as texts:
                async for text in texts:
                    yield text
                    # Told afterwards, when the pacer has counted its words: at once, as it
                    # comes for the next piece without delay.
                    tell(self._event("raw", text=text))
        except ServerError as error:
            self._failure = str(error)
            raise
        self._whole = True

    def _tell_end(self, tell: Callable[[dict[str, Any]], object]) -> None:
        if self._whole or self._failure is not None:  # else the reader has left
            tell(self._event("raw", ended=self._failure))

    def _running(self) -> Paced:
        if self.paced is None or self._over:
            raise NotRunningError
        return self.paced

    def _count(self, side: Side, cost: float) -> None:
        self._words[side] += cost / TOKENS_PER_WORD

    def _event(self, side: Side, **what: str | None) -> dict[str, Any]:
        assert self.paced is not None  # it runs
        figures = self.paced.statistics()
        return {
            "side": side,
            "at": anyio.current_time() - self._submitted,
            **what,
            "words": self._words[side],
            "qoe": figures.qoe,
            "stalls": figures.stalls,
            "buffer": figures.buffered_seconds,
        }


class _Arrivals(RecordedWords):
    """Words, noted as they arrive, the last one too, which is whole when the stream ends."""

    def __init__(self, arrived: Callable[[Unit], None], ended: Callable[[], None]) -> None:
        super().__init__(arrived)
        self._ended = ended

    def flush(self) -> list[Unit]:
        units = super().flush()
        self._ended()
        return units
