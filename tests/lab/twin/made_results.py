"""Results to report on, made by hand: what the reports do with them needs no simulation."""

import multiprocessing
from typing import Any

import numpy as np

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run, summarise
from andes_backend.lab.report.waits import waits
from andes_backend.lab.twin.measure import Detail, Measured
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.workload import Workload, make_workload
from andes_backend.profile import load_profile

COUNT = 12


def make(rate: float | None, arrivals: str | None, seed: int) -> Workload:
    return make_workload(COUNT, rate=rate or 3.0, seed=seed, name=arrivals or "poisson")


def make_here_only(rate: float | None, arrivals: str | None, seed: int) -> Workload:
    """Makes no workload in the processes of a pool."""
    if multiprocessing.parent_process() is not None:
        raise RuntimeError(f"no workload at {rate} here")
    return make(rate, arrivals, seed)


def sweep(**more: Any) -> Sweep:
    plain: dict[str, Any] = {"policies": ["stock", "qoe"], "rates": [3.0], "make": make}
    plain["arrivals"] = ["poisson"]
    profiles = {"opt-66b-4xa100": load_profile("opt-66b-4xa100")}
    return Sweep(profiles=profiles, **{**plain, **more})


def measured(late_s: float, *, seed: int = 0, preemptions: int = 0) -> Measured:
    """All is late by `late_s` seconds; with every request and its tokens at reading speed."""
    outcomes = tuple(
        Outcome(
            index=index,
            request=request,
            submitted_s=request.arrival_s,
            times=tuple(
                request.expectation.ttft + late_s * (1 + index) + i / request.expectation.tds
                for i in range(request.output_tokens)
            ),
        )
        for index, request in enumerate(make(3.0, None, seed).requests)
    )
    time_s = np.linspace(0.0, 60.0, 50)
    detail = Detail(
        outcomes=outcomes,
        time_s=time_s,
        waiting=np.arange(50) % 7,
        running=np.full(50, 3),
        kv_use=np.linspace(0.0, 1.0, 50),
    )
    run = Run("any", {}, outcomes, COUNT, preemptions)
    return Measured(
        summary=summarise(run),
        waits=waits(outcomes),
        steps=50,
        preemptions=preemptions,
        wall_s=0.5,
        detail=detail,
    )
