"""How fast people read and speak, and how long their words are, by language.

Measured: reading aloud, words and characters a minute, from the International Reading Speed
Texts (IReST; Trauzettel-Klosinski, Dietz et al. 2012, doi 10.1167/iovs.11-8284), as cited in
secondary sources. Their ratio is the mean length of a word, by which a unit's cost is measured.

Estimated, and marked so (`Language.estimated`), for languages that IReST does not have:
reading rates "can be predicted reasonably well by taking into account the number of words
these languages require to convey the same message" (Brysbaert 2019, doi
10.1016/j.jml.2019.104047). The message is the thirty articles of the Universal Declaration of
Human Rights; words are counted by ICU 78.2, letters as people see them.

- Words a minute: 0.143 times the words of the Declaration in that language, which has 1,366 in
  English. 0.143 is the geometric mean over the languages of IReST; they lie from 22 % below
  to 33 % above what it gives.
- Letters in a word: 0.911 times those of the Declaration, whose words are longer than those of
  IReST; IReST's languages lie within 14 % of it. Where no spaces part words, ICU finds them with
  a dictionary. The Declaration in Burmese is in the literary style, whose words are longer than
  those that are written now: 1.70 is from the modern prose of our tests (tests/client/prose.py).

Silent reading is known best for English: 238 words/min (Brysbaert 2019). For another language
we take that figure times the ratio of its speed aloud to the English one: an estimate, and
marked as one wherever it is used.
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
    """Words a minute, read aloud (IReST, or estimated)."""
    aloud_cpm: float
    """Characters a minute, read aloud (IReST, or estimated)."""
    scripts: tuple[str, ...] = ("Latin",)
    """The scripts that it is written in, by their names in Unicode."""
    syllables_per_word: float | None = None
    """Mean syllables in a word, where we have a source for it."""
    estimated: bool = False
    """Whether the figures are estimated from the Universal Declaration of Human Rights."""

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
_MEASURED: Final = (
    Language("ar", 138, 612, ("Arabic",)),
    Language("de", 179, 920),
    Language("en", 228, 987, syllables_per_word=1.63),
    Language("es", 218, 1025, syllables_per_word=2.15),
    Language("fi", 161, 1078),
    Language("fr", 195, 998),
    Language("he", 187, 833, ("Hebrew",)),
    Language("it", 188, 950),
    Language("ja", 193, 357, ("Han", "Hiragana", "Katakana"), syllables_per_word=2.44),
    Language("nl", 202, 978),
    Language("pl", 166, 916),
    Language("pt", 181, 913),
    Language("ru", 184, 986, ("Cyrillic",)),
    Language("sl", 180, 885),
    Language("sv", 199, 917),
    Language("tr", 166, 1054),
    Language("zh", 158, 255, ("Han", "Bopomofo"), syllables_per_word=1.61),
)


def _estimated(code: str, wpm: float, characters_per_word: float, *scripts: str) -> Language:
    return Language(code, wpm, wpm * characters_per_word, scripts, estimated=True)


# Words a minute and characters in a word, as above.
_ESTIMATED: Final = (
    _estimated("af", 190, 4.56, "Latin"),
    _estimated("am", 140, 3.83, "Ethiopic"),
    _estimated("az", 169, 5.56, "Latin"),
    _estimated("be", 182, 5.41, "Cyrillic"),
    _estimated("bg", 198, 4.91, "Cyrillic"),
    _estimated("bn", 157, 2.87, "Bengali"),
    _estimated("bo", 343, 1.86, "Tibetan"),
    _estimated("ca", 204, 4.41, "Latin"),
    _estimated("cs", 170, 5.00, "Latin"),
    _estimated("cy", 192, 4.34, "Latin"),
    _estimated("da", 186, 4.95, "Latin"),
    _estimated("el", 214, 4.94, "Greek"),
    _estimated("et", 155, 6.09, "Latin"),
    _estimated("eu", 157, 6.15, "Latin"),
    _estimated("fa", 211, 3.46, "Arabic"),
    _estimated("ga", 226, 4.31, "Latin"),
    _estimated("gl", 202, 4.72, "Latin"),
    _estimated("gu", 174, 2.73, "Gujarati"),
    _estimated("hi", 224, 2.11, "Devanagari"),
    _estimated("hr", 167, 5.00, "Latin"),
    _estimated("hu", 171, 6.24, "Latin"),
    _estimated("hy", 157, 6.24, "Armenian"),
    _estimated("id", 191, 5.70, "Latin"),
    _estimated("is", 180, 4.73, "Latin"),
    _estimated("ka", 154, 6.79, "Georgian"),
    _estimated("kk", 165, 5.74, "Cyrillic"),
    _estimated("km", 219, 2.48, "Khmer"),
    _estimated("kn", 119, 4.82, "Kannada"),
    _estimated("ko", 130, 2.71, "Hangul"),
    _estimated("lo", 260, 2.88, "Lao"),
    _estimated("lt", 163, 5.67, "Latin"),
    _estimated("lv", 156, 5.93, "Latin"),
    _estimated("mk", 197, 4.61, "Cyrillic"),
    _estimated("ml", 91, 4.65, "Malayalam"),
    _estimated("mn", 171, 5.28, "Cyrillic"),
    _estimated("mr", 179, 2.87, "Devanagari"),
    _estimated("ms", 188, 5.83, "Latin"),
    _estimated("my", 330, 1.70, "Myanmar"),
    _estimated("ne", 158, 2.76, "Devanagari"),
    _estimated("no", 182, 4.72, "Latin"),
    _estimated("pa", 244, 2.17, "Gurmukhi"),
    _estimated("ro", 207, 4.86, "Latin"),
    _estimated("si", 170, 3.40, "Sinhala"),
    _estimated("sk", 170, 5.16, "Latin"),
    _estimated("sq", 209, 4.45, "Latin"),
    _estimated("sr", 170, 4.75, "Cyrillic", "Latin"),
    _estimated("sw", 192, 4.32, "Latin"),
    _estimated("ta", 134, 5.43, "Tamil"),
    _estimated("te", 129, 4.00, "Telugu"),
    _estimated("th", 258, 2.82, "Thai"),
    _estimated("tl", 214, 4.88, "Latin"),
    _estimated("uk", 177, 5.22, "Cyrillic"),
    _estimated("ur", 242, 3.08, "Arabic"),
    _estimated("uz", 180, 5.93, "Latin"),
    _estimated("vi", 281, 3.04, "Latin"),
)

LANGUAGES: Final[Mapping[str, Language]] = {row.code: row for row in _MEASURED + _ESTIMATED}
"""By ISO 639-1 code, the measured ones first."""

# Older codes, and languages that are read as fast as another, whose letters they share.
_ALSO: Final = {"iw": "he", "in": "id", "nb": "no", "nn": "no", "fil": "tl"}


def language(code: str) -> Language:
    """The figures of a language by its ISO 639-1 code; a region after it is ignored (`pt-BR`).

    Raises:
        ValueError: we have no figures for it.
    """
    short = code.replace("_", "-").partition("-")[0].lower()
    row = LANGUAGES.get(_ALSO.get(short, short))
    if row is None:
        raise ValueError(
            f"no reading speeds are known for language {code!r}; known: {', '.join(LANGUAGES)}. "
            "Give the speed itself, and the nearest of these as the language."
        )
    return row
