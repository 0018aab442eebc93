"""What is known so far, in memory and in files: the run may end at any time and go on later."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from andes_backend.lab.campaign.files import read_lines, write_about
from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.plan.spec import PlanSpec
from andes_backend.lab.report.run import Summary
from andes_backend.lab.twin.measure import Measured
from andes_backend.lab.twin.point import Point
from andes_backend.lab.twin.results import RESULTS, PointFile

__all__ = ["Store"]

_ABOUT: Final = "plan.json"


class Store:
    """The points of a plan, and their directory.

    Args:
        spec: what they are for; points of an earlier run are read if its directory has any.
        directory: where they are, or go to.

    Raises:
        SpecError: the points that are there rest on another profile or workload.
        OSError: a file cannot be read or written.
        ValueError: a file that is there is broken; the message says which line.
    """

    def __init__(self, spec: PlanSpec, directory: Path) -> None:
        self.directory = directory
        self.spec = spec
        self._summaries: dict[tuple[str, int], dict[float, Summary]] = defaultdict(dict)
        self._count = 0
        self._resume()
        self._file = PointFile(directory, spec.workload, go_on=True)
        write_about(directory / _ABOUT, spec, {"basis": spec.basis()})

    def summaries(self, policy: str, seed: int) -> Mapping[float, Summary]:
        """Requests/s -> the result."""
        return self._summaries[policy, seed]

    def margins(self, policy: str, seed: int) -> dict[float, float]:
        """Requests/s -> how much better than asked for readers were served."""
        known = self.summaries(policy, seed)
        return {rate: self.spec.goal.margin(summary) for rate, summary in known.items()}

    def next_index(self) -> int:
        """The place of the next point that is run."""
        self._count += 1
        return self._count - 1

    def add(self, point: Point, outcome: Measured | str) -> None:
        """Keep a point's result; or, of a point that failed, why.

        Raises:
            OSError: the file cannot be written.
        """
        if isinstance(outcome, Measured):
            self._summaries[point.policy, point.seed][_rate(point)] = outcome.summary
        self._file.keep(point, outcome)

    def _resume(self) -> None:
        if not (self.directory / _ABOUT).exists():
            return
        before = json.loads((self.directory / _ABOUT).read_text())["basis"]
        if others := _differing(before, self.spec.basis()):
            raise SpecError(
                f"{self.directory} has points of another {others}: give its options again, or "
                "leave --resume out"
            )
        for line in read_lines(self.directory / RESULTS):
            self._count = max(self._count, int(line["point"]) + 1)
            if line["summary"] is not None:
                known = self._summaries[str(line["policy"]), int(line["seed"])]
                known[float(line["rate"])] = Summary.from_mapping(line["summary"])


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs, in words: `profile (kv_tokens)`; empty if nothing does."""
    words = []
    for part in now:
        old, new = before.get(part, {}), now[part]
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        words += [f"{part} ({', '.join(names)})"] if names else []
    return " and ".join(words)


def _rate(point: Point) -> float:
    return math.nan if point.cell.rate is None else point.cell.rate
