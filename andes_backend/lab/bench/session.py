"""From a workload to a file and a table: what `andes bench run` does."""

from rich.console import Console

from andes_backend.lab.bench.load import Target
from andes_backend.lab.bench.measure import Plan, complain, exit_status, measure, warm_up
from andes_backend.lab.campaign.console import SafeConsole
from andes_backend.lab.campaign.files import new_directory, now
from andes_backend.lab.campaign.interruption import ended_like_ctrl_c
from andes_backend.lab.report.plot import plot
from andes_backend.lab.report.run import table, write_json
from andes_backend.lab.report.users import has_users, user_figures, users_table
from andes_backend.lab.report.users_plot import plot_users
from andes_backend.lab.report.waits import waits
from andes_backend.lab.report.waits_table import waits_tables

__all__ = ["run"]


def run(plan: Plan, target: Target, *, console: Console | None = None) -> int:
    """Load a server that is running, and report.

    Returns:
        An exit status: 0; 1 if a request failed; 130 if it was interrupted.

    Raises:
        SessionError: the server does not answer even a single request.
    """
    console = console or SafeConsole()
    directory = new_directory(plan.out, "run")
    with ended_like_ctrl_c():
        warm_up(plan.workload.seed, target, 1)
        settings = {**plan.settings, "url": target.url, "model": target.model}
        done = measure("run", plan.workload, target, settings, console)
        write_json(done, directory / "run.json", date=now())
    for one in (table([done]), *waits_tables({"run": waits(done.outcomes)})):
        console.print(one)
    if has_users([done]):
        console.print(users_table([done]))
        plot_users("", {"run": user_figures(done.outcomes)}, directory / "users.png")
    complain({"run": done}, console)
    plot({"": [done]}, directory / "plot.png")
    console.print(f"written to {directory}")
    return exit_status([done])
