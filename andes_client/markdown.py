"""Show Markdown only in pieces that look the same whatever follows.

While text streams, `**bo` is two stars and a half word, and a moment later it is bold;
`[a](http://exa` is half an address. The guard joins units until such markup is whole.
"""

from typing import Final

import regex

from andes_client.segment import Segmenter, Unit

__all__ = ["MarkdownGuard"]

_MARKS: Final = regex.compile(r"[\\`*_~\[\]]")
_FENCE: Final = regex.compile(r" {0,3}(`{3,}|~{3,})")
_RUN: Final = regex.compile(r"`+|\*+|_+|~+")


class MarkdownGuard:
    """A segmenter around another: joins its units while links, emphasis or fences are open.

    What is never closed is given up at the end of its paragraph, or after `LONGEST`
    characters, so nothing is held back for long. Code inside a fence is passed on as it is.
    """

    LONGEST: Final = 240

    def __init__(self, inner: Segmenter) -> None:
        self._inner = inner
        self._held: list[Unit] = []
        self._fence = ""  # the run that opened the code block we are in
        self._at_line_start = True

    def decode(self, text: str) -> list[Unit]:
        return self._pass(self._inner.decode(text))

    def fragment(self) -> Unit | None:
        fragment = self._inner.fragment()
        ready = self._pass([] if fragment is None else [fragment])
        return ready[0] if ready else None

    def flush(self) -> list[Unit]:
        ready = self._pass(self._inner.flush())
        return [*ready, *([self._take()] if self._held else [])]

    def _pass(self, units: list[Unit]) -> list[Unit]:
        ready = []
        for unit in units:
            self._held.append(unit)
            text = self._text()
            if len(text) > self.LONGEST or not self._is_open(text):
                ready.append(self._take())
        return ready

    def _text(self) -> str:
        return "".join(unit.text for unit in self._held)

    def _take(self) -> Unit:
        """What is held, as one unit, and what it does to the state."""
        text, cost = self._text(), sum(unit.cost for unit in self._held)
        continues = self._held[0].continues
        self._held.clear()
        for number, line in enumerate(text.split("\n")):
            if number > 0 or self._at_line_start:
                self._fence = _fence_after(self._fence, line)
        self._at_line_start = text.endswith("\n")
        return Unit(text, cost, continues)

    def _is_open(self, text: str) -> bool:
        """Whether what follows could change how `text` looks."""
        if not self._fence and _MARKS.search(text) is None:
            return False
        fence, paragraph, lines = self._fence, "", text.split("\n")
        for number, line in enumerate(lines):
            starts, last = number > 0 or self._at_line_start, number == len(lines) - 1
            if starts and last and _may_be_fence(line):
                return True  # it is decided by the end of its line
            before, fence = fence, _fence_after(fence, line) if starts else fence
            if fence or before or not (line.strip() or last):
                paragraph = ""
            else:
                paragraph += "\n" + line
        return not fence and _inline_is_open(paragraph)


def _fence_after(fence: str, line: str) -> str:
    """The run that opened the code block which the text after this line is in, or ""."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match.group(1)
    closes = match.group(1).startswith(fence) and not line[match.end() :].strip()
    return "" if closes else fence


def _may_be_fence(line: str) -> bool:
    return bool(_FENCE.match(line)) or line.strip(" ") in ("`", "``", "~", "~~")


def _inline_is_open(text: str) -> bool:
    """Whether a code span, a link or emphasis is begun in `text` and not ended."""
    opened: list[str] = []  # runs of emphasis, and "[" for links
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            if position + 1 == len(text):
                return True
            position += 2
        elif character == "[":
            opened.append("[")
            position += 1
        elif character == "]" and "[" in opened:
            del opened[len(opened) - 1 - opened[::-1].index("[") :]
            end = _end_of_target(text, position + 1)
            if end is None:
                return True
            position = end
        elif run := _RUN.match(text, position):
            if run.group()[0] == "`":
                close = text.find(run.group(), run.end())
                if close < 0:
                    return True
                position = close + len(run.group())
            else:
                if run.end() == len(text) and not _closes(run, opened):
                    return True  # it may be the first half of a longer run
                _emphasis(text, run, opened)
                position = run.end()
        else:
            position += 1
    return bool(opened)


def _end_of_target(text: str, position: int) -> int | None:
    """After the `]` of a link: where its `(target)` ends, or None if that is still to come."""
    if position == len(text):
        return None
    if text[position] != "(":
        return position
    close = text.find(")", position)
    return None if close < 0 else close + 1


def _closes(run: "regex.Match[str]", opened: list[str]) -> bool:
    return bool(opened) and opened[-1] == run.group()


def _emphasis(text: str, run: "regex.Match[str]", opened: list[str]) -> None:
    mark = run.group()
    before = text[run.start() - 1] if run.start() else " "
    after = text[run.end()] if run.end() < len(text) else " "
    if mark == "~":  # one is an approximation, two are a deletion
        return
    if not before.isspace() and mark in opened:
        del opened[len(opened) - 1 - opened[::-1].index(mark) :]
    elif not after.isspace() and (mark[0] != "_" or not before.isalnum()):
        opened.append(mark)
