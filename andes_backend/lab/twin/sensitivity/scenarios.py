"""What may be different from what the scheduler takes for granted.

A request of a reader who says one thing and wants another has both: what is said goes to the
server, and what is wanted in truth is what the answer is judged by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from andes_backend.lab.workload import Request, Workload
from andes_backend.lab.workload.restless import Restless, behaving
from andes_client.expectation import Expectation

__all__ = ["AS_TOLD", "RESTLESS", "Deviations", "Scenario", "scenarios"]

AS_TOLD: Final = "as told"
"""The scenario in which all is as the scheduler takes it to be."""

RESTLESS: Final = Restless(pausing=0.2, skimming=0.2, revealing=0.1, leaving=0.25)
"""Of the readers a fifth pause once, a fifth skim at twice the speed, a tenth have all shown at
once, and a quarter leave, half of these behind a proxy that keeps the connection open."""

_LOTS: Final = 96  # apart from the workload's own random streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations:
    """How far the truth is from what the scheduler takes it to be.

    Raises:
        ValueError: a value is out of range.
    """

    faster: float = 0.3
    """Readers read faster than they say by this share; below 0: slower."""
    missing: float = 0.5
    """Share of the requests that say nothing of their readers."""
    shift: float = 2.0
    """In the middle of the run outputs become so many times as long; in another run, as short."""
    jitter_s: tuple[float, float] = (0.05, 0.5)
    """What the network adds to each token, from and to, seconds."""

    def __post_init__(self) -> None:
        if not -0.9 <= self.faster <= 9:
            raise ValueError(f"--faster must be a share from -0.9 to 9, not {self.faster:g}")
        if not 0 <= self.missing <= 1:
            raise ValueError(f"--missing must be a share, 0 to 1, not {self.missing:g}")
        if not 1 <= self.shift <= 100:
            raise ValueError(f"--shift must be 1 to 100 times, not {self.shift:g}")
        least, most = self.jitter_s
        if not 0 <= least <= most <= 60:
            raise ValueError(
                "--jitter-ms must rise, from 0 to 60,000 at most, not "
                f"{1e3 * least:g}-{1e3 * most:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing that is different."""

    about: str
    """What, in a sentence that goes on after "when"."""
    against: str = AS_TOLD
    """The scenario whose gain is to survive: the same world, but the scheduler knows it."""
    change: Callable[[Workload], Workload] | None = None
    """Makes the workload different; None: it is as it is."""
    jitter_s: tuple[float, float] | None = None
    """Of the network, seconds."""
    reports: bool = False
    """Whether readers report to the server what they do."""

    def of(self, workload: Workload) -> Workload:
        """The workload in this scenario."""
        return workload if self.change is None else self.change(workload)


def scenarios(deviations: Deviations) -> Mapping[str, Scenario]:
    """All scenarios by name; each comes after the one that it is compared with."""
    by, shift = deviations.faster, deviations.shift
    pace = f"{abs(by):.0%} {'faster' if by >= 0 else 'slower'}"
    low, high = (1e3 * bound for bound in deviations.jitter_s)
    return {
        AS_TOLD: Scenario(about="all is as the scheduler is told"),
        f"{pace}, and say so": Scenario(
            about=f"readers are {pace}, and say so", change=partial(_faster, by=by, told=True)
        ),
        f"{pace} than told": Scenario(
            about=f"readers are {pace} than they say",
            change=partial(_faster, by=by, told=False),
            against=f"{pace}, and say so",
        ),
        f"{deviations.missing:.0%} without hints": Scenario(
            about=f"{deviations.missing:.0%} of the requests say nothing of their readers",
            change=partial(_silent, share=deviations.missing),
        ),
        f"outputs x {shift:g}": Scenario(
            about=f"outputs become {shift:g} times as long in the middle of the run",
            change=partial(_shifted, times=shift),
        ),
        f"outputs / {shift:g}": Scenario(
            about=f"outputs become {shift:g} times as short in the middle of the run",
            change=partial(_shifted, times=1 / shift),
        ),
        f"jitter {low:g}-{high:g} ms": Scenario(
            about=f"the network adds {low:g} to {high:g} ms to each token",
            jitter_s=deviations.jitter_s,
        ),
        "restless, and say so": Scenario(
            about="readers pause, skim or leave, and report it",
            change=partial(behaving, readers=RESTLESS),
            reports=True,
        ),
        "restless, unheard": Scenario(
            about="readers pause, skim or leave, and the server is not told",
            change=partial(behaving, readers=RESTLESS),
            against="restless, and say so",
        ),
    }


def _faster(workload: Workload, *, by: float, told: bool) -> Workload:
    """Readers of another speed; the server is told of it, or of the speed before."""

    def changed(request: Request) -> Request:
        said = request.expectation
        true = Expectation(said.ttft, said.tds * (1 + by))
        return replace(request, expectation=true, told=None if told else said)

    return replace(workload, requests=tuple(map(changed, workload.requests)))


def _silent(workload: Workload, *, share: float) -> Workload:
    """A share of the requests, by lot, says nothing."""
    draw = Generator(PCG64(SeedSequence(workload.seed, spawn_key=(_LOTS,))))
    lots = draw.random(len(workload.requests)) < share
    requests = (
        replace(request, silent=True) if lot else request
        for request, lot in zip(workload.requests, lots.tolist(), strict=True)
    )
    return replace(workload, requests=tuple(requests))


def _shifted(workload: Workload, *, times: float) -> Workload:
    """In the second half outputs are so many times as long as in the first.

    Over the run they are as long as before. The gaps between arrivals change alike: what is asked
    for in a second stays the same, so that it is not the load that makes the difference.
    """
    requests = workload.requests
    first = 2 / (1 + times)
    factors = np.where(np.arange(len(requests)) < len(requests) / 2, first, first * times)
    gaps = np.diff([request.arrival_s for request in requests], prepend=0.0)
    arrivals = np.cumsum(gaps * factors).tolist()
    changed = (
        replace(one, arrival_s=arrival, output_tokens=max(1, round(one.output_tokens * factor)))
        for one, arrival, factor in zip(requests, arrivals, factors.tolist(), strict=True)
    )
    return replace(workload, requests=tuple(changed))
