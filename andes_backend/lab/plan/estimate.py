"""From the capacities of several seeds to figures with intervals, GPUs and money.

Rates are averaged in logarithms: then the mean of the ratios is the ratio of the means, and no
interval reaches below 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from andes_backend.lab.report.interval import Interval, interval
from andes_backend.lab.report.rates import Capacity

__all__ = ["Reach", "gpus", "gpus_saved", "ratio", "share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a policy gets."""

    policy: str
    capacities: Mapping[int, Capacity]
    """Seed -> the highest rate at which QoE is still as good as asked for; of seeds that are
    settled."""
    so_far: Capacity
    """What the first seed alone has shown, settled or not."""
    simulations: int
    """Points that this took."""

    @property
    def rates(self) -> dict[int, float]:
        """Seed -> requests/s; without seeds for which it lies outside what was tried."""
        return {
            seed: found.at_least
            for seed, found in self.capacities.items()
            if found.at_least == found.at_most
        }

    @property
    def is_known(self) -> bool:
        """Whether every settled seed has a rate, and there is one."""
        return bool(self.rates) and len(self.rates) == len(self.capacities)

    @property
    def capacity(self) -> Interval | None:
        """Requests/s, over seeds; None if it is not known."""
        return _of_logarithms(list(self.rates.values())) if self.is_known else None


def ratio(reach: Reach, first: Reach) -> Interval | None:
    """How many times the first one's rate; seed by seed, so that what a seed does to both is out.

    Returns:
        None if either is not known, or they have no seed in common.
    """
    pairs = _pairs(reach, first)
    return _of_logarithms([rate / of_first for rate, of_first in pairs]) if pairs else None


def share(reach: Reach, first: Reach) -> Interval | None:
    """What share of the first one's GPUs is not needed for the same demand, however large.

    Returns:
        None as for `ratio`.
    """
    times = ratio(reach, first)
    return None if times is None else times.through(lambda value: 1 - 1 / value)


def gpus(demand: float, rate: float, per_server: int) -> int:
    """GPUs in whole servers.

    Args:
        demand: requests/s in all, spread evenly.
        rate: requests/s that a server takes.
        per_server: GPUs of a server.
    """
    return math.ceil(demand / rate - 1e-9) * per_server


def gpus_saved(reach: Reach, first: Reach, demand: float, per_server: int) -> Interval | None:
    """GPUs that the first needs and this one does not.

    Args:
        reach, first: the policies.
        demand: requests/s in all.
        per_server: GPUs of a server.

    Returns:
        In whole servers: the mean is the difference of what both need at their mean rates, the
        interval is rounded outwards. None as for `ratio`.
    """
    pairs = _pairs(reach, first)
    if not pairs or reach.capacity is None or first.capacity is None:
        return None
    mean = gpus(demand, first.capacity.mean, per_server)
    mean -= gpus(demand, reach.capacity.mean, per_server)
    servers = interval([demand / of_first - demand / rate for rate, of_first in pairs])
    if servers.low is None or servers.high is None:
        return Interval(mean, None, None)
    low, high = math.floor(servers.low) * per_server, math.ceil(servers.high) * per_server
    return Interval(mean, min(low, mean), max(high, mean))


def _pairs(reach: Reach, first: Reach) -> list[tuple[float, float]]:
    """The rates of both, seed by seed."""
    if not reach.is_known or not first.is_known:
        return []
    theirs = first.rates
    return [(rate, theirs[seed]) for seed, rate in reach.rates.items() if seed in theirs]


def _of_logarithms(values: Sequence[float]) -> Interval:
    return interval([math.log(value) for value in values]).through(math.exp)
