"""CSV files with a header, row by row; errors name the file, the line and the column."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from andes_backend.lab.workload.requests import WorkloadError

__all__ = ["MOST_TOKENS", "rows", "tokens"]

MOST_TOKENS: Final = 10_000_000
"""More tokens than this in a request are a mistake in the file."""

Row = Mapping[str, str | None]


def rows(path: Path, file: TextIO, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file with the number of their line; empty lines are skipped.

    Args:
        path: what to call the file in errors.
        file: the open file, at its start.
        columns: what the first line must name; others may be there too.

    Raises:
        WorkloadError: a column is missing, or a line is not CSV.
    """
    table = csv.DictReader(file)
    try:
        missing = [column for column in columns if column not in (table.fieldnames or ())]
        if missing:
            raise WorkloadError(
                f"{path}, line 1: no column {' and '.join(missing)}; the first line must name "
                f"the columns {' and '.join(columns)}"
            )
        for row in table:
            yield table.line_num, row
    except csv.Error as error:
        raise WorkloadError(f"{path}, line {table.line_num + 1}: not valid CSV ({error})") from None
    except UnicodeDecodeError:
        raise WorkloadError(f"{path}: not UTF-8 text after line {table.line_num}") from None


def tokens(path: Path, line: int, row: Row, column: str, least: int = 1) -> int:
    """A count of tokens in a row.

    Raises:
        WorkloadError: it is missing, no whole number, below `least` or above `MOST_TOKENS`.
    """
    text = (row[column] or "").strip()  # a short row has None here
    # isdigit alone takes digits of every script, int alone takes 1_000.
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not least <= count <= MOST_TOKENS:
        found = f"is {text!r}" if text else "is missing"
        limit = f"{least} or more" if count < least else f"{MOST_TOKENS} at most"
        raise WorkloadError(
            f"{path}, line {line}: {column} {found}; it must be a whole number, {limit}"
        )
    return count
