"""From a sweep to files, tables and pictures: what `andes twin` does."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.lab.campaign.campaign import LOG, Campaign
from andes_backend.lab.campaign.console import report_console, write
from andes_backend.lab.campaign.files import new_directory, now, write_about
from andes_backend.lab.report.run import Run, table
from andes_backend.lab.report.users import has_users, user_figures, users_table
from andes_backend.lab.report.users_plot import plot_users
from andes_backend.lab.report.waits import waits
from andes_backend.lab.report.waits_table import waits_tables
from andes_backend.lab.twin import PRELOAD
from andes_backend.lab.twin.measure import Detail, Measured, Task
from andes_backend.lab.twin.point import Point, Value
from andes_backend.lab.twin.results import PointFile
from andes_backend.lab.twin.sweep import workload_plots
from andes_backend.lab.twin.sweep.bounds import Bounded, Bounds, BoundTask, carry_out
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.spec import SweepSpec, described, shown_in_detail
from andes_backend.lab.twin.sweep.sweep_plot import plot_sweep
from andes_backend.lab.twin.sweep.tables import axis_name, axis_value, tables
from andes_backend.lab.twin.sweep.who_waited import who_waited

__all__ = ["run"]

_BESIDE: Final = 3  # policies that fit a table beside the first

_Campaign = Campaign[Task | BoundTask, Measured | Bounded]


def run(spec: SweepSpec, *, console: Console | None = None) -> int:
    """Run all points of a spec that has been checked, and report.

    Returns and raises as `Campaign.run`.
    """
    directory = new_directory(spec.out, "twin")
    campaign: _Campaign = Campaign(
        carry_out, directory, spec.jobs, console or report_console(), preload=PRELOAD
    )
    book = _Book(spec, campaign)
    return campaign.run(book.keep, book.conclude)


@dataclass
class _Book:
    """What is known so far of a sweep that is under way: first its points, then the bounds."""

    spec: SweepSpec
    campaign: _Campaign
    results: dict[int, Measured] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sweep, self.directory = self.spec.sweep, self.campaign.directory
        self.points = sweep.points()
        self.shown = shown_in_detail(self.spec)
        self.file = PointFile(self.directory, self.spec.workload)
        self.bounds = Bounds(sweep, self.spec.bounds, self.directory / "bounds.jsonl")
        write_about(self.directory / "sweep.json", self.spec, described(self.spec))
        shown = {point.index for point in self.shown.values()}
        for p in self.points:
            task = Task(point=p, detail=p.index in shown, keep=self._requests(p))
            self.campaign.add(task, _label(sweep, p))
        for bound in self.bounds.tasks:
            self.campaign.add(bound, _bound_label(sweep, bound))

    def keep(self, index: int, outcome: Measured | Bounded | str) -> None:
        """Write a task's result, or why it failed, to a file at once."""
        if index >= len(self.points):
            assert not isinstance(outcome, Measured)
            self.bounds.note(index - len(self.points), outcome, date=now())
            return
        assert not isinstance(outcome, Bounded)
        if not isinstance(outcome, str):
            self.results[index] = outcome
        self.file.keep(self.points[index], outcome)

    def conclude(self) -> None:
        """Tables on the console and in a file, pictures, and where it all is."""
        self.file.sort()
        if self.results:
            self._tabulate()
            self._draw()
        if errors := self.campaign.errors:
            what = f"{len(errors)} of {len(self.campaign.tasks)} points failed"
            self.campaign.say(f"{what}; {self.directory / LOG} has the tracebacks")
        self.campaign.say(f"written to {self.directory}")

    def _requests(self, point: Point) -> Path | None:
        """The file for a point's requests."""
        if not self.spec.keep_requests:
            return None
        return self.directory / "requests" / f"{point.index:04}-{point.policy}.json"

    def _tabulate(self) -> None:
        sweep, details = self.spec.sweep, self._details()
        if len(self.points) == len(self.shown):  # one point a policy
            runs = [self._run(policy, detail) for policy, detail in details.items()]
            first, *others = runs
            shown = [
                table([first, *others[i : i + _BESIDE]])
                for i in range(0, max(1, len(others)), _BESIDE)
            ]
            shown += waits_tables({run.label: waits(run.outcomes) for run in runs})
            shown += [users_table(runs)] if has_users(runs) else []
        else:
            shown = tables(sweep, self.results)
            write(self.directory / "waits.txt", *who_waited(sweep, self.results))
        shown += self.bounds.tables(self.results)
        self.campaign.show("table.txt", *shown)

    def _run(self, policy: str, detail: Detail) -> Run:
        point = self.shown[policy]
        preemptions = self.results[point.index].preemptions
        return Run(policy, point.axes(), detail.outcomes, len(detail.outcomes), preemptions)

    def _details(self) -> dict[str, Detail]:
        found = {policy: self.results.get(point.index) for policy, point in self.shown.items()}
        return {policy: one.detail for policy, one in found.items() if one and one.detail}

    def _draw(self) -> None:
        remark = plot_sweep(self.spec.sweep, self.results, self.directory / "qoe.png")
        if remark:
            self.campaign.say(remark)
        if details := self._details():
            title = _title(next(iter(self.shown.values())))
            index = self.spec.request
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
