"""What a voice says of Markdown.

Said: the words; a link's and an image's by theirs, a bare address as it is written, a table cell
by cell, the number of a list item, code that stands in a sentence.

Shown and not said: the marks of emphasis, headings, quotes, lists, code and tables, the address
behind a link, the number of a footnote or a source behind a word (`[1]`), tags of HTML, emoji, the
escape sequences of a terminal, 150 and more letters without a space, and code in a fence: nobody
can follow braces by ear.

White space is said as one space, and the end of an item, a heading or a row without a full stop
as one, so that a voice pauses there.
"""

import html
from typing import Final

import regex

from andes_client.segment import Words
from andes_client.segment.scripts import ESCAPE, ESCAPES
from andes_client.voice.chunk import Chunk, Word

__all__ = ["FENCE", "Markup"]

FENCE: Final = regex.compile(r"[ \t>]{0,100}+(?P<mark>`{3,}(?!.*`)|~{3,})")
"""The beginning of a line that begins code, or ends it."""

_LINE: Final = regex.compile(r"[^\n\r\u2028\u2029]*+(?:\r\n|[\n\r\u2028\u2029]|\Z)")
_START: Final = regex.compile(
    r"(?P<quote>[ \t]{0,100}+>[ \t>]{0,100}+)?+[ \t]{0,100}+(?:"
    r"(?P<silent>([-*_=])(?:[ \t]*+\3){2,}+[ \t]*+$|=++[ \t]*+$"
    r"|(?=[^\n]*\|)\|?+[ \t]*+:?-++[-:| \t]*+$"
    r"|\[[^\[\]\n]{1,200}+\]:[ \t]*+\S++.*+)"
    r"|(?P<heading>\#{1,6}(?:[ \t]++|$))"
    r"|(?P<item>[-*+\u2022][ \t]++(?:\[[ xX]\][ \t]++)?+)"
    r"|(?P<number>(?=\d{1,9}[.)][ \t]))"
    r"|(?P<row>(?=\|))"
    r"|(?P<plain>))"
)
_STOPPED: Final = ("heading", "item", "number", "row")
_TAGS: Final = (
    "a b big blockquote br center code dd del details div dl dt em figure h1 h2 h3 h4 h5 h6 hr i "
    "img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td th "
    "thead tr tt u ul var"
)
_INLINE: Final = regex.compile(
    r"(?P<code>(?P<ticks>`++)(?P<inside>[^\n]{1,300}?)(?<!`)(?P=ticks)(?!`))|`++"
    r"|(?P<escaped>\\[!-/:-@\[-`{-~])"
    r"|(?P<opens>!?+\[(?=(?:!\[[^\[\]\n]*+\]\([^()\n]*+\)|[^\[\]\n]){0,300}+\][(\[]))"
    r"|(?P<closes>\](?:\((?:[^()\n]|\([^()\n]*+\)){0,2000}+\)|\[[^\[\]\n]*+\]))"
    r"|(?P<note>\[\^[^\]\s]{1,50}+\]|(?<=[^\s\[(])\[\d{1,3}(?:[,\u2013-] ?\d{1,3})*+\])"
    r"|(?P<angle><(?P<address>(?:https?|ftp|mailto):[^\s<>]++|[^\s<>@]{1,100}@[^\s<>]++)>)"
    rf"|(?P<tag></?+(?:{'|'.join(_TAGS.split())})\b[^<>\n]{{0,300}}+>|<!--[^\n]*?-->)"
    r"|(?P<bare>(?:https?://|www\.)[^\s<>*`\])]++)"
    r"|(?P<emphasis>\*++|_++|~~++)"
    r"|(?P<entity>&(?:[A-Za-z][A-Za-z0-9]{1,31}|\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6});)"
    r"|(?P<pipe>[ \t]*+(?<!\\)\|[ \t]*+)"
)
_EMOJI: Final = regex.compile(
    r"(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f)"
    r"[\ufe0f\u200d\p{Emoji_Modifier}\p{Emoji_Presentation}\p{Extended_Pictographic}"
    r"\U000e0020-\U000e007f]*+"
)
_UNHEARD: Final = regex.compile(
    rf"(?=[{ESCAPES}]){ESCAPE}|[\p{{Cs}}\ufeff]|(?!\s)\p{{Cc}}|[!-~]{{150,}}+"
)
_SPACE: Final = regex.compile(r"[\s\u200b]++")
_IS_SAID: Final = regex.compile(r"[\p{L}\p{N}\p{Sc}\p{Sm}]")


class Markup:
    """Renders one stream, piece by piece: a fence of code may begin in one and end in another.

    Args:
        language: ISO 639-1 code, for the splitting into words.
        markdown: the text is Markdown; or else marks are said as they are written.

    Raises:
        ValueError: the language is not known.
    """

    def __init__(self, language: str = "en", *, markdown: bool = True) -> None:
        self._language = language
        self._markdown = markdown
        self._fence = ""
        self._in_line = False  # a line has begun in the piece before
        self._kind = ""  # of the present line
        self._before = ""  # the last character of the piece before
        Words(language)

    @property
    def fence(self) -> str:
        """The mark that began the code among which the next piece begins; "" if in none."""
        return self._fence

    def chunk(self, text: str) -> Chunk:
        """The next piece of the stream, never empty. Its `spoken` is "" if nothing is said."""
        said = list(text)
        if self._markdown:
            for line in _LINE.finditer(text):
                self._read_line(text, said, line.start(), line.end())
        else:
            _leave_out(_UNHEARD, text, said)
        self._before = text[-1:]
        _close_up(said)
        return _by_words(text, said, self._language)

    def _read_line(self, text: str, said: list[str], start: int, end: int) -> None:
        if start == end:
            return
        body = text[start:end].rstrip("\r\n\u2028\u2029")
        goes_on, self._in_line = self._in_line, len(body) == end - start
        at = 0
        if not goes_on:
            if self._is_code(body):
                _say(said, start, end, "")
                return
            at = self._begin(body, said, start)
        elif self._fence:
            _say(said, start, end, "")
            return
        before = self._before if start == 0 else text[start - 1]
        _leave_out(_UNHEARD, body, said, start)
        _leave_out(_EMOJI, body, said, start)
        self._read_inline(body, said, start, at, before)
        if not self._in_line and self._kind and regex.search(r"[\p{L}\p{N}]\W*+$", body):
            if not regex.search(r"[.!?:;,\u2026\p{Sentence_Terminal}][^\p{L}\p{N}]*+$", body):
                said[start + len(body)] = ". "
            self._kind = ""

    def _is_code(self, body: str) -> bool:
        """Whether this line is code, or begins or ends it."""
        mark = FENCE.match(body)
        if self._fence:
            if mark and mark["mark"].startswith(self._fence) and not body[mark.end() :].strip():
                self._fence = ""
            return True
        if mark:
            self._fence = mark["mark"]
        return bool(mark)

    def _begin(self, body: str, said: list[str], start: int) -> int:
        """Leave out the marks that a line begins with; returns where its words begin."""
        match = _START.match(body)
        assert match is not None  # it may be plain
        kind = str(match.lastgroup)
        self._kind = kind if kind in _STOPPED else ""
        _say(said, start, start + match.end(), "")
        return int(match.end())

    def _read_inline(self, body: str, said: list[str], start: int, at: int, before: str) -> None:
        for match in _INLINE.finditer(body, at):
            begin, end, kind = match.start(), match.end(), match.lastgroup
            if match["code"]:
                _say(said, start + begin, start + match.start("inside"), "")
                _say(said, start + match.end("inside"), start + end, "")
            elif match["angle"]:
                said[start + begin] = said[start + end - 1] = ""
            elif kind == "emphasis":
                left = body[begin - 1] if begin else before
                if _is_mark(match[0], left, body[end : end + 1]):
                    _say(said, start + begin, start + end, "")
            elif kind == "entity":
                _say(said, start + begin, start + end, html.unescape(match[0]))
            elif kind == "pipe":
                is_inner = begin > at and bool(body[end:].strip())
                if self._kind == "row" or len(match[0].strip(" ")) < len(match[0]) - 1:
                    _say(said, start + begin, start + end, ", " if is_inner else "")
            elif kind == "tag":
                _say(said, start + begin, start + end, " " if match[0][1:3] == "br" else "")
            elif kind == "escaped":
                said[start + begin] = ""
            elif kind != "bare":
                _say(said, start + begin, start + end, "")


def _is_mark(run: str, left: str, right: str) -> bool:
    """Whether a run of `*`, `_` or `~` sets words off, and is no sign among numbers and names."""
    left_open, right_open = not left or left.isspace(), not right or right.isspace()
    if left_open and right_open:
        return False
    if len(run) > 1:
        return run[0] != "_" or not (left.isalnum() and right.isalnum())
    return not (left.isalnum() and right.isalnum()) or (
        run == "*" and not (left.isascii() and right.isascii())
    )


def _say(said: list[str], begin: int, end: int, words: str) -> None:
    """Say these words in the place of a stretch of the text."""
    if begin < end:
        said[begin:end] = [words, *[""] * (end - begin - 1)]


def _leave_out(pattern: "regex.Pattern[str]", text: str, said: list[str], start: int = 0) -> None:
    for match in pattern.finditer(text):
        _say(said, start + match.start(), start + match.end(), "")


def _close_up(said: list[str]) -> None:
    """Say white space as one space, none at either end, and nothing if there are no words."""
    if not _IS_SAID.search("".join(said)):
        said[:] = [""] * len(said)
        return
    after_space, last = True, 0
    for at, words in enumerate(said):
        if not words:
            continue
        spaced = _SPACE.sub(" ", words)
        if after_space:
            spaced = spaced.lstrip(" ")
        said[at] = spaced
        if spaced:
            after_space, last = spaced[-1] == " ", at
    while not (kept := said[last].rstrip(" ")):
        said[last] = ""
        last -= 1
    said[last] = kept


def _by_words(text: str, said: list[str], language: str) -> Chunk:
    splitter = Words(language)
    words, spoken, at, length = list[Word](), list[str](), 0, 0
    for unit in [*splitter.decode(text), *splitter.flush()]:
        part = "".join(said[at : at + len(unit.text)])
        words.append(Word(unit.text, length, length + len(part)))
        spoken.append(part)
        at += len(unit.text)
        length += len(part)
    return Chunk(tuple(words), "".join(spoken))
