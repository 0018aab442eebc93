"""From an order to an answer: what `andes plan` does."""

import contextlib
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from andes_backend.lab.interruption import INTERRUPTED, ended_like_ctrl_c
from andes_backend.lab.plan.answer import sentence, table
from andes_backend.lab.plan.estimate import Reach
from andes_backend.lab.plan.order import Order
from andes_backend.lab.plan.picture import draw
from andes_backend.lab.plan.search import next_rate, settled, slope_near
from andes_backend.lab.plan.store import Store
from andes_backend.lab.report.rates import Capacity
from andes_backend.lab.twin.sweep.measure import Task, measure
from andes_backend.lab.twin.sweep.pool import Done, Failed, run_tasks
from andes_backend.lab.twin.sweep.progress import watched
from andes_backend.lab.twin.sweep.session import ENVIRONMENT, WIDTH, new_directory
from andes_backend.lab.workload.requests import counted

__all__ = ["run"]

_FILES: Final = ("answer.txt", "plan.png", "results.jsonl")


def run(order: Order, *, console: Console | None = None) -> int:
    """Find the rates, and report.

    Returns:
        An exit status: 0; 1 if a point failed; 130 if it was interrupted.

    Raises:
        OSError, ValueError: as `Store` has them.
    """
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    store = Store(order, order.directory or new_directory(order.out, "plan"))
    plan = _Plan(order, store, console)
    interrupted = False
    try:
        with ended_like_ctrl_c():
            plan.run()
    except KeyboardInterrupt:
        interrupted = True
        plan.say("interrupted; reporting what is there")
    plan.conclude()
    if interrupted or plan.errors:
        plan.say(f"go on with: {_again(order, store.directory)}")
    return INTERRUPTED if interrupted else int(bool(plan.errors))


@dataclass
class _Plan:
    """A plan that is under way: for each policy and seed a search, one rate after the other.

    The first seed of a policy shows where to look; the others follow at once, close by.
    """

    order: Order
    store: Store
    console: Console
    tasks: list[Task] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    found: dict[tuple[str, int], Capacity] = field(default_factory=dict)

    def run(self) -> None:
        """Settle all searches; every point is in the file as soon as it is there."""
        for policy in self.order.policies:
            self._go_on(policy, self.order.seeds[0])
        log = self.store.directory / "worker.log"
        jobs = self.order.jobs
        events = run_tasks(measure, self.tasks, jobs=jobs, log=log, environment=ENVIRONMENT)
        with contextlib.closing(watched(events, self.labels, self.console)) as seen:
            for event in seen:
                match event:
                    case Done(index, measured):
                        self.store.add(point := self.tasks[index].point, measured)
                        self._go_on(point.policy, point.seed)
                    case Failed(index, error):
                        self._fail(index, error)

    def conclude(self) -> None:
        """The answer on the console and in a file, the picture, and where it all is."""
        reaches = [self._reach(policy) for policy in self.order.policies]
        with (self.store.directory / _FILES[0]).open("w") as file:
            for console in (self.console, Console(file=file, width=WIDTH)):
                console.print(sentence(self.order, reaches), markup=False, highlight=False)
                console.print(table(self.order, reaches))
        draw(self.order, self.store, reaches, self.store.directory / _FILES[1])
        where = ", ".join(_FILES)
        self.say(f"written to {self.store.directory}: {where}")

    def say(self, text: str) -> None:
        """Tell it on the console, as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _go_on(self, policy: str, seed: int) -> None:
        """Ask for the search's next rate; or note where it has ended, and begin others."""
        margins = self.store.margins(policy, seed)
        start, slope = self._guide(policy, seed)
        rate = next_rate(margins, start=start, slope=slope)
        if rate is not None:
            point = self.order.point(self.store.next_index(), policy, seed, rate)
            self.tasks.append(Task(point=point))
            self.labels.append(f"{policy}, {rate:.3g} requests/s, seed {seed}")
            return
        capacity = self.found[policy, seed] = settled(margins, slope)
        took = counted(len(margins), "simulation")
        self.say(f"{policy}, seed {seed}: {capacity} requests/s ({took})")
        if seed == self.order.seeds[0]:
            self._begin_others(policy)

    def _begin_others(self, policy: str) -> None:
        for seed in self.order.seeds[1:]:
            self._go_on(policy, seed)

    def _guide(self, policy: str, seed: int) -> tuple[float, float | None]:
        """Where a search starts, and how the QoE falls there, as the first seed has shown."""
        first = self.order.seeds[0]
        shown = self.found.get((policy, first))
        if seed == first or shown is None or shown.at_least != shown.at_most:
            return self.order.start, None
        return shown.at_least, slope_near(self.store.margins(policy, first), shown.at_least)

    def _fail(self, index: int, error: str) -> None:
        self.errors[index] = error
        point = self.tasks[index].point
        self.store.add(point, error)
        self.say(f"{self.labels[index]}: failed: {error}")
        if point.seed == self.order.seeds[0]:
            self._begin_others(point.policy)

    def _reach(self, policy: str) -> Reach:
        return Reach(
            policy=policy,
            capacities={
                seed: self.found[policy, seed]
                for seed in self.order.seeds
                if (policy, seed) in self.found
            },
            so_far=self._so_far(policy),
            simulations=sum(len(self.store.margins(policy, seed)) for seed in self.order.seeds),
        )

    def _so_far(self, policy: str) -> Capacity:
        """What the first seed alone has shown, settled or not."""
        seed = self.order.seeds[0]
        return settled(self.store.margins(policy, seed), self._guide(policy, seed)[1])


def _again(order: Order, directory: Path) -> str:
    command = list(order.command)
    if "--resume" not in command:
        command += ["--resume", str(directory)]
    return shlex.join(command)
