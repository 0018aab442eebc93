"""Text deltas in, the units that a person reads out; no input is lost or changed.

A segmenter is a small object without I/O: `decode(text)` returns the units that are
complete, `fragment()` gives up what is pending because the reader has nothing else, and
`flush()` returns the rest at the end. Joining all texts that come out gives exactly what
went in.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from andes_client.expectation import TOKENS_PER_WORD

__all__ = ["Segmenter", "Tokens", "Unit", "Words"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of text that is shown at once."""

    text: str
    cost: float
    """Tokens of reading; 0 for a fragment whose rest carries the cost."""


class Segmenter(Protocol):
    """Splits one stream; a new one is needed for each."""

    def decode(self, text: str) -> list[Unit]:
        """Take in the next piece of the stream; return the units that it completes."""
        ...

    def fragment(self) -> Unit | None:
        """Give up the pending text, unfinished as it is, or None if there is none."""
        ...

    def flush(self) -> list[Unit]:
        """The stream has ended: return what is left."""
        ...


class Tokens:
    """Each delta, as the server sent it, is one unit of one token."""

    def decode(self, text: str) -> list[Unit]:
        return [Unit(text, 1.0)] if text else []

    def fragment(self) -> Unit | None:
        return None

    def flush(self) -> list[Unit]:
        return []


class Words:
    """Words as white space divides them; white space goes with the word that follows.

    So a unit ends with its last letter or its punctuation, and a line break is shown with
    the word that it brings in. A word is complete when white space follows it. Longer runs
    than 24 characters (addresses, base64, scripts without spaces) are cut there, so that
    nobody waits for their end.
    """

    # Every repetition is bounded, so that no input takes more than linear time.
    _PIECE: Final = re.compile(r"\s{0,8}\S{1,24}|\s{1,32}")

    def __init__(self) -> None:
        self._pending = ""

    def decode(self, text: str) -> list[Unit]:
        *complete, self._pending = self._PIECE.findall(self._pending + text) or [""]
        return [self._unit(piece) for piece in complete]

    def fragment(self) -> Unit | None:
        # White space alone shows nothing: it waits for its word.
        if not self._pending.strip():
            return None
        text, self._pending = self._pending, ""
        return Unit(text, 0.0)

    def flush(self) -> list[Unit]:
        text, self._pending = self._pending, ""
        return [self._unit(text)] if text else []

    @staticmethod
    def _unit(text: str) -> Unit:
        return Unit(text, 0.0 if text.isspace() else TOKENS_PER_WORD)
