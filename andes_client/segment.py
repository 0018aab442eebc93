"""Text deltas in, the units that a person reads out; no input is lost or changed.

A segmenter is a small object without I/O: `decode(text)` returns the units that are
complete, `fragment()` gives up what is pending because the reader has nothing else, and
`flush()` returns the rest at the end. Joining all texts that come out gives exactly what
went in. Boundaries are Unicode's: no unit ends inside a grapheme (an emoji of several
parts, a letter and its accents) or between the halves of a surrogate pair.
"""

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, runtime_checkable

import regex

from andes_client.expectation import TOKENS_PER_WORD
from andes_client.languages import LANGUAGES, language

__all__ = [
    "Detected",
    "Detector",
    "Graphemes",
    "Pieces",
    "Segmenter",
    "Tokens",
    "Unit",
    "UnitKind",
    "Words",
    "segmenter",
]

Detector = Callable[[str], int | None]
"""Given the pending text, never empty: the length of its first unit, or None if incomplete."""

# One character as people see it. JSON may bring an emoji as two lone surrogates.
_CLUSTER: Final = r"(?:[\ud800-\udbff][\udc00-\udfff]|\X)"
# Scripts that set no space between words.
_SPACELESS: Final = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Yi}"
)
_IS_SPACELESS: Final = regex.compile(rf"[{_SPACELESS}]")


class Unit(NamedTuple):
    """A piece of text that is shown at once."""

    text: str
    cost: float
    """Tokens of reading; 0 for white space alone."""
    continues: bool = False
    """It is the rest of a unit whose beginning was given up as a fragment: not to be kept
    waiting, and it costs only what the whole costs more than the beginning."""


@runtime_checkable
class Segmenter(Protocol):
    """Splits one stream; a new one is needed for each."""

    def decode(self, text: str) -> list[Unit]:
        """Take in the next piece of the stream; return the units that it completes."""
        ...

    def fragment(self) -> Unit | None:
        """Give up the pending text, unfinished as it is, or None if there is none to show."""
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


class Pieces(ABC):
    """What all splitters of text have in common: the last piece waits for what follows.

    A subclass says how text is cut (`split`, whose last piece may be incomplete) and what
    a piece costs.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._given_up = ""  # the beginning of a unit that was given up as a fragment

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """Cut text, never empty, into pieces; the last is pending, and may be empty."""

    @abstractmethod
    def cost(self, piece: str) -> float:
        """Tokens of reading in a piece."""

    def whole(self, piece: str) -> Unit:
        """A piece as the unit that it is, if nothing of it was given up before."""
        return Unit(piece, self.cost(piece))

    def goes_on(self, beginning: str, piece: str) -> bool:
        """Whether `piece` is the rest of a unit that began with `beginning`, not empty."""
        return bool(beginning) and not piece[0].isspace()

    def decode(self, text: str) -> list[Unit]:
        if not text:
            return []
        *complete, self._pending = self.split(self._pending + text)
        return [self._unit(piece) for piece in complete]

    def fragment(self) -> Unit | None:
        # A cluster that is not plain ASCII may well go on in the next delta (accents, parts
        # of an emoji), so it waits. White space alone shows nothing: it waits for its word.
        text = self._pending
        if text and ord(text[-1]) > 127:
            text = text[: _last_cluster(text)]
        if not text or text.isspace():
            return None
        self._pending = self._pending[len(text) :]
        given_up = self._given_up
        unit = self._unit(text)
        self._given_up = given_up + text if unit.continues else text
        return unit

    def flush(self) -> list[Unit]:
        text, self._pending = self._pending, ""
        return [self._unit(text)] if text else []

    def _unit(self, piece: str) -> Unit:
        beginning, self._given_up = self._given_up, ""
        if not beginning or not self.goes_on(beginning, piece):
            return self.whole(piece)
        more = self.cost(beginning + piece) - self.cost(beginning)
        return Unit(piece, max(0.0, more), continues=True)


class Words(Pieces):
    """Words; white space goes with the word that follows, punctuation with its word.

    So a unit ends with its last letter or its punctuation, and a line break is shown with
    the word that it brings in. Where a script sets no spaces between words (Chinese,
    Japanese, Thai, ...), each character with its marks is a unit. Longer runs than 24
    characters without white space (addresses, base64) are cut there, so that nobody waits
    for their end.

    Half of a word's cost is fixed and half goes with its letters against the mean of the
    language, so long words take longer and a text of mean words takes its nominal time.

    Args:
        language_code: ISO 639-1 code, for the mean length of a word.
        cost: tokens of reading in a piece, if it is to be measured in another way.
    """

    # Every repetition is bounded, so that no input takes more than linear time.
    _ASCII: Final = regex.compile(r"(?:\r\n|\s){0,8}+\S{1,24}+|(?:\r\n|\s){1,32}+")
    _ANY: Final = regex.compile(
        rf"(?:(?=\s)\X){{0,8}}+(?:(?:(?=[\p{{Ps}}\p{{Pi}}])\X){{0,3}}+(?=[{_SPACELESS}])\X(?:(?=\p{{P}})\X){{0,3}}+"
        rf"|(?:(?![\s{_SPACELESS}]){_CLUSTER}){{1,24}}+)"
        rf"|(?:(?=\s)\X){{1,32}}+|{_CLUSTER}"
    )

    def __init__(
        self, language_code: str = "en", *, cost: Callable[[str], float] | None = None
    ) -> None:
        super().__init__()
        self._whole = (
            _shared_words(language_code) if cost is None else lambda piece: Unit(piece, cost(piece))
        )

    def split(self, text: str) -> list[str]:
        pieces: list[str] = (self._ASCII if text.isascii() else self._ANY).findall(text)
        return pieces

    def whole(self, piece: str) -> Unit:
        return self._whole(piece)

    def cost(self, piece: str) -> float:
        return self._whole(piece).cost


@functools.cache
def _shared_words(language_code: str) -> Callable[[str], Unit]:
    """What makes words of a language; a common word is one object in all streams.

    Thousands of streams hold the same few words, and each would cost time and memory.
    """
    spoken = language(language_code)
    # A character of a script without spaces, met in a text of another language, costs
    # what it costs in Japanese.
    spaceless = spoken if spoken.code in ("ja", "zh") else LANGUAGES["ja"]
    per_character = TOKENS_PER_WORD / spaceless.characters_per_word
    per_letter = 0.5 * TOKENS_PER_WORD / spoken.characters_per_word

    @functools.lru_cache(maxsize=32768)
    def word(piece: str) -> Unit:
        if piece.isspace():
            return Unit(piece, 0.0)
        if not piece.isascii() and _IS_SPACELESS.search(piece):
            return Unit(piece, per_character)
        letters = sum(map(str.isalnum, piece))
        return Unit(piece, 0.5 * TOKENS_PER_WORD + per_letter * letters)

    return word


class Graphemes(Pieces):
    """Characters as people see them, however many code points they take.

    Args:
        language: ISO 639-1 code, for the mean length of a word; white space is free.
    """

    _SPLIT: Final = regex.compile(_CLUSTER)

    def __init__(self, language_code: str = "en") -> None:
        super().__init__()
        self._cost = TOKENS_PER_WORD / language(language_code).characters_per_word

    def split(self, text: str) -> list[str]:
        return self._SPLIT.findall(text)

    def goes_on(self, beginning: str, piece: str) -> bool:
        return self._SPLIT.fullmatch(beginning[-1] + piece) is not None

    def cost(self, piece: str) -> float:
        return 0.0 if piece.isspace() else self._cost


class Detected(Pieces):
    """Units whose ends a function finds, costed by their words.

    A unit that does not end within `LONGEST` characters is cut there.
    """

    LONGEST: Final = 1000

    def __init__(self, detect: Detector, language_code: str = "en") -> None:
        super().__init__()
        self._detect = detect
        self._language = language_code

    def split(self, text: str) -> list[str]:
        pieces = []
        while text and (length := self._length(text)) is not None:
            pieces.append(text[:length])
            text = text[length:]
        return [*pieces, text]

    def cost(self, piece: str) -> float:
        words = Words(self._language)
        return sum(unit.cost for unit in [*words.decode(piece), *words.flush()])

    def _length(self, text: str) -> int | None:
        length = self._detect(text)
        if length is not None:
            if not 0 < length <= len(text):
                raise ValueError(
                    f"the function that finds units returned {length!r} for {text[:40]!r}; it "
                    "must return the length of the first unit, or None if it is incomplete"
                )
            return length
        if len(text) <= self.LONGEST:
            return None
        return _last_cluster(text[: self.LONGEST]) or self.LONGEST


_SENTENCE_END: Final = regex.compile(
    r"[.!?\u2026]+[\p{Pe}\p{Pf}\"']*(?=\s)|[\u3002\uff01\uff1f]+[\p{Pe}\p{Pf}]*|\n(?=.)",
    regex.DOTALL,
)
_LINE_END: Final = regex.compile(r"\r\n|\n|\r(?=.)|[\u2028\u2029]", regex.DOTALL)

_KINDS: Final[dict[str, Callable[[str], Segmenter]]] = {
    "word": Words,
    "grapheme": Graphemes,
    "sentence": lambda code: Detected(_end_of(_SENTENCE_END), code),
    "line": lambda code: Detected(_end_of(_LINE_END), code),
    "token": lambda _: Tokens(),
}

UnitKind = str | re.Pattern[str] | regex.Pattern[str] | Detector | Segmenter
"""What `pace(unit=...)` takes; see `segmenter`."""


def segmenter(unit: UnitKind, language_code: str = "en") -> Segmenter:
    """The splitter of one stream.

    Args:
        unit: "word", "grapheme", "sentence", "line" or "token" (each delta as it came); a
            compiled regular expression, whose match ends a unit; a function from the pending
            text to the length of its first unit, or None if that is incomplete; or a
            segmenter of your own, new for each stream.
        language_code: ISO 639-1 code, for the mean length of a word.

    Raises:
        TypeError, ValueError: it is none of these, or no such kind or language is known.
    """
    if isinstance(unit, str):
        if unit not in _KINDS:
            raise ValueError(f"unit {unit!r} is not known; the units are: {', '.join(_KINDS)}")
        return _KINDS[unit](language_code)
    if isinstance(unit, re.Pattern | regex.Pattern):
        return Detected(_end_of(unit), language_code)
    if isinstance(unit, Segmenter):
        return unit
    if callable(unit):
        return Detected(unit, language_code)
    raise TypeError(
        "unit must be the name of a unit, a compiled pattern, a function or a segmenter, "
        f"not {unit!r}"
    )


def _end_of(pattern: re.Pattern[str] | regex.Pattern[str]) -> Detector:
    def detect(text: str) -> int | None:
        match = pattern.search(text)
        return match.end() or None if match else None

    return detect


def _last_cluster(text: str) -> int:
    """Where the last character, as people see it, begins."""
    last = 0
    for match in regex.finditer(_CLUSTER, text):
        last = match.start()
    return last
