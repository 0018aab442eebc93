"""From policies and rates to files, one table and a picture: what `andes bench compare` does.

Every run has a file of its own, written when it ends, in a directory that also says what the
comparison is. What is there when it is interrupted stays, and `resume` goes on from it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from rich.console import Console
from rich.table import Table

from andes_backend.lab.bench.kept import kept_run, write_options
from andes_backend.lab.bench.load import LoadStatistics, Target
from andes_backend.lab.bench.measure import Plan, complain, exit_status, measure, warm_up
from andes_backend.lab.bench.server import serve_tiny
from andes_backend.lab.bench.sizing import USUAL_LAYERS, matching_layers, sized_model, tokens_per_s
from andes_backend.lab.bench.time_left import TimeLeft, duration
from andes_backend.lab.campaign.console import SafeConsole, say, show, write
from andes_backend.lab.campaign.files import new_directory, now
from andes_backend.lab.campaign.interruption import INTERRUPTED, ended_like_ctrl_c
from andes_backend.lab.report.plot import plot
from andes_backend.lab.report.rates import rates_table
from andes_backend.lab.report.run import Run, table, write_json
from andes_backend.lab.report.users import has_users, user_figures, users_table
from andes_backend.lab.report.users_plot import plot_users
from andes_backend.lab.report.waits import waits
from andes_backend.lab.report.waits_table import waits_tables
from andes_backend.lab.workload import Workload

__all__ = ["Comparison", "compare"]

_WIDTH: Final = 110  # of a table in a file, or in a pipe
_LEAST_LENGTH: Final = 1024  # tokens that the server takes at least, whatever the workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Every policy is measured with every plan's workload, on a fresh server each time."""

    plans: Sequence[Plan]
    """One or more. With two or more each has a rate of its own in its settings."""
    policies: Mapping[str, str | None]
    """Label -> name of the policy, None for stock vLLM; in the order of the columns."""
    kv_blocks: int = 160
    """KV cache in blocks of 32 tokens."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Of our scheduler, under every policy but stock vLLM."""
    layers: int | None = None
    """Of the model; None: as many as make this machine as fast as that of docs/bench.md."""
    words: Sequence[str] = ()
    """The command's options, with which the same comparison can be made again; but for the
    layers, which are known only once it has begun."""


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A run that is to be made; itself and no other, though it may look the same."""

    plan: Plan
    label: str
    policy: str | None

    @property
    def rate(self) -> float | None:
        """None with a trace's own times."""
        return cast("float | None", self.plan.settings.get("rate"))

    @property
    def name(self) -> str:
        """For files."""
        return self.label if self.rate is None else f"{self.label}-{_plain(self.rate)}"

    @property
    def title(self) -> str:
        """For people."""
        where = "" if self.rate is None else f" at {_plain(self.rate)} requests/s"
        return self.label + where


def compare(
    comparison: Comparison, *, resume: Path | None = None, console: Console | None = None
) -> int:
    """Send each workload to a fresh vLLM on this CPU for each policy, and report.

    Args:
        comparison: what to measure.
        resume: the directory of an earlier comparison, the same one: its complete runs are
            taken from there.
        console: where to print; standard output if not given.

    Returns:
        An exit status: 0; 1 if a request failed; 130 if it was interrupted.

    Raises:
        OSError: a file cannot be read or written.
        ServerError: a server did not start; runs before it have been reported.
        SessionError: a server does not answer even a single request; or what is in
            `resume` is another comparison.
    """
    console = console or _console()
    models = comparison.plans[0].out
    directory = resume or new_directory(models, "compare")
    try:
        with ended_like_ctrl_c():
            layers = comparison.layers or (
                USUAL_LAYERS  # a directory that does not say it had these
                if resume is not None
                else _layers_for_this_machine(models, directory, console)
            )
    except KeyboardInterrupt:
        console.print("interrupted before the first run")
        return INTERRUPTED
    book = _Book(comparison, layers, sized_model(models, layers), directory, console)
    if resume is None:
        # The layers that were found belong to it: a resumed comparison has the same server.
        write_options(directory, [*comparison.words, "--layers", str(layers)])
    else:
        book.take_up()
    try:
        with ended_like_ctrl_c():
            book.run()
    except KeyboardInterrupt:
        console.print("interrupted")
    finally:
        book.conclude()
    return book.status()


def _layers_for_this_machine(models: Path, directory: Path, console: Console) -> int:
    console.print("how fast is this machine? (one to three minutes)")
    return matching_layers(
        lambda layers: tokens_per_s(layers, models=models, log=directory / f"speed-{layers}.log"),
        console,
    )


@dataclass
class _Book:
    """What is known so far of a comparison that is under way."""

    comparison: Comparison
    layers: int
    model: Path
    directory: Path
    console: Console
    done: dict[_Task, Run] = field(default_factory=dict)
    time_left: TimeLeft = field(default_factory=TimeLeft)

    def __post_init__(self) -> None:
        # All policies at a rate before the next rate: what is there can be compared.
        self.tasks = [
            _Task(plan, label, policy)
            for plan in self.comparison.plans
            for label, policy in self.comparison.policies.items()
        ]

    def take_up(self) -> None:
        """Take complete runs from the directory.

        Raises:
            OSError: a file cannot be read.
            SessionError: a file is not of this comparison.
        """
        for task in self.tasks:
            path = self.directory / f"{task.name}.json"
            run = kept_run(path, task.plan.workload, self.console)
            if run is not None:
                self.done[task] = run
                self.time_left.learn(run)
        self.console.print(f"{len(self.done)} of {len(self.tasks)} runs are done")

    def run(self) -> None:
        """Make the runs that are not done; each is in its file before the next begins."""
        todo = [task for task in self.tasks if task not in self.done]
        for i, task in enumerate(todo):
            began = time.monotonic()
            later_s = sum(self.time_left.expected_s(t.plan.workload) for t in todo[i + 1 :])
            run = self.done[task] = self._measure(task, later_s)
            # At once: whatever becomes of the next server, this one is done.
            write_json(run, self.directory / f"{task.name}.json", date=now())
            if run.interrupted:
                return
            self.time_left.learn(run, time.monotonic() - began)

    def _measure(self, task: _Task, later_s: float) -> Run:
        workload, kv_blocks = task.plan.workload, self.comparison.kv_blocks
        number = f"run {self.tasks.index(task) + 1} of {len(self.tasks)}"
        left = duration(self.time_left.expected_s(workload) + later_s)
        self.console.print(f"{number}, {task.title}: starting vLLM; {left} left")
        longest = max(r.prompt_tokens + r.output_tokens for r in workload.requests)
        log = self.directory / f"{task.name}.log"
        with serve_tiny(
            self.model,
            log=log,
            policy=task.policy,
            settings=self.comparison.settings,
            kv_blocks=kv_blocks,
            max_model_len=max(longest + 1, _LEAST_LENGTH),
        ) as server:
            target = Target(url=server.url, model=server.model)
            warm_up(workload.seed, target, 4)
            return measure(
                task.label,
                workload,
                target,
                {
                    **task.plan.settings,
                    "policy": task.label,
                    "kv_blocks": kv_blocks,
                    "layers": self.layers,
                    **({} if task.policy is None else {"scheduler": {**self.comparison.settings}}),
                },
                self.console,
                server=server,
                title=f"{number}, {task.title}",
                left=lambda now, elapsed: self._left_s(workload, now, elapsed) + later_s,
            )

    def _left_s(self, workload: Workload, now: LoadStatistics, elapsed_s: float) -> float:
        return self.time_left.left_s(workload, now.tokens, elapsed_s)

    def conclude(self) -> None:
        """The table on the console and in a file, the picture, and how to go on."""
        if self.done:
            runs = [self.done[task] for task in self._in_order()]
            by_user = [users_table(row) for row in self._rows().values() if has_users(runs)]
            path, waited = self.directory / "table.txt", self._waits()
            if len(self.comparison.plans) > 1:
                write(self.directory / "waits.txt", *waited, width=_WIDTH)
                waited = []
            show(self.console, path, self._table(), *waited, *by_user, width=_WIDTH)
            complain({task.title: self.done[task] for task in self._in_order()}, self.console)
            plot(self._rows(), self.directory / "plot.png")
            self._plot_users()
        say(self.console, f"written to {self.directory}")
        if not self._is_complete():
            again = f"andes bench compare --resume {self.directory}"
            say(self.console, f"to resume: {again}")

    def _plot_users(self) -> None:
        for title, runs in self._rows().items():
            if has_users(runs):
                name = "-".join(("users", *title.split()[:1])) + ".png"
                found = {run.label: user_figures(run.outcomes) for run in runs}
                plot_users(title, found, self.directory / name)

    def status(self) -> int:
        """The exit status."""
        status = exit_status(list(self.done.values()))
        return status if self._is_complete() else INTERRUPTED

    def _table(self) -> Table:
        runs = [self.done[task] for task in self._in_order()]
        if len(self.comparison.plans) == 1:
            return table(runs)
        rates: dict[float, list[Run]] = {}
        for task in self._in_order():
            assert task.rate is not None, "of several plans, each has a rate"
            rates.setdefault(task.rate, []).append(self.done[task])
        return rates_table(list(self.comparison.policies), rates)

    def _waits(self) -> list[Table]:
        """Who waited at each rate."""
        return [
            one
            for title, runs in self._rows().items()
            for one in waits_tables({run.label: waits(run.outcomes) for run in runs}, title=title)
        ]

    def _rows(self) -> dict[str, list[Run]]:
        """The picture's rows: by their titles, which one row does without."""
        rows: dict[str, list[Run]] = {}
        for task in self._in_order():
            one = len(self.comparison.plans) == 1 or task.rate is None
            title = "" if one else f"{_plain(task.rate)} requests/s"
            rows.setdefault(title, []).append(self.done[task])
        return rows

    def _in_order(self) -> list[_Task]:
        return [task for task in self.tasks if task in self.done]

    def _is_complete(self) -> bool:
        return all(task in self.done and not self.done[task].interrupted for task in self.tasks)


def _plain(rate: float | None) -> str:
    """In full, so that no two rates get the same file: 3, 1.6."""
    return repr(rate).removesuffix(".0")


def _console() -> Console:
    console = SafeConsole()
    # A pipe or a file has no width of its own.
    return console if console.is_terminal else SafeConsole(width=_WIDTH)
