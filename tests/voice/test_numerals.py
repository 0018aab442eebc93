"""How long numbers are in words: estimated, and where num2words is installed, as it says them."""

import importlib.util
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.languages import LANGUAGES
from andes_client.voice.amounts import Amount, amount, is_telephone
from andes_client.voice.numerals import (
    IN_WORDS,
    estimated_letters,
    letters_of_digits,
    letters_of_number,
)

NUMBERS = [3, 12, 47, 80, 100, 365, 999, 1000, 1250, 2024, 18_345, 64_000, 250_000, 1_000_000]
HAS_WORDS = importlib.util.find_spec("num2words") is not None


@pytest.mark.parametrize(
    ("code", "digits", "words"),
    [
        ("en", "0", "zero"),
        ("en", "40", "forty"),
        ("en", "1000", "onethousand"),
        ("en", "250", "twohundredfifty"),
        ("de", "1000", "eintausend"),
        ("de", "345", "dreihundertfünfundvierzig"),
        ("fr", "100", "cent"),
        ("es", "2024", "dosmilveinticuatro"),
        ("ru", "1000000", "одинмиллион"),
        ("zh", "1984", "一千九百八十四"),
        ("hi", "7", "सात"),
    ],
)
def test_estimates_are_about_as_long_as_the_words(code: str, digits: str, words: str) -> None:
    letters = len(words) if code != "hi" else 2
    assert estimated_letters(digits, code) == pytest.approx(letters, rel=0.25, abs=1.5)


@pytest.mark.skipif(not HAS_WORDS, reason="num2words is not installed")
@pytest.mark.parametrize("code", ["de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "sv", "tr"])
def test_an_estimate_is_nearly_as_good_as_the_words_of_num2words(code: str) -> None:
    estimated = sum(estimated_letters(str(number), code) for number in NUMBERS)
    said = sum(letters_of_number(str(number), code) for number in NUMBERS)
    assert estimated == pytest.approx(said, rel=0.1)


def _of_every_shape() -> list[str]:
    """Numbers of up to 12 digits: every kind of group of three, beside every other kind."""
    kinds = [0, 1, 2, 10, 11, 21, 100, 101, 321, 999]
    groups = itertools.product(kinds, repeat=3)
    thousands = {1000 * (1000 * a + b) + c for a, b, c in groups}
    billions = {10**9 * a + b for a in kinds for b in (0, 1, 1_000, 21_100, 1_001_000, 999_999_999)}
    return [str(number) for number in sorted(thousands | billions)]


# One that num2words does not return from would take all memory of this process.
@pytest.mark.timeout(60)
@pytest.mark.skipif(not HAS_WORDS, reason="num2words is not installed")
@pytest.mark.parametrize("code", sorted(IN_WORDS))
def test_num2words_returns_from_every_number_that_it_is_asked_for(code: str) -> None:
    assert all(letters_of_number(digits, code) > 0 for digits in _of_every_shape())


def test_num2words_is_not_asked_where_it_may_never_return() -> None:
    for digits in ("3", "4", "7", "8", "10", "90"):
        assert letters_of_number(digits, "am") == estimated_letters(digits, "am")


@given(
    code=st.sampled_from(sorted(LANGUAGES)), digits=st.text("0123456789", min_size=1, max_size=40)
)
def test_any_digits_are_read_in_any_language(code: str, digits: str) -> None:
    assert 0 < letters_of_number(digits, code) <= 60 * len(digits)
    if len(digits) <= 12:
        assert 0 < estimated_letters(digits, code) <= 60 * len(digits)


@pytest.mark.parametrize("digits", ["007", "1234567890123"])
def test_long_numbers_and_those_with_a_leading_zero_are_read_digit_by_digit(digits: str) -> None:
    assert letters_of_number(digits, "en") == letters_of_digits(digits, "en")


@pytest.mark.parametrize(
    ("code", "text", "whole", "marks"),
    [
        ("en", "1,250", "1250", ()),
        ("en", "1,250.5", "1250", ("point",)),
        ("en", "3.14", "3", ("point",)),
        ("en", "12,34,567", "1234567", ()),
        ("de", "1.250,75", "1250", ("comma",)),
        ("de", "1.250.000", "1250000", ()),
        ("fr", "1\u202f250", "1250", ()),
        ("de", "14.05.2024", "14", ("point", "point")),
        ("en", "1.2.3", "1", ("point", "point")),
    ],
)
def test_marks_part_thousands_or_a_fraction(
    code: str, text: str, whole: str, marks: tuple[str, ...]
) -> None:
    read = amount(text, code)
    assert read.marks == marks
    if marks:
        assert read.letters > letters_of_number(whole, code)
    else:
        assert read == Amount(letters_of_number(whole, code))


@pytest.mark.parametrize("text", ["555-0123", "(030-1234567)", "040.123.4567"])
def test_digits_in_groups_are_a_telephone_number(text: str) -> None:
    assert is_telephone(text)


@pytest.mark.parametrize("text", ["2024-05-14", "14.05.2024", "10-15", "1990-2000", "3.14159", "1"])
def test_dates_and_spans_are_no_telephone_numbers(text: str) -> None:
    assert not is_telephone(text)
