"""What a reader sees of Markdown while it comes, and when something of it is taken back.

A prefix of a text is rendered by markdown-it-py (GFM with addresses, HTML and `$`-maths on) and
read off as a row of atoms, in the order in which they stand on the screen. An atom is a
character with all that makes it look as it does: the blocks that it stands in (a quote, the
number of a list item, a heading and its level, a column of a table, code), its marks (emphasis,
deletion) and where its link leads. A bullet, a rule, a code block and an image are atoms, too.
White space (of no width, too), empty cells and the space between paragraphs are none.

remend, with which the guard is compared, gives a link a placeholder until its address has come;
that the address takes its place then is no flash.

A *flash* is a step after which the row does not begin with the row before it: something that
was seen is gone or looks otherwise. One thing is no flash, as no pacing could spare it: a link
above whose definition comes below, if the definition has come whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

__all__ = ["Atom", "Flash", "flashes", "read_off"]

Atom = tuple[str, tuple[str, ...]]
"""What is seen, and what makes it look so."""

_PARSER = MarkdownIt("gfm-like").use(dollarmath_plugin, allow_space=False, allow_digits=False)
_PLACEHOLDER = "<a streamdown:incomplete-link>"
_TAG = re.compile(r"<!--.*?(?:-->|$)|</?[A-Za-z][^>]*(?:>|$)|<[!?][^>]*(?:>|$)", re.DOTALL)


@dataclass(frozen=True)
class Flash:
    """Something that was seen and is gone."""

    prefix: int
    """Which prefix took it back, from 0."""
    was: Atom
    """The first atom that is gone."""
    now: Atom | None
    """What stands in its place."""

    @property
    def where(self) -> set[str]:
        """Kinds of what is taken back or put there: a heading, a list, a table, a link, code."""
        looks = {*self.was[1], *(self.now[1] if self.now else ()), self.was[0]}
        looks |= {self.now[0]} if self.now else set()
        kinds = {"h": "heading", "li": "list", "t": "table", "a": "link", "code": "code"}
        return {
            kind
            for look in looks
            for sign, kind in kinds.items()
            if re.match(rf"<{sign}(?:\d|[: >]|$)", look)
        }


def read_off(text: str, references: dict[str, Any] | None = None) -> list[Atom]:
    """The row of atoms of a text; what it defines is added to the `references` known before."""
    env = {"references": {} if references is None else references}
    return _atoms(_PARSER.parse(text, env), ())


def flashes(prefixes: Sequence[str]) -> list[Flash]:
    """Every flash of a text that is shown prefix by prefix; the last is the whole."""
    final: dict[str, Any] = {}
    read_off(prefixes[-1], final)
    found, before, text_before = list[Flash](), list[Atom](), ""
    for index, prefix in enumerate(prefixes):
        references: dict[str, Any] = {}
        row = read_off(prefix, references)
        before = [_resolved(was, now) for was, now in zip(before, row, strict=False)] + before[
            len(row) :
        ]
        if row[: len(before)] != before:
            # Is it a definition that has come whole, and nothing else?
            right = all(
                final.get(key, {}).get("href") == one["href"] for key, one in references.items()
            )
            if not (right and _begins(row, read_off(text_before, dict(references)))):
                at = next(i for i, one in enumerate([*before]) if i >= len(row) or row[i] != one)
                found.append(Flash(index, before[at], row[at] if at < len(row) else None))
        before, text_before = row, prefix
    return found


def _resolved(was: Atom, now: Atom) -> Atom:
    """The atom before, with the address of now in the place of a placeholder."""
    link = next((look for look in now[1] if look.startswith("<a ")), _PLACEHOLDER)
    return was[0], tuple(link if look == _PLACEHOLDER else look for look in was[1])


def _begins(row: list[Atom], with_: list[Atom]) -> bool:
    return row[: len(with_)] == with_


def _atoms(tokens: list[Token], around: tuple[str, ...]) -> list[Atom]:
    row, looks, column = list[Atom](), [*around], 0
    for token in tokens:
        if token.type in ("tr_open", "th_open", "td_open"):
            column = 0 if token.type == "tr_open" else column + 1
        if token.nesting == 1:
            look = _look(token, column)
            looks.append(look)
            if look.startswith("<li"):
                row.append((look, tuple(looks)))
        elif token.nesting == -1:
            looks.pop()
        elif token.type == "inline":
            row += _atoms(token.children or [], tuple(one for one in looks if one))
        else:
            row += _leaf(token, tuple(one for one in looks if one))
    return row


def _look(token: Token, column: int) -> str:
    """What the opening of a block or a mark does to what is in it; empty for nothing seen."""
    if token.tag in ("p", "table", "thead", "tbody", "tr", "ul", "ol"):
        return ""
    if token.tag == "li":
        return f"<li {token.info or token.markup}>"
    if token.tag in ("th", "td"):
        return f"<t{token.tag[1]} {column}>"
    return f"<a {token.attrGet('href')}>" if token.tag == "a" else f"<{token.tag}>"


def _leaf(token: Token, looks: tuple[str, ...]) -> list[Atom]:
    text, own = token.content, ""
    if token.type in ("fence", "code_block"):
        return [("<code block>", looks), *_characters(text, (*looks, "<code block>"))]
    if token.type == "code_inline":
        own = "<code>"
    elif token.type.startswith("math"):
        own = f"<math {text}>"
    elif token.type in ("hr", "hardbreak", "image"):
        own = f"<{token.type} {token.attrGet('src') or ''}>"
        text = "" if token.type == "hardbreak" else "\N{FULL BLOCK}"
    elif token.type in ("html_inline", "html_block"):
        text = _TAG.sub("", text)
    return _characters(text, (*looks, own) if own else looks)


def _characters(text: str, looks: tuple[str, ...]) -> list[Atom]:
    return [
        (character, looks)
        for character in text
        if not character.isspace() and character != "\u200b"
    ]
