"""The text of an answer on its way to a voice, and what its server is told of who hears it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from andes_client import wire
from andes_client.buffer import Buffer
from andes_client.expectation import Expectation
from andes_client.playout import Playout
from andes_client.reports import Line
from andes_client.segment import Tokens, Words
from andes_client.voice.spoken import Speech

__all__ = ["Hearing"]

_PROGRAM: Final = Expectation.program()


class Hearing(Buffer):
    """A buffer that hands text on as it comes, to be said, and reports who hears it.

    A listener has in hand the audio that has not been played, and the text that has come and is
    no audio yet, at the speed of the voice.

    Args:
        speech: the audio of the answer whose text comes here. None: the server is told nothing
            beyond what the request says.
        language: ISO 639-1 code of the text.
    """

    __slots__ = ("_came_tokens", "_speech", "_words")

    def __init__(self, speech: Speech | None, language: str) -> None:
        super().__init__(_PROGRAM, Tokens(), Playout(_PROGRAM))
        self._speech = speech
        self._words = Words(language)
        self._came_tokens = 0.0

    @property
    def shown(self) -> int:
        """Words that have been spoken."""
        return super().shown if self._speech is None else self._speech.shown

    @property
    def shown_tokens(self) -> float:
        """The same in tokens."""
        return super().shown_tokens if self._speech is None else self._speech.shown_tokens

    @property
    def state(self) -> wire.State:
        """They listen. A voice that halts is seen by what is in hand."""
        return "reading"

    @property
    def tds(self) -> float:
        """The speed of the voice, tokens/s."""
        return super().tds if self._speech is None else self._speech.expectation().tds

    def in_hand(self, now: float) -> float:
        """For how long they have audio, or text for it; seconds."""
        if self._speech is None:
            return super().in_hand(now)
        to_come = max(0.0, self._came_tokens - self._speech.added_tokens)
        return self._speech.ahead() + to_come / self.tds

    def receive(self, text: str, now: float) -> bool:
        """Text has come; result and errors are those of `Buffer.receive`."""
        is_sooner = super().receive(text, now)
        tokens = sum(unit.cost for unit in self._words.decode(text))
        self._came_tokens += tokens
        if self.line is not None:
            self.line.came(tokens / self.tds, now)
        return is_sooner

    def connect(
        self,
        line: Line,
        clock: Callable[[], float],
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        """Tell the server at the other end of this line, if there is something to tell."""
        if self._speech is not None:
            super().connect(line, clock, lock)
