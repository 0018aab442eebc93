"""Simulate one point, in a process of its own; the only part of a campaign that needs vLLM."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.campaign.files import now
from andes_backend.lab.campaign.pool import Tell
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run, Summary, summarise, write_json
from andes_backend.lab.report.waits import Waits, waits
from andes_backend.lab.twin.point import Point

if TYPE_CHECKING:
    from andes_backend.lab.twin.record import Steps

__all__ = ["Detail", "Measured", "Task", "measure"]

_SHOWN: int = 2000  # moments of a run that a picture can show apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A point, and what to keep of it."""

    point: Point
    detail: bool = False
    """Return every request and the state over time, not only the figures."""
    keep: Path | None = None
    """Write every request to this JSON file, as `andes bench` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Every request, and the state over time at up to 2,000 moments: arrays of one shape."""

    outcomes: tuple[Outcome, ...]
    """In the order of the workload."""
    time_s: NDArray[np.float64]
    """Seconds since the start."""
    waiting: NDArray[np.int64]
    """Requests that hold no KV memory."""
    running: NDArray[np.int64]
    kv_use: NDArray[np.float64]
    """Share of the KV blocks that somebody holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The result of a point."""

    summary: Summary
    waits: Waits
    """Who waited."""
    steps: int
    """Steps of the engine."""
    preemptions: int
    wall_s: float
    """What the simulation itself took, seconds; the rest does not depend on the machine."""
    detail: Detail | None


def measure(task: Task, tell: Tell) -> Measured:
    """Simulate a point; `tell` hears how many requests have ended, of how many.

    Raises:
        ImportError: there is no vLLM, or it is one that we do not know.
        OSError: the file cannot be written.
        TwinError: the scheduler broke a promise; see `simulate`.
    """
    point = task.point
    workload = point.workload()
    from andes_backend.lab.twin.engine import simulate  # takes seconds: vLLM

    simulation = simulate(workload, point.setup, tell)
    run = Run(
        point.policy,
        point.axes(),
        simulation.outcomes,
        len(simulation.outcomes),
        simulation.preemptions,
        simulation.forecasts_held,
    )
    if task.keep is not None:
        _keep(run, task.keep)
    return Measured(
        summary=summarise(run),
        waits=waits(simulation.outcomes),
        steps=len(simulation.steps.time_s),
        preemptions=simulation.preemptions,
        wall_s=simulation.wall_s,
        detail=_detail(simulation.outcomes, simulation.steps) if task.detail else None,
    )


def _keep(run: Run, path: Path) -> None:
    """A process may be killed at any time: the file is there in full, or not at all."""
    unfinished = path.with_suffix(".part")
    write_json(run, unfinished, date=now())
    unfinished.replace(path)


def _detail(outcomes: tuple[Outcome, ...], steps: "Steps") -> Detail:
    shown = np.unique(np.linspace(0, len(steps.time_s) - 1, _SHOWN).astype(np.intp))
    return Detail(
        outcomes=outcomes,
        time_s=steps.time_s[shown],
        waiting=steps.waiting[shown],
        running=steps.running[shown],
        kv_use=steps.used_blocks[shown] / steps.total_blocks,
    )
