"""How long a voice takes over a word, and how long it is silent, by language."""

import functools
from dataclasses import dataclass
from typing import Final

from andes_client.languages import Language, language

__all__ = ["Figures", "figures", "usual_wpm"]

# Marks in ordinary prose, a word: what tests/client/prose.py has in its 21 languages.
_CLAUSES_A_WORD: Final = 0.080
_SENTENCES_A_WORD: Final = 0.068


@dataclass(frozen=True, slots=True)
class Figures:
    """One language's seconds at the usual speed of its voices.

    A word takes `word` seconds and `letter` seconds for each of its letters; where no spaces
    part words, a character is a word. A mark at the end of a clause or a sentence adds its
    silence, with what it lengthens the word before it.
    """

    word: float
    letter: float
    clause: float
    sentence: float


# Fitted to espeak-ng 1.51 at its usual speed, on our own prose (tests/client/prose.py).
_MEASURED: Final = {
    "ar": Figures(0.125, 0.081, 0.274, 0.486),
    "de": Figures(0.022, 0.055, 0.241, 0.387),
    "el": Figures(0.006, 0.062, 0.269, 0.424),
    "en": Figures(0.001, 0.060, 0.309, 0.440),
    "es": Figures(0.017, 0.060, 0.221, 0.401),
    "hi": Figures(0.096, 0.061, 0.172, 0.326),
    "it": Figures(0.003, 0.061, 0.259, 0.392),
    "ru": Figures(0.032, 0.058, 0.163, 0.386),
    "tr": Figures(0.078, 0.067, 0.280, 0.429),
    "uk": Figures(0.026, 0.053, 0.237, 0.403),
    "zh": Figures(0.0, 0.387, 0.191, 0.341),
}
_FASTER: Final = 1.2  # than Language.spoken_wpm, in the mean of those above
_CLAUSE_S, _SENTENCE_S = 0.25, 0.41
_FIXED: Final = 0.1  # of a word


@functools.cache
def figures(code: str) -> Figures:
    """The figures of a language, estimated where nothing was measured.

    Args:
        code: ISO 639-1; a region after it is ignored.

    Raises:
        ValueError: the language is not known.
    """
    row = language(code)
    return _MEASURED.get(row.code) or _estimated(row)


def usual_wpm(code: str) -> float:
    """How fast voices usually speak that language in ordinary prose, words a minute."""
    row, of = language(code), figures(code)
    letters = row.characters_per_word
    words = 1.0
    return 60 / (
        of.word * words
        + of.letter * letters
        + _CLAUSES_A_WORD * of.clause
        + _SENTENCES_A_WORD * of.sentence
    )


def _estimated(row: Language) -> Figures:
    silence = _CLAUSES_A_WORD * _CLAUSE_S + _SENTENCES_A_WORD * _SENTENCE_S
    sound = 60 / (row.spoken_wpm * _FASTER) - silence
    return Figures(
        _FIXED * sound, (1 - _FIXED) * sound / row.characters_per_word, _CLAUSE_S, _SENTENCE_S
    )
