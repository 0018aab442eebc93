"""What a policy gains over another in each scenario, and how much of it survives."""

from collections.abc import Mapping
from dataclasses import dataclass

from andes_backend.report.interval import Interval, interval
from andes_backend.twin.sensitivity.order import Case, Order

__all__ = ["Results"]


@dataclass(frozen=True, slots=True)
class Results:
    """The mean QoE of every case that has been simulated."""

    order: Order
    qoe: Mapping[Case, float]

    def mean(self, scenario: str, policy: str) -> Interval | None:
        """Mean QoE over seeds; None if there is none."""
        seeds = self.order.seeds
        cases = (Case(scenario, policy, seed) for seed in seeds)
        return _interval([self.qoe[case] for case in cases if case in self.qoe])

    def gain(self, scenario: str, policy: str) -> Interval | None:
        """Mean QoE more than the first policy's, seed by seed; None if there is none."""
        return _interval(list(self._gains(scenario, policy).values()))

    def survives(self, scenario: str, policy: str) -> Interval | None:
        """The gain over that in the scenario it is compared with, seed by seed.

        Returns:
            1 where nothing is lost; None if a simulation is missing, or in some seed there is no
            gain to lose.
        """
        gains = self._gains(scenario, policy)
        before = self._gains(self.order.scenarios[scenario].against, policy)
        pairs = [(gain, before[seed]) for seed, gain in gains.items() if seed in before]
        if any(whole <= 0 for _, whole in pairs):
            return None
        return _interval([gain / whole for gain, whole in pairs])

    def _gains(self, scenario: str, policy: str) -> dict[int, float]:
        """By seed."""
        first, gains = self.order.policies[0], {}
        for seed in self.order.seeds:
            one, other = Case(scenario, policy, seed), Case(scenario, first, seed)
            if one in self.qoe and other in self.qoe:
                gains[seed] = self.qoe[one] - self.qoe[other]
        return gains


def _interval(values: list[float]) -> Interval | None:
    return interval(values) if values else None
