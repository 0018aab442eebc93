"""What a word costs aloud: seconds of sound, and of silence after it."""

import functools
from collections.abc import Callable
from typing import Final

import regex

from andes_client.languages import language
from andes_client.segment.cost import script_languages, script_of
from andes_client.segment.scripts import SPACELESS, without_escapes
from andes_client.segment.sentences import is_short
from andes_client.speech_rates import Figures, figures
from andes_client.voice.amounts import NUMBER, amount, is_telephone
from andes_client.voice.numerals import letters_of_digits
from andes_client.voice.symbols import short_forms, signs, units

__all__ = ["Aloud", "aloud"]

_CACHED: Final = 64  # characters: what is longer will hardly come again
_LONGEST: Final = 2000  # characters that anybody reads of one word
_SPELLED: Final = 2.6  # letters in the name of a letter

_RUN: Final = rf"(?:(?![{SPACELESS}])[\p{{L}}\p{{M}}])++"
_PIECE: Final = regex.compile(
    rf"(?P<number>{NUMBER})"
    rf"|(?P<character>[{SPACELESS}]\p{{M}}*+)"
    rf"|(?P<letters>{_RUN}(?:['’]{_RUN})*+(?:[²³](?!\d))?+)"
    r"|(?P<sign>[^\s\p{Cc}\p{Cs}\p{M}])"
)
_LETTER: Final = regex.compile(r"(?=[\p{L}\p{N}])\X")
_ADDRESS: Final = regex.compile(
    r"://|www\.|\Amailto:|[^\s@]@[\w-]++\.\w"
    r"|\A\W{0,3}[\w-]{2,64}+(?:\.[\w-]{2,64}+){0,6}?\.[a-z]{2,12}(?:/|\W{0,3}\Z)"
)
_MINUTES: Final = regex.compile(r"\d\d(?![.,]?\d)")  # of a time such as 12:30, not 1:75,000
_READ_AS_WORDS: Final = frozenset(("com", "gov", "net", "org"))  # the ends of addresses
_VOWEL: Final = regex.compile(r"[AEIOUYaeiouy]")
_WITHOUT_VOWELS: Final = frozenset(("cs", "cy", "hr", "sk", "sl", "sr"))  # they have such words
# The ends of words that are not said; an "é" is, longer than a letter.
_SILENT_IN_FRENCH: Final = regex.compile(r"(?:ent|es|[destxz])\Z")

_SHORTENING: Final = ".°-"  # "No" is no number
_AROUND: Final = "()[]\"'„“”«».,;:!?*_"
_CLOSING: Final = r"[\p{Pe}\p{Pf}\p{Pi}\"'*_~`]{0,8}+\Z"
_SENTENCE: Final = regex.compile(
    rf"(?V1)(?:[.!?…]|[\p{{Sentence_Terminal}}\u0f0d-\u0f12\u037e--[\u104a]]){_CLOSING}"
)
_CLAUSE: Final = regex.compile(
    rf"(?:[,;:،؛、，；：\u104a\u1363-\u1366–—]|(?<![\p{{L}}\p{{N}}])-){_CLOSING}"
)


class Aloud:
    """How long each word of a language takes a voice at its usual speed, seconds.

    Numbers, dates, times, amounts, units, telephone numbers, addresses, short forms and signs
    cost what is said for them; everything else goes by its letters (andes_client.speech_rates),
    a word in another script by those of the language that writes most in it.

    A word is a unit of `andes_client.segment.Words`: white space before it, punctuation after
    it. Any text is taken, and none takes more than linear time. Get it from `aloud`.

    Args:
        language_code: ISO 639-1 code.

    Raises:
        ValueError: the language is not known.
    """

    def __init__(self, language_code: str) -> None:
        row = language(language_code)
        self._code = row.code
        self._figures = figures(row.code)
        self._by_script = {
            script: figures(each.code) for script, each in script_languages(row.code).items()
        }
        self._signs, self._units = signs(row.code), units(row.code)
        self._short = short_forms(row.code)
        self._sound: Callable[[str], float] = functools.lru_cache(maxsize=32768)(self._said)
        self._pause: Callable[[str], float] = functools.lru_cache(maxsize=32768)(self._silent)

    def sound(self, word: str) -> float:
        """Seconds of sound; 0 if nothing is said."""
        return self._sound(word) if len(word) <= _CACHED else self._said(word)

    def pause(self, word: str) -> float:
        """Seconds of silence after it, by the mark or the line break that it ends with."""
        return self._pause(word) if len(word) <= _CACHED else self._silent(word[-_CACHED:])

    def _silent(self, word: str) -> float:
        text = without_escapes(word)
        said = text.rstrip()
        if not said:
            return 0.0
        if "\n" in text[len(said) :] or "\r" in text[len(said) :]:
            return self._figures.sentence
        if _SENTENCE.search(said, max(0, len(said) - 16)):
            return 0.0 if self._is_short(said.lstrip()) else self._figures.sentence
        return self._figures.clause if _CLAUSE.search(said, max(0, len(said) - 16)) else 0.0

    def _is_short(self, said: str) -> bool:
        """Whether the point at its end is only that of a short form."""
        word = said[:-1].lstrip(_AROUND)
        if not said.endswith(".") or "/" in word:
            return False
        if word.lower() in self._short:
            return True
        return word not in self._units and is_short(word, self._code)

    def _said(self, word: str) -> float:
        text = without_escapes(word).strip()[:_LONGEST]
        if not text:
            return 0.0
        short = self._short.get(text.strip(_AROUND).lower())
        if short is not None and any(mark in text for mark in _SHORTENING):
            return self._words(short)
        if is_telephone(text):
            return self._number(letters_of_digits("".join(filter(str.isdecimal, text)), self._code))
        read = self._in_address if _ADDRESS.search(text) else self._in_text
        return sum(read(match, text) for match in _PIECE.finditer(text))

    def _in_text(self, match: "regex.Match[str]", text: str) -> float:
        piece, kind = match[0], match.lastgroup
        before = text[match.start() - 1 : match.start()]
        if kind == "number":
            return self._amount(piece)
        if kind == "character":
            return self._word(piece)
        if kind == "sign":
            return self._words(self._signs.get(_name_of_sign(piece, before, text, match.end()), ""))
        if piece in self._units and (_follows_number(before) or self._is_unit(piece, text)):
            return self._words(self._units[piece])
        return self._spelled(piece) if self._is_spelled(piece) else self._word(piece)

    def _in_address(self, match: "regex.Match[str]", text: str) -> float:  # noqa: ARG002
        piece, kind = match[0], match.lastgroup
        if kind == "number":
            return self._amount(piece)
        if kind == "sign":
            name = {".": "dot", "-": "dash"}.get(piece, piece)
            return self._words(self._signs.get(name, ""))
        if piece == "www":
            return self._words(self._signs["www"])
        is_short = len(piece) <= 3 and piece not in _READ_AS_WORDS and piece.isascii()
        return self._spelled(piece) if is_short or self._is_spelled(piece) else self._word(piece)

    def _is_unit(self, piece: str, text: str) -> bool:
        """Whether a word is a unit by itself, as `km` and `km/h` are, and not a letter or `min`."""
        return len(piece) > 1 and piece == text.strip(_AROUND).partition("/")[0] != "min"

    def _is_spelled(self, piece: str) -> bool:
        """Whether its letters are read one by one: HTTP, USA, kg; not NATO."""
        if not 2 <= len(piece) <= 6 or not piece.isascii():
            return False
        has_vowel = _VOWEL.search(piece) is not None
        if piece.isupper():
            return len(piece) <= 3 or not has_vowel
        return not has_vowel and self._code not in _WITHOUT_VOWELS

    def _amount(self, piece: str) -> float:
        read = amount(piece, self._code)
        return self._number(read.letters) + sum(self._words(self._signs[m]) for m in read.marks)

    def _number(self, letters: float) -> float:
        return self._figures.word + self._figures.numeral * letters

    def _words(self, text: str) -> float:
        """What is said for a sign or a short form: words that are not on the screen."""
        return sum(map(self._word, text.split()))

    def _word(self, piece: str) -> float:
        letters: float = len(piece) if piece.isascii() else len(_LETTER.findall(piece))
        if self._code == "fr" and letters > 3:
            letters = len(_LETTER.findall(_SILENT_IN_FRENCH.sub("", piece))) + piece.count("é") / 2
        of = self._of(piece)
        return of.word + of.letter * letters if letters else 0.0

    def _spelled(self, piece: str) -> float:
        of = self._of(piece)
        return of.word + of.letter * _SPELLED * len(piece)

    def _of(self, piece: str) -> Figures:
        """The figures of the language that a word in this script is taken for."""
        return self._by_script[script_of(piece)]


def _name_of_sign(sign: str, before: str, text: str, end: int) -> str:
    """What a sign is called in the list of signs: one between digits has a name of its own."""
    if sign in "-–−" and before.isdecimal() and text[end : end + 1].isdecimal():
        return "minus"
    if sign == ":" and before.isdecimal() and _MINUTES.match(text, end):
        return "colon"
    return sign


def _follows_number(before: str) -> bool:
    return before.isdecimal() or before in ("°", "/", "\u00a0", "\u202f")


@functools.cache
def aloud(language_code: str) -> Aloud:
    """What a word of that language costs aloud.

    Args:
        language_code: ISO 639-1 code; a region after it is ignored (`pt-BR`).

    Raises:
        ValueError: the language is not known.
    """
    return Aloud(language_code)
