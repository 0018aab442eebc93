"""How long a whole number is when it is read: in letters, by language.

Where num2words is installed and has the language, it says the words. Elsewhere their letters are
estimated from the mean lengths of the words that numbers are made of.
"""

import functools
import importlib.util
from typing import Final, NamedTuple

import regex

from andes_client.languages import language

__all__ = [
    "IN_WORDS",
    "Numerals",
    "estimated_letters",
    "letters_of_digits",
    "letters_of_number",
    "letters_of_year",
]

_LONGEST: Final = 12  # digits that anybody reads as one number
_LETTER: Final = regex.compile(r"(?=\p{L})\X")
# What num2words 0.5.14 says in words and returns from, tried with numbers of every shape up to
# _LONGEST digits. It is asked for no other: in Amharic some numbers of seven digits and more keep
# it busy for ever, and its memory grows until the process is killed.
_CODES: Final = (
    "ar az be bn ca cs cy da de en es fa fi fr he hu id is it ja kn ko lt lv nl no pl pt ro ru sk"
    " sl sr sv te th tr uk vi"
)
IN_WORDS: Final = frozenset(_CODES.split())


class Numerals(NamedTuple):
    """Mean letters of the words that numbers are made of."""

    zero: float
    digit: float
    """1 to 9."""
    teen: float
    """10 to 19."""
    tens: float
    """20, 30, ... 90."""
    link: float
    """Between tens and ones, as `und` in German."""
    hundred: float
    one_hundred: float
    """100 alone: in many languages without a one."""
    thousand: float
    one_thousand: float
    million: float


# Counted with num2words 0.5.14; zh and hi by us.
_ROWS: Final = {
    code: Numerals(*map(float, row.split()))
    for code, row in {
        "ar": "3.0 4.4 6.9 5.2 1.0 2.4 4.0 3.4 3.0 5.4",
        "az": "5.0 4.0 5.6 5.2 0.0 3.1 3.0 3.1 3.0 6.1",
        "be": "4.0 4.6 10.5 9.0 0.0 3.1 3.0 5.4 10.0 7.6",
        "bn": "2.0 2.0 2.5 2.5 -0.7 2.0 4.0 3.0 5.0 2.5",
        "cs": "4.0 3.9 7.4 7.5 0.0 2.9 3.0 5.2 5.0 6.9",
        "da": "3.0 3.0 5.6 6.5 2.0 8.1 10.0 6.1 8.0 9.1",
        "de": "4.0 4.3 6.8 7.0 2.9 7.0 10.0 7.0 10.0 9.0",
        "en": "4.0 4.0 7.0 5.8 0.0 7.1 10.0 8.1 11.0 7.1",
        "es": "4.0 4.3 6.8 7.2 0.9 6.7 4.0 3.2 3.0 8.2",
        "fa": "3.0 2.6 4.9 3.8 1.0 2.2 2.0 4.1 4.0 6.1",
        "fi": "5.0 6.1 11.7 14.4 0.0 5.3 4.0 7.3 5.0 9.3",
        "fr": "4.0 4.0 5.8 9.1 -0.2 5.2 4.0 5.2 5.0 8.2",
        "he": "3.0 3.6 7.0 5.5 1.0 3.7 3.0 5.3 3.0 6.8",
        "hi": "5.0 3.0 4.5 4.5 1.0 2.0 4.0 4.0 6.0 4.0",
        "hu": "5.0 4.0 8.4 6.5 0.2 3.9 4.0 3.9 4.0 5.9",
        "id": "3.0 4.9 9.4 10.0 0.0 5.1 7.0 4.1 6.0 4.1",
        "is": "4.0 4.0 5.8 6.8 2.0 6.8 11.0 5.8 10.0 9.0",
        "it": "4.0 4.2 7.8 7.2 -0.2 5.2 5.0 4.2 5.0 7.2",
        "ja": "1.0 1.0 1.9 2.0 0.0 1.0 1.0 1.0 1.0 2.0",
        "ko": "1.0 1.0 1.9 2.0 0.0 1.0 1.0 1.0 1.0 2.0",
        "nl": "3.0 4.0 6.9 7.0 2.0 7.1 7.0 7.1 7.0 7.1",
        "no": "4.0 3.0 5.6 5.0 0.0 6.1 8.0 5.1 7.0 7.1",
        "pl": "4.0 5.1 10.5 12.8 0.0 3.3 3.0 7.0 6.0 7.6",
        "pt": "4.0 4.1 6.2 7.1 1.0 5.8 3.0 3.3 3.0 7.3",
        "ro": "4.0 4.0 10.8 8.1 2.0 4.2 5.0 3.2 4.0 8.2",
        "ru": "4.0 4.6 10.4 8.6 0.0 3.1 3.0 5.4 10.0 8.7",
        "sk": "4.0 4.1 7.5 9.2 0.0 2.9 3.0 4.9 5.0 7.5",
        "sl": "3.0 3.9 8.3 8.9 2.0 3.1 3.0 5.1 5.0 7.9",
        "sr": "4.0 4.2 8.4 8.5 0.0 2.5 3.0 6.9 12.0 6.9",
        "sv": "4.0 3.2 5.5 6.0 0.0 6.0 9.0 5.0 8.0 8.0",
        "th": "3.0 2.6 4.3 4.2 0.0 2.9 6.0 1.9 5.0 2.9",
        "tr": "5.0 3.7 5.3 5.1 0.0 3.1 3.0 3.1 3.0 6.1",
        "uk": "4.0 4.3 10.3 8.1 0.0 2.7 3.0 5.4 10.0 8.7",
        "vi": "5.0 3.0 6.7 7.0 0.0 4.0 7.0 5.0 8.0 5.0",
        "zh": "1.0 1.0 1.9 2.0 0.0 1.0 2.0 1.0 2.0 1.0",
    }.items()
}
_ENGLISH: Final = _ROWS["en"]


def letters_of_digits(digits: str, code: str) -> float:
    """Letters of digits that are read one by one."""
    row = _row(code)
    return sum(row.zero if digit == "0" else row.digit for digit in digits)


def letters_of_number(digits: str, code: str) -> float:
    """Letters of a whole number as it is read.

    Args:
        digits: 0 to 9 only. Many of them are read one by one, and so is what begins with 0.
        code: ISO 639-1 code of a known language.
    """
    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return letters_of_digits(digits, code)
    return _read(digits, code)


def letters_of_year(digits: str, code: str) -> float:
    """The same for digits without marks, which may be a year: nineteen hundred eighty-four."""
    if code == "en" and len(digits) == 4 and "11" <= digits[:2] <= "19" and digits[2] != "0":
        return _read(digits[:2], code) + len("hundred") + _read(digits[2:], code)
    return letters_of_number(digits, code)


@functools.lru_cache(maxsize=8192)
def _read(digits: str, code: str) -> float:
    words = _in_words(int(digits), code)
    return estimated_letters(digits, code) if words is None else float(len(_LETTER.findall(words)))


def _row(code: str) -> Numerals:
    row = language(code)
    if row.code in _ROWS:
        return _ROWS[row.code]
    scale = row.characters_per_word / language("en").characters_per_word
    return Numerals(*(scale * letters for letters in _ENGLISH))


def estimated_letters(digits: str, code: str) -> float:
    """Letters of a whole number of up to 12 digits, without num2words; arguments as above."""
    row, letters = _row(code), 0.0
    if not int(digits):
        return row.zero
    # By groups of three, as the words for thousands and millions part them.
    for power in range((len(digits) - 1) // 3, -1, -1):
        group = int(digits[: len(digits) - 3 * power][-3:])
        if not group:
            continue
        if power == 1 and group == 1:
            letters += row.one_thousand
            continue
        letters += _below_thousand(group, row)
        letters += (0.0, row.thousand, row.million, row.million)[power]
    return letters


def _below_thousand(number: int, row: Numerals) -> float:
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    letters = 0.0
    if hundreds:
        letters += row.one_hundred if hundreds == 1 else row.digit + row.hundred
    if tens == 1:
        return letters + row.teen
    if tens:
        letters += row.tens + (row.link if ones else 0.0)
    return letters + (row.digit if ones else 0.0)


@functools.cache
def _has_num2words() -> bool:
    return importlib.util.find_spec("num2words") is not None


def _in_words(number: int, code: str) -> str | None:
    """The number in words, where num2words is installed and knows the language."""
    if code not in IN_WORDS or not _has_num2words():
        return None
    from num2words import num2words

    try:
        return str(num2words(number, lang=code))
    except (NotImplementedError, OverflowError, ValueError, KeyError, IndexError, TypeError):
        return None
