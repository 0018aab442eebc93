"""Beside the policies of a sweep: what no schedule could surpass (`andes twin --bound`)."""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich.table import Table

from andes_backend.lab.campaign.pool import Tell
from andes_backend.lab.twin.measure import Measured, Task, measure
from andes_backend.lab.twin.point import Cell, MakeWorkload
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.tables import Group, axis_cells, axis_table, groups
from andes_backend.profile import Profile

__all__ = ["BoundTask", "Bounded", "Bounds", "bound_tasks", "carry_out"]

_Key = tuple[str, int, str | None, float | None, int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTask:
    """A workload on a GPU, whose bound is wanted."""

    cell: Cell
    """One of those that share the bound: it does not depend on the scheduler's settings,
    prefix caching, KV restore or async scheduling."""
    seed: int
    latest_s: float
    """Of schedules that end every response at most so late, seconds; infinite: of all."""
    profile: Profile
    make: MakeWorkload

    @property
    def key(self) -> _Key:
        """What it depends on."""
        return _key(self.cell, self.seed, self.latest_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """The bound that was found."""

    qoe: float
    gap: float
    """See `andes_backend.lab.bound.Bound`."""
    wall_s: float


def carry_out(task: Task | BoundTask, tell: Tell) -> Measured | Bounded:
    """Simulate a point, or compute a bound; `tell` hears how far it is, each in its own unit.

    Raises:
        ImportError: there is no vLLM, or no scipy.
        OSError, TwinError: as `measure` has them.
    """
    if isinstance(task, Task):
        return measure(task, tell)
    from andes_backend.lab.bound import upper_bound  # takes a second: scipy

    workload = task.make(task.cell.rate, task.cell.arrivals, task.seed)
    bound = upper_bound(workload, task.profile, latest_s=task.latest_s, progress=tell)
    return Bounded(qoe=bound.qoe, gap=bound.gap, wall_s=bound.wall_s)


class Bounds:
    """The bounds of a sweep that is under way: what is in their file stays there.

    Args:
        sweep: what was asked for.
        latest_s: see `BoundTask`; none if no bounds are wanted.
        path: of the file, one JSON object a line; not made if no bounds are wanted.
    """

    def __init__(self, sweep: Sweep, latest_s: Sequence[float], path: Path) -> None:
        self._sweep, self._path = sweep, path
        self.tasks = bound_tasks(sweep, latest_s)
        """One for each workload, GPU and limit."""
        self._lines: dict[int, str] = {}
        self._known: dict[_Key, float] = {}

    def note(self, index: int, outcome: Bounded | str, *, date: str) -> None:
        """Keep a task's result, or why it failed; it is in the file at once.

        Args:
            index: of the task.
            outcome: the bound or the error.
            date: when it ended, ISO 8601.

        Raises:
            OSError: the file cannot be written.
        """
        task = self.tasks[index]
        if isinstance(outcome, Bounded):
            self._known[task.key] = outcome.qoe
        self._lines[index] = json.dumps(_record(task, outcome, date), allow_nan=False) + "\n"
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text("".join(self._lines[i] for i in sorted(self._lines)))
        unfinished.replace(self._path)

    def tables(self, results: Mapping[int, Measured]) -> list[Table]:
        """Each bound, and how far below it the mean QoE of each policy is; none without bounds.

        Args:
            results: point's index -> its result; points that failed are missing.
        """
        if not self._known:
            return []
        table = axis_table(self._sweep, "Mean QoE: bound, and below it")
        table.add_column("late by\nat most", justify="right")
        table.add_column("bound", justify="right")
        for policy in self._sweep.policies:
            table.add_column(policy, justify="right", no_wrap=True)
        for group in groups(self._sweep):
            axes = axis_cells(self._sweep, group)
            for latest in dict.fromkeys(task.latest_s for task in self.tasks):
                table.add_row(*axes, _limit(latest), *self._cells(group, latest, results))
        return [table]

    def _cells(self, group: Group, latest_s: float, results: Mapping[int, Measured]) -> list[str]:
        """The mean over seeds; and each policy's mean distance, over the seeds that it has."""
        keys = {seed: _key(group.cell, seed, latest_s) for seed in self._sweep.seeds}
        most = {seed: self._known[key] for seed, key in keys.items() if key in self._known}
        cells = [f"{fmean(most.values()):.3f}" if most else "-"]
        for points in group.points.values():
            done = {p.seed: results[p.index].summary.qoe_mean for p in points if p.index in results}
            below = [
                most[seed] - qoe for seed, qoe in done.items() if qoe is not None and seed in most
            ]
            cells.append(f"{fmean(below):.3f}" if below else "-")
        return cells


def bound_tasks(sweep: Sweep, latest_s: Sequence[float]) -> tuple[BoundTask, ...]:
    """One for each workload, GPU and limit, in the order of the sweep."""
    found: dict[_Key, BoundTask] = {}
    for point, latest in itertools.product(sweep.points(), latest_s):
        task = BoundTask(
            cell=point.cell,
            seed=point.seed,
            latest_s=latest,
            profile=point.setup.profile,
            make=point.make,
        )
        found.setdefault(task.key, task)
    return tuple(found.values())


def _record(task: BoundTask, outcome: Bounded | str, date: str) -> dict[str, object]:
    bounded = outcome if isinstance(outcome, Bounded) else None
    return {
        "profile": task.cell.profile,
        "kv_tokens": task.cell.kv_tokens,
        "arrivals": task.cell.arrivals,
        "rate": task.cell.rate,
        "seed": task.seed,
        "latest_s": None if math.isinf(task.latest_s) else task.latest_s,
        "error": outcome if isinstance(outcome, str) else None,
        "qoe_mean": bounded.qoe if bounded else None,
        "gap": bounded.gap if bounded else None,
        "wall_s": round(bounded.wall_s, 3) if bounded else None,
        "date": date,
    }


def _limit(latest_s: float) -> str:
    return "any time" if math.isinf(latest_s) else f"{latest_s:g} s"


def _key(cell: Cell, seed: int, latest_s: float) -> _Key:
    return cell.profile, cell.kv_tokens, cell.arrivals, cell.rate, seed, latest_s
