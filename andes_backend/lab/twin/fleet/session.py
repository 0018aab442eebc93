"""From what was asked of a fleet to files and a table: `andes twin --replicas`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from andes_backend.lab.campaign.campaign import LOG, Campaign
from andes_backend.lab.campaign.console import report_console
from andes_backend.lab.campaign.files import ResultFile, new_directory, now, write_about
from andes_backend.lab.report.interval import interval
from andes_backend.lab.report.run import ATTAINED_QOE, versions
from andes_backend.lab.twin import PRELOAD
from andes_backend.lab.twin.fleet.measure import FleetFigures, measure_fleet
from andes_backend.lab.twin.fleet.scaling import SCALINGS, Scaling
from andes_backend.lab.twin.fleet.spec import Case, FleetSpec, FleetTask, tasks
from andes_backend.lab.twin.results import RESULTS

__all__ = ["cheapest", "made_good", "run"]

_Found = Mapping[tuple[Case, str], Sequence[FleetFigures]]


def run(spec: FleetSpec, *, console: Console | None = None) -> int:
    """Run all of a spec that has been checked, and report.

    Returns and raises as `Campaign.run`.
    """
    directory = new_directory(spec.out, "fleet")
    campaign: Campaign[FleetTask, FleetFigures] = Campaign(
        measure_fleet, directory, spec.jobs, console or report_console(), preload=PRELOAD
    )
    book = _Book(spec, campaign)
    return campaign.run(book.keep, book.conclude)


@dataclass
class _Book:
    """What is known so far."""

    spec: FleetSpec
    campaign: Campaign[FleetTask, FleetFigures]
    results: dict[int, FleetFigures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        directory = self.campaign.directory
        for task in tasks(self.spec):
            self.campaign.add(task, _label(task))
        self.file = ResultFile(directory / RESULTS)
        servers = [asdict(server) for server in self.spec.servers]
        about = {"workload": dict(self.spec.workload), "servers": servers}
        write_about(directory / "fleet.json", self.spec, about)
        self.same = {"workload": dict(self.spec.workload), "versions": versions()}

    def keep(self, index: int, outcome: FleetFigures | str) -> None:
        """Write a line at once."""
        figures = None if isinstance(outcome, str) else outcome
        if figures is not None:
            self.results[index] = figures
        task = self.campaign.tasks[index]
        self.file.add(
            {
                "point": index,
                **_case_record(task.case),
                "arrivals": task.arrivals,
                "seed": task.seed,
                "routing": task.fleet.routing,
                "start_up_s": task.fleet.start_up_s,
                "events": [asdict(event) for event in task.fleet.events],
                "error": outcome if isinstance(outcome, str) else None,
                "figures": None if figures is None else asdict(figures),
                "date": now(),
                **self.same,
            }
        )

    def conclude(self) -> None:
        """The table, on the console and in a file."""
        self.file.sort()
        found: dict[tuple[Case, str], list[FleetFigures]] = {}
        for index in sorted(self.results):
            task = self.campaign.tasks[index]
            found.setdefault((task.case, task.fleet.routing), []).append(self.results[index])
        if found:
            self.campaign.show("table.txt", _table(self.spec, found))
            for told in cheapest(self.spec.scalings, found):
                self.campaign.say(told)
        if errors := self.campaign.errors:
            what = f"{len(errors)} of {len(self.campaign.tasks)} points failed"
            self.campaign.say(f"{what}; {self.campaign.directory / LOG} has the tracebacks")
        self.campaign.say(f"written to {self.campaign.directory}")


def made_good(first: float, other: float) -> float | None:
    """Of what the first lacks to a QoE of 1, the share that the other does not; None: of nothing.

    Args:
        first: mean QoE.
        other: mean QoE.
    """
    return None if first >= 1 - 1e-9 else (other - first) / (1 - first)


def cheapest(scalings: Sequence[Scaling | None], found: _Found) -> list[str]:
    """Of each kind of autoscaling and each routing the cheapest that reaches ATTAINED_QOE, told.

    Args:
        scalings: those that were tried.
        found: (case, routing) -> figures of its seeds.
    """
    best: dict[tuple[str, str], tuple[float, str, float]] = {}
    for (case, routing), figures in found.items():
        if case.scaling is None:
            continue
        name = _scaling_text(case.scaling).partition(":")[0], routing
        qoe = fmean(one.summary.qoe_mean or 0.0 for one in figures)
        hours = fmean(one.replica_hours for one in figures)
        if qoe >= ATTAINED_QOE and (name not in best or hours < best[name][0]):
            best[name] = hours, _scaling_text(case.scaling), qoe
    if not any(scalings):
        return []
    told = [
        f"cheapest with a mean QoE of {ATTAINED_QOE:g}: {text}, {routing}: "
        f"{hours:.2f} replica-hours, QoE {qoe:.3f}"
        for (_, routing), (hours, text, qoe) in best.items()
    ]
    return told or [f"none reaches a mean QoE of {ATTAINED_QOE:g}"]


_CASES: Final = ("replicas", "load", "requests/s", "figures, s", "autoscale")


def _table(spec: FleetSpec, found: _Found) -> Table:
    """A row for each case and routing; what is the same in all of them stands in the title."""
    cases = [_case_cells(case) for case, _ in found]
    differ = [place for place in range(len(_CASES)) if len({cells[place] for cells in cases}) > 1]
    same = [
        f"{name} {cases[0][place]}"
        for place, name in enumerate(_CASES)
        if place not in differ and cases[0][place] != "-"
    ]
    title = f"Fleet: {'; '.join(same)}; {len(spec.seeds)} seeds"
    table = Table(title=title, title_justify="left")
    for place in differ:
        table.add_column(_CASES[place], justify="right", no_wrap=True)
    table.add_column("routing", no_wrap=True)
    table.add_column("QoE", justify="right", min_width=13 if len(spec.seeds) > 1 else 6)
    for name in ("worst\ntenth", "of the\nlack made\ngood", "failed", "GPU-\nhours"):
        table.add_column(name, justify="right")
    for (case, routing), cells in zip(found, cases, strict=True):
        first = found.get((case, spec.routings[0]), ())
        shown = [cells[place] for place in differ]
        table.add_row(*shown, routing, *_cells(found[case, routing], first))
    return table


def _case_cells(case: Case) -> list[str]:
    return [
        str(case.replicas),
        "-" if case.load is None else f"{case.load:g}",
        "-" if case.rate is None else f"{case.rate:.3g}",
        f"{case.figures_every_s:g}",
        "-" if case.scaling is None else _scaling_text(case.scaling),
    ]


def _cells(figures: Sequence[FleetFigures], first: Sequence[FleetFigures]) -> list[str]:
    qoe = [one.summary.qoe_mean or 0.0 for one in figures]
    gained = made_good(fmean(one.summary.qoe_mean or 0.0 for one in first), fmean(qoe))
    hours = [one.gpu_hours for one in figures if one.gpu_hours is not None]
    return [
        interval(qoe).text(".4f", cell=True),
        f"{fmean(one.worst_tenth for one in figures):.3f}",
        "-" if figures is first or gained is None else f"{gained:.0%}",
        f"{fmean(one.summary.failed for one in figures):g}",
        f"{fmean(hours):.2f}" if hours else "-",
    ]


def _scaling_text(scaling: Scaling) -> str:
    """A scaling in short: its name and target."""
    name = next(name for name, kind in SCALINGS.items() if type(scaling) is kind)
    return f"{name}:target={scaling.target:g}"


def _case_record(case: Case) -> dict[str, Any]:
    scaling = case.scaling
    described = None if scaling is None else {"policy": _scaling_text(scaling), **asdict(scaling)}
    return {**asdict(case), "scaling": described}


def _label(task: FleetTask) -> str:
    case = task.case
    parts = [f"{case.replicas} replicas"]
    if case.load is not None:
        parts.append(f"load {case.load:g}")
    if case.scaling is not None:
        parts.append(_scaling_text(case.scaling))
    parts += [f"figures {case.figures_every_s:g} s", task.fleet.routing, f"seed {task.seed}"]
    return ", ".join(parts)
