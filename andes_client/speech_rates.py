"""How long a voice takes over a word, and how long it is silent after it, by language.

Measured on espeak-ng 1.51 at the speed at which it comes, by the times at which it says words begin
(least squares): words and pauses on our own prose (tests/client/prose.py; for pl and pt the plain
texts of benchmarks/speech_texts), numbers on 32 whole numbers in a sentence (de, en, es, fr, hi,
it, pl, pt, ru, tr, zh; uk as ru, the others by letters). The times between words that come out
correlate at r = 0.93 to 0.98 with those measured (0.74 to 0.90 in zh, hi and vi). In alphabets,
letters fit better than syllables.

Piper's voice joe (piper-tts 1.8.0, en_US, at the speed at which it comes) says the English texts of
benchmarks/speech_texts 6 % faster than espeak-ng, numbers included.

Estimated for the others: written in an alphabet, words take what they take in the mean of those
measured; in other scripts, what fits the speed of reading aloud (andes_client.languages).
"""

import functools
from dataclasses import dataclass
from typing import Final

from andes_client.languages import Language, language

__all__ = ["Figures", "figures", "usual_wpm"]

# Marks in a word of ordinary prose: the mean of the measured languages.
_CLAUSES: Final = 0.06
_SENTENCES: Final = 0.07


@dataclass(frozen=True, slots=True)
class Figures:
    """One language's seconds at the usual speed of its voices.

    A word takes `word` and for each of its letters `letter`; where no spaces part words, a
    character is a word.
    """

    word: float
    letter: float
    numeral: float
    """For each letter of a number, if it were written in words."""
    clause: float
    """The pause at a comma and its like, with what it lengthens the word before it."""
    sentence: float
    """The same at the end of a sentence."""
    said: float = 1.0
    """Share of the letters in ordinary prose that count: not those at the end of French words."""


_MEASURED: Final = {
    "ar": Figures(0.121, 0.077, 0.077, 0.257, 0.445),
    "de": Figures(0.022, 0.055, 0.064, 0.238, 0.387),
    "el": Figures(0.006, 0.058, 0.058, 0.249, 0.384),
    "en": Figures(0.001, 0.060, 0.060, 0.309, 0.440),
    "es": Figures(0.018, 0.060, 0.064, 0.222, 0.398),
    "fr": Figures(0.000, 0.054, 0.045, 0.248, 0.405, said=0.87),
    "hi": Figures(0.067, 0.108, 0.070, 0.210, 0.343),
    "id": Figures(0.062, 0.057, 0.057, 0.282, 0.401),
    "it": Figures(0.004, 0.061, 0.065, 0.260, 0.389),
    "ko": Figures(0.111, 0.136, 0.136, 0.250, 0.389),
    "pl": Figures(0.047, 0.064, 0.062, 0.232, 0.391),
    "pt": Figures(0.015, 0.064, 0.069, 0.227, 0.412),
    "ru": Figures(0.014, 0.059, 0.065, 0.225, 0.397),
    "tr": Figures(0.072, 0.063, 0.074, 0.254, 0.392),
    "uk": Figures(0.023, 0.051, 0.056, 0.219, 0.365),
    "vi": Figures(0.182, 0.011, 0.011, 0.225, 0.358),
    "zh": Figures(0.000, 0.365, 0.237, 0.176, 0.314),
}
_ALPHABETS: Final = frozenset(("Latin", "Cyrillic", "Greek", "Armenian", "Georgian"))
_IN_ALPHABETS: Final = Figures(0.024, 0.058, 0.062, 0.240, 0.393)
# In other scripts: so much faster than `Language.spoken_wpm`, and so much of a word is fixed.
_FASTER: Final = 1.2
_FIXED: Final = 0.2


@functools.cache
def figures(code: str) -> Figures:
    """The figures of a language, estimated where nothing was measured.

    Args:
        code: ISO 639-1; a region after it is ignored.

    Raises:
        ValueError: the language is not known.
    """
    row = language(code)
    if row.code in _MEASURED:
        return _MEASURED[row.code]
    return _IN_ALPHABETS if _ALPHABETS.issuperset(row.scripts) else _estimated(row)


def usual_wpm(code: str) -> float:
    """How fast voices usually say ordinary prose of that language, words a minute; errors as above.

    Words are those of `Language.characters_per_word`.
    """
    of = figures(code)
    letters = language(code).characters_per_word
    silence = _CLAUSES * of.clause + _SENTENCES * of.sentence
    return 60 / (of.word + of.letter * of.said * letters + silence)


def _estimated(row: Language) -> Figures:
    clause, sentence = _IN_ALPHABETS.clause, _IN_ALPHABETS.sentence
    silence = _CLAUSES * clause + _SENTENCES * sentence
    sound = 60 / (row.spoken_wpm * _FASTER) - silence
    letter = (1 - _FIXED) * sound / row.characters_per_word
    return Figures(_FIXED * sound, letter, letter, clause, sentence)
