"""How a number with its marks is read: of thousands, of a fraction, of a date or a version."""

import unicodedata
from typing import Final, NamedTuple

import regex

from andes_client.voice.numerals import letters_of_digits, letters_of_number, letters_of_year

__all__ = ["NUMBER", "Amount", "amount", "is_telephone"]

NUMBER: Final = r"\d++(?:[.,'’\u00a0\u202f\u066b\u066c]\d++)*+"
"""What `amount` takes."""

_DIGITS: Final = regex.compile(r"\d++")
_LONGEST: Final = 200  # digits that are looked at
# Languages whose fractions follow a point; of the others, a comma.
_POINT: Final = frozenset(
    (
        "am", "bn", "bo", "cy", "en", "ga", "gu", "he", "hi", "ja", "kn", "ko", "ml", "mr", "ms",
        "my", "ne", "pa", "si", "sw", "ta", "te", "th", "tl", "ur", "zh",
    )
)  # fmt: skip
# Languages that read "3,25" as three and twenty-five; the others say the digits of a fraction.
_WHOLE_FRACTIONS: Final = frozenset(("es", "fr", "it"))
# In groups, and none of them a day or a month: 555-0123, 040.123.4567.
_TELEPHONE: Final = regex.compile(
    r"(?!\W{0,3}[12]\d{3}-[12]\d{3}\W{0,3}\Z)"  # from one year to another
    r"\W{0,3}\d{2,6}(?:[-.]\d{3,8}){0,4}[-.]\d{4,8}\W{0,3}"
)


class Amount(NamedTuple):
    """What is said for a number."""

    letters: float
    """In the words of its numbers."""
    marks: tuple[str, ...] = ()
    """The marks that are said: "point" or "comma"."""


def is_telephone(text: str) -> bool:
    """Whether it looks like a telephone number in groups, which is read digit by digit."""
    return len(text) < 64 and _TELEPHONE.fullmatch(text) is not None


def amount(text: str, code: str) -> Amount:
    """How a number is read.

    Args:
        text: what matches `NUMBER`; digits of any script.
        code: ISO 639-1 code of a known language.
    """
    parts = [_plain(part) for part in _DIGITS.findall(text[:_LONGEST])]
    marks = [mark for mark in text[:_LONGEST] if not mark.isdecimal()]
    if not marks:
        return Amount(letters_of_year(parts[0], code))
    point = "." if code in _POINT else ","
    if _are_thousands(parts, marks, point):
        return Amount(letters_of_number("".join(parts), code))
    if len(marks) == 1 and marks[0] in ".,":
        return _fraction(parts[0], parts[1], marks[0], code)
    if marks[-1] == point and _are_thousands(parts[:-1], marks[:-1], point):
        return _fraction("".join(parts[:-1]), parts[-1], point, code)
    return Amount(sum(letters_of_number(part, code) for part in parts), ("point",) * len(marks))


def _plain(digits: str) -> str:
    # Digits that are newer than this Python's tables are read as some digit.
    return digits if digits.isascii() else "".join(str(unicodedata.decimal(d, 0)) for d in digits)


def _are_thousands(parts: list[str], marks: list[str], point: str) -> bool:
    """Whether the marks only part the digits for the eye: 1,250 or, in Hindi, 12,34,567."""
    return (
        len(parts) > 1
        and len(set(marks)) == 1
        and marks[0] != point
        and 1 <= len(parts[0]) <= 3
        and len(parts[-1]) == 3
        and all(2 <= len(part) <= 3 for part in parts[1:-1])
    )


def _fraction(whole: str, fraction: str, mark: str, code: str) -> Amount:
    read = letters_of_number if code in _WHOLE_FRACTIONS else letters_of_digits
    return Amount(
        letters_of_number(whole, code) + read(fraction, code),
        ("point" if mark == "." else "comma",),
    )
