"""How fast people read and speak, and how long their words are, by language.

Reading aloud, words and characters a minute: the International Reading Speed Texts (IReST;
Trauzettel-Klosinski, Dietz et al. 2012, doi 10.1167/iovs.11-8284), as cited in secondary
sources. Their ratio is the mean length of a word, by which a unit's cost is measured.

Silent reading is known best for English: 238 words/min (Brysbaert 2019, doi
10.1016/j.jml.2019.104047). For another language we take that figure times the ratio of its
IReST speed to the English one: an estimate, and marked as one wherever it is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["LANGUAGES", "Language", "language"]

ENGLISH_SILENT_WPM: Final = 238.0
ENGLISH_SPOKEN_WPM: Final = 150.0


@dataclass(frozen=True, slots=True)
class Language:
    """One language's figures."""

    code: str
    """ISO 639-1."""
    aloud_wpm: float
    """Words a minute, read aloud (IReST)."""
    aloud_cpm: float
    """Characters a minute, read aloud (IReST)."""
    syllables_per_word: float | None = None
    """Mean syllables in a word, where we have a source for it."""

    @property
    def characters_per_word(self) -> float:
        """Mean length of a word, characters without spaces."""
        return self.aloud_cpm / self.aloud_wpm

    @property
    def silent_wpm(self) -> float:
        """Silent reading, words a minute: measured for English, estimated for others."""
        return ENGLISH_SILENT_WPM * self.aloud_wpm / _ENGLISH_ALOUD_WPM

    @property
    def spoken_wpm(self) -> float:
        """Conversational speech, words a minute, estimated in the same way from English."""
        return ENGLISH_SPOKEN_WPM * self.aloud_wpm / _ENGLISH_ALOUD_WPM


_ENGLISH_ALOUD_WPM: Final = 228.0

# Syllables per word: speed of speech in syllables/s (Pellegrino et al. 2011: en 6.19,
# es 7.82, ja 7.84) over words/s; a Chinese character is a syllable.
LANGUAGES: Final[Mapping[str, Language]] = {
    row.code: row
    for row in (
        Language("ar", 138, 612),
        Language("de", 179, 920),
        Language("en", 228, 987, syllables_per_word=1.63),
        Language("es", 218, 1025, syllables_per_word=2.15),
        Language("fi", 161, 1078),
        Language("fr", 195, 998),
        Language("he", 187, 833),
        Language("it", 188, 950),
        Language("ja", 193, 357, syllables_per_word=2.44),
        Language("nl", 202, 978),
        Language("pl", 166, 916),
        Language("pt", 181, 913),
        Language("ru", 184, 986),
        Language("sl", 180, 885),
        Language("sv", 199, 917),
        Language("tr", 166, 1054),
        Language("zh", 158, 255, syllables_per_word=1.61),
    )
}


def language(code: str) -> Language:
    """The figures of a language by its ISO 639-1 code; a region after it is ignored (`pt-BR`).

    Raises:
        ValueError: we have no figures for it.
    """
    row = LANGUAGES.get(code.replace("_", "-").partition("-")[0].lower())
    if row is None:
        raise ValueError(
            f"no reading speeds are known for language {code!r}; known: {', '.join(LANGUAGES)}. "
            "Give the speed itself, and the nearest of these as the language."
        )
    return row
