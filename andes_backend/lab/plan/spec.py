"""What a person asked `andes plan` for, and whether it can be done."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from andes_backend.lab.campaign.spec import Spec, SpecError
from andes_backend.lab.report.run import Summary
from andes_backend.lab.twin.point import Cell, MakeWorkload, Point
from andes_backend.lab.twin.saturation import saturation
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import check_fits
from andes_backend.profile import Profile

__all__ = ["Goal", "PlanSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """How well readers are to be served.

    Raises:
        SpecError: a value is out of range, or the two contradict each other.
    """

    qoe: float = 0.9
    """The mean QoE that is wanted, above 0 and at most 1."""
    p10: float | None = None
    """A floor for the 10th percentile of QoE; None: no floor."""

    def __post_init__(self) -> None:
        for name, value in (("--qoe", self.qoe), ("--p10", self.p10)):
            if value is not None and not 0 < value <= 1:
                raise SpecError(f"{name} must be above 0 and at most 1, not {value:g}")
        if self.p10 is not None and self.p10 > self.qoe:
            raise SpecError(
                f"--p10 {self.p10:g} is above --qoe {self.qoe:g}: nine in ten readers would have "
                "to be served better than the average; lower --p10, or raise --qoe"
            )

    def margin(self, summary: Summary) -> float:
        """How much better than asked for a run was, in QoE; below 0: not well enough."""
        margins = [(summary.qoe_mean or 0.0) - self.qoe]
        if self.p10 is not None:
            margins.append((summary.qoe_p10 or 0.0) - self.p10)
        return min(margins)

    def __str__(self) -> str:
        floor = "" if self.p10 is None else f" and its 10th percentile at {self.p10:g}"
        return f"the mean QoE at {self.qoe:g}{floor}"


@dataclass(frozen=True, kw_only=True)
class PlanSpec(Spec):
    """What to find out, and what to make of it.

    Raises:
        SpecError: policies or seeds are missing or doubled, or the demand, the price or the
            number of GPUs is invalid.
        SetupError: there is no such policy.
        WorkloadError: a request can never fit the KV cache.
    """

    profile_name: str
    profile: Profile
    policies: Sequence[str]
    """The first is what the others are compared with."""
    make: MakeWorkload
    arrivals: str | None
    """As on the command line; None: the trace's own."""
    seeds: Sequence[int]
    goal: Goal
    workload: Mapping[str, object]
    """How the workloads are made, apart from rate and seed; goes into the files."""
    demand: float | None = None
    """Requests/s that all servers together are to take; None: not asked."""
    price: float | None = None
    """Of a GPU for an hour, in any currency; None: not asked."""
    gpus_per_server: int | None = None
    """None: the profile's."""
    directory: Path | None = None
    """Where results go instead, if it is there already: it may have points of an earlier run,
    which are used again and added to."""

    def __post_init__(self) -> None:
        for name, values in (("policy", self.policies), ("seed", self.seeds)):
            if not values:
                raise SpecError(f"there must be one {name} or more")
            for value in values:
                if list(values).count(value) > 1:
                    raise SpecError(f"the {name} {value} is given twice")
        self._check_money()
        for policy in self.policies:
            Setup(profile=self.profile, policy=policy)
        workload = self.make(2 * self.start, self.arrivals, self.seeds[0])
        check_fits(workload, self.profile.request_tokens)

    @cached_property
    def start(self) -> float:
        """The first rate to try, requests/s: about what the server completes at most."""
        return saturation(self.profile, self.make(1.0, self.arrivals, self.seeds[0]))

    @property
    def gpus(self) -> int:
        """GPUs of a server; 1 if nobody says, which counts servers."""
        return self.gpus_per_server or self.profile.gpus or 1

    def point(self, index: int, policy: str, seed: int, rate: float) -> Point:
        """A simulation to run.

        Args:
            index: its place among all of them.
            policy, seed, rate: what it is.
        """
        setup = Setup(profile=self.profile, policy=policy)
        cell = Cell.of(self.profile_name, setup, arrivals=self.arrivals, rate=rate)
        return Point(index=index, cell=cell, seed=seed, setup=setup, make=self.make)

    def basis(self) -> dict[str, Any]:
        """What its points depend on, as JSON has it: those of another basis are of no use here."""
        value = {"profile": asdict(self.profile), "workload": dict(self.workload)}
        made: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
        return made

    def _check_money(self) -> None:
        for name, value in (("--demand", self.demand), ("--price", self.price)):
            if value is not None and not 0 < value < math.inf:
                raise SpecError(f"{name} must be above 0, not {value:g}")
        if self.price is not None and self.demand is None:
            raise SpecError("--price needs a demand to count GPUs for: give --demand as well")
        if self.demand is not None and not (self.gpus_per_server or self.profile.gpus):
            raise SpecError(
                f"the profile {self.profile_name} does not say how many GPUs a server has: give "
                "--gpus-per-server"
            )
