"""A conversation as a Markdown file, and the code in one."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from markdown_it.token import Token

from andes_client.terminal_text import plain
from andes_demos.chat.parser import parser
from andes_demos.chat.store import Conversation, Saved

__all__ = ["as_markdown", "last_code", "write"]


def as_markdown(conversation: Conversation, said: Sequence[Saved]) -> str:
    """The conversation: a heading for each message, and below it the text as it is.

    Reasoning has a heading of its own, before its answer. No control characters are left in
    it but tab and line end.
    """
    parts = [f"# {conversation.title}"]
    if conversation.system:
        parts += ["## System", conversation.system]
    for message in said:
        if message.thoughts:
            parts += ["## Reasoning", message.thoughts]
        parts += [f"## {'You' if message.role == 'user' else 'Answer'}", message.text]
        if message.note:
            parts.append("\n".join(f"> {line}" for line in message.note.splitlines()))
    return plain("\n\n".join(parts)) + "\n"


def write(folder: Path, conversation: Conversation, said: Sequence[Saved]) -> Path:
    """Write it to a new file in `folder`, named after its title; returns the file.

    Only its owner may read it, as the conversations themselves.

    Raises:
        OSError: it cannot be written.
    """
    stem = re.sub(r"[^\w]+", "-", conversation.title.casefold()).strip("-") or "conversation"
    text, number = as_markdown(conversation, said), 1
    while True:
        path = folder / (f"{stem}.md" if number == 1 else f"{stem}-{number}.md")
        try:
            with open(path, "x", encoding="utf-8", newline="", opener=_privately) as file:
                file.write(text)
        except FileExistsError:
            number += 1
        else:
            return path


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def last_code(texts: Sequence[str]) -> str | None:
    """The last code block of the last text that has one, also one that has not ended yet."""
    for text in reversed(texts):
        tokens: list[Token] = []
        parser().block.parse(plain(text), parser(), {}, tokens)
        blocks = [token for token in tokens if token.type in ("fence", "code_block")]
        if blocks:
            return blocks[-1].content
    return None
