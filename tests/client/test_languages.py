"""Figures of languages: enough of them, each with its source, each of the size of a language's."""

import pytest

from andes_client import reading, speaking
from andes_client.languages import LANGUAGES, language

IREST = "ar de en es fi fr he it ja nl pl pt ru sl sv tr zh"
ASKED_FOR = "th lo km my ko hi vi id uk cs el bn fa hu ro ur"


def test_most_people_find_their_language() -> None:
    assert len(LANGUAGES) >= 70
    assert set(ASKED_FOR.split()) <= LANGUAGES.keys()


def test_what_was_not_measured_says_so() -> None:
    assert {code for code, row in LANGUAGES.items() if not row.estimated} == set(IREST.split())


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_is_read_as_fast_as_languages_are(code: str) -> None:
    row = language(code)
    assert row.code == code
    assert row.scripts
    assert 1.5 < row.characters_per_word < 7
    # IReST's are at 138 to 228 words; short syllables are read faster, long compounds slower.
    assert 90 <= row.aloud_wpm <= 345
    assert reading(language=code).wpm == pytest.approx(238 * row.aloud_wpm / 228)
    assert row.spoken_wpm == pytest.approx(150 * row.aloud_wpm / 228)
    assert 60 < speaking(language=code).wpm < 320  # of voices, measured by themselves


def test_an_estimate_is_made_of_the_declarations_words() -> None:
    """ICU 78.2 finds 1,802 words in the Thai Declaration, and 1,190 in the Czech."""
    assert language("cs").aloud_wpm == pytest.approx(0.143 * 1190, abs=0.5)
    assert language("th").aloud_wpm == pytest.approx(0.143 * 1802, abs=0.5)
    assert language("th").characters_per_word == pytest.approx(0.911 * 3.09, abs=0.01)


@pytest.mark.parametrize(
    ("code", "same_as"),
    [("pt-BR", "pt"), ("zh_Hant_TW", "zh"), ("TH", "th"), ("nb-NO", "no"), ("iw", "he")],
)
def test_regions_and_older_codes_are_understood(code: str, same_as: str) -> None:
    assert language(code) is LANGUAGES[same_as]


@pytest.mark.parametrize("code", ["xx", "", "tlh", "english"])
def test_a_language_without_figures_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="no reading speeds are known for language"):
        language(code)
