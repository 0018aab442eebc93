"""Run scenarios under policies, and report: tables, and a picture for each scenario."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from andes_backend.lab.interruption import INTERRUPTED, ended_like_ctrl_c
from andes_backend.lab.report.users_plot import plot_users
from andes_backend.lab.twin.fair.measure import Figures, Task, measure
from andes_backend.lab.twin.fair.scenarios import SCENARIOS
from andes_backend.lab.twin.sweep.pool import Done, Failed, run_tasks
from andes_backend.lab.twin.sweep.progress import watched

__all__ = ["run"]

_WIDTH: Final = 100  # of the tables in a file
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
_SHOWN: Final = 3  # users beside the worst whose QoE has a column of its own


def run(tasks: Sequence[Task], out: Path, jobs: int) -> int:
    """Simulate all, and write tables and pictures.

    Args:
        tasks: scenarios under policies.
        out: the directory that pictures, the table and the log go to; it is made.
        jobs: processes.

    Returns:
        An exit status: 0; 1 if one of them failed; 130 if it was interrupted.

    Raises:
        OSError: a file cannot be written.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, Figures]] = {}
    failed = interrupted = False
    labels = [f"{task.scenario}, {task.contender}" for task in tasks]
    events = run_tasks(measure, tasks, jobs=jobs, log=out / "worker.log", environment=_ENVIRONMENT)
    try:
        with ended_like_ctrl_c():
            for event in watched(events, labels, console):
                match event:
                    case Done(index, figures):
                        task = tasks[index]
                        found.setdefault(task.scenario, {})[task.contender] = figures
                    case Failed(index, error):
                        failed = True
                        console.print(f"{labels[index]}: {error}", markup=False)
    except KeyboardInterrupt:
        interrupted = True
        console.print("interrupted; reporting what is there")
    _report(tasks, found, out, console)
    return INTERRUPTED if interrupted else int(failed)


def _report(
    tasks: Sequence[Task], found: Mapping[str, Mapping[str, Figures]], out: Path, console: Console
) -> None:
    order = [task.contender for task in tasks]
    for scenario, unsorted in found.items():
        figures = dict(sorted(unsorted.items(), key=lambda one: order.index(one[0])))
        title = f"{scenario}: {SCENARIOS[scenario].about}"
        table = _table(title, figures)
        console.print(table)
        with (out / f"{scenario}.txt").open("w") as file:
            Console(file=file, width=_WIDTH).print(table)
        users = {name: one.users for name, one in figures.items()}
        plot_users(title, users, out / f"{scenario}.png")
        console.print(f"  picture: {out / scenario}.png", markup=False)


def _table(title: str, found: Mapping[str, Figures]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("", "largest difference", "mean difference", "output tokens/s"):
        table.add_column(column, justify="right" if column else "left")
    users = next(iter(found.values())).users.qoe
    shown = list(users)[:_SHOWN] if len(users) <= _SHOWN else [u for u in users if u == "flood"]
    others = [user for user in users if user not in shown]
    for user in shown:
        table.add_column(f"QoE, {user}", justify="right")
    if others:
        table.add_column("QoE of the others", justify="right")
        table.add_column("the worst of them", justify="right")
    for name, figures in found.items():
        cells = [
            f"{figures.users.difference.max(initial=0.0):,.0f}",
            f"{figures.users.difference.mean():,.0f}",
            f"{figures.tokens_per_s:,.0f}",
            *(f"{figures.users.qoe[user]:.3f}" for user in shown),
        ]
        if others:
            values = [figures.users.qoe[user] for user in others]
            cells += [f"{sum(values) / len(values):.3f}", f"{min(values):.3f}"]
        table.add_row(name, *cells)
    return table
