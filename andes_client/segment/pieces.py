"""What all splitters of text have in common, and the two simplest."""

from abc import ABC, abstractmethod
from itertools import chain
from typing import ClassVar, Final

import regex

from andes_client.expectation import TOKENS_PER_WORD
from andes_client.languages import language
from andes_client.segment.scripts import ATOM, begins_anew, last_cluster, shows
from andes_client.segment.unit import PATIENCE_S, Unit

__all__ = ["Graphemes", "Pieces", "Tokens"]


class Tokens:
    """Each delta, as the server sent it, is one unit of one token."""

    def decode(self, text: str) -> list[Unit]:
        return [Unit(text, 1.0)] if text else []

    def fragment(self) -> Unit | None:
        return None

    def flush(self) -> list[Unit]:
        return []


class Pieces(ABC):
    """What all splitters of text have in common: the last piece waits for what follows.

    A subclass says how text is cut (`split`, whose last piece may be incomplete) and what
    a piece costs. No piece is longer than `LONGEST` code points: a character may have
    thousands of accents, and to look at them all again for each that comes would take for ever.
    """

    LONGEST: ClassVar[int] = 5_000
    patience: ClassVar[tuple[float, ...]] = (PATIENCE_S,)
    """Seconds that a reader who is due waits for the end of a piece, before `fragment`."""
    held_cost: ClassVar[float] = 0.0
    """Tokens in whole units that are held back: none."""

    def __init__(self) -> None:
        self._pending = ""
        self._begun = ""  # of the piece that goes on: what was given out of it before

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """Cut text, never empty, into pieces; the last is pending, and may be empty."""

    @abstractmethod
    def cost(self, piece: str) -> float:
        """Tokens of reading in a piece."""

    def whole(self, piece: str) -> Unit:
        """A piece as the unit that it is, if nothing of it was given out before."""
        return Unit(piece, self.cost(piece))

    def goes_on(self, beginning: str, piece: str) -> bool:
        """Whether `piece` is the rest of a unit that began with `beginning`, not empty."""
        return bool(beginning) and not begins_anew(piece)

    def decode(self, text: str) -> list[Unit]:
        if len(text) <= self.LONGEST:
            return self._decode(text) if text else []
        parts = (text[at : at + self.LONGEST] for at in range(0, len(text), self.LONGEST))
        return list(chain.from_iterable(map(self._decode, parts)))

    def _decode(self, text: str) -> list[Unit]:
        *complete, self._pending = self._bounded(self._pending + text)
        return [self._unit(piece) for piece in complete]

    def fragment(self) -> Unit | None:
        # A cluster that is not plain ASCII may well go on in the next delta (accents, parts
        # of an emoji), so it waits, as does half an escape sequence. What shows nothing waits
        # for its word.
        text = self._pending
        if text and (ord(text[-1]) > 127 or "\x1b" in text):
            text = text[: last_cluster(text)]
        return self._give_out(text) if text and shows(text) else None

    def overdue(self, waited: float) -> list[Unit]:  # noqa: ARG002
        """What is to be shown of the pending text, `waited` seconds after it was due."""
        unit = self.fragment()
        return [] if unit is None else [unit]

    def flush(self) -> list[Unit]:
        text, self._pending = self._pending, ""
        units = [self._unit(text)] if text else []
        self._begun = ""
        return units

    def _give_out(self, text: str) -> Unit:
        """The beginning of what is pending, as a unit of its own."""
        self._pending = self._pending[len(text) :]
        begun = self._begun
        unit = self._unit(text)
        self._begun = (begun + text if unit.continues else text)[: self.LONGEST]
        return unit

    def _unit(self, piece: str) -> Unit:
        beginning, self._begun = self._begun, ""
        if not beginning or not self.goes_on(beginning, piece):
            return self.whole(piece)
        more = self.cost(beginning + piece) - self.cost(beginning)
        return Unit(piece, max(0.0, more), continues=True)

    def _bounded(self, text: str) -> list[str]:
        """The pieces of a text, none longer than `LONGEST`."""
        pieces = self.split(text)
        if len(text) <= self.LONGEST or max(map(len, pieces)) <= self.LONGEST:
            return pieces
        at = next(i for i, piece in enumerate(pieces) if len(piece) > self.LONGEST)
        cut = sum(map(len, pieces[:at])) + self.LONGEST
        return [*pieces[:at], pieces[at][: self.LONGEST], *self._bounded(text[cut:])]


class Graphemes(Pieces):
    """Characters as people see them, however many code points they take.

    Args:
        language_code: ISO 639-1 code, for the mean length of a word; what shows nothing is free.
    """

    _SPLIT: Final = regex.compile(ATOM)

    def __init__(self, language_code: str = "en") -> None:
        super().__init__()
        self._cost = TOKENS_PER_WORD / language(language_code).characters_per_word

    def split(self, text: str) -> list[str]:
        return self._SPLIT.findall(text)

    def goes_on(self, beginning: str, piece: str) -> bool:
        return self._SPLIT.fullmatch(beginning[-1] + piece) is not None

    def cost(self, piece: str) -> float:
        return self._cost if shows(piece) else 0.0
