"""From the capacities of several seeds to figures with intervals, GPUs and money.

Rates are averaged in logarithms: then the mean of the ratios is the ratio of the means, and no
interval reaches below 0.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from scipy import stats

from andes_backend.report.rates import Capacity

__all__ = ["CONFIDENCE", "Interval", "Reach", "gpus", "gpus_saved", "interval", "ratio", "share"]

CONFIDENCE: Final = 0.95
"""How sure an interval is that the true mean lies in it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds, and between what the true mean lies; None with a single seed."""

    mean: float
    low: float | None
    high: float | None

    def text(self, form: str, *, cell: bool = False) -> str:
        """As a sentence shows it, `2.75 (2.70 to 2.80)`, or a cell, in two lines.

        Args:
            form: of each number, as `format` has it.
            cell: whether it is for a cell.
        """
        mean = format(self.mean, form)
        if self.low is None or self.high is None:
            return mean
        between = f"{self.low:{form}} to {self.high:{form}}"
        return f"{mean}\n{between}" if cell else f"{mean} ({between})"

    def through(self, change: Callable[[float], float]) -> "Interval":
        """Another quantity's interval, which rises with this one."""
        if self.low is None or self.high is None:
            return Interval(change(self.mean), None, None)
        return Interval(change(self.mean), change(self.low), change(self.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a policy gets."""

    policy: str
    capacities: Mapping[int, Capacity]
    """Seed -> the rate at which readers are only just served well; of seeds that are settled."""
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


def interval(values: Sequence[float]) -> Interval:
    """The mean, and Student's interval for it: the values are of independent seeds.

    Args:
        values: one or more.

    Raises:
        ValueError: none.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean, None, None)
    times = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    half = times * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


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
