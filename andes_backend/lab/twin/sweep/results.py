"""What a sweep came to, one JSON object a line: written as points end, sorted at the end.

A line does not depend on the machine, the number of processes or the time of day, except for
`wall_s`, `date` and `versions`: the same command gives the same lines.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from andes_backend.config import AndesConfig
from andes_backend.lab.twin.sweep.measure import Measured
from andes_backend.lab.twin.sweep.points import Point

__all__ = ["NOT_REPEATABLE", "ResultFile", "read_lines", "record"]

NOT_REPEATABLE: Final = ("wall_s", "date", "versions")
"""Entries that may differ between two runs of the same command."""


def record(
    point: Point,
    outcome: Measured | str,
    *,
    workload: Mapping[str, object],
    versions: Mapping[str, str],
    date: str,
) -> dict[str, Any]:
    """A point's line, as an object.

    Args:
        point: where in the sweep.
        outcome: what it came to; or, of a point that failed, why.
        workload: how the workloads were made, apart from rate, arrivals and seed.
        versions: of `andes_backend.lab.report.run.versions()`.
        date: when it ended, ISO 8601.
    """
    setup = point.setup
    settings = asdict(AndesConfig.from_mapping(setup.andes_settings)) if setup.is_ours else {}
    settings.pop("policy", None)
    measured = outcome if isinstance(outcome, Measured) else None
    return {
        "point": point.index,
        **asdict(point.cell),
        "seed": point.seed,
        "policy": point.policy,
        "settings": settings,
        "workload": dict(workload),
        "error": outcome if isinstance(outcome, str) else None,
        "summary": asdict(measured.summary) if measured else None,
        "steps": measured.steps if measured else None,
        "preemptions": measured.preemptions if measured else None,
        "wall_s": round(measured.wall_s, 3) if measured else None,
        "date": date,
        "versions": dict(versions),
    }


class ResultFile:
    """The file of a sweep that is under way: what is in it stays there, whatever happens."""

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
        """Put the lines in the order of the sweep; they were written as points ended."""
        lines = sorted(read_lines(self.path), key=lambda line: int(line["point"]))
        unfinished = self.path.with_suffix(".part")
        unfinished.write_text("".join(_line(line) for line in lines))
        unfinished.replace(self.path)


def read_lines(path: str | Path) -> list[dict[str, Any]]:
    """The lines of a file of results.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is no JSON object; with the line's number.
    """
    return list(_objects(Path(path)))


def _objects(path: Path) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}: no JSON ({error.msg})") from None
        if not isinstance(value, dict):
            raise ValueError(f"{path}, line {number}: it must be a JSON object, not {line:.40}")
        yield value


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, allow_nan=False) + "\n"
