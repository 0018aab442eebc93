"""Prices of engine time at which the bound is low, by column generation.

Any prices give a bound (see `plans`); these come close to the best. A linear program chooses
among plans found so far, one a request, so that no slot of time is used for longer than it
lasts; its dual solution are prices; at these prices each request has a new best plan; and so
on. Nothing here has to be exact: tokens are taken in units of several.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from andes_backend.lab.bound.demand import Batch, Demand, batches
from andes_backend.lab.bound.plans import Costs, Grid, Levels, best_plans, best_values, levels_for

__all__ = ["Found", "find_prices"]

_UNITS: Final = 24  # a request, at most
_LEVELS: Final = 32
_TOGETHER: Final = 200  # requests in a batch
_STEP: Final = 0.3  # how far to follow the linear program's prices, which jump
_FIRST: Final = (0.0, 0.03, 0.1, 0.3, 0.8)  # of all that an average request can gain
_GROUPS: Final = 100


@dataclass(frozen=True, slots=True)
class Found:
    """Prices, and how good they are at the coarse look that found them."""

    prices: NDArray[np.float64]
    """QoE for a second of engine time, shape (slots,)."""
    gap: float
    """Mean QoE by which better prices could lower the bound at most, approximately."""


def find_prices(
    demands: Sequence[Demand],
    edges: NDArray[np.float64],
    *,
    latest_s: float,
    far_s: float,
    rounds: int,
    tolerance: float,
    tell: Callable[[int], None],
) -> Found:
    """Look for good prices.

    Args:
        demands: of all requests.
        edges: of the slots of time, seconds.
        latest_s: the most by which a response may end late.
        far_s: see `levels_for`.
        rounds: most linear programs to solve.
        tolerance: a gap (mean QoE) that is small enough.
        tell: hears the number of each round.
    """
    market = _Market(demands, edges, latest_s, far_s)
    master = _Master(demands, np.diff(edges))
    center, lowest, gap = np.zeros(len(edges) - 1), np.inf, np.inf
    first, wanted = _first_prices(demands, edges), center
    for number in range(rounds):
        tell(number)
        prices = first[number] if number < len(first) else center + _STEP * (wanted - center)
        value, qoe, work = market.clear(prices)
        if value < lowest:
            lowest, center = value, prices
        master.add(qoe, work)
        reached, wanted = master.solve()
        gap = lowest - reached
        if gap <= tolerance * len(demands):
            break
    return Found(center, max(0.0, gap) / len(demands))


def _first_prices(
    demands: Sequence[Demand], edges: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """None, then higher and higher ones that fall towards the end."""
    work = sum(float(np.sum(one.charge_s)) for one in demands)
    left = np.linspace(1.0, 0.0, len(edges) - 1)
    shape = np.minimum(1.0, 2.0 * np.maximum(0.0, left - 0.2)) * len(demands) / work
    return [share * shape for share in _FIRST]


class _Market:
    """All requests, ready to answer prices with plans."""

    def __init__(
        self, demands: Sequence[Demand], edges: NDArray[np.float64], latest_s: float, far_s: float
    ) -> None:
        self._edges = edges
        self._batches: list[tuple[Batch, Levels]] = [
            (batch, levels_for(batch, _LEVELS, latest_s, far_s))
            for batch in batches(demands, _UNITS, _TOGETHER)
        ]

    def clear(
        self, prices: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """The bound (a sum over requests), and of each request's best plan QoE and work."""
        grid = Grid(self._edges, prices)
        value, plans = float(prices @ np.diff(self._edges)), []
        for batch, levels in self._batches:
            costs = Costs(batch, levels, grid)
            values = best_values(costs)
            most = values.max(axis=1)
            value += float(np.sum(np.maximum(0.0, most)))
            qoe, work = best_plans(costs, np.argmax(values, axis=1))
            # Who gains nothing at these prices is not served.
            plans.append((np.where(most > 0, qoe, 0.0), np.where(most[:, None] > 0, work, 0.0)))
        qoes, works = zip(*plans, strict=True)
        return value, np.concatenate(qoes), np.concatenate(works)


class _Master:
    """The plans so far, and the linear program that mixes them.

    A column is what a group of requests that come about the same time do together: so there
    are few of them, and little is lost.
    """

    def __init__(self, demands: Sequence[Demand], seconds: NDArray[np.float64]) -> None:
        arrivals = np.array([one.start_s[0] for one in demands])
        self._order = np.argsort(arrivals, kind="stable")
        count = min(_GROUPS, len(demands))
        self._starts = np.arange(count) * len(demands) // count
        self._limits = np.append(seconds, np.ones(count))
        self._slots = len(seconds)
        self._qoe: list[NDArray[np.float64]] = []
        self._columns: list[NDArray[np.float64]] = []

    def add(self, qoe: NDArray[np.float64], work: NDArray[np.float64]) -> None:
        """A plan of each request: its QoE, and its work by slot."""
        self._qoe.append(np.add.reduceat(qoe[self._order], self._starts))
        together = np.add.reduceat(work[self._order], self._starts, axis=0)
        self._columns.append(np.vstack([together.T, np.eye(len(self._starts))]))

    def solve(self) -> tuple[float, NDArray[np.float64]]:
        """The most QoE that the plans reach together, and the prices that go with it."""
        qoe, columns = np.concatenate(self._qoe), np.hstack(self._columns)
        found = linprog(-qoe, A_ub=columns, b_ub=self._limits, method="highs")
        return -float(found.fun), np.maximum(0.0, -found.ineqlin.marginals[: self._slots])
