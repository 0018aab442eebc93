"""What a word costs its reader, by its letters and its script."""

import functools
from typing import Final

import regex

from andes_client.expectation import TOKENS_PER_WORD
from andes_client.languages import LANGUAGES, Language, language
from andes_client.segment.scripts import SPACELESS, shows, without_escapes
from andes_client.segment.unit import Unit

__all__ = ["LONGEST_RUN_COST", "script_languages", "script_of", "words_of"]

LONGEST_RUN_COST: Final = 3 * TOKENS_PER_WORD
"""Tokens of reading in a run without white space, at most: nobody spells out an address."""

_IS_SPACELESS: Final = regex.compile(rf"[{SPACELESS}]")
_LETTER: Final = regex.compile(r"(?=[\p{L}\p{N}])\X")
_NOT_PUNCTUATION: Final = regex.compile(r"[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\p{P}\p{Sm}]")

# A script by which it is known how long the words are that a text has between others: those of
# the language that writes most in it.
_USUAL: Final = {
    "Latin": "en",
    "Arabic": "ar",
    "Armenian": "hy",
    "Bengali": "bn",
    "Cyrillic": "ru",
    "Devanagari": "hi",
    "Ethiopic": "am",
    "Georgian": "ka",
    "Greek": "el",
    "Gujarati": "gu",
    "Gurmukhi": "pa",
    "Hangul": "ko",
    "Hebrew": "he",
    "Kannada": "kn",
    "Malayalam": "ml",
    "Sinhala": "si",
    "Tamil": "ta",
    "Telugu": "te",
    "Tibetan": "bo",
    "Han": "zh",
    "Bopomofo": "zh",
    "Yi": "zh",
    "Hiragana": "ja",
    "Katakana": "ja",
    "Thai": "th",
    "Tai_Tham": "th",
    "New_Tai_Lue": "th",
    "Tai_Le": "th",
    "Tai_Viet": "th",
    "Lao": "lo",
    "Khmer": "km",
    "Javanese": "km",
    "Balinese": "km",
    "Myanmar": "my",
}
_SCRIPT: Final = regex.compile(
    "|".join(rf"(?P<{name}>\p{{{name}}})" for name in _USUAL)
    + r"|(?P<Katakana>[\u30fc\uff70])|(?P<Han>\u3006)"
)


@functools.cache
def words_of(language_code: str) -> "functools._lru_cache_wrapper[Unit]":
    """What makes words of a language; a common word is one object in all streams.

    Thousands of streams hold the same few words, and each would cost time and memory.
    """
    usual = script_languages(language_code)

    @functools.lru_cache(maxsize=32768)
    def word(piece: str) -> Unit:
        text = without_escapes(piece)
        return Unit(piece, _cost(text, usual[script_of(text)]))

    return word


def script_languages(language_code: str) -> dict[str, Language]:
    """By script: the language that a word in it is taken for, in a text of this language."""
    spoken = language(language_code)
    usual = {name: LANGUAGES[code] for name, code in _USUAL.items()}
    return usual | dict.fromkeys(spoken.scripts, spoken)


def script_of(text: str) -> str:
    """The first script in it that is in `script_languages`; Latin if there is none."""
    match = None if text.isascii() else _SCRIPT.search(text)
    return (match.lastgroup if match else None) or "Latin"


def _cost(text: str, language: Language) -> float:
    per_letter = TOKENS_PER_WORD / language.characters_per_word
    if not text.isascii() and _IS_SPACELESS.search(text):
        return per_letter
    letters = sum(map(str.isalnum, text)) if text.isascii() else len(_LETTER.findall(text))
    if letters:
        return min(LONGEST_RUN_COST, 0.5 * (TOKENS_PER_WORD + per_letter * letters))
    if not shows(text):
        return 0.0
    # A dash or a question mark by itself takes a glance, a picture as much as a short word.
    return 0.5 * (TOKENS_PER_WORD if _NOT_PUNCTUATION.search(text) else per_letter)
