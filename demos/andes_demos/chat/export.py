"""A conversation as a Markdown file, and the code in one."""

import re
from collections.abc import Sequence
from pathlib import Path

from andes_demos.chat.store import Conversation, Saved

__all__ = ["as_markdown", "last_code", "write"]


def as_markdown(conversation: Conversation, said: Sequence[Saved]) -> str:
    """The conversation: a heading for each message, and below it the text as it is."""
    parts = [f"# {conversation.title}"]
    if conversation.system:
        parts += ["## System", conversation.system]
    for message in said:
        parts += [f"## {'You' if message.role == 'user' else 'Answer'}", message.text]
        if message.note:
            parts.append("\n".join(f"> {line}" for line in message.note.splitlines()))
    return "\n\n".join(parts) + "\n"


def write(folder: Path, conversation: Conversation, said: Sequence[Saved]) -> Path:
    """Write it to a new file in `folder`, named after its title; returns the file.

    Raises:
        OSError: it cannot be written.
    """
    stem = re.sub(r"[^\w]+", "-", conversation.title.casefold()).strip("-") or "conversation"
    text, number = as_markdown(conversation, said), 1
    while True:
        path = folder / (f"{stem}.md" if number == 1 else f"{stem}-{number}.md")
        try:
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except FileExistsError:
            number += 1
        else:
            return path


def last_code(texts: Sequence[str]) -> str | None:
    """The last code block of the last text that has one, also one that has not ended yet."""
    from markdown_it import MarkdownIt

    for text in reversed(texts):
        blocks = [t for t in MarkdownIt().parse(text) if t.type in ("fence", "code_block")]
        if blocks:
            return blocks[-1].content
    return None
