"""Run scenarios under policies, and report: tables, and a picture for each scenario."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from andes_backend.lab.campaign.campaign import Campaign
from andes_backend.lab.campaign.console import report_console
from andes_backend.lab.campaign.spec import Spec
from andes_backend.lab.report.users_plot import plot_users
from andes_backend.lab.twin import PRELOAD
from andes_backend.lab.twin.fair.measure import Figures, Task, measure
from andes_backend.lab.twin.fair.scenarios import SCENARIOS

__all__ = ["run"]

_SHOWN: Final = 3  # users beside the worst whose QoE has a column of its own


def run(tasks: Sequence[Task], spec: Spec, *, console: Console | None = None) -> int:
    """Simulate all, and write tables and pictures to `spec.out` itself.

    Returns and raises as `Campaign.run`.
    """
    spec.out.mkdir(parents=True, exist_ok=True)
    campaign: Campaign[Task, Figures] = Campaign(
        measure, spec.out, spec.jobs, console or report_console(), preload=PRELOAD
    )
    for task in tasks:
        campaign.add(task, f"{task.scenario}, {task.contender}")
    found: dict[int, Figures] = {}

    def keep(index: int, outcome: Figures | str) -> None:
        if isinstance(outcome, Figures):
            found[index] = outcome

    return campaign.run(keep, lambda: _report(campaign, found))


def _report(campaign: Campaign[Task, Figures], found: Mapping[int, Figures]) -> None:
    by_scenario: dict[str, dict[str, Figures]] = {}
    for index in sorted(found):
        task = campaign.tasks[index]
        by_scenario.setdefault(task.scenario, {})[task.contender] = found[index]
    for scenario, figures in by_scenario.items():
        title = f"{scenario}: {SCENARIOS[scenario].about}"
        campaign.show(f"{scenario}.txt", _table(title, figures))
        picture = campaign.directory / f"{scenario}.png"
        plot_users(title, {name: one.users for name, one in figures.items()}, picture)
        campaign.say(f"  picture: {picture}")


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
