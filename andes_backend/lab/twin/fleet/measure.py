"""Simulate one fleet, in a process of its own; what needs vLLM is imported there."""

from dataclasses import dataclass

import numpy as np

from andes_backend.lab.campaign.pool import Tell
from andes_backend.lab.report.run import Run, Summary, summarise
from andes_backend.lab.twin.fleet.spec import FleetTask

__all__ = ["FleetFigures", "measure_fleet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFigures:
    """The figures of a run."""

    summary: Summary
    worst_tenth: float
    """Mean QoE of the tenth of the readers with the lowest."""
    gpu_hours: float | None
    replica_hours: float
    replicas_most: int
    """Most replicas that were paid for at a time."""
    sent_least: int
    """Requests that the replica got that got fewest."""
    sent_most: int
    fell_back: int
    """See `FleetRun`."""
    steps: int
    wall_s: float


def measure_fleet(task: FleetTask, tell: Tell) -> FleetFigures:
    """Simulate; `tell` hears how many requests have ended, of how many.

    Raises:
        ImportError: there is no vLLM, or it is one that we do not know.
        TwinError: a scheduler broke a promise.
    """
    workload = task.workload()
    from andes_backend.lab.twin.fleet.fleet import simulate_fleet  # takes seconds: vLLM

    run = simulate_fleet(workload, task.fleet, tell)
    count = len(run.outcomes)
    qoe = np.sort([outcome.qoe for outcome in run.outcomes])
    return FleetFigures(
        summary=summarise(
            Run(task.fleet.routing, {}, run.outcomes, count, preemptions=run.preemptions)
        ),
        worst_tenth=float(qoe[: max(1, count // 10)].mean()),
        gpu_hours=run.gpu_hours,
        replica_hours=run.replica_s / 3600,
        replicas_most=max(paid for _, _, paid in run.sizes),
        sent_least=min(run.served.values()),
        sent_most=max(run.served.values()),
        fell_back=run.fell_back,
        steps=run.steps,
        wall_s=run.wall_s,
    )
