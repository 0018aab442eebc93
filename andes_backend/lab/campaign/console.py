"""What a campaign tells a person: on the console, and what lasts in a file, too."""

import sys
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType

from andes_client.terminal_text import displayable

__all__ = ["WIDTH", "report_console", "say", "show"]

WIDTH: Final = 100
"""Of the tables in a file, or in a pipe, characters."""


def report_console() -> Console:
    """Standard output; a pipe or a file has no width of its own, and gets one."""
    return Console(width=None if sys.stdout.isatty() else WIDTH)


def say(console: Console, text: str) -> None:
    """Print the text in one piece: a path must stay copyable, and a bracket is not markup."""
    console.print(displayable(text), markup=False, highlight=False, soft_wrap=True)


def show(console: Console, path: Path, *shown: RenderableType, width: int = WIDTH) -> None:
    """Print on the console, and in a file with lines of so many characters; it is overwritten.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w") as file:
        for each in (console, Console(file=file, width=width)):
            for one in shown:
                each.print(one)
