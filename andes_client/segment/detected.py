"""Units whose ends are found by a function or a pattern."""

import re
import string
from collections.abc import Callable
from typing import Final

import regex

from andes_client.languages import language
from andes_client.segment.pieces import Pieces
from andes_client.segment.scripts import ESCAPE, ESCAPES, last_cluster, shows
from andes_client.segment.sentences import HIDDEN, end_of_sentence
from andes_client.segment.unit import Detector, Unit
from andes_client.segment.words import Words

__all__ = ["Detected", "end_of_line", "lines", "matches", "sentences"]

WordCost = Callable[[str], float]

_LINE_END: Final = regex.compile(r"\r\n|\n|\r(?=.)|[\u2028\u2029]", regex.DOTALL)
_ESCAPE: Final = regex.compile(rf"(?=[{ESCAPES}]){ESCAPE}")
_ENDS_WORD: Final = regex.compile(r"[\p{L}\p{M}]{2}[\p{P}]+\Z")


class Detected(Pieces):
    """Units whose ends a function finds, costed by their words.

    A unit that does not end within `LONGEST` characters is cut there.

    Args:
        detect: given what is pending, up to one character more than `LONGEST`: the length of
            the first unit, or None if it is incomplete.
        language_code: ISO 639-1 code, for the mean length of a word.
        word_cost: tokens of a word, if words are to be measured in another way.
    """

    LONGEST = 1000
    patience = (1.0,)

    def __init__(
        self, detect: Detector, language_code: str = "en", word_cost: WordCost | None = None
    ) -> None:
        super().__init__()
        self._word_cost = word_cost
        self._detect = detect
        self._language = language(language_code).code

    def split(self, text: str) -> list[str]:
        pieces, at = [], 0
        while at < len(text):
            length = self._length(text[at : at + self.LONGEST + 1])
            if length is None:
                break
            pieces.append(text[at : at + length])
            at += length
        return [*pieces, text[at:]]

    def cost(self, piece: str) -> float:
        words = Words(self._language, cost=self._word_cost)
        return sum(unit.cost for unit in [*words.decode(piece), *words.flush()])

    def fragment(self) -> Unit | None:
        """What is pending as far as its words are whole: no unit ends inside one."""
        *whole, last = Words(self._language).split(self._pending) if self._pending else [""]
        text = "".join([*whole, last] if _ENDS_WORD.search(last) else whole)
        return self._give_out(text) if shows(text) else None

    def _length(self, text: str) -> int | None:
        length = self._detect(text)
        if length is not None:
            if not 0 < length <= len(text):
                raise ValueError(
                    f"the function that finds units returned {length!r} for {text[:40]!r}; it "
                    "must return the length of the first unit, or None if it is incomplete"
                )
            if length <= self.LONGEST:
                return length
        elif len(text) <= self.LONGEST:
            return None
        return last_cluster(text[: self.LONGEST]) or self.LONGEST


def sentences(language_code: str, word_cost: WordCost | None = None) -> Detected:
    """A new splitter into sentences (`end_of_sentence`); it looks through escape sequences."""
    code = language(language_code).code

    def detect(text: str) -> int | None:
        if any(each in text for each in ESCAPES):
            text = _ESCAPE.sub(lambda match: HIDDEN * len(match[0]), text)
        return end_of_sentence(text, code)

    return Detected(detect, language_code, word_cost)


def lines(language_code: str, word_cost: WordCost | None = None) -> Detected:
    """A new splitter into lines, each with its end."""
    return Detected(end_of_line, language_code, word_cost)


def end_of_line(text: str) -> int | None:
    """The length of the first line with its end; None if it has none yet."""
    match = _LINE_END.search(text)
    return int(match.end()) if match else None


def matches(
    pattern: re.Pattern[str] | regex.Pattern[str],
    language_code: str,
    word_cost: WordCost | None = None,
) -> Detected:
    """A new splitter whose units end with what a pattern matches.

    A match that touches the end of what is pending may go on, so it waits for more.

    Raises:
        TypeError: the pattern is for bytes.
        ValueError: it can match nothing, so that it would end no unit.
    """
    _check(pattern)

    def detect(text: str) -> int | None:
        match = pattern.search(text) or None
        if match is not None and match.end() == 0:
            match = pattern.search(text, 1)
        return int(match.end()) if match is not None and match.end() < len(text) else None

    return Detected(detect, language_code, word_cost)


def _check(pattern: re.Pattern[str] | regex.Pattern[str]) -> None:
    if not isinstance(pattern.pattern, str):
        raise TypeError(f"unit must be a pattern for text, not for bytes: {pattern.pattern!r}")
    # What matches nothing does so in front of something: of any character, or of the words that
    # it names itself.
    for probe in (string.printable, "é漢 \u0301 Ж1", pattern.pattern, ""):
        if any(match.end() == match.start() for match in pattern.finditer(probe)):
            raise ValueError(
                f"the pattern {pattern.pattern!r} can match nothing, so it ends no unit; it must "
                "match at least one character, as with + in the place of *"
            )
