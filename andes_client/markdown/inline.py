"""What stands in a line: which marks are decided, and which one more character may decide.

CommonMark's rules, read once from left to right. Where the rules would wait for ever (any `*`
before a letter may be the first of a pair), the reading also asks whether anybody writes so:
`[0, 1)` and `f(*args)` close a bracket that they did not open, and are text.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import regex

__all__ = ["Inline", "Range"]

Range = tuple[int, int]
"""From and up to a position in the text."""

_Handler = Callable[["Inline", str, int, int, bool], int | None]

_LONGEST: Final = 1000  # characters in brackets or between marks, as CommonMark has it for labels
_LONGEST_NAME: Final = 64  # characters of a word that may be a program's
_ADDRESS_SHOWN: Final = 24  # characters of an address that a person looks at

_SCHEME: Final = r"(?<![A-Za-z0-9_])(?:https?://|ftp://|mailto:|www\.)"
_SCHEME_BEGINS: Final = regex.compile(
    r"(?<![A-Za-z0-9_])(?:h|ht|htt|https?|https?:|https?:/|f|ft|ftp|ftp:|ftp:/|w|ww|www"
    r"|m|ma|mai|mail|mailt|mailto)$"
)
_SPECIAL: Final = regex.compile(rf"[\\`*_~\[\]<&$!(){{}}.@?\u3002\uff01\uff1f]|{_SCHEME}")
_RUN: Final = regex.compile(r"`+|\*+|_+|~+|\$+")
_PUNCTUATION: Final = regex.compile(r"[\p{P}\p{S}]")

_WORD: Final = regex.compile(r"\w++")
_NAMES: Final = frozenset(("args", "argv", "kwargs", "ptr", "self", "this"))

# Each of these is asked for a partial match, too: may it still become one?
_ENTITY: Final = regex.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_ATTRIBUTE: Final = (
    r"""\s+[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^'<]*+'|"[^"<]*+"))?+"""
)
_ANGLE: Final = regex.compile(
    r"<(?:(?P<address>[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*+|[\w.!#$%&'*+/=?^`{|}~-]++@[\w.-]++)"
    rf"|[A-Za-z][A-Za-z0-9-]*+(?:{_ATTRIBUTE})*+\s*+/?|/[A-Za-z][A-Za-z0-9-]*+\s*+"
    r"|!--(?:[^-]|-(?!->))*+--|\?[^?]*+\?|![A-Z][^>]*+)>"
)
_TARGET: Final = regex.compile(
    r"\(\s*+(?:<[^<>\n]*+>|(?P<bare>(?:[^\s()<\\]|\\.|\((?&inner)\))(?P<inner>(?:[^\s()\\]|\\.|\((?&inner)\))*+))?+)?+"
    r"""(?:\s++(?:"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)))?+\s*+\)"""
)
_LABEL: Final = regex.compile(r"\[(?:[^\[\]\\]|\\.)*+\]")
_ADDRESS: Final = regex.compile(r"""(?:[^\s<>\[\]"`|()]|\([^\s<>()]*+\))*+""")
_PARENTHESIS: Final = regex.compile(r"\([^\s<>()]*+")
_DOMAIN: Final = regex.compile(r"""[!-~--[<>\[\]"`|()*_~\\$&]]*+""", regex.V1)
_DOMAIN_BEGINS: Final = regex.compile(r"[\w.+-]+$")
_ADDRESS_ENDS: Final = regex.compile(r"[.,:;!?*_~']++$")


@dataclass(slots=True)
class _Opener:
    """A mark that a later one may pair with."""

    mark: str
    """The character; "[" and "![" begin a link and an image, "(" and "{" hold nothing back."""
    start: int
    count: int = 1
    closes_too: bool = False
    in_sentence: bool = False
    """It stands in the middle of a sentence, so its pair does, too."""
    holds: bool = True


@dataclass(slots=True)
class Inline:
    """The reading of one paragraph, heading or table cell; positions are those of the text."""

    joins: list[Range]
    """Constructs that are whole: never to be cut. Grows; shared with the reading of lines."""
    marks: list[Range]
    """What is not seen when it is drawn. Grows; shared as well."""
    known: set[str]
    """Labels of links that were defined."""
    at: int = 0
    """All before it is read; something that waits for more begins here."""
    _open: list[_Opener] = field(default_factory=list)
    _given_up: set[int] = field(default_factory=set)
    _resume: Range = (-1, -1)  # a construct that waits, and how far it was searched for its end

    @property
    def is_settled(self) -> bool:
        """Whether no mark is open."""
        return not self._open and not self._given_up

    def open_at(self) -> int:
        """From here on, what follows may change how the text looks."""
        return min((one.start for one in self._open if one.holds), default=self.at)

    def restart(self, at: int) -> None:
        """Another paragraph, heading or cell begins there."""
        self.at, self._resume = at, (-1, -1)
        self._open.clear()
        self._given_up.clear()

    def pass_to(self, at: int) -> None:
        """All before it was looked at, and is in no doubt."""
        self.at, self._resume = at, (-1, -1)

    def shift(self, by: int) -> None:
        """So many characters left the text at its beginning."""
        self.at -= by
        for opener in self._open:
            opener.start -= by
        self._given_up = {at - by for at in self._given_up if at >= by}
        self._resume = (self._resume[0] - by, self._resume[1] - by)

    def scan(self, text: str, end: int, *, over: bool) -> None:
        """Read on up to `end`; `over`: nothing that follows belongs to it."""
        while self.at < end:
            special = _SPECIAL.search(text, self.at, end)
            if special is None:
                begins = None if over else _SCHEME_BEGINS.search(text, max(self.at, end - 8), end)
                waits = begins is not None and begins.start() not in self._given_up
                self.at = begins.start() if begins and waits else end
                break
            self.at = special.start()
            self._forget_old()
            handle = _HANDLERS.get(special.group(), Inline._address)
            after = handle(self, text, self.at, end, over)
            if after is None:
                break
            self.at = after
        if over:
            self.restart(end)
        self._forget_old()

    def _forget_old(self) -> None:
        """What was opened too long ago opens nothing."""
        if self._open and self.at - self._open[0].start > _LONGEST:
            self._open = [one for one in self._open if self.at - one.start <= _LONGEST]

    def give_up(self) -> None:
        """Hold what begins at `open_at` no longer."""
        first = self.open_at()
        if first == self.at:
            self._given_up.add(first)
        for opener in self._open:
            if opener.start == first:
                opener.holds = False

    def _close(self, start: int, end: int, *marks: Range) -> int:
        self.joins.append((start, end))
        self.marks += marks
        return end

    def _partly(
        self, pattern: "regex.Pattern[str]", text: str, at: int, end: int, over: bool
    ) -> "regex.Match[str] | bool":
        """The match there, or else whether more text may make one."""
        match = pattern.match(text, at, min(end, at + _LONGEST + 1), partial=True)
        if match is None or at in self._given_up:
            return False
        if match.partial:
            return not over and end - at <= _LONGEST
        return match

    def _escape(self, text: str, at: int, end: int, over: bool) -> int | None:
        if at + 1 == end:
            return at + 1 if over or at in self._given_up else None
        following = text[at + 1]
        if following in "([":
            return self._until("\\)" if following == "(" else "\\]", text, at, at + 2, end, over)
        if following == "\n":  # the next line breaks, if it belongs here
            rest = text[at + 2 : end].lstrip(" ")
            if not rest and not over and at not in self._given_up:
                return None
            return self._close(at, end - len(rest) + 1, (at, at + 1)) if rest else at + 1
        if following.isascii() and _PUNCTUATION.match(following):
            return self._close(at, at + 2, (at, at + 1))
        return at + 1

    def _until(
        self, closing: str, text: str, at: int, begin: int, end: int, over: bool
    ) -> int | None:
        """Something that has no marks in it, up to `closing`; else `begin` is read on from."""
        if at in self._given_up:
            return begin
        searched = self._resume[1] if self._resume[0] == at else begin
        found = text.find(closing, searched, min(end, at + _LONGEST + 1))
        if found >= 0:
            return self._close(at, found + len(closing))
        if over or end - at > _LONGEST:
            return begin
        self._resume = (at, max(begin, end - len(closing) + 1))
        return None

    def _code(self, text: str, at: int, end: int, over: bool) -> int | None:
        run = _RUN.match(text, at, end)
        assert run is not None
        mark, begin = run.group(), run.end()
        if begin == end and not over and at not in self._given_up:
            return None
        before, after = text[at - 1 : at], text[begin : begin + 1]
        lone = mark == "`" and (after.isspace() or (before.isascii() and before.isalnum()))
        if lone or at in self._given_up:
            return begin
        searched = self._resume[1] if self._resume[0] == at else begin
        stop = min(end, at + _LONGEST + 1)
        for other in regex.compile("`+").finditer(text, searched, stop):
            if other.end() == stop < end or (other.end() == end and end - at > _LONGEST):
                break
            if other.end() == end and not over:
                self._resume = (at, other.start())
                return None
            if other.group() == mark:
                return self._close(at, other.end(), (at, begin), other.span())
        self._resume = (at, end)
        return begin if over or end - at > _LONGEST else None

    def _maths(self, text: str, at: int, end: int, over: bool) -> int | None:
        run = _RUN.match(text, at, end)
        assert run is not None
        begin = run.end()
        if begin == end and not over and at not in self._given_up:
            return None
        if len(run.group()) == 2:
            return self._until("$$", text, at, begin, end, over)
        before, rest = text[at - 1 : at], text[begin:end]
        if len(run.group()) > 2 or before.isalnum() or at in self._given_up:
            return begin
        money = regex.match(
            r"\s|[\d.,]*+[^\w\\^+*/=<>{}$-]|[A-Za-z_]{3,}+(?!\$)", rest, partial=True
        )
        if money is not None and not money.partial and rest:
            return begin
        stop = min(end, at + _LONGEST + 1)
        for other in regex.compile(r"(?<![\s\\])\$").finditer(text, begin, stop):
            if other.end() == end and not over:
                return None
            if not text[other.end() : other.end() + 1].isdigit():
                return self._close(at, other.end())
        return begin if over or end - at > _LONGEST else None

    def _emphasis(self, text: str, at: int, end: int, over: bool) -> int | None:
        run = _RUN.match(text, at, end)
        assert run is not None
        mark, after_run = run.group(), run.end()
        if after_run == end and not over and at not in self._given_up:
            return None
        before = text[at - 1] if at > 0 else " "
        after = text[after_run] if after_run < end else " "
        if mark == "~":  # one is an approximation, two are a deletion
            return after_run
        left = _flanks(before, after)
        right = _flanks(after, before)
        opens = left and (mark[0] != "_" or not right or _is_punctuation(before))
        closes = right and (mark[0] != "_" or not left or _is_punctuation(after))
        count = len(mark)
        if not (closes or before.isspace() or after.isspace()):
            self._close(at, after_run + 1)  # at the end of a text, it would close
            if self._was_meant_to_close(mark):
                return after_run
        if closes:
            count = self._pair(mark[0], at, after_run, both=opens)
        if opens and count and at not in self._given_up and _may_open(after):
            word = _WORD.match(text, after_run, min(end, after_run + _LONGEST_NAME))
            if word and word.end() == end < after_run + _LONGEST_NAME and not over:
                return None
            if word and _is_name(mark[0], word.group(), text[word.end() : end][:1]):
                return after_run
            in_sentence = text[:at].rstrip()[-1:].isalnum()
            in_word = closes and len(mark) == 1 and before.isascii() and before.isalnum()
            self._open.append(
                _Opener(mark[0], after_run - count, count, closes, in_sentence, not in_word)
            )
        return after_run

    def _was_meant_to_close(self, mark: str) -> bool:
        """`**Note:**text`: by the rules the stars stay for good, and both of them."""
        for index in reversed(range(len(self._open))):
            if self._open[index].mark == mark[0] and self._open[index].count == len(mark):
                del self._open[index:]
                return True
        return False

    def _pair(self, mark: str, at: int, end: int, *, both: bool) -> int:
        """Pair a run that closes with those that opened; returns how many of it are left."""
        count = end - at
        index = len(self._open) - 1
        while count and index >= 0:
            opener = self._open[index]
            odd = (both or opener.closes_too) and (opener.count + count) % 3 == 0
            odd = odd and not (opener.count % 3 == 0 and count % 3 == 0)
            if opener.mark != mark or (odd and mark != "~"):
                index -= 1
                continue
            used = 2 if opener.count >= 2 and count >= 2 else 1
            opener.count -= used
            inner = opener.start + opener.count
            first = end - count
            self._close(inner, first + used, (inner, inner + used), (first, first + used))
            count -= used
            del self._open[index + 1 :]
            if not opener.count:
                del self._open[index]
                index -= 1
        return count

    def _exclamation(self, text: str, at: int, end: int, over: bool) -> int | None:
        if at + 1 == end and not over and at not in self._given_up:
            return None
        if text[at + 1 : min(end, at + 2)] == "[" and at not in self._given_up:
            self._open.append(_Opener("![", at))
            return at + 2
        return self._sentence(text, at, end, over)

    def _bracket(self, text: str, at: int, end: int, over: bool) -> int | None:
        if at + 1 == end and not over and at not in self._given_up:
            return None
        if at not in self._given_up and not text[at + 1 : end][:1].isspace():
            self._open.append(_Opener("[", at))
        return at + 1

    def _bracket_end(self, text: str, at: int, end: int, over: bool) -> int | None:
        index = next(
            (i for i in reversed(range(len(self._open))) if self._open[i].mark in ("[", "![")), None
        )
        if index is None:
            return at + 1
        opener = self._open[index]
        begin = max(0, opener.start + len(opener.mark))  # some of it may be shown
        following = text[at + 1 : min(end, at + 2)]
        if not following and not over and at not in self._given_up:
            return None
        tail = self._tail(following, text, at, end, over)
        if tail is None:
            return None
        label = _normal(text[begin:at])
        if not tail and label in self.known:
            tail = at + 1
        if not tail:
            del self._open[index]
            return at + 1
        del self._open[index:]
        if opener.mark == "[":  # there is no link in a link
            self._open = [one for one in self._open if one.mark != "["]
        reference = following == "[" and _normal(text[at + 2 : tail - 1] or label) not in self.known
        hidden = () if reference else ((opener.start, begin), (at, tail))
        return self._close(opener.start, tail, *hidden)

    def _tail(self, following: str, text: str, at: int, end: int, over: bool) -> int | None:
        """Where the `(target)` or `[label]` behind a `]` ends; 0: there is none."""
        if following not in ("(", "["):
            return 0
        goes_on = self._resume[0] == at and self._resume[1] > at and not over
        if goes_on and not regex.search(r"[\s()<>\\]", text, pos=self._resume[1], endpos=end):
            self._resume = (at, end)
            return None
        pattern = _TARGET if following == "(" else _LABEL
        match = pattern.match(text, at + 1, end, partial=True)
        if match is None or at in self._given_up:
            return 0
        stop = end if match.partial else match.end() - 1
        simple = following == "(" and regex.fullmatch(r"[^\s()\\]*", text, pos=at + 2, endpos=stop)
        if not match.partial:
            return match.end() if simple or match.end() - at <= _LONGEST + 1 else 0
        if over or (end - at > _LONGEST and not simple):
            return 0
        self._resume = (at, end if simple else -1)
        return None

    def _angle(self, text: str, at: int, end: int, over: bool) -> int | None:
        match = self._partly(_ANGLE, text, at, end, over)
        if isinstance(match, bool):
            return None if match else at + 1
        hidden: tuple[Range, ...] = ()
        if match.group("address"):
            hidden = ((at, at + 1), (min(at + 1 + _ADDRESS_SHOWN, match.end() - 1), match.end()))
        return self._close(at, match.end(), *hidden)

    def _entity(self, text: str, at: int, end: int, over: bool) -> int | None:
        match = self._partly(_ENTITY, text, at, end, over)
        if isinstance(match, bool):
            return None if match else at + 1
        return self._close(at, match.end(), (at + 1, match.end()))

    def _address(self, text: str, at: int, end: int, over: bool) -> int | None:
        searched = self._resume[1] if self._resume[0] == at else at
        if searched > at and not regex.search(
            r"""[\s<>\[\]"`|()]""", text, pos=searched, endpos=end
        ):
            stop = end
        else:
            match = _ADDRESS.match(text, at, end)
            assert match is not None
            stop = match.end()
        may_go_on = stop == end or _PARENTHESIS.fullmatch(text, stop, end)
        if may_go_on and not over and at not in self._given_up:
            self._resume = (at, end)
            return None
        ends = _ADDRESS_ENDS.search(text, at, stop)
        stop = max(at + 4, ends.start() if ends else stop)
        rest = regex.match(r"[!-~]*+", text, pos=min(stop, at + _ADDRESS_SHOWN), endpos=stop)
        hidden = (rest.span(),) if rest else ()
        return self._close(at, stop, *hidden)

    def _domain(self, text: str, at: int, end: int, over: bool) -> int | None:
        """An address without a scheme: `me@example.org`, `example.org/a`."""
        if at + 1 == end and not over and at not in self._given_up:
            return None
        inside = text[at - 1 : at].isalnum() and text[at + 1 : min(end, at + 2)].isalnum()
        if not inside or not text[at + 1].isascii() or at in self._given_up:
            return self._sentence(text, at, end, over) if text[at] == "." else at + 1
        run = _DOMAIN.match(text, at, min(end, at + _LONGEST + 1))
        assert run is not None
        if run.end() == end and not over and end - at <= _LONGEST:
            return None
        before = _DOMAIN_BEGINS.search(text, max(0, at - _ADDRESS_SHOWN), at)
        start = before.start() if before else at
        hidden = min(start + _ADDRESS_SHOWN, run.end())
        # What is before it may be shown: whether it is depends on how the text was cut.
        return self._close(at, run.end(), (hidden, run.end()))

    def _parenthesis(self, text: str, at: int, end: int, over: bool) -> int | None:  # noqa: ARG002
        self._open.append(_Opener(text[at], at, holds=False))
        return at + 1

    def _parenthesis_end(self, text: str, at: int, end: int, over: bool) -> int | None:  # noqa: ARG002
        """What was opened inside of a pair ends in it; `[0, 1)` is no link."""
        opening = "(" if text[at] == ")" else "{"
        for index in reversed(range(len(self._open))):
            if self._open[index].mark == opening:
                del self._open[index:]
                return at + 1
        if self._open and self._open[-1].mark == "[":
            self._open.pop()
        return at + 1

    def _sentence(self, text: str, at: int, end: int, over: bool) -> int | None:  # noqa: ARG002
        """Emphasis that was opened in the middle of a sentence does not outlast it."""
        if text[at].isascii() and not text[at + 1 : end][:1].isspace():
            return at + 1
        if len(text[:at]) and not text[max(0, at - 2) : at].isalnum():
            return at + 1  # an initial, or the e.g. of somebody
        self._open = [one for one in self._open if not one.in_sentence or one.mark not in "*_~"]
        return at + 1


_HANDLERS: Final[dict[str, _Handler]] = {
    "\\": Inline._escape,
    "`": Inline._code,
    "*": Inline._emphasis,
    "_": Inline._emphasis,
    "~": Inline._emphasis,
    "[": Inline._bracket,
    "]": Inline._bracket_end,
    "<": Inline._angle,
    "&": Inline._entity,
    "$": Inline._maths,
    "!": Inline._exclamation,
    "(": Inline._parenthesis,
    "{": Inline._parenthesis,
    ")": Inline._parenthesis_end,
    "}": Inline._parenthesis_end,
    "@": Inline._domain,
    ".": Inline._domain,
    "?": Inline._sentence,
    "\u3002": Inline._sentence,
    "\uff01": Inline._sentence,
    "\uff1f": Inline._sentence,
}


def _is_punctuation(character: str) -> bool:
    return _PUNCTUATION.match(character) is not None


def _flanks(outside: str, inside: str) -> bool:
    """Whether a run between these two belongs to what is inside."""
    if inside.isspace():
        return False
    return not _is_punctuation(inside) or outside.isspace() or _is_punctuation(outside)


def _may_open(after: str) -> bool:
    """Whether anybody sets text that begins so in italics: `*.py` and `*/5` are none."""
    return after not in ".,;:/)]}>|"


def _is_name(mark: str, word: str, after: str) -> bool:
    """Whether a word with a mark before it is a program's: `_x`, `_a_b`, `*p`, `*args`."""
    if after == mark or word.endswith("_"):
        return False
    if mark == "_":
        return len(word) <= 2 or "_" in word
    return word in _NAMES or (len(word) == 1 and word in "bcdfghjklmnpqrstvwxz")


def _normal(label: str) -> str:
    return " ".join(label.split()).casefold()
