"""Lines: what each of them is, and from where on what follows may change how they look.

CommonMark reads a document line by line: it strips quotes and lists from a line, and asks what
the rest is. So does this, while the line still comes: a line is undecided until its beginning
can be only one thing (`-` may be a list, a rule or the line under a heading).
"""

from typing import Final, Literal

import regex

from andes_client.markdown.inline import Inline, Range

__all__ = ["Reading"]

_Leaf = Literal["", "paragraph", "heading", "table", "fence", "code"]
_Kind = Literal[
    "quote", "item", "rule", "underline", "heading", "fence", "delimiter", "definition", "text"
]

_LONGEST_START: Final = 400  # characters in which a line must show what it is
_LONGEST_HEAD: Final = 1000  # of a line of a table
_LONGEST_TITLE: Final = 2000  # of a paragraph that a line below makes a heading
_WORDS_OF_A_TITLE: Final = 2
_WORDS_OF_A_CELL: Final = 4

_ITEM: Final = regex.compile(r"([-+*]|\d{1,9}[.)])([ \t]+|$)")
_MAYBE_ITEM: Final = regex.compile(r"([-+*]|\d{1,9}[.)])[ \t]+\S")
_HEADING: Final = regex.compile(r"#{1,6}(?:[ \t]+(?=\S)|[ \t]*$)")
_MAYBE_HEADING: Final = regex.compile(r"#{1,6}[ \t]+\S")
_CLOSING: Final = regex.compile(r"(?:^|[ \t])#+[ \t]*$")
_FENCE: Final = regex.compile(r"(`{3,})[^`]*$|(~{3,})")
_RULE: Final = regex.compile(r"([-*_])[ \t]*+(?:\1[ \t]*+){2,}+$")
_UNDERLINE: Final = regex.compile(r"(?:=+|-+)[ \t]*$")
_DELIMITER: Final = regex.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_DEFINITION: Final = regex.compile(
    r"\[(?P<label>(?:[^\[\]\\()]|\\.){1,100}+)\]:[ \t]*+(?:<[^<>\n]*+>|[^\s<]\S*+)"
    r"""(?:[ \t]++(?:"[^"]*+"|'[^']*+'|\([^()]*+\)))?+[ \t]*+"""
)
_MARKS_OF_LINES: Final = "-=*_+|: \t"
_TASK: Final = regex.compile(r"\[[ xX]\][ \t]+(?=\S)")
_SIGNS: Final = regex.compile(r"(?:[-=*_+|:][-=*_+|: \t]*|\d{1,9}[.)]|#{1,6}(?!\w))[ \t]*")
_PIPE: Final = regex.compile(r"(?<!\\)\|")
_IS_SPACELESS: Final = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
)
_SENTENCE: Final = regex.compile(r"""[.,;:!?\u3002\uff0c\uff1a\uff01\uff1f\u3001\u0964\u060c]""")


class Reading:
    """All that is pending, read as far as it has come.

    `text` is a copy of it in which the marks of quotes and lists before a line are blank.
    """

    KEPT: Final = 32
    """Characters that are kept when they are shown: what was before a mark decides what it is."""

    def __init__(self) -> None:
        self.text = ""
        self.joins: list[Range] = []
        """Never to be cut between these."""
        self.marks: list[Range] = []
        """Not seen when it is drawn."""
        self._inline = Inline(self.joins, self.marks, set())
        self._containers: list[int] = []  # a quote is 0, a list item the columns of its text
        self._leaf: _Leaf = ""
        self._fence = ""
        self._line = 0
        self._decided = False  # what the present line is
        self._forced = False  # the present line is text, as nobody waits any longer
        self._shown = False  # some of it is released
        self._content = 0  # where the text of the line begins
        self._block = 0  # where the paragraph began
        self._title = False  # the line below may make the paragraph a heading
        self._first_line = True  # of the paragraph
        self._head: int | None = None  # a line that may be the head of a table

    def is_plain(self, *, holding: bool) -> bool:
        """Whether text without marks and line ends would change nothing.

        Args:
            holding: units are held back, which is right only as long as the paragraph may be
                a heading.
        """
        if not self._decided or self._leaf not in ("paragraph", "fence", "code", "heading"):
            return False
        if self._title != holding or (self._title and self._is_title()):
            return False
        return (
            self._head is None
            and self._inline.is_settled
            and self._inline.at == len(self.text)
            and (holding or not (self.joins or self.marks))
        )

    def feed(self, more: str) -> None:
        """More has come."""
        self.text += more.replace("\r", " ")
        self._advance(over=False)

    def pass_by(self, text: str, at: int, by: int) -> None:
        """More has come, `is_plain`, and it has neither marks nor line ends.

        Args:
            text: what is pending now, and what is kept before it.
            at: where it begins.
            by: so many characters more than before are left out at the beginning.
        """
        self.text = text
        self._inline.pass_to(at)
        self._move(by)
        self._shown = self._shown or at > self._line

    def catch_up(self) -> None:
        """Read what was passed by."""
        self._advance(over=False)

    def end(self) -> None:
        """Nothing more will come, or what comes is to be read apart."""
        self._advance(over=True)
        if self._leaf == "paragraph":
            self._inline.scan(self.text, len(self.text), over=True)
        self._inline.restart(len(self.text))
        self._title, self._head = False, None

    def frontiers(self) -> tuple[int, int]:
        """Up to where the look is decided, and up to where it is but for an unlikely doubt."""
        firm = self._inline.open_at()
        if not self._decided:
            firm = min(firm, self._before(self._line))
        if self._head is not None:
            firm = min(firm, self._before(self._head))
        if self._leaf == "heading":
            firm = min(firm, self._end_of_heading())
        if not self._title:
            return firm, firm
        block = min(firm, self._block)
        return block, block if self._is_title() else firm

    def released(self, to: int) -> None:
        """Text up to there is shown: forget it, but for `KEPT` characters."""
        if to > self._block:
            self._title = False
        if self._head is not None and to > self._head:
            self._head = None
        by = max(0, to - self.KEPT)
        self._shown = self._shown or to > self._line
        for ranges in (self.joins, self.marks):
            ranges[:] = [(start - by, end - by) for start, end in ranges if end > to]
        if by:
            self.text = self.text[by:]
            self._inline.shift(by)
            self._move(by)

    def _move(self, by: int) -> None:
        """So many characters left the text at its beginning."""
        self._line = max(0, self._line - by)
        self._content = max(0, self._content - by)
        self._block = max(0, self._block - by)
        self._head = None if self._head is None else self._head - by

    def no_title(self) -> None:
        """No line below makes the paragraph a heading, as far as anybody waits for it."""
        self._title = False

    def give_up(self) -> None:
        """Whatever holds the text up: let it be text."""
        firm, _ = self.frontiers()
        if self._title and firm == min(firm, self._block):
            self._title = False
        elif self._head is not None and firm == self._before(self._head):
            self._head, self._shown = None, True
        elif not self._decided and firm == self._before(self._line):
            self._forced = True
        else:
            self._inline.give_up()
        self._advance(over=False)

    def _before(self, line: int) -> int:
        """Where the end of the line before stands."""
        return max(0, line - 1)

    def _advance(self, *, over: bool) -> None:
        while True:
            if not self._decided and not self._begin(over):
                return
            stop = self.text.find("\n", max(self._content, self._line))
            if stop < 0:
                self._read(len(self.text), over=over)
                return
            self._read(stop, over=True)
            self._line, self._decided, self._forced, self._shown = stop + 1, False, False, False
            self._content = self._line

    def _read(self, stop: int, *, over: bool) -> None:
        """Read what stands in the present line; `over`: it goes no further."""
        if self._leaf == "paragraph":
            self._inline.scan(self.text, min(len(self.text), stop + 1), over=False)
            self._watch_for_a_table(stop)
            if stop - self._block > _LONGEST_TITLE:
                self._title = False
        elif self._leaf == "heading":
            self._inline.scan(self.text, stop, over=over)
            if over and (closing := _CLOSING.search(self.text, self._content, stop)):
                self.marks.append(closing.span())
        elif self._leaf == "table":
            self._read_row(stop, over)
        else:
            self._inline.at = stop
        if over and self._inline.at == stop:
            self._inline.at = min(len(self.text), stop + 1)

    def _read_row(self, stop: int, over: bool) -> None:
        while pipe := _PIPE.search(self.text, max(self._content, self._inline.at), stop):
            self._inline.scan(self.text, pipe.start(), over=True)
            self.marks.append(pipe.span())
            self._inline.restart(pipe.end())
        self._inline.scan(self.text, stop, over=over)

    def _watch_for_a_table(self, stop: int) -> None:
        """A line with a `|` is held until the next has shown that it is no table's head."""
        line = self.text[self._content : stop]
        pipe = line.find("|")
        if pipe < 0 or len(line) > _LONGEST_HEAD:
            self._head = self._head if pipe < 0 else None
        elif self._head is None and not self._shown and not self._forced and _may_head(line[:pipe]):
            self._head = self._line

    def _is_title(self) -> bool:
        """Whether the paragraph is so short still that a line below it is likely to be one."""
        if any(self._containers) or not self._first_line:
            return False
        line = self.text[self._block : self._block + 40].strip().partition("\n")[0]
        spaceless = len(_IS_SPACELESS.findall(line))
        words = len(line.split()) + spaceless / 2
        return words <= _WORDS_OF_A_TITLE and len(line) < 40 and not _SENTENCE.search(line)

    def _end_of_heading(self) -> int:
        """Marks at the end of a heading are not seen: the last of them may be such."""
        line = self.text[self._content :].partition("\n")[0]
        shown = line.rstrip(" \t").rstrip("#").rstrip(" \t")
        if "#" in line[len(shown) :] and self._content + len(line) == len(self.text):
            return self._content + len(shown)
        return len(self.text)

    def _begin(self, over: bool) -> bool:
        """Find out what the present line is, or return False: it has not come so far."""
        stop = self.text.find("\n", self._line)
        whole = stop >= 0 or over
        stop = len(self.text) if stop < 0 else stop
        if stop - self._line <= _LONGEST_START:
            return self._begin_as(stop, whole)
        # However the text was cut, its beginning alone says what a long line is.
        stop = self._line + _LONGEST_START + 1
        if not self.text[self._line : stop].strip():
            self._leaf = self._leaf or "code"
            return self._decide(stop)
        if not self._begin_as(stop, whole=False):
            self._forced = True
            return self._begin_as(stop, whole=False)
        return True

    def _begin_as(self, stop: int, whole: bool) -> bool:
        """Find out what the present line is by its text up to there; `whole`: it ends there."""
        if not whole and not self.text[self._line : stop].strip():
            return False
        at, depth = self._strip(stop)
        if not self.text[at:stop].strip() and not whole:
            return False
        matched = depth == len(self._containers)
        if self._leaf == "fence" and matched:
            return self._begin_in_fence(at, stop, whole)
        if self._leaf == "fence":
            self._close()
        return self._begin_anew(at, stop, depth, whole)

    def _strip(self, stop: int) -> tuple[int, int]:
        """Take off the quotes and list items that the line goes on with; how many?"""
        at = self._line
        for depth, columns in enumerate(self._containers):
            rest = self.text[at:stop]
            if columns:
                if rest.strip() and _indent(rest) < columns:
                    return at, depth
                at += _characters(rest, columns)
            elif mark := regex.match(r" {0,3}>[ \t]?", rest):
                at += mark.end()
            else:
                return at, depth
        return at, len(self._containers)

    def _begin_in_fence(self, at: int, stop: int, whole: bool) -> bool:
        body = self.text[at:stop].strip(" \t")
        ends = bool(body) and set(body) == {self._fence[0]} and _indent(self.text[at:stop]) < 4
        if not ends:
            return self._decide(at)
        if not whole and not self._forced:
            return False
        if len(body) < len(self._fence):
            return self._decide(at)
        self._leaf = ""
        return self._decide_mark(stop)

    def _begin_anew(self, at: int, stop: int, depth: int, whole: bool) -> bool:
        """Any line that is not in a fence: new quotes and items, and then what they hold."""
        matched, new = depth == len(self._containers), list[int]()
        while True:
            rest = self.text[at:stop]
            body = rest.lstrip(" \t")
            goes_on = matched and not new and self._leaf == "paragraph"
            if not body:
                return self._decide_blank(stop, [*self._containers[:depth], *new], bool(new), whole)
            if _indent(rest) >= 4 and not (self._leaf == "paragraph" and not new):
                self._open("code", [*self._containers[:depth], *new])
                return self._decide(at)
            box = _TASK.match(body, partial=True) if new and new[-1] else None
            if box and box.partial and not whole and not self._forced:
                return False
            if box and not box.partial:
                at += len(rest) - len(body) + box.end()
                return self._decide_text([*self._containers[:depth], *new], at, at, lazy=False)
            kind = self._kind(body, goes_on, whole) if _indent(rest) < 4 else "text"
            if kind is None:
                return False
            if kind not in ("quote", "item"):
                lazy = kind == "text" and self._leaf == "paragraph" and not new
                containers = self._containers if lazy else [*self._containers[:depth], *new]
                return self._decide_leaf(kind, containers, at + len(rest) - len(body), stop, lazy)
            width, columns = _container(kind, rest)
            new.append(columns)
            at += width

    def _kind(self, body: str, goes_on: bool, whole: bool) -> _Kind | None:
        """What a line is, quotes and items taken off; None: it has not come so far.

        Args:
            body: the line; no white space before it.
            goes_on: a paragraph stands before it.
            whole: it has come to its end.
        """
        if self._forced and not whole:
            return "text"
        first, is_head = body[0], goes_on and self._head is not None
        if first == ">":
            return "quote"
        if is_head and first in "|:-" and not body.strip("|:- \t"):
            if not whole:
                return None
            if _DELIMITER.match(body) and self._columns(body) == self._columns_of_head():
                return "delimiter"
        if not whole and not body.strip(_MARKS_OF_LINES):
            return None
        if first in "-=*_+" and not body.strip(first + " \t"):
            return self._kind_of_run(body, goes_on)
        if item := _ITEM.match(body):
            return (
                None
                if not whole and not _MAYBE_ITEM.match(body)
                else _interrupts(item, body, goes_on)
            )
        if first.isdigit() and not whole and _MAYBE_ITEM.match(body, partial=True):
            return None
        if first == "#" and (not whole or _HEADING.match(body)):
            return _asked(_MAYBE_HEADING if not whole else _HEADING, body, "heading")
        if first in "`~":
            if not whole and (not body.strip(first) or _FENCE.match(body)):
                return None
            return "fence" if _FENCE.match(body) else "text"
        if first == "[" and not goes_on:
            if not whole and _DEFINITION.fullmatch(body, partial=True):
                return None
            return "definition" if _DEFINITION.fullmatch(body) else "text"
        return "text"

    def _kind_of_run(self, body: str, goes_on: bool) -> _Kind:
        """A line of one character, such as `---`, that has come to its end."""
        if goes_on and _UNDERLINE.match(body):
            return "underline"
        if _RULE.match(body):
            return "rule"
        return "item" if body[0] in "-+*" and not goes_on and _ITEM.match(body) else "text"

    def _columns(self, row: str) -> int:
        row = row.strip(" \t").removeprefix("|")
        row = row[:-1] if row.endswith("|") and not row.endswith("\\|") else row
        return len(_PIPE.findall(row)) + 1

    def _columns_of_head(self) -> int:
        assert self._head is not None
        head = self.text[self._head : self._before(self._line)]
        return self._columns(head)

    def _open(self, leaf: _Leaf, containers: list[int]) -> None:
        self._close()
        self._leaf, self._containers = leaf, list(containers)

    def _close(self) -> None:
        """The paragraph, or what it was, ends with the line before."""
        if self._leaf == "paragraph":
            self._inline.scan(self.text, self._before(self._line), over=True)
        self._inline.restart(self._line)
        self._leaf, self._title, self._head = "", False, None

    def _decide(self, content: int) -> bool:
        """The text of the line begins there: what is before it goes with it."""
        before = self._before(self._line)
        self._decided, self._content = True, content
        if content > self._line:
            if self.text[self._line : content].strip():
                self.marks.append((self._line, content))
                self.text = (
                    self.text[: self._line] + " " * (content - self._line) + self.text[content:]
                )
            self.joins.append((before, content + 1))
        if self._inline.at >= self._line:  # and nothing of the line before waits for more
            self._inline.at = max(self._inline.at, content)
        return True

    def _decide_mark(self, stop: int) -> bool:
        """The whole line is a mark, and is not read."""
        self.joins.append((self._before(self._line), stop))
        self.marks.append((self._line, stop))
        self._decided, self._content = True, stop
        self._inline.restart(stop)
        return True

    def _decide_blank(self, stop: int, containers: list[int], is_item: bool, whole: bool) -> bool:
        if not whole:
            return False
        if is_item:
            self._open("", containers)
            return self._decide_mark(stop)
        if self._leaf != "code":
            ends = not all(self._containers[len(containers) :])  # a quote goes on with its mark
            self._open("", containers if ends else self._containers)
        self._decided, self._content = True, stop
        return True

    def _decide_leaf(
        self, kind: _Kind, containers: list[int], at: int, stop: int, lazy: bool
    ) -> bool:
        if kind == "underline":
            self.joins.append((self._block, stop))
            self._title = False
            self._open("", containers)
            return self._decide_mark(stop)
        if kind == "delimiter":
            assert self._head is not None
            head = self._head
            self.joins.append((self._before(head), stop))
            self.marks += [pipe.span() for pipe in _PIPE.finditer(self.text, head, self._line)]
            self._open("table", containers)
            return self._decide_mark(stop)
        if kind == "text":
            return self._decide_text(containers, at, stop, lazy)
        self._open(
            "heading" if kind == "heading" else "fence" if kind == "fence" else "", containers
        )
        if kind == "heading":
            mark = _HEADING.match(self.text, at, stop)
            return self._decide(mark.end() if mark else at)
        if kind == "fence":
            self._fence = self.text[at:stop][: _run_length(self.text[at:stop])]
            self._decide_mark(stop)
            self.joins.append((stop - 1, stop + 2))  # with the first of the code
            return True
        if kind == "definition":
            match = _DEFINITION.match(self.text, at, stop)
            assert match is not None
            self._inline.known.add(" ".join(match["label"].split()).casefold())
        return self._decide_mark(stop)

    def _decide_text(self, containers: list[int], at: int, stop: int, lazy: bool) -> bool:
        # Its beginning alone would be something else: `-- he said`, `[^1]: At the end`.
        deep = self.text[max(0, at - 4) : at] == "    "
        for pattern in (_SIGNS, _DEFINITION):
            never = deep or (pattern is _DEFINITION and self._leaf == "paragraph")
            if not never and (begins := pattern.match(self.text, at, stop)):
                self.joins.append((self._before(self._line), begins.end() + 1))
        if self._leaf == "paragraph" and (lazy or containers == self._containers):
            self._first_line, self._head = False, None
            return self._decide(at)
        if self._leaf == "table" and containers == self._containers:
            self._inline.restart(at)
            return self._decide(at)
        self._open("paragraph", containers)
        self._block, self._first_line = self._before(self._line), True
        self._title = not self._forced
        return self._decide(at)


def _may_head(cell: str) -> bool:
    """Whether a line whose first `|` has this before it may be the head of a table."""
    few = len(cell.split()) <= _WORDS_OF_A_CELL and not _SENTENCE.search(cell)
    closed = all(cell.count(a) == cell.count(b) for a, b in ("()", "{}", "[]"))
    return few and closed and cell.count("`") % 2 == 0


def _asked(pattern: "regex.Pattern[str]", body: str, kind: _Kind) -> _Kind | None:
    """The kind that a pattern stands for, text, or None where more may make it match."""
    match = pattern.match(body, partial=True)
    if match is None:
        return "text"
    return None if match.partial else kind


def _interrupts(item: "regex.Match[str]", body: str, goes_on: bool) -> _Kind:
    """A list may begin in a paragraph, but not with nothing, nor with another number than 1."""
    if goes_on and (item.end() == len(body) or item[1][:-1] not in ("", "1")):
        return "text"
    return "item"


def _container(kind: _Kind, rest: str) -> tuple[int, int]:
    """Characters that a quote or an item takes of its line, and columns; 0 for a quote."""
    if kind == "quote":
        mark = regex.match(r" {0,3}>[ \t]?", rest)
        assert mark is not None
        return mark.end(), 0
    item = _ITEM.match(rest, len(rest) - len(rest.lstrip(" \t")))
    assert item is not None
    spaces = len(item[2])
    if spaces > 4 or item.end() == len(rest):
        spaces = min(1, spaces)
    width = item.end(1) + spaces
    return width, item.end(1) + max(1, spaces)


def _run_length(line: str) -> int:
    return len(line) - len(line.lstrip(line[0]))


def _indent(line: str) -> int:
    """Columns of white space before it."""
    columns = 0
    for character in line:
        if character == " ":
            columns += 1
        elif character == "\t":
            columns += 4 - columns % 4
        else:
            break
    return columns


def _characters(line: str, columns: int) -> int:
    """Characters of white space that make up so many columns, at most."""
    taken = 0
    for index, character in enumerate(line):
        if taken >= columns or character not in " \t":
            return index
        taken += 1 if character == " " else 4
    return len(line)
