"""Characters, escape sequences and scripts, as patterns that the splitters are made of.

Every repetition in them is bounded, so that no input takes more than linear time.
"""

from typing import Final

import regex

__all__ = [
    "ATOM",
    "CLUSTER",
    "ESCAPE",
    "ESCAPES",
    "GAP",
    "SPACELESS",
    "SYLLABIC",
    "begins_anew",
    "last_cluster",
    "shows",
    "without_escapes",
]

CLUSTER: Final = r"(?:[\ud800-\udbff][\udc00-\udfff]|\X)"
"""One character as people see it. JSON may bring an emoji as two lone surrogates."""

SPACELESS: Final = (
    r"\p{Han}\p{Bopomofo}\p{Yi}\p{Hiragana}\p{Katakana}\u3006\u30fc\uff70"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\p{Tai_Tham}\p{New_Tai_Lue}\p{Tai_Le}\p{Tai_Viet}\p{Javanese}\p{Balinese}"
)
"""Inside [...]: scripts that set no space between words, so that each character is a unit.
(Some marks of length that Japanese writes belong to no script.)"""

SYLLABIC: Final = r"\p{Tibetan}"
"""Inside [...]: scripts that end each syllable with a mark, and set no space between words."""

# A control sequence (colours, the cursor), a string (titles, links: OSC 8), or a short one, as
# ECMA-48 has them. One whose end has not come yet is one, too, if nothing follows it.
_STRING: Final = r"[\x20-\x7e\x80-\x9b\x9d-\U0010ffff\t]{0,4096}"
_FINISHED: Final = (
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]){_STRING}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{0,8}[0-OQ-WYZ\\`-~])"
    # To Unicode a mark belongs to the letter that ends the sequence.
    r"[\p{GCB=Extend}\p{GCB=SpacingMark}\u200d]{0,64}+"
)
_UNFINISHED: Final = (
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}"
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]){_STRING}\x1b?"
    r"|\x1b[ -/]{0,8})\Z"
)
ESCAPE: Final = rf"(?:{_FINISHED}|{_UNFINISHED})"
"""A terminal's escape sequence: it is kept whole, shows nothing and costs nothing."""

ESCAPES: Final = "\x1b\x90\x98\x9b\x9d\x9e\x9f"
"""The characters that an escape sequence begins with."""

ATOM: Final = rf"(?:(?=[{ESCAPES}]){ESCAPE}|{CLUSTER})"
"""What is never cut: a character or an escape sequence."""

GAP: Final = r"(?:(?=[\s\u200b])\X)"
"""White space, or the zero-width space, which parts words where nothing is to be seen."""

_ESCAPE: Final = regex.compile(ESCAPE)
_ESCAPE_AT_END: Final = regex.compile(_UNFINISHED)
_ATOMS: Final = regex.compile(ATOM)
_ANEW: Final = regex.compile(rf"[\s\u200b{SPACELESS}{SYLLABIC}]")
_VISIBLE: Final = regex.compile(r"[^\s\p{Cc}\p{Default_Ignorable_Code_Point}]")


def without_escapes(text: str) -> str:
    """What is left to read when the escape sequences are taken out."""
    if text.isascii() and "\x1b" not in text:
        return text
    return str(_ESCAPE.sub("", text))


def shows(text: str) -> bool:
    """Whether anything is to be seen of it: not of spaces, controls or a byte order mark."""
    return _VISIBLE.search(without_escapes(text)) is not None


def begins_anew(text: str) -> bool:
    """Whether a word begins with `text`, whatever stood before it."""
    return _ANEW.match(text) is not None


def last_cluster(text: str) -> int:
    """Where the last character of it, or an escape sequence, begins."""
    unfinished = _ESCAPE_AT_END.search(text)
    if unfinished is not None:
        return int(unfinished.start())
    last = 0
    for match in _ATOMS.finditer(text):
        last = match.start()
    return last
