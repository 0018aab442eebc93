"""A campaign's files: their directory, what they are of, and results, one JSON object a line."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from andes_backend.lab.campaign.spec import Spec
from andes_backend.lab.report.run import versions

__all__ = ["ResultFile", "new_directory", "now", "read_lines", "write_about"]


def new_directory(out: Path, command: str) -> Path:
    """Make a directory for the results of a command, with its name and the time.

    Args:
        out: the directory to make it in; made, too.
        command: its name without `andes`.

    Raises:
        OSError: it cannot be made.
    """
    name = f"{command}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for suffix in ("", *(f"-{i}" for i in range(2, 100))):
        with contextlib.suppress(FileExistsError):
            directory = out / f"{name}{suffix}"
            directory.mkdir(parents=True)
            return directory
    raise FileExistsError(f"{out / name} and 98 more like it already exist")


def write_about(path: Path, spec: Spec, about: Mapping[str, Any]) -> None:
    """Write the file that says what a campaign is: JSON; command, date, versions, and `about`.

    Raises:
        OSError: it cannot be written.
        ValueError: JSON has no such value (NaN, infinity).
    """
    value = {"command": list(spec.command), "date": now(), "versions": versions(), **about}
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")


def now() -> str:
    """The time as result files have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


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
