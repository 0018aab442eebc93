"""What the laboratory tells a person: on the console, and what lasts in a file, too."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from andes_client.terminal_text import displayable

__all__ = ["WIDTH", "SafeConsole", "report_console", "say", "show", "write"]

WIDTH: Final = 100
"""Of the tables in a file, or in a pipe, characters."""


class SafeConsole(Console):
    """A console on which text is text, whoever wrote it: a server, a file, another person.

    Escape sequences are seen and do not act (andes_client.terminal_text), brackets are not
    markup, and `:cat:` is no picture. Only what the program itself styles has a style.

    Args:
        options: as for rich's Console.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich's; also what its tables measure."""
        return super().render_str(_seen(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich's; also for what was made into a rich Text before."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_seen(segment.text))


def report_console() -> SafeConsole:
    """Standard output; a pipe or a file has no width of its own, and gets one."""
    return SafeConsole(width=None if sys.stdout.isatty() else WIDTH)


def say(console: Console, text: str) -> None:
    """Print the text in one piece: a path must stay copyable, and a bracket is not markup."""
    console.print(_seen(text), markup=False, highlight=False, soft_wrap=True)


def _seen(text: str) -> str:
    """What is displayable, and writes over no line."""
    return displayable(text).replace("\r", "␍")


def show(console: Console, path: Path, *shown: RenderableType, width: int = WIDTH) -> None:
    """Print on the console, and in a file as `write` has it.

    Raises:
        OSError: the file cannot be written.
    """
    for one in shown:
        console.print(one)
    write(path, *shown, width=width)


def write(path: Path, *shown: RenderableType, width: int = WIDTH) -> None:
    """Print in a file with lines of so many characters; it is overwritten.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w") as file:
        console = SafeConsole(file=file, width=width)
        for one in shown:
            console.print(one)
