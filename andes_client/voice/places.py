"""Where text may be cut for a voice, and how well it is cut there."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import regex

from andes_client.segment.scripts import SPACELESS
from andes_client.segment.sentences import end_of_sentence
from andes_client.voice.leaning import LEANING
from andes_client.voice.markup import FENCE

__all__ = [
    "Places",
    "WordEnd",
    "count_words",
    "end_of_code",
    "find_places",
    "find_words",
    "has_code",
    "has_words",
    "is_open",
    "letters_before",
]

_LINE_END: Final = regex.compile(r"\r\n|[\n\u2028\u2029]|\r(?!\n|\Z)")
_CLOSING: Final = r"[\p{Pe}\p{Pf}\p{Pi}\"'*_~`]{0,8}+"
# A comma and its like before white space, but for those in dates and numbers; those of scripts
# without spaces wherever they stand; the space of Thai and its kin, which write no comma.
_CLAUSE: Final = regex.compile(
    r"(?V1)(?:"
    rf"(?<!\d)[,;:\u060c\u061b]{_CLOSING}(?=\s+\S)|[,;:\u060c\u061b]{_CLOSING}(?=\s+[^\s\d])"
    r"|[\u2013\u2014](?=\s+\S)|(?<=[\p{L}\p{M}])\u2014(?=\p{L})"
    rf"|[\uff0c\u3001\uff1b\uff1a]{_CLOSING}(?=.)"
    r"|(?<=[\p{L}\p{N}])\)(?=\s+\S)"
    r"|(?<=[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])(?=\s+[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
    r")"
)
_SHORT_FORM: Final = regex.compile(r"\.\W?\Z")
_SPACE: Final = regex.compile(r"(?<=\S)\s++(?=\S)")
_IN_NUMBER: Final = regex.compile(r"[\p{N}\p{Sc}%\u2030\u00b0#\u2116\u00a7]")
_BARE: Final = regex.compile(r"[\p{L}\p{M}'\u2019]++")
_WORDS: Final = regex.compile(rf"[{SPACELESS}]|[^\s\W{SPACELESS}](?:[^\s{SPACELESS}])*+", regex.V0)

# What is never cut: a link, code, a tag, and one of them whose end has not come yet.
_WHOLE: Final = regex.compile(
    r"(?:!?\[(?:!\[[^\[\]\n]*+\]\([^()\n]*+\)|[^\[\]\n]){0,300}+\]"
    r"(?:\((?:[^()\n]|\([^()\n]*+\)){0,2000}+\)|\[[^\[\]\n]{0,300}+\])?+"
    r"|(`++)[^\n]{1,300}?(?<!`)\1(?!`)"
    r"|<[a-zA-Z/][^<>\n]{0,300}+>)"
    r"|(?P<open>(?:!?\[(?:!\[[^\[\]\n]*+\]\([^()\n]*+\)|[^\[\]\n]){0,300}+"
    r"(?:\](?:\((?:[^()\n]|\([^()\n]*+\)){0,2000}+|\[[^\[\]\n]{0,300}+)?+)?+"
    r"|`++[^`\n]{0,300}+|<[a-zA-Z/][^<>\n]{0,300}+)\Z)"
)
_ADDRESS: Final = regex.compile(r"[@/]|www\.")
_HIDDEN: Final = regex.compile(r"(?<=\])\((?:[^()\n]|\([^()\n]*+\)){0,2000}+\)")
_LETTER: Final = regex.compile(r"[\p{L}\p{N}]")
_LETTERS_OF_A_DIGIT: Final = 3
_LINE: Final = regex.compile(r"[^\n]*+(\n|\Z)")
_FAR: Final = 4  # words from a number, to which they do not belong
_HARD_WRAP: Final = 60  # characters of a line that may have been broken by its width alone


@dataclass(frozen=True, slots=True)
class Places:
    """Where the first line of a text may be cut; each place is behind what has come."""

    sentences: tuple[int, ...]
    """Behind each sentence that is over for certain."""
    clauses: tuple[int, ...]
    """Behind each part of a sentence that is followed by more."""
    line: int | None
    """Behind the line, if it is over; all others are before it."""


def find_places(text: str, language: str, *, over: bool, markdown: bool, column: int = 0) -> Places:
    """Look at the first line of a text that has something to say.

    Args:
        text: what is pending; white space before the first word is looked over.
        language: ISO 639-1 code.
        over: nothing follows the text.
        markdown: it is Markdown, whose links and code are not to be cut.
        column: so many characters of the line were cut off before.
    """
    line = _end_of_line(text, over, column)
    body = text if line is None else text[:line]
    whole = [match.span() for match in _WHOLE.finditer(body)] if markdown else []
    unbroken, sentences, at = body.replace("\n", " "), list[int](), 0
    while at < len(body) and (length := end_of_sentence(unbroken[at:], language)) is not None:
        end = at + len(body[at : at + length].rstrip())
        at += length
        if _LETTER.search(body, 0, end):
            sentences.append(end)
    clauses = [
        match.end()
        for match in _CLAUSE.finditer(body)
        if not _SHORT_FORM.search(body, max(0, match.start() - 2), match.start())
    ]
    if over and line is None:
        line = len(body)
    if line is not None:
        sentences = [end for end in sentences if end < line]
    return Places(_outside(sentences, whole), _outside(clauses, whole), line)


def _end_of_line(text: str, over: bool, column: int) -> int | None:
    """Behind the first line with something to say, without its end."""
    for match in _LINE_END.finditer(text):
        begin, end = match.span()
        if not _LETTER.search(text, 0, begin):
            continue
        before = text.rfind("\n", 0, begin)
        length = begin - before - 1 if before >= 0 else begin + column
        following = text[end : end + 1]
        if length >= _HARD_WRAP and (text[begin - 1].isalnum() or text[begin - 1] == ","):
            if following.islower():
                continue
            if not following and not over:
                return None
        return len(text[:begin].rstrip()) or begin
    return None


def _outside(places: list[int], whole: list[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(at for at in places if not _is_inside(at, whole))


def _is_inside(at: int, whole: list[tuple[int, int]]) -> bool:
    index = bisect_left(whole, (at,)) - 1
    return index >= 0 and at < whole[index][1]


@dataclass(frozen=True, slots=True)
class WordEnd:
    """Behind a word, where a voice could pause at worst."""

    at: int
    words: int
    """So many are before it; where no spaces part them, characters."""
    is_good: bool
    """No article, preposition or the like is torn off from what it belongs to."""


def find_words(text: str, language: str, markdown: bool) -> list[WordEnd]:
    """Behind the words of a text.

    Never at a number, whose unit or month stands beside it, nor behind a short form, nor in what
    is not to be cut.
    """
    whole = [match.span() for match in _WHOLE.finditer(text)] if markdown else []
    leaning = LEANING.get(language, frozenset())
    found, words, begin, before, since_number = list[WordEnd](), 0, 0, "", _FAR
    for match in _SPACE.finditer(text):
        at = match.start()
        words += len(_WORDS.findall(text, begin, at))
        before, begin = text[max(begin, at - 40) : at].strip(), at
        since_number = 0 if _IN_NUMBER.search(before) else since_number + 1
        after, following, *_ = *text[match.end() : match.end() + 80].split(None, 2), "", ""
        leans = _leans(before, leaning)
        if not (
            since_number == 0
            or _IN_NUMBER.search(after)
            or before[-1:] in ".-"
            or (leans and since_number == 1)  # 3rd of May
            or (  # 14 de marzo de 2019
                since_number < _FAR
                and _leans(after, leaning)
                and (not following or _IN_NUMBER.search(following))
            )
            or _is_inside(at, whole)
        ):
            found.append(WordEnd(at, words, not leans))
    return found


def _leans(word: str, leaning: frozenset[str]) -> bool:
    bare = _BARE.search(word)
    return bare is not None and bare[0].casefold() in leaning


def has_code(text: str) -> bool:
    """Whether code may begin in it."""
    return "```" in text or "~~~" in text


def end_of_code(text: str, fence: str, *, starts_line: bool, over: bool) -> int | float | None:
    """Behind the lines of code that a text begins with; infinite if none has ended.

    None: it begins with none.

    Args:
        text: what is pending, perhaps with marks before the code that have nothing to say.
        fence: the mark that began the code in which the text begins; "" if in none.
        starts_line: it begins with a new line.
        over: nothing follows.
    """
    found = 0
    for line in _LINE.finditer(text):
        body, is_over = line[0].rstrip("\r\n"), bool(line[1]) or over
        mark = FENCE.match(body) if starts_line else None
        starts_line = True
        if not fence and not mark and has_words(body):
            break
        if (fence or mark) and not is_over:
            return found or math.inf
        if fence:
            found = line.start() + len(body)
            if mark and mark["mark"].startswith(fence) and not body[mark.end() :].strip():
                return found
        elif mark:
            fence, found = mark["mark"], line.start() + len(body)
    return found or None


def is_open(text: str) -> bool:
    """Whether it ends in the middle of what is not to be cut: a link, code, an address."""
    last = text[-40:].split()[-1:]
    if last and _ADDRESS.search(last[0]):
        return True
    return any(match["open"] for match in _WHOLE.finditer(text))


def has_words(text: str) -> bool:
    """Whether there is anything to say."""
    return _LETTER.search(text) is not None


def count_words(text: str) -> int:
    """Words; where no spaces part them, characters."""
    return len(_WORDS.findall(text))


def letters_before(text: str) -> list[int]:
    """How many letters there are before each place in a text, and before its end.

    A digit counts as several, as it is said; what is behind a link counts nothing.
    """
    if "](" in text:
        text = _HIDDEN.sub(lambda match: " " * len(match[0]), text)
    said = (_LETTERS_OF_A_DIGIT if each.isdigit() else int(each.isalpha()) for each in text)
    return list(accumulate(said, initial=0))
