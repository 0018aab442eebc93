"""A campaign's results, one JSON object a line: written as tasks end, sorted at the end."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ResultFile", "read_lines"]


class ResultFile:
    """The file of a campaign that is under way: what is in it stays there, whatever happens."""

    def __init__(self, path: Path, *, go_on: bool = False) -> None:
        """Open it.

        Args:
            path: the file; made.
            go_on: it may be there already; what is in it stays.

        Raises:
            OSError: it cannot be written, or it is there already.
        """
        self.path = path
        path.touch(exist_ok=go_on)

    def add(self, value: Mapping[str, Any]) -> None:
        """Append a line.

        Raises:
            OSError: it cannot be written.
            ValueError: JSON has no such value (NaN, infinity).
        """
        with self.path.open("a") as file:
            file.write(_line(value))

    def sort(self) -> None:
        """Put the lines in the order of their points; they were written as points ended."""
        lines = sorted(read_lines(self.path), key=lambda line: int(line["point"]))
        unfinished = self.path.with_suffix(".part")
        unfinished.write_text("".join(_line(line) for line in lines))
        unfinished.replace(self.path)


def read_lines(path: str | Path) -> list[dict[str, Any]]:
    """The lines of a file of results.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is not a JSON object; names the line.
    """
    return list(_objects(Path(path)))


def _objects(path: Path) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}: not valid JSON ({error.msg})") from None
        if not isinstance(value, dict):
            raise ValueError(f"{path}, line {number}: it must be a JSON object, not {line:.40}")
        yield value


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, allow_nan=False) + "\n"
