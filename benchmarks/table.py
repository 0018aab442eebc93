"""A table on standard output: drawn by rich where it is installed, plain text elsewhere."""

import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["print_table"]

_WIDTH: Final = 130  # of a table in a pipe or a file, which has no width of its own, characters


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows under their columns; the first column is text, the others are figures."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ModuleNotFoundError:
        _print_plain(title, columns, rows)
        return
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _print_plain(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [columns, *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    print(title)
    for first, *figures in lines:
        cells = [first.ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(figures, widths[1:], strict=True)]
        print("  ".join(cells))
