"""Markdown as the chat reads it: GitHub's, in which no word is lost and nothing acts.

HTML is text here. A terminal has no use for it, and answers are full of what only looks like
tags: `List<String>`, `<your-name>`, `if a<b and c>d then`. `<br>` alone is understood, since
tables have no other way to break a line.
"""

import re
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from andes_client.terminal_text import displayable

__all__ = ["DEEPEST", "parser"]

DEEPEST: Final = 10
"""How deep blocks are nested at most (a list with its item is two); what is deeper in there is
shown as it was written. The layout of a terminal takes several times as long for each level,
and markdown-it leaves out what is below its own limit."""

_INDENTATION: Final = re.compile(r"^ +")
_BREAK: Final = re.compile(r"<br ?/?>", re.IGNORECASE)


@cache
def parser() -> MarkdownIt:
    """The one parser; it keeps nothing between two texts."""
    markdown = MarkdownIt("gfm-like", {"html": False, "maxNesting": 2 * DEEPEST})
    markdown.block.ruler.before("table", "too_deep", _too_deep)
    markdown.inline.ruler.before("autolink", "line_break", _line_break)
    # After all that decodes entities.
    markdown.core.ruler.push("displayable", _displayable)
    return markdown


def _too_deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """All lines that are left in there, as one paragraph that keeps them."""
    if silent or state.level < DEEPEST:
        return False
    state.line = end
    lines = state.getLines(start, end, state.blkIndent, False).strip().split("\n")
    opening = state.push("paragraph_open", "p", 1)
    opening.map = [start, end]
    inline = state.push("inline", "", 0)
    # With two blanks before it, the end of a line is one; with others, an indentation stays.
    inline.content = "  \n".join(_INDENTATION.sub(_kept, line.rstrip()) for line in lines)
    inline.map = [start, end]
    inline.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _kept(blanks: re.Match[str]) -> str:
    return "\N{NO-BREAK SPACE}" * len(blanks.group())


def _line_break(state: StateInline, silent: bool) -> bool:
    tag = _BREAK.match(state.src, state.pos)
    if tag is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = tag.end()
    return True


def _displayable(state: StateCore) -> None:
    """An entity, too, may stand for a character that acts."""
    _make_displayable(state.tokens)


def _make_displayable(tokens: list[Token]) -> None:
    for token in tokens:
        token.content = displayable(token.content)
        _make_displayable(token.children or [])
