"""One answer on its way from the server to its reader, at the reader's pace."""

from collections.abc import AsyncGenerator, Callable

from andes_client import Paced, Statistics, pace
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

    async def run(
        self, texts: AsyncGenerator[str, None], submitted: float, show: Callable[[str], None]
    ) -> None:
        """Call `show` with each word when it is due; return when all are shown.

        Args:
            texts: what the server sends; closed in any case.
            submitted: when the request was, on the clock of the event loop.
            show: called with words of the text, all of it and in order.
        """
        language = self._reader.language
        paced = pace(
            texts, self._expectation, language=language, markdown=True, submitted=submitted
        )
        async with paced:
            self._paced, self._running = paced, True
            self.follow()  # what the keys have changed since
            try:
                async for words in paced:
                    show(words)
            finally:
                self._running = False

    @property
    def statistics(self) -> Statistics | None:
        """How it goes; None before it runs."""
        return self._paced.statistics() if self._paced else None

    def follow(self) -> None:
        """The reader's speed has changed: go on at it, from now on."""
        if self._paced and self._running:
            self._paced.speed(self._reader.wpm / self._expectation.wpm)

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
