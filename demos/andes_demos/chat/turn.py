"""One answer on its way from the server to its reader, at the reader's pace."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from andes_client import Paced, Smoothing, Statistics, pace
from andes_demos.chat.reader import Reader

__all__ = ["Turn", "summary"]


class Turn:
    """The pacer of one answer, and what the keys do to it.

    The controls may be used at any time; before and after `run` they do nothing.

    Args:
        reader: whose pace it is, now and after each `follow`.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._expectation = reader.expectation
        self._paced: Paced | None = None
        self._running = False
        self._unshown = ""  # the end of what has been received
        self._is_rethought = False
        self._next: str | None = None  # with what the answer begins after that

    async def run(
        self, texts: AsyncGenerator[str, None], submitted: float, show: Callable[[str], None]
    ) -> None:
        """Call `show` with each word when it is due; return when all are shown.

        Args:
            texts: what the server sends; closed in any case.
            submitted: when the request was, on the clock of the event loop.
            show: called with words of the text, all of it and in order.
        """
        async with aclosing(texts):
            await self._pace(self._first_part(texts), submitted, show)
            if self._next is not None:
                await self._pace(self._second_part(self._next, texts), submitted, show)

    def rethink(self) -> str:
        """All text up to here was reasoning: what comes now is the answer, paced anew.

        Returns:
            What has been received and not been shown; it is never going to be.
        """
        self._is_rethought = True
        self.reveal_all()  # and forget it
        return self._unshown

    async def _pace(
        self, texts: AsyncGenerator[str, None], submitted: float, show: Callable[[str], None]
    ) -> None:
        language = self._reader.language
        paced = pace(
            texts, self._expectation, language=language, markdown=True, submitted=submitted
        )
        was_rethought = self._is_rethought
        async with paced:
            self._paced, self._running = paced, True
            self.follow()  # what the keys have changed since
            try:
                async for words in paced:
                    if self._is_rethought == was_rethought:
                        self._unshown = self._unshown[len(words) :]
                        show(words)
            finally:
                self._running = False

    async def _first_part(self, texts: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        async for text in texts:
            if self._is_rethought:
                self._next = text
                return
            self._unshown += text
            yield text

    async def _second_part(
        self, begin: str, texts: AsyncGenerator[str, None]
    ) -> AsyncGenerator[str, None]:
        yield begin
        async for text in texts:
            yield text

    @property
    def statistics(self) -> Statistics | None:
        """How it goes; None before it runs."""
        return self._paced.statistics() if self._paced else None

    @property
    def doing(self) -> str:
        """What the gauge cannot tell from the statistics."""
        return ""

    def follow(self) -> None:
        """The reader's speed has changed: go on at it, from now on."""
        if self._paced and self._running:
            same = self.is_smooth == (self._reader.mode == "smooth")
            self._paced.speed(self._reader.wpm / self._expectation.wpm if same else 1.0)

    @property
    def is_smooth(self) -> bool:
        """Whether text comes as fast as it arrives; a later change is for the next answer."""
        return isinstance(self._expectation, Smoothing)

    def pause_or_resume(self) -> None:
        """Show nothing; or go on."""
        if self._paced and self._running:
            (self._paced.resume if self._paced.statistics().paused else self._paced.pause)()

    def reveal_all(self) -> None:
        """Show all that is there, and what is to come as it comes."""
        if self._paced and self._running:
            self._paced.reveal_all()


def summary(statistics: Statistics | None) -> str:
    """How the answer was for its reader, in a line; "" if there was nothing to read."""
    if statistics is None or statistics.ttft is None:
        return ""
    stalls = {0: "no stall", 1: "1 stall"}.get(statistics.stalls, f"{statistics.stalls} stalls")
    if statistics.stalls:
        stalls += f" of {statistics.stalled_seconds:.1f} s"
    return f"QoE {statistics.qoe:.2f} · first word after {statistics.ttft:.1f} s · {stalls}"
