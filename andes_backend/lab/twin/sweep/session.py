"""From a sweep to files, tables and pictures: what `andes twin` does."""

import contextlib
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.lab.interruption import INTERRUPTED, ended_like_ctrl_c
from andes_backend.lab.report.run import Run, table, versions
from andes_backend.lab.report.users import has_users, user_figures, users_table
from andes_backend.lab.report.users_plot import plot_users
from andes_backend.lab.twin.sweep import workload_plots
from andes_backend.lab.twin.sweep.bounds import Bounded, Bounds, BoundTask, carry_out
from andes_backend.lab.twin.sweep.measure import Detail, Measured, Task
from andes_backend.lab.twin.sweep.order import Order, described, shown_in_detail
from andes_backend.lab.twin.sweep.points import Point, Sweep, Value
from andes_backend.lab.twin.sweep.pool import Done, Failed, run_tasks
from andes_backend.lab.twin.sweep.progress import watched
from andes_backend.lab.twin.sweep.results import ResultFile, record
from andes_backend.lab.twin.sweep.sweep_plot import plot_sweep
from andes_backend.lab.twin.sweep.tables import axis_name, axis_value, tables

__all__ = ["ENVIRONMENT", "WIDTH", "new_directory", "run"]

WIDTH: Final = 100
"""Of the tables in a file, characters."""
_BESIDE: Final = 3  # policies that fit a table beside the first
ENVIRONMENT: Final = {
    # Processes share the cores by themselves; what a simulation computes is tiny.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # A page about the configuration for every point would bury what matters in the log.
    "VLLM_LOGGING_LEVEL": "ERROR",
}
"""Of the processes that simulate."""


def run(order: Order, *, console: Console | None = None) -> int:
    """Run all points of an order that has been checked, and report.

    Returns:
        An exit status: 0; 1 if a point failed; 130 if it was interrupted.

    Raises:
        OSError: a file cannot be written.
    """
    # A pipe or a file has no width of its own.
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    book = _Book(order, new_directory(order.out, "twin"), console)
    interrupted = False
    try:
        with ended_like_ctrl_c():
            book.run()
    except KeyboardInterrupt:
        interrupted = True
        _say(console, "interrupted; reporting what is there")
    book.conclude()
    return INTERRUPTED if interrupted else int(bool(book.errors))


@dataclass
class _Book:
    """What is known so far of a sweep that is under way."""

    order: Order
    directory: Path
    console: Console
    results: dict[int, Measured] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.points = self.order.sweep.points()
        self.shown = shown_in_detail(self.order)
        self.versions = versions()
        self.file = ResultFile(self.directory / "results.jsonl")
        self.bounds = Bounds(self.order.sweep, self.order.bounds, self.directory / "bounds.jsonl")
        (self.directory / "sweep.json").write_text(
            described(self.order, self.versions, date=_now())
        )

    def run(self) -> None:
        """Run all points, then compute the bounds; what ends is in a file at once."""
        shown = {point.index for point in self.shown.values()}
        tasks: list[Task | BoundTask] = [
            Task(point=p, detail=p.index in shown, keep=self._keep(p)) for p in self.points
        ]
        labels = [_label(self.order.sweep, point) for point in self.points]
        labels += [_bound_label(self.order.sweep, task) for task in self.bounds.tasks]
        events = run_tasks(
            carry_out,
            [*tasks, *self.bounds.tasks],
            jobs=self.order.jobs,
            log=self.directory / "worker.log",
            environment=ENVIRONMENT,
        )
        with contextlib.closing(watched(events, labels, self.console)) as seen:
            for event in seen:
                match event:
                    case Done(index, value):
                        self._note(index, value)
                    case Failed(index, error):
                        _say(self.console, f"{labels[index]}: failed: {error}")
                        self._note(index, error)

    def conclude(self) -> None:
        """Tables on the console and in a file, pictures, and where it all is."""
        self.file.sort()
        if self.results:
            self._tabulate()
            self._draw()
        if self.errors:
            what = f"{len(self.errors)} of {self._tasks} points failed"
            _say(self.console, f"{what}; {self.directory / 'worker.log'} has the tracebacks")
        _say(self.console, f"written to {self.directory}")

    @property
    def _tasks(self) -> int:
        return len(self.points) + len(self.bounds.tasks)

    def _note(self, index: int, outcome: Measured | Bounded | str) -> None:
        if isinstance(outcome, str):
            self.errors[index] = outcome
        if index >= len(self.points):
            assert not isinstance(outcome, Measured)
            self.bounds.note(index - len(self.points), outcome, date=_now())
            return
        assert not isinstance(outcome, Bounded)
        if not isinstance(outcome, str):
            self.results[index] = outcome
        self.file.add(
            record(
                self.points[index],
                outcome,
                workload=self.order.workload,
                versions=self.versions,
                date=_now(),
            )
        )

    def _keep(self, point: Point) -> Path | None:
        if not self.order.keep_requests:
            return None
        return self.directory / "requests" / f"{point.index:04}-{point.policy}.json"

    def _tabulate(self) -> None:
        sweep, details = self.order.sweep, self._details()
        if len(self.points) == len(self.shown):  # one point a policy
            runs = [self._run(policy, detail) for policy, detail in details.items()]
            first, *others = runs
            shown = [
                table([first, *others[i : i + _BESIDE]])
                for i in range(0, max(1, len(others)), _BESIDE)
            ]
            shown += [users_table(runs)] if has_users(runs) else []
        else:
            shown = tables(sweep, self.results)
        shown += self.bounds.tables(self.results)
        with (self.directory / "table.txt").open("w") as file:
            for console in (self.console, Console(file=file, width=WIDTH)):
                for one in shown:
                    console.print(one)

    def _run(self, policy: str, detail: Detail) -> Run:
        point = self.shown[policy]
        preemptions = self.results[point.index].preemptions
        return Run(policy, point.axes(), detail.outcomes, len(detail.outcomes), preemptions)

    def _details(self) -> dict[str, Detail]:
        found = {policy: self.results.get(point.index) for policy, point in self.shown.items()}
        return {policy: one.detail for policy, one in found.items() if one and one.detail}

    def _draw(self) -> None:
        remark = plot_sweep(self.order.sweep, self.results, self.directory / "qoe.png")
        if remark:
            _say(self.console, remark)
        if details := self._details():
            title = _title(next(iter(self.shown.values())))
            index = self.order.request
            if index is None:
                index = workload_plots.telling_request(details)
            workload_plots.plot_distributions(details, title, self.directory / "distributions.png")
            workload_plots.plot_request(details, index, title, self.directory / "request.png")
            workload_plots.plot_state(details, title, self.directory / "state.png")
            if has_users([self._run(policy, detail) for policy, detail in details.items()]):
                by_user = {name: user_figures(one.outcomes) for name, one in details.items()}
                plot_users(title, by_user, self.directory / "users.png")


def _label(sweep: Sweep, point: Point) -> str:
    return ", ".join([*_place(sweep, point.axes(), point.seed), point.policy])


def _bound_label(sweep: Sweep, task: BoundTask) -> str:
    limit = [] if math.isinf(task.latest_s) else [f"late by {task.latest_s:g} s"]
    return ", ".join([*_place(sweep, asdict(task.cell), task.seed), *limit, "bound"])


def _place(sweep: Sweep, axes: Mapping[str, Value], seed: int) -> list[str]:
    parts = [
        f"{axis_name(axis)} {axis_value(axis, axes[axis])}"
        for axis in sweep.varying()
        if axis in axes
    ]
    return [*parts, f"seed {seed}"] if len(sweep.seeds) > 1 else parts


def _title(point: Point) -> str:
    cell = point.cell
    arrivals = [] if cell.arrivals is None else [cell.arrivals]
    rate = [] if cell.rate is None else [f"{cell.rate:g} requests/s"]
    return ", ".join([Path(cell.profile).stem, *rate, *arrivals, f"seed {point.seed}"])


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
    raise FileExistsError(f"{out / name} and 98 more like it are there already")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
