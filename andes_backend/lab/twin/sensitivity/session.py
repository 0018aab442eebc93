"""Run every scenario under every policy, and report: what `andes sensitivity` does."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from andes_backend.lab.campaign.campaign import Campaign
from andes_backend.lab.campaign.console import report_console
from andes_backend.lab.campaign.files import new_directory, write_about
from andes_backend.lab.twin import PRELOAD
from andes_backend.lab.twin.measure import Measured, Task, measure
from andes_backend.lab.twin.results import RESULTS, PointFile
from andes_backend.lab.twin.sensitivity.answer import draw, sentences, table
from andes_backend.lab.twin.sensitivity.gains import Results
from andes_backend.lab.twin.sensitivity.spec import Case, SensitivitySpec

__all__ = ["run"]


def run(spec: SensitivitySpec, *, console: Console | None = None) -> int:
    """Simulate all cases, and report.

    Returns and raises as `Campaign.run`.
    """
    directory = new_directory(spec.out, "sensitivity")
    campaign: Campaign[Task, Measured] = Campaign(
        measure, directory, spec.jobs, console or report_console(), preload=PRELOAD
    )
    book = _Book(spec, campaign)
    return campaign.run(book.keep, book.conclude)


@dataclass
class _Book:
    """What is known so far."""

    spec: SensitivitySpec
    campaign: Campaign[Task, Measured]
    qoe: dict[Case, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory = self.campaign.directory
        self.file = PointFile(self.directory, self.spec.workload)
        write_about(self.directory / "sensitivity.json", self.spec, self.spec.described())
        self.cases = self.spec.cases()
        for index, case in enumerate(self.cases):
            task = Task(point=self.spec.point(index, case))
            self.campaign.add(task, f"{case.scenario}, seed {case.seed}, {case.policy}")

    def keep(self, index: int, outcome: Measured | str) -> None:
        """Write a case's result, or why it failed, to the file at once."""
        case = self.cases[index]
        if isinstance(outcome, Measured):
            self.qoe[case] = outcome.summary.qoe_mean or 0.0
        point = self.campaign.tasks[index].point
        self.file.keep(point, outcome, scenario=case.scenario)

    def conclude(self) -> None:
        """The answer on the console and in a file, the picture, and where it all is."""
        self.file.sort()
        results = Results(self.spec, self.qoe)
        self.campaign.show("table.txt", Text(sentences(results)), table(results))
        draw(results, self.directory / "sensitivity.png")
        files = f"table.txt, sensitivity.png, {RESULTS}"
        self.campaign.say(f"written to {self.directory}: {files}")
