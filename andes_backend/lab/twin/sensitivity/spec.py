"""What a person asked `andes sensitivity` for, and whether it can be done."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

from andes_backend.lab.campaign.spec import Spec, SpecError
from andes_backend.lab.twin.point import Cell, MakeWorkload, Point
from andes_backend.lab.twin.sensitivity.scenarios import Deviations, Scenario, scenarios
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Workload, check_fits
from andes_backend.profile import Profile

__all__ = ["Case", "SensitivitySpec"]


@dataclass(frozen=True, slots=True)
class Case:
    """One simulation: a scenario under a policy, with a seed."""

    scenario: str
    policy: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class SensitivitySpec(Spec):
    """What to run, and what to write.

    Raises:
        SpecError: there are not two policies or more.
        SetupError: there is no such policy.
        WorkloadError: a request can never fit the KV cache, in some scenario.
    """

    profile_name: str
    profile: Profile
    policies: Sequence[str]
    """The first is what the others gain over."""
    make: MakeWorkload
    arrivals: str | None
    rate: float
    """Requests/s."""
    seeds: Sequence[int]
    deviations: Deviations
    workload: Mapping[str, object]
    """How the workloads are made; goes into the files."""

    def __post_init__(self) -> None:
        if len(self.policies) < 2:
            raise SpecError(
                "a gain is that of one policy over another: give two policies or more, such as "
                "--policies stock,qoe"
            )
        for policy in self.policies:
            Setup(profile=self.profile, policy=policy)
        for name in self.scenarios:
            workload = self.made(name, self.rate, self.arrivals, self.seeds[0])
            check_fits(workload, self.profile.request_tokens)

    @cached_property
    def scenarios(self) -> Mapping[str, Scenario]:
        """By name, in the order of the table."""
        return scenarios(self.deviations)

    def cases(self) -> list[Case]:
        """All of them: seed by seed, so that an interrupted run has whole seeds."""
        return [
            Case(scenario, policy, seed)
            for seed in self.seeds
            for scenario in self.scenarios
            for policy in self.policies
        ]

    def point(self, index: int, case: Case) -> Point:
        """The simulation of a case; `index` is its place among all."""
        scenario = self.scenarios[case.scenario]
        setup = Setup(
            profile=self.profile,
            policy=case.policy,
            jitter_s=scenario.jitter_s,
            reports=scenario.reports,
        )
        cell = Cell.of(self.profile_name, setup, arrivals=self.arrivals, rate=self.rate)
        make = partial(self.made, case.scenario)
        return Point(index=index, cell=cell, seed=case.seed, setup=setup, make=make)

    def made(self, name: str, rate: float | None, arrivals: str | None, seed: int) -> Workload:
        """The workload of a scenario; the other arguments are those of `make`."""
        return self.scenarios[name].of(self.make(rate, arrivals, seed))

    def described(self) -> dict[str, Any]:
        """What is run, as JSON has it."""
        return {
            "profile": asdict(self.profile),
            "workload": dict(self.workload),
            "rate": self.rate,
            "policies": list(self.policies),
            "seeds": list(self.seeds),
            "deviations": asdict(self.deviations),
            "scenarios": {name: one.about for name, one in self.scenarios.items()},
        }
