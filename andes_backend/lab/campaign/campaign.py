"""The runner of campaigns: tasks in processes, each outcome kept at once, then a report.

campaign = Campaign(measure, directory, jobs=4, console=report_console())
for point in points:
    campaign.add(Task(point=point), f"rate {point.rate}")
status = campaign.run(keep, conclude)
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

from rich.console import Console, RenderableType

from andes_backend.lab.campaign.console import say, show
from andes_backend.lab.campaign.interruption import INTERRUPTED, ended_like_ctrl_c
from andes_backend.lab.campaign.pool import Done, Failed, Tell, run_tasks
from andes_backend.lab.campaign.progress import watched

__all__ = ["ENVIRONMENT", "LOG", "Campaign"]

Task = TypeVar("Task")
Value = TypeVar("Value")

LOG: Final = "worker.log"
"""The file in a campaign's directory that has what the processes print."""

ENVIRONMENT: Final = {
    # Processes share the cores by themselves; what a simulation computes is tiny.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # A page about the configuration for every point would bury what matters in the log.
    "VLLM_LOGGING_LEVEL": "ERROR",
}
"""Of the processes."""


@dataclass
class Campaign(Generic[Task, Value]):
    """Tasks of one kind, and what became of them."""

    function: Callable[[Task, Tell], Value]
    """What a process does with a task; see `run_tasks`."""
    directory: Path
    """Where the results go; it is there."""
    jobs: int
    """Processes."""
    console: Console
    preload: Sequence[str] = ()
    """Modules that are worth importing once for all processes."""
    tasks: list[Task] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    """What to call each task."""
    errors: dict[int, str] = field(default_factory=dict)
    """Index of a task that failed -> why, in one line."""

    def add(self, task: Task, label: str) -> None:
        """One more task; also while the campaign runs, as `keep` may find that it is needed."""
        self.tasks.append(task)
        self.labels.append(label)

    def run(self, keep: Callable[[int, Value | str], None], conclude: Callable[[], None]) -> int:
        """Carry out all tasks, and conclude; after Ctrl-C or SIGTERM, with what is there.

        Args:
            keep: is given each task's index and its result, or why it failed, as soon as
                that is known.
            conclude: writes the report; called in any case.

        Returns:
            An exit status: 0; 1 if a task failed; 130 if it was interrupted.

        Raises:
            OSError: a file cannot be written.
        """
        interrupted = False
        try:
            with ended_like_ctrl_c():
                self._carry_out(keep)
        except KeyboardInterrupt:
            interrupted = True
            self.say("interrupted; reporting the results so far")
        conclude()
        return INTERRUPTED if interrupted else int(bool(self.errors))

    def say(self, text: str) -> None:
        """Tell it on the console, as it is."""
        say(self.console, text)

    def show(self, name: str, *shown: RenderableType) -> None:
        """Print on the console and in a file of this name."""
        show(self.console, self.directory / name, *shown)

    def _carry_out(self, keep: Callable[[int, Value | str], None]) -> None:
        events = run_tasks(
            self.function,
            self.tasks,
            jobs=self.jobs,
            log=self.directory / LOG,
            environment=ENVIRONMENT,
            preload=self.preload,
        )
        with contextlib.closing(watched(events, self.labels, self.console)) as seen:
            for event in seen:
                match event:
                    case Done(index, value):
                        keep(index, value)
                    case Failed(index, error):
                        self.errors[index] = error
                        self.say(f"{self.labels[index]}: failed: {error}")
                        keep(index, error)
