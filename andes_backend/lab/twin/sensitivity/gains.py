"""How much of a policy's loss another makes good in each scenario, and what survives of that."""

from collections.abc import Mapping
from dataclasses import dataclass

from andes_backend.lab.report.interval import Interval, interval
from andes_backend.lab.twin.sensitivity.spec import Case, SensitivitySpec

__all__ = ["Results"]


@dataclass(frozen=True, slots=True)
class Results:
    """The mean QoE of every case that has been simulated."""

    spec: SensitivitySpec
    qoe: Mapping[Case, float]

    def mean(self, scenario: str, policy: str) -> Interval | None:
        """Mean QoE over seeds; None if there is none."""
        seeds = self.spec.seeds
        cases = (Case(scenario, policy, seed) for seed in seeds)
        return _interval([self.qoe[case] for case in cases if case in self.qoe])

    def recovers(self, scenario: str, policy: str) -> Interval | None:
        """The share of the first policy's loss that this one makes good, seed by seed.

        Loss is what is missing to a QoE of 1. A gain by itself would not do: where the first
        policy happens to do well, as with other output lengths, there is less to gain.

        Returns:
            1 where every reader is served perfectly, 0 where nothing is better, below 0 where it
            is worse; None if a simulation is missing or nothing is lost.
        """
        return _interval(list(self._recovered(scenario, policy).values()))

    def survives(self, scenario: str, policy: str) -> Interval | None:
        """What it recovers over that in the scenario it is compared with, seed by seed.

        Returns:
            1 where the scenario costs the policy nothing; None if a simulation is missing, or in
            some seed there is no gain that could be lost.
        """
        shares = self._recovered(scenario, policy)
        before = self._recovered(self.spec.scenarios[scenario].against, policy)
        pairs = [(share, before[seed]) for seed, share in shares.items() if seed in before]
        if any(whole <= 0 for _, whole in pairs):
            return None
        return _interval([share / whole for share, whole in pairs])

    def _recovered(self, scenario: str, policy: str) -> dict[int, float]:
        """By seed."""
        first, shares = self.spec.policies[0], {}
        for seed in self.spec.seeds:
            one, other = Case(scenario, policy, seed), Case(scenario, first, seed)
            if one in self.qoe and other in self.qoe and self.qoe[other] < 1:
                loss = 1 - self.qoe[other]
                shares[seed] = (self.qoe[one] - self.qoe[other]) / loss
        return shares


def _interval(values: list[float]) -> Interval | None:
    return interval(values) if values else None
