"""Run every scenario under every policy, and report: what `andes sensitivity` does."""

import contextlib
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from andes_backend.lab.interruption import INTERRUPTED, ended_like_ctrl_c
from andes_backend.lab.report.run import versions
from andes_backend.lab.twin.sensitivity.answer import draw, sentences, table
from andes_backend.lab.twin.sensitivity.gains import Results
from andes_backend.lab.twin.sensitivity.order import Case, Order
from andes_backend.lab.twin.sweep.measure import Measured, Task, measure
from andes_backend.lab.twin.sweep.pool import Done, Failed, run_tasks
from andes_backend.lab.twin.sweep.progress import watched
from andes_backend.lab.twin.sweep.results import ResultFile, record
from andes_backend.lab.twin.sweep.session import ENVIRONMENT, WIDTH, new_directory

__all__ = ["run"]


def run(order: Order, *, console: Console | None = None) -> int:
    """Simulate all cases, and report.

    Returns:
        An exit status: 0; 1 if a case failed; 130 if it was interrupted.

    Raises:
        OSError: a file cannot be written.
    """
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    book = _Book(order, new_directory(order.out, "sensitivity"), console)
    interrupted = False
    try:
        with ended_like_ctrl_c():
            book.run()
    except KeyboardInterrupt:
        interrupted = True
        book.say("interrupted; reporting what is there")
    book.conclude()
    return INTERRUPTED if interrupted else int(book.failed)


@dataclass
class _Book:
    """What is known so far."""

    order: Order
    directory: Path
    console: Console
    qoe: dict[Case, float] = field(default_factory=dict)
    failed: bool = False

    def __post_init__(self) -> None:
        self.cases = self.order.cases()
        self.points = [self.order.point(index, case) for index, case in enumerate(self.cases)]
        self.versions = versions()
        self.file = ResultFile(self.directory / "results.jsonl")
        about = self.order.described(self.versions, date=_now())
        (self.directory / "sensitivity.json").write_text(about)

    def run(self) -> None:
        """Simulate all cases; what ends is in the file at once."""
        tasks = [Task(point=point) for point in self.points]
        labels = [f"{case.scenario}, seed {case.seed}, {case.policy}" for case in self.cases]
        log, jobs = self.directory / "worker.log", self.order.jobs
        events = run_tasks(measure, tasks, jobs=jobs, log=log, environment=ENVIRONMENT)
        with contextlib.closing(watched(events, labels, self.console)) as seen:
            for event in seen:
                match event:
                    case Done(index, measured):
                        self.qoe[self.cases[index]] = measured.summary.qoe_mean or 0.0
                        self._note(index, measured)
                    case Failed(index, error):
                        self.failed = True
                        self.say(f"{labels[index]}: failed: {error}")
                        self._note(index, error)

    def conclude(self) -> None:
        """The answer on the console and in a file, the picture, and where it all is."""
        self.file.sort()
        results = Results(self.order, self.qoe)
        with (self.directory / "table.txt").open("w") as file:
            for console in (self.console, Console(file=file, width=WIDTH)):
                console.print(sentences(results), markup=False, highlight=False)
                console.print(table(results))
        draw(results, self.directory / "sensitivity.png")
        self.say(f"written to {self.directory}: table.txt, sensitivity.png, results.jsonl")

    def say(self, text: str) -> None:
        """Tell it on the console, as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _note(self, index: int, outcome: Measured | str) -> None:
        line = record(
            self.points[index],
            outcome,
            workload=self.order.workload,
            versions=self.versions,
            date=_now(),
        )
        self.file.add({"scenario": self.cases[index].scenario, **line})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
