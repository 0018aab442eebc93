"""What a word costs aloud: seconds of sound, and of silence after it."""

import functools
from collections.abc import Callable
from typing import Final

import regex

from andes_client.languages import LANGUAGES, language
from andes_client.segment.cost import script_languages, script_of
from andes_client.segment.scripts import SPACELESS, without_escapes
from andes_client.segment.sentences import is_short
from andes_client.voice.figures import Figures, figures
from andes_client.voice.numerals import letters_of_digits, letters_of_number
from andes_client.voice.symbols import short_forms, signs, units

__all__ = ["Aloud", "aloud"]

_CACHED: Final = 64  # characters: what is longer will hardly come again
_SPELLED: Final = 2.6  # letters in the name of a letter

_PIECE: Final = regex.compile(
    r"(?P<number>\d++(?:[.,'’\u00a0\u202f٫٬]\d++)*+)"
    rf"|(?P<signs>[{SPACELESS}]\p{{M}}*+)"
    rf"|(?P<letters>(?:(?![{SPACELESS}])[\p{{L}}\p{{M}}])++"
    rf"(?:['’](?:(?![{SPACELESS}])[\p{{L}}\p{{M}}])++)*+)"
    r"|(?P<sign>[^\s\p{Cc}\p{Cs}\p{M}])"
)
_LETTER: Final = regex.compile(r"(?=[\p{L}\p{N}])\X")
_ADDRESS: Final = regex.compile(
    r"://|www\.|^mailto:|[^\s@]@[\w-]++\.\w|^\W{0,3}[\w-]++(?:\.[\w-]++)*+\.[a-z]{2,12}(?:/|\W{0,3}$)"
)
_CLOSING: Final = r"[\p{Pe}\p{Pf}\p{Pi}\"'*_~`]*+$"
_SENTENCE: Final = regex.compile(
    rf"(?V1)(?:[.!?…]|[\p{{Sentence_Terminal}}\u0f0d-\u0f12\u037e--[\u104a]]){_CLOSING}"
)
_CLAUSE: Final = regex.compile(
    r"(?:[,;:،؛、，；：·\u104a\u1363-\u1366]|(?<![\p{L}\p{N}])[-–—]|[–—])" + _CLOSING
)
_PHONE: Final = regex.compile(r"^\W{0,3}\+?(?:\d{2,}[-/.]){2,}\d{2,}\W*$")
_VOWEL: Final = regex.compile(r"[aeiouyAEIOUY]")
_DECIMAL_POINT: Final = frozenset(
    [
        "en",
        "zh",
        "ja",
        "ko",
        "hi",
        "th",
        "he",
        "bn",
        "te",
        "ta",
        "ml",
        "kn",
        "gu",
        "pa",
        "mr",
        "ne",
        "si",
        "my",
        "ur",
        "ms",
        "tl",
        "cy",
        "ga",
        "sw",
        "am",
        "bo",
    ]
)
_FRACTION_IS_NUMBER: Final = frozenset(("fr", "es", "it"))
_VOWELLESS: Final = frozenset(["cs", "sk", "sl", "hr", "sr", "cy"])


class Aloud:
    """How long each word of a language takes a voice at its usual speed, seconds.

    A word is a unit of `andes_client.segment.Words`: white space before it, punctuation after
    it. Any text is taken. Stateless; get it from `aloud`.

    Args:
        language_code: ISO 639-1 code.

    Raises:
        ValueError: the language is not known.
    """

    def __init__(self, language_code: str) -> None:
        self._code = language(language_code).code
        self._figures = figures(self._code)
        self._by_script = script_languages(self._code)
        self._signs = signs(self._code)
        self._units = units(self._code)
        self._short = short_forms(self._code)
        self._sound: Callable[[str], float] = functools.lru_cache(maxsize=32768)(self._measured)
        self._pause: Callable[[str], float] = functools.lru_cache(maxsize=32768)(self._silent)

    def sound(self, word: str) -> float:
        """Seconds of sound; 0 if nothing is said."""
        return self._sound(word) if len(word) <= _CACHED else self._measured(word)

    def pause(self, word: str) -> float:
        """Seconds of silence after it, by the mark that it ends with, or its line break."""
        return self._pause(word) if len(word) <= _CACHED else self._silent(word)

    def _silent(self, word: str) -> float:
        text = without_escapes(word)
        said = text.rstrip()
        if "\n" in text[len(said) :]:
            return self._figures.sentence
        said = said.lstrip()
        if not said:
            return 0.0
        if _SENTENCE.search(said[-16:]):
            ends = not said.endswith(".") or not is_short(said[-25:-1], self._code)
            return self._figures.sentence if ends else 0.0
        return self._figures.clause if _CLAUSE.search(said[-16:]) else 0.0

    def _measured(self, word: str) -> float:
        text = without_escapes(word).strip()
        if not text:
            return 0.0
        short = self._short.get(text.strip("()[]\"'„“”«».,;:!?*_").lower())
        if short is not None:
            return self._words(short)
        if _ADDRESS.search(text[:2000]):
            return self._address(text)
        if _PHONE.match(text[:64]):
            return self._letters(
                letters_of_digits("".join(filter(str.isdecimal, text)), self._code)
            )
        return self._pieces(text)

    def _pieces(self, text: str) -> float:
        seconds, before = 0.0, ""
        for match in _PIECE.finditer(text):
            piece, kind = match[0], match.lastgroup
            after = text[match.end() : match.end() + 1]
            if kind == "number":
                seconds += self._number(piece)
            elif kind == "letters":
                seconds += self._letters_of(piece, text, match.start())
            elif kind == "signs":
                seconds += self._word(piece)
            else:
                seconds += self._sign(piece, before, after)
            before = piece[-1]
        return seconds

    def _letters_of(self, piece: str, text: str, start: int) -> float:
        """A run of letters: a unit after a number, an acronym, or a word."""
        alone = len(piece) == len(text.strip(".,;:!?()"))
        after_number = start > 0 and (text[start - 1].isdecimal() or text[start - 1] in "°/ \u202f")
        if after_number or (alone and len(piece) > 1):
            unit = self._units.get(piece)
            if unit is not None and (piece != "min" or after_number):
                return self._words(unit)
        return self._spelled(piece) if self._is_acronym(piece) else self._word(piece)

    def _is_acronym(self, piece: str) -> bool:
        if not 2 <= len(piece) <= 6 or not piece.isascii():
            return False
        if piece.isupper():
            return len(piece) <= 3 or _VOWEL.search(piece) is None
        return _VOWEL.search(piece) is None and self._code not in _VOWELLESS

    def _spelled(self, piece: str) -> float:
        return self._letters(_SPELLED * len(piece))

    def _sign(self, piece: str, before: str, after: str) -> float:
        if piece in "-–−" and before.isdecimal() and after.isdecimal():
            return self._words(self._signs["minus"])
        if piece == ":" and before.isdecimal() and after.isdecimal():
            return self._words(self._signs["colon"])
        return self._words(self._signs.get(piece, ""))

    def _number(self, text: str) -> float:
        """A number with its marks: of thousands, of a fraction, or of a date."""
        code = self._code
        parts = regex.split(r"\D", text)
        digits = ["".join(str(int(d)) for d in part) for part in parts]
        if len(digits) == 1:
            return self._letters(letters_of_number(digits[0], code))
        mark = next(c for c in text if not c.isdecimal())
        point = "." if code in _DECIMAL_POINT else ","
        marks = {c for c in text if not c.isdecimal()}
        grouped = len(digits[0]) <= 3 and all(len(d) in (2, 3) for d in digits[1:-1])
        if len(marks) == 1 and mark != point and grouped and len(digits[-1]) == 3:
            return self._letters(letters_of_number("".join(digits), code))
        if len(marks) == 2 and text.count(point) == 1 and text.rfind(point) > text.find(mark):
            whole, fraction = "".join(digits[:-1]), digits[-1]
            return self._fraction(whole, fraction, point)
        if len(digits) == 2 and mark in ".,":
            return self._fraction(digits[0], digits[1], mark)
        said = self._words(self._signs["point"]) * (len(digits) - 1)
        return said + sum(self._letters(letters_of_number(d, code)) for d in digits)

    def _fraction(self, whole: str, fraction: str, mark: str) -> float:
        code = self._code
        read = letters_of_number if code in _FRACTION_IS_NUMBER else letters_of_digits
        said = self._words(self._signs["point" if mark == "." else "comma"])
        return (
            said
            + self._letters(letters_of_number(whole, code))
            + self._letters(read(fraction, code))
        )

    def _address(self, text: str) -> float:
        seconds = 0.0
        for match in _PIECE.finditer(text.strip("()[]<>\"'.,;:!?")[:2000]):
            piece, kind = match[0], match.lastgroup
            if kind == "number":
                seconds += self._letters(
                    letters_of_number(piece, self._code) if piece.isdecimal() else 6
                )
            elif kind == "letters":
                if piece == "www":
                    seconds += self._words(self._signs["www"])
                elif self._is_acronym(
                    piece.upper() if len(piece) <= 3 and piece.isascii() else piece
                ):
                    seconds += self._word(piece) if piece in _WORDS else self._spelled(piece)
                else:
                    seconds += self._word(piece)
            elif kind == "signs":
                seconds += self._word(piece)
            else:
                name = {".": "dot", "-": "dash"}.get(piece, piece)
                seconds += self._words(self._signs.get(name, ""))
        return seconds

    def _words(self, text: str) -> float:
        """Seconds of words of this language that are not on the screen."""
        return sum(map(self._word, text.split()))

    def _word(self, piece: str) -> float:
        letters = len(piece) if piece.isascii() else len(_LETTER.findall(piece))
        if not letters:
            return 0.0
        of = self._of(piece)
        return of.word + of.letter * letters

    def _letters(self, letters: float) -> float:
        return self._figures.word + self._figures.letter * letters

    def _of(self, piece: str) -> Figures:
        """The figures of the language that writes in the script of this word."""
        if piece.isascii():
            return _OF_LATIN if self._latin_is_foreign else self._figures
        return figures(self._by_script[script_of(piece)].code)

    @functools.cached_property
    def _latin_is_foreign(self) -> bool:
        return "Latin" not in LANGUAGES[self._code].scripts


_OF_LATIN: Final = figures("en")
_WORDS: Final = frozenset(["com", "net", "gov", "edu"])


@functools.cache
def aloud(language_code: str) -> Aloud:
    """What a word of that language costs aloud.

    Args:
        language_code: ISO 639-1 code; a region after it is ignored (`pt-BR`).

    Raises:
        ValueError: the language is not known.
    """
    return Aloud(language_code)
