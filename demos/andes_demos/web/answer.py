"""One answer on its way to one page, twice: as it arrives, and at the pace of its reader.

One request feeds both sides, so that they show the same text and a server is asked, and
paid, once.
"""

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Literal, Protocol

import anyio

from andes_client import Expectation, Paced, pace, reading
from andes_client.expectation import TOKENS_PER_WORD
from andes_client.segment import Unit
from andes_demos.chat.server import ServerError
from andes_demos.recorded_words import RecordedWords

__all__ = ["Answer", "Asking", "NotRunningError", "Side"]

Side = Literal["raw", "paced"]


class Asking(Protocol):
    """Makes the stream of the text of an answer."""

    def __call__(
        self,
        expectation: Callable[[], Expectation],
        *,
        thinks: Callable[[str], object],
        rethinks: Callable[[], object],
    ) -> AsyncGenerator[str, None]:
        """The stream.

        Args:
            expectation: asks for what the reader expects.
            thinks: gets pieces of the model's reasoning, which is no text.
            rethinks: is called when it turns out that all text so far was reasoning.
        """
        ...


class NotRunningError(RuntimeError):
    """A control was used before the answer began, or after its end."""


class Answer:
    """An answer, and the controls of its reader; `run` it once.

    Args:
        texts: makes the stream of its text.
        wpm: the reader's speed to begin with, words a minute; above 0.
    """

    def __init__(self, texts: Asking, wpm: float) -> None:
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
        self._came = self._released = 0  # characters
        self._thought = 0  # of these, characters that were reasoning
        self._go_on: Callable[[], object] | None = None  # when these have been released

    async def run(self, tell: Callable[[dict[str, Any]], object]) -> None:
        """Show it, until the paced side is through; cancelling it hangs up.

        Args:
            tell: gets what happens as it happens. Each event has its `side`, `at` (seconds
                since submission), either the `text` that side shows next or `ended` with the
                error message (None: it is whole), and the figures so far: `words` that side
                has shown (of mean length), and of the reader `qoe`, `stalls` and `buffer`,
                the seconds for which they have text in hand. Of no side are `thought`, a piece
                of reasoning, and `rethought`: all text so far was reasoning.
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
                    cost = recorded.coming.popleft().cost
                    if answer := self._without_thought(text):
                        self._count("paced", cost)
                        tell(self._event("paced", text=answer))
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

    def hide(self) -> None:
        """The reader looks at another page; the server is told, and the text comes all the same."""
        self._running().visible(False)

    def show(self) -> None:
        """They are back."""
        self._running().visible(True)

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
            texts = self._texts(
                lambda: self.expectation,
                thinks=lambda text: tell({"at": self._now(), "thought": text}),
                rethinks=lambda: self._rethink(tell),
            )
            async with aclosing(texts):
                async for text in texts:
                    self._came += len(text)
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

    def _rethink(self, tell: Callable[[dict[str, Any]], object]) -> None:
        """All that came was reasoning: nobody waits for the rest of it."""
        paced, self._thought = self._running(), self._came
        self._words = {"raw": 0.0, "paced": 0.0}
        tell({"at": self._now(), "rethought": True})
        if self._released < self._thought:
            before = paced.statistics()

            def go_on() -> None:
                if before.speed < math.inf:
                    paced.speed(before.speed)
                if before.paused:
                    paced.pause()

            self._go_on = go_on
            paced.reveal_all()

    def _without_thought(self, text: str) -> str:
        """What is answer in a text that has been released."""
        answer = text[max(0, self._thought - self._released) :]
        self._released += len(text)
        if self._go_on is not None and self._released >= self._thought:
            self._go_on()
            self._go_on = None
        return answer

    def _now(self) -> float:
        return anyio.current_time() - self._submitted

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
            "at": self._now(),
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
