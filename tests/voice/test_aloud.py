"""What a word costs aloud."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.languages import LANGUAGES
from andes_client.segment import Words
from andes_client.speech_rates import figures, usual_wpm
from andes_client.voice.aloud import Aloud, aloud
from tests.client.prose import PROSE

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)


def sound(text: str, code: str = "en") -> float:
    """Of all words in a text."""
    splitter = Words(code)
    words = [*splitter.decode(text), *splitter.flush()]
    return sum(aloud(code).sound(word.text) for word in words)


@pytest.mark.parametrize(
    ("code", "written", "said"),
    [
        ("en", "$30", "thirty dollars"),
        ("en", "25%", "twenty-five percent"),
        ("en", "20 °C", "twenty degrees Celsius"),
        ("en", "5 km", "five kilometres"),
        ("en", "80 km/h", "eighty kilometres slash hours"),
        ("en", "3.5", "three point five"),
        ("en", "1,250", "one thousand two hundred fifty"),
        ("en", "1984", "nineteen hundred eighty-four"),
        ("en", "12:30", "twelve thirty"),
        ("de", "12:30", "zwölf Uhr dreißig"),
        ("de", "1:75.000", "eins fünfundsiebzigtausend"),
        ("en", "10-15", "ten dash fifteen"),
        ("en", "Dr. Smith", "doctor Smith"),
        ("en", "e.g. this", "for example this"),
        ("en", "salt & pepper", "salt and pepper"),
        ("en", "2 + 2 = 4", "two plus two equals four"),
        ("en", "www.example.org", "doubleudoubleudoubleu dot example dot org"),
        ("en", "anna@mail.net", "anna at mail dot net"),
        ("en", "555-0123", "five five five zero one two three"),
        ("de", "12,5 kg", "zwölf Komma fünf Kilogramm"),
        ("de", "1.250 €", "tausendzweihundertfünfzig Euro"),
        ("de", "z.B. hier", "zum Beispiel hier"),
        ("fr", "2,5 km", "deux virgule cinq kilomètres"),
        ("es", "40 %", "cuarenta por ciento"),
        ("it", "3.600 €", "tremilaseicento euro"),
        ("ru", "5 км", "пять километров"),
        ("pl", "np. tutaj", "na przykład tutaj"),
        ("tr", "7 kg", "yedi kilogram"),
        ("zh", "30%", "三十百分之"),
    ],
)
def test_signs_and_numbers_take_what_is_said_for_them(code: str, written: str, said: str) -> None:
    """By estimates of how long the words of a number are, unless num2words is installed."""
    assert sound(written, code) == pytest.approx(sound(said, code), rel=0.3)
    assert sound(written, code) > 0


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        ("7", "77"),
        ("77", "777"),
        ("777", "7,777"),
        ("7,777", "7,777.77"),
        ("1,000", "1.000"),
        ("NATO", "HTTP"),
        ("usa", "USA"),
        ("90", "0090"),
        ("12", "12/12"),
        ("12/12", "12/12/2012"),
        ("example", "example.org"),
        ("to", "throughout"),
    ],
)
def test_what_takes_more_words_takes_longer(shorter: str, longer: str) -> None:
    assert sound(longer) > sound(shorter) > 0


def test_a_mark_of_thousands_in_one_language_is_a_point_in_another() -> None:
    """Of 2.500 an English voice says "two point five zero zero"."""
    assert sound("2,500") == sound("2500") != sound("2.500")
    assert sound("2.500", "de") == sound("2500", "de") != sound("2,500", "de")


def test_digits_of_other_scripts_are_digits() -> None:
    assert sound("१२३", "hi") == sound("123", "hi")
    assert sound("٤٥", "ar") == sound("45", "ar")
    assert sound("\U0001e4f5") > 0  # newer than the tables of Python 3.11


@pytest.mark.parametrize(
    ("code", "word", "ends"),
    [
        ("en", "word", ""),
        ("en", "Dr.", ""),
        ("en", "(e.g.", ""),
        ("en", "J.", ""),
        ("en", "fig.", ""),
        ("en", "word,", "clause"),
        ("en", "word:", "clause"),
        ("en", "–", "clause"),
        ("en", "well-known", ""),
        ("en", "word.", "sentence"),
        ("en", "word.”", "sentence"),
        ("en", "what?!)", "sentence"),
        ("en", "no.", "sentence"),
        ("en", "km.", "sentence"),
        ("en", "km/h.", "sentence"),
        ("en", "1984.", "sentence"),
        ("en", "word\n", "sentence"),
        ("en", "\nword", ""),
        ("de", "3.", ""),
        ("de", "bzw.", ""),
        ("fr", "M.", ""),
        ("ru", "г.", ""),
        ("hi", "है।", "sentence"),
        ("zh", "了。", "sentence"),
        ("zh", "花，", "clause"),
        ("ar", "هنا،", "clause"),
        ("ar", "هنا؟", "sentence"),
        ("en", "", ""),
        ("en", " \t", ""),
    ],
)
def test_there_is_a_pause_at_the_end_of_a_clause_and_a_longer_one_at_that_of_a_sentence(
    code: str, word: str, ends: str
) -> None:
    pause = getattr(figures(code), ends) if ends else 0.0
    assert aloud(code).pause(word) == pause
    assert figures(code).sentence > figures(code).clause > 0.1


@pytest.mark.parametrize("text", ["", " ", "\n\n", ",", "...", "(", "**", "\u200b", "\x1b[1m", "|"])
def test_nothing_is_said_of_white_space_and_punctuation(text: str) -> None:
    assert aloud("en").sound(text) == 0.0


def test_a_word_in_another_script_is_measured_by_the_language_that_writes_in_it() -> None:
    assert aloud("zh").sound("hello") == aloud("ru").sound("hello") == aloud("en").sound("hello")
    assert aloud("en").sound("мир") == aloud("ru").sound("мир")
    assert aloud("en").sound("水") == aloud("zh").sound("水")


def test_an_escape_sequence_takes_no_time() -> None:
    assert aloud("en").sound("\x1b[1mbold\x1b[0m") == aloud("en").sound("bold")
    assert aloud("en").pause("end.\x1b[0m") == aloud("en").pause("end.")


@given(code=st.sampled_from(sorted(LANGUAGES)), word=ANY_TEXT)
def test_any_text_takes_some_time(code: str, word: str) -> None:
    assert 0 <= aloud(code).sound(word) < 120
    assert 0 <= aloud(code).pause(word) < 1


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "7",
        ".",
        "1.",
        "a.",
        "@",
        "a@",
        "-",
        "/",
        "\u0301",
        "\ud83d",
        "水",
        "\x1b[",
        "'a",
        "%",
        "a/",
    ],
)
def test_a_word_of_a_million_characters_is_measured_and_forgotten(part: str) -> None:
    """In linear time: were it quadratic, this test would not end."""
    assert 0 <= aloud("en").sound(part * 1_000_000) < 3000
    assert 0 <= aloud("en").pause(part * 1_000_000) < 1


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_every_language_has_a_usual_speed(code: str) -> None:
    assert 60 < usual_wpm(code) < 320


def test_a_region_is_looked_through_and_an_unknown_language_is_refused() -> None:
    assert aloud("pt-BR").sound("não") == aloud("pt").sound("não")
    for make in (aloud, Aloud, figures, usual_wpm):
        with pytest.raises(ValueError, match="no reading speeds are known for language 'tlh'"):
            make("tlh")


def test_prose_takes_about_its_usual_time() -> None:
    """Of ordinary text the usual speed is the mean, in words as long as the language's."""
    for code in ("de", "en", "es", "fr", "hi", "it", "ru", "tr", "uk", "el", "id"):
        text = PROSE[code].text
        splitter = Words(code)
        words = [unit.text for unit in [*splitter.decode(text), *splitter.flush()]]
        voice = aloud(code)
        seconds = sum(voice.sound(word) + voice.pause(word) for word in words)
        letters = sum(map(str.isalpha, itertools.chain(*words)))
        count = letters / LANGUAGES[code].characters_per_word
        if code == "hi":  # signs of vowels are no letters to Python
            count = len(words)
        assert count / seconds * 60 == pytest.approx(usual_wpm(code), rel=0.06), code
