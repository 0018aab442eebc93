"""Results of simulations, a line each; see `campaign.files`.

A line does not depend on the machine, the number of processes or the time of day, except for
`wall_s`, `date` and `versions`: the same command gives the same lines.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from andes_backend.config import AndesConfig
from andes_backend.lab.campaign.files import ResultFile, now
from andes_backend.lab.report.run import versions
from andes_backend.lab.twin.measure import Measured
from andes_backend.lab.twin.point import Point

__all__ = ["NOT_REPEATABLE", "RESULTS", "PointFile", "record"]

RESULTS: Final = "results.jsonl"
"""The file's name in a campaign's directory."""

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
        outcome: its result; or, of a point that failed, why.
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
        "waits": asdict(measured.waits) if measured else None,
        "steps": measured.steps if measured else None,
        "preemptions": measured.preemptions if measured else None,
        "wall_s": round(measured.wall_s, 3) if measured else None,
        "date": date,
        "versions": dict(versions),
    }


class PointFile(ResultFile):
    """The file of a campaign's points, in its directory; opened as `ResultFile` is."""

    def __init__(
        self, directory: Path, workload: Mapping[str, object], *, go_on: bool = False
    ) -> None:
        """Open it; `workload` is in every line, see `record`."""
        super().__init__(directory / RESULTS, go_on=go_on)
        self._same: dict[str, Any] = {"workload": workload, "versions": versions()}

    def keep(self, point: Point, outcome: Measured | str, **more: object) -> None:
        """Append the line of a point that has ended; further entries come first.

        Raises:
            OSError: it cannot be written.
        """
        self.add({**more, **record(point, outcome, **self._same, date=now())})
