"""From a spec to an answer: what `andes plan` does."""

import shlex
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.text import Text

from andes_backend.lab.campaign.campaign import Campaign
from andes_backend.lab.campaign.console import report_console
from andes_backend.lab.plan.answer import sentence, table
from andes_backend.lab.plan.estimate import Reach
from andes_backend.lab.plan.picture import draw
from andes_backend.lab.plan.search import next_rate, settled, slope_near
from andes_backend.lab.plan.store import Store
from andes_backend.lab.report.rates import Capacity
from andes_backend.lab.twin import PRELOAD
from andes_backend.lab.twin.measure import Measured, Task, measure
from andes_backend.lab.twin.results import RESULTS
from andes_backend.lab.workload.requests import counted

__all__ = ["run"]

_ANSWER: Final = "answer.txt"
_PICTURE: Final = "plan.png"


def run(store: Store, *, console: Console | None = None) -> int:
    """Find the rates that are not in the store yet, and report.

    Returns and raises as `Campaign.run`.
    """
    console = console or report_console()
    campaign: Campaign[Task, Measured] = Campaign(
        measure, store.directory, store.spec.jobs, console, preload=PRELOAD
    )
    plan = _Plan(store, campaign)
    plan.begin()
    status = campaign.run(plan.keep, plan.conclude)
    if status:
        campaign.say(f"go on with: {_again(store)}")
    return status


@dataclass
class _Plan:
    """A plan that is under way: for each policy and seed a search, one rate after the other.

    The first seed of a policy shows where to look; the others follow at once, close by.
    """

    store: Store
    campaign: Campaign[Task, Measured]
    found: dict[tuple[str, int], Capacity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spec = self.store.spec

    def begin(self) -> None:
        """Ask for the first rate of each search."""
        for policy in self.spec.policies:
            self._go_on(policy, self.spec.seeds[0])

    def keep(self, index: int, outcome: Measured | str) -> None:
        """Write a point's result, or why it failed, to the file at once; and the search goes on."""
        point = self.campaign.tasks[index].point
        self.store.add(point, outcome)
        if isinstance(outcome, Measured):
            self._go_on(point.policy, point.seed)
        elif point.seed == self.spec.seeds[0]:
            self._begin_others(point.policy)

    def conclude(self) -> None:
        """The answer on the console and in a file, the picture, and where it all is."""
        reaches = [self._reach(policy) for policy in self.spec.policies]
        answer = Text(sentence(self.spec, reaches)), table(self.spec, reaches)
        self.campaign.show(_ANSWER, *answer)
        draw(self.spec, self.store, reaches, self.store.directory / _PICTURE)
        files = ", ".join((_ANSWER, _PICTURE, RESULTS))
        self.campaign.say(f"written to {self.store.directory}: {files}")

    def _go_on(self, policy: str, seed: int) -> None:
        """Ask for the search's next rate; or note where it has ended, and begin others."""
        margins = self.store.margins(policy, seed)
        start, slope = self._guide(policy, seed)
        rate = next_rate(margins, start=start, slope=slope)
        if rate is not None:
            point = self.spec.point(self.store.next_index(), policy, seed, rate)
            self.campaign.add(Task(point=point), f"{policy}, {rate:.3g} requests/s, seed {seed}")
            return
        capacity = self.found[policy, seed] = settled(margins, slope)
        took = counted(len(margins), "simulation")
        self.campaign.say(f"{policy}, seed {seed}: {capacity} requests/s ({took})")
        if seed == self.spec.seeds[0]:
            self._begin_others(policy)

    def _begin_others(self, policy: str) -> None:
        for seed in self.spec.seeds[1:]:
            self._go_on(policy, seed)

    def _guide(self, policy: str, seed: int) -> tuple[float, float | None]:
        """Where a search starts, and how the QoE falls there, as the first seed has shown."""
        first = self.spec.seeds[0]
        shown = self.found.get((policy, first))
        if seed == first or shown is None or shown.at_least != shown.at_most:
            return self.spec.start, None
        return shown.at_least, slope_near(self.store.margins(policy, first), shown.at_least)

    def _reach(self, policy: str) -> Reach:
        return Reach(
            policy=policy,
            capacities={
                seed: self.found[policy, seed]
                for seed in self.spec.seeds
                if (policy, seed) in self.found
            },
            so_far=self._so_far(policy),
            simulations=sum(len(self.store.margins(policy, seed)) for seed in self.spec.seeds),
        )

    def _so_far(self, policy: str) -> Capacity:
        """What the first seed alone has shown, settled or not."""
        seed = self.spec.seeds[0]
        return settled(self.store.margins(policy, seed), self._guide(policy, seed)[1])


def _again(store: Store) -> str:
    command = list(store.spec.command)
    if "--resume" not in command:
        command += ["--resume", str(store.directory)]
    return shlex.join(command)
