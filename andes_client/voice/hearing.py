"""Who hears an answer, as the server that sends it is told of them."""

import contextlib
from collections.abc import Callable
from typing import Any

from andes_client import wire
from andes_client.reports import Line
from andes_client.segment import Words
from andes_client.voice.spoken import Speech

__all__ = ["Hearing"]


class Hearing:
    """A listener at the end of a line (`andes_client.reports.Listener`).

    What they have in hand is the audio that has not been played, and the text that has come and is
    no audio yet, at the speed of the voice. `receive` is to be told of all text that comes.

    Args:
        speech: the answer's audio, whose text is that which comes.
        language: ISO 639-1 code of the text.
        clock: tells the time, seconds.
        lock: whoever calls `receive` or `leave` holds it, if they are in another thread than the
            reporter's; None in an event loop.
    """

    __slots__ = ("_clock", "_line", "_lock", "_speech", "_tokens", "_words")

    def __init__(
        self,
        speech: Speech,
        language: str,
        clock: Callable[[], float],
        lock: contextlib.AbstractContextManager[Any] | None = None,
    ) -> None:
        self._speech = speech
        self._words = Words(language)
        self._clock = clock
        self._lock = lock
        self._tokens = 0.0  # that have come
        self._line: Line | None = None

    def connect(self, line: Line) -> None:
        """The text comes from the server at the other end of this line."""
        if self._line is not None and self._line is not line:
            self._line.close()
        self._line = line
        line.connect(self, self._clock, self._lock)

    def receive(self, text: str) -> None:
        """Text has come."""
        tokens = sum(unit.cost for unit in self._words.decode(text))
        self._tokens += tokens
        if self._line is not None:
            self._line.came(tokens / self.tds, self._clock())

    def ended(self) -> None:
        """All text has come."""
        self._tokens += sum(unit.cost for unit in self._words.flush())
        if self._line is not None:
            self._line.close()
            self._line = None

    def leave(self) -> None:
        """They have left before the end."""
        if self._line is not None:
            self._line.leave()
            self._line = None

    @property
    def shown(self) -> int:
        """Words that have been spoken."""
        return self._speech.shown

    @property
    def shown_tokens(self) -> float:
        """The same in tokens."""
        return self._speech.shown_tokens

    @property
    def state(self) -> wire.State:
        """They listen. A voice that halts is seen by what is in hand."""
        return "reading"

    @property
    def tds(self) -> float:
        """The speed of the voice, tokens/s."""
        return self._speech.expectation().tds

    def in_hand(self, now: float) -> float:  # noqa: ARG002  # audio has a clock of its own
        """For how long they have audio, or text for it; seconds."""
        unspoken = max(0.0, self._tokens - self._speech.added_tokens)
        return self._speech.ahead() + unspoken / self.tds

    def expect(self, forecast: wire.Forecast | None, now: float) -> None:
        """The server says when more will come; a voice cannot be stretched."""
