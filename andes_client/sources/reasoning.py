"""Thinking that servers write into the answer itself, told apart from the answer.

A server without a parser for its model's reasoning sends `<think>why</think>answer` as plain
text. `ThinkSplitter` takes that apart while it streams.

Only what can be the block is taken for it: `<think>`, as models write it, at the very
beginning, with nothing but white space before it. The same letters later on, or in code, are
text. A block that is never closed is reasoning to the end.

Some templates put `<think>` into the prompt. The answer then begins inside the block, and only
`</think>` is left in it. A caller who knows that says `inside=True`. Without that, the splitter
learns it too late: it gives the text as answer until a line outside of code begins with
`</think>`. From then on `unopened` is true: all that it had given as answer was reasoning. The
tag is in neither.
"""

from typing import Final, Literal

import regex

__all__ = ["Kind", "ThinkSplitter"]

Kind = Literal["reasoning", "answer"]
"""What a piece of text is."""

# What they may hold back is bounded.
_OPENING: Final = regex.compile(r"\s{0,200}<think>")
_CLOSING: Final = regex.compile(r"</think>")
_LINE: Final = regex.compile(r"[^\n]*+\n|[^\n]++")
# At the beginning of a line: one that opens or closes code, or a tag that closes a block.
_MARK: Final = regex.compile(
    r" {0,3}(?:(?P<run>`{3,})(?P<rest>[^`\n]{0,200})\n"
    r"|(?P<run>~{3,})(?P<rest>[^\n]{0,200})\n|</think>)"
)


class ThinkSplitter:
    """Text deltas in, pieces of reasoning and answer out; without I/O.

    Joined, the pieces are the text, in order, but for three things: the tags, white space
    where the reasoning begins, and blank lines between it and the answer. A block with
    nothing but white space in it gives no piece. How the text was cut changes nothing, and
    no more is held back than a tag, white space, or a line that opens or closes code.

    Args:
        inside: the text begins inside the block.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self.unopened = False
        """Whether `</think>` came without a beginning: all answer that was given before the
        call in which this turned true was reasoning. The pieces of that call are right."""
        self._held = ""  # what is not decided yet
        self._last = False
        self._inside = inside
        self._step = self._begin
        self._blank = True  # nothing but white space has been thought
        self._fence = ""  # the run that opened the code that the text is in

    @property
    def holds(self) -> bool:
        """Whether there is text that is not decided yet."""
        return bool(self._held)

    def feed(self, text: str) -> list[tuple[Kind, str]]:
        """Take in the next delta; return what is decided, in order."""
        return self._take(_LINE.findall(text))

    def flush(self) -> list[tuple[Kind, str]]:
        """What comes next does not go on from here; return what is left."""
        self._last = True
        pieces = self._take([""])
        self._last = False
        return pieces

    def _take(self, lines: list[str]) -> list[tuple[Kind, str]]:
        """Line by line, so that a long delta takes no longer than its lines alone."""
        pieces: list[tuple[Kind, list[str]]] = []
        unopened = self.unopened
        for line in lines:
            self._held += line
            while self._held and (piece := self._step()):
                kind, text = piece
                if self.unopened and not unopened:
                    unopened = True
                    so_far = [part for _, parts in pieces for part in parts]
                    pieces = [("reasoning", so_far)] if so_far else []
                if text and pieces and pieces[-1][0] == kind:
                    pieces[-1][1].append(text)
                elif text:
                    pieces.append((kind, [text]))
        return [(kind, "".join(parts)) for kind, parts in pieces]

    # Each step takes what it can from what is held, and says what comes next; None: it waits.

    def _begin(self) -> tuple[Kind, str] | None:
        tag = _OPENING.match(self._held, partial=not self._last)
        if tag and tag.partial:
            return None
        if tag:
            self._held, self._step = self._held[tag.end() :], self._think
        else:
            self._step = self._think if self._inside else self._begin_line
        return "answer", ""

    def _think(self) -> tuple[Kind, str] | None:
        tag = _CLOSING.search(self._held, partial=not self._last)
        thought = self._held[: tag.start()] if tag else self._held
        if tag and not tag.partial:
            self._held, self._step = self._held[tag.end() :], self._skip_blank_lines
        elif thought:
            self._held = self._held[len(thought) :]
        else:
            return None
        if self._blank:
            thought = thought.lstrip()
            self._blank = not thought
        return "reasoning", thought

    def _skip_blank_lines(self) -> tuple[Kind, str] | None:
        words = self._held.lstrip()
        # White space in the line of the first word stays: it may be what makes it code.
        line = self._held.rfind("\n", 0, len(self._held) - len(words)) + 1
        self._held = self._held[line:]
        if words:
            self._step = self._pass_on
            return "answer", ""
        return None

    def _begin_line(self) -> tuple[Kind, str] | None:
        mark = _MARK.match(self._held, partial=not self._last)
        if mark and mark.partial:
            return None
        self._step = self._end_line
        if mark and mark["run"]:
            self._fence = _fence_after(self._fence, mark["run"], mark["rest"])
        elif mark and not self._fence:
            self.unopened = True
            self._held, self._step = self._held[mark.end() :], self._skip_blank_lines
        return "answer", ""

    def _end_line(self) -> tuple[Kind, str] | None:
        line, end, self._held = self._held.partition("\n")
        if end:
            self._step = self._begin_line
        return "answer", line + end

    def _pass_on(self) -> tuple[Kind, str] | None:
        text, self._held = self._held, ""
        return "answer", text


def _fence_after(fence: str, run: str, rest: str) -> str:
    """The run that opened the code that follows a line with this run, or ""."""
    if not fence:
        return run
    return "" if run.startswith(fence) and not rest.strip() else fence
