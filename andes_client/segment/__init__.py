"""Text deltas in, the units that a person reads out; no input is lost or changed.

A segmenter is a small object without I/O: `decode(text)` returns the units that are
complete, `fragment()` gives up what is pending because the reader has nothing else, and
`flush()` returns the rest at the end. Joining all texts that come out gives exactly what
went in. Boundaries are Unicode's: no unit ends inside a grapheme (an emoji of several
parts, a letter and its accents), between the halves of a surrogate pair, or inside an escape
sequence of a terminal.
"""

import re
from collections.abc import Callable
from typing import Final

import regex

from andes_client.segment.detected import Detected, lines, matches, sentences
from andes_client.segment.measured import Letters, MeasuredTokens
from andes_client.segment.pieces import Graphemes, Pieces, Tokens
from andes_client.segment.unit import PATIENCE_S, Detector, Segmenter, Unit
from andes_client.segment.words import Words

__all__ = [
    "PATIENCE_S",
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

_KINDS: Final[dict[str, Callable[[str], Segmenter]]] = {
    "word": Words,
    "grapheme": Graphemes,
    "sentence": sentences,
    "line": lines,
    "token": lambda _: Tokens(),
}

UnitKind = str | re.Pattern[str] | regex.Pattern[str] | Detector | Segmenter
"""What `pace(unit=...)` takes; see `segmenter`."""


_MEASURED: Final[dict[str, Callable[[str, Callable[[str], float]], Segmenter]]] = {
    "word": lambda code, cost: Words(code, cost=cost),
    "grapheme": Letters,
    "sentence": sentences,
    "line": lines,
    "token": MeasuredTokens,
}


def segmenter(
    unit: UnitKind, language_code: str = "en", *, cost: Callable[[str], float] | None = None
) -> Segmenter:
    """The splitter of one stream.

    Args:
        unit: "word", "grapheme", "sentence", "line" or "token" (each delta as it came); a
            compiled regular expression, whose match ends a unit; a function from the pending
            text to the length of its first unit, or None if that is incomplete; or a
            segmenter of your own, new for each stream.
        language_code: ISO 639-1 code, for the mean length of a word.
        cost: tokens of a word, if words are to be measured in another way; other units cost
            what their words do. A segmenter of your own measures for itself.

    Raises:
        TypeError, ValueError: it is none of these, or no such kind or language is known, or
            the pattern can match nothing.
    """
    if isinstance(unit, str):
        if unit not in _KINDS:
            raise ValueError(f"unit {unit!r} is not known; the units are: {', '.join(_KINDS)}")
        return _KINDS[unit](language_code) if cost is None else _MEASURED[unit](language_code, cost)
    if isinstance(unit, re.Pattern | regex.Pattern):
        return matches(unit, language_code, cost)
    if isinstance(unit, Segmenter):
        return unit
    if callable(unit):
        return Detected(unit, language_code, cost)
    raise TypeError(
        "unit must be the name of a unit, a compiled pattern, a function or a segmenter, "
        f"not {unit!r}"
    )
