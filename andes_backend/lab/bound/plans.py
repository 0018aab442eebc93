"""The best that each request could do by itself, if engine time had a price at every moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.bound.demand import Batch

__all__ = ["Grid", "Levels", "best_plans", "best_values", "levels_for"]

_FORBIDDEN = 10.0  # more than any QoE is worth
_LEAST_SCALE_S = 0.25
_ROUNDING_S = 1e-9  # a lateness may be the limit itself, found in another way


class Grid:
    """Prices of engine time by slots of time, each the same in all of a slot.

    Args:
        edges: of the slots, seconds, rising; from the last one on, engine time is free.
        prices: QoE for a second of engine time, shape (slots,); 0 or more.
    """

    def __init__(self, edges: NDArray[np.float64], prices: NDArray[np.float64]) -> None:
        self.edges = edges
        count = len(edges)
        self._prices = np.append(prices, 0.0)  # what comes after the grid is a slot, too
        filled = np.tile(self._prices, (count, 1))
        filled[np.tri(count, k=-1, dtype=bool)] = np.inf
        self.least = np.minimum.accumulate(filled, axis=1)
        """The least price from slot i to slot j."""

    def slot(self, time_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """The slot of each time."""
        found = np.searchsorted(self.edges, time_s, side="right") - 1
        return np.maximum(0, found)

    def cheapest(self, first: int, until: int) -> int:
        """The first of the cheapest slots among these."""
        return first + int(np.argmin(self._prices[first : until + 1]))


@dataclass(frozen=True, slots=True)
class Levels:
    """How late a token can be: level k is from `low[:, k]` to `high[:, k]` seconds.

    Shape (requests, levels).
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def levels_for(batch: Batch, count: int, latest_s: float, far_s: float) -> Levels:
    """Levels of each request, finer where a little lateness matters more."""
    scale = np.maximum(batch.scale_s, _LEAST_SCALE_S)[:, None]
    top = min(latest_s, far_s)
    steps = count if latest_s <= far_s else count - 1
    share = np.minimum(1.0, np.arange(count + 1) / steps)
    edges = scale * np.expm1(share * np.log1p(top / scale))
    edges[:, -1] = latest_s
    return Levels(edges[:, :-1], edges[:, 1:])


class _Costs:
    """What it costs a unit, delay and engine time apart, to be late by each level."""

    def __init__(self, batch: Batch, levels: Levels, grid: Grid) -> None:
        self.batch, self.levels, self.grid = batch, levels, grid
        self._from = grid.slot(batch.start_s)
        self.tail = levels.high + batch.scale_s[:, None]
        """The denominator of QoE, a token's share: at most this if a response ends here."""

    def delay(self, k: int) -> NDArray[np.float64]:
        return np.maximum(self.levels.low[:, k, None], self.batch.late_s)

    def slots(self, k: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        due = self.grid.slot(self.batch.due_s + self.levels.high[:, k, None])
        return self._from, np.maximum(due, self._from)

    def engine(self, k: int) -> NDArray[np.float64]:
        paid = self.batch.charge_s * self.grid.least[self.slots(k)]
        too_early = self.levels.high[:, k, None] < self.batch.late_s - _ROUNDING_S
        return np.where(too_early, paid + _FORBIDDEN, paid)


def best_values(batch: Batch, levels: Levels, grid: Grid) -> NDArray[np.float64]:
    """What each request gains at most, by the level at which its last token comes.

    Returns:
        QoE less the price of its engine time, shape (requests, levels).
    """
    costs = _Costs(batch, levels, grid)
    count = levels.low.shape[1]
    rows, units = batch.count.shape
    weight = 1.0 / (batch.tokens[:, None] * costs.tail)
    best = np.full((rows, count, units), np.inf)  # until unit j, so far, by last level
    best[:, :, 0] = 0.0
    values = np.empty((rows, count))
    for k in range(count):
        engine, delay = costs.engine(k), costs.delay(k)
        paid, waited = _summed(engine[:, :-1]), _summed((batch.count * delay)[:, :-1])
        here = weight[:, k:, None] * waited[:, None, :]
        here += paid[:, None, :]
        so_far = best[:, k:]
        so_far -= here
        np.minimum.accumulate(so_far, axis=2, out=so_far)
        so_far += here
        values[:, k] = 1.0 - so_far[:, 0, -1] - engine[:, -1]
        values[:, k] -= _last(delay[:, -1], batch)
    return values


def _last(delay: NDArray[np.float64], batch: Batch) -> NDArray[np.float64]:
    """The last token's part in S_delay / S_whole, which only rises with its lateness."""
    whole = delay + batch.scale_s
    return np.divide(delay, batch.tokens * whole, out=np.zeros_like(delay), where=delay > 0)


def _summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)


def best_plans(
    batch: Batch, levels: Levels, grid: Grid, last: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The plan behind one of the values of each request.

    Args:
        last: the level of the last token, shape (requests,).

    Returns:
        QoE, shape (requests,), and engine time by slot, shape (requests, slots).
    """
    chosen = _chosen(batch, levels, grid, last)
    costs = _Costs(batch, levels, grid)
    rows, units = batch.count.shape
    delay = np.empty((rows, units))
    first, until = np.empty((2, rows, units), dtype=np.intp)
    for k in range(levels.low.shape[1]):
        at = chosen == k
        delay[at] = costs.delay(k)[at]
        first[at], until[at] = (slots[at] for slots in costs.slots(k))
    whole = batch.tokens * costs.tail[np.arange(rows), last]
    waited = np.sum((batch.count * delay)[:, :-1], axis=1) / whole
    return 1.0 - waited - _last(delay[:, -1], batch), _work(batch, grid, first, until)


def _work(
    batch: Batch, grid: Grid, first: NDArray[np.intp], until: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Engine time by slot, shape (requests, slots), all of it where it is cheapest."""
    count = len(grid.edges)
    windows, which = np.unique(first * count + until, return_inverse=True)
    slots = np.array([grid.cheapest(*divmod(int(window), count)) for window in windows])
    rows = np.broadcast_to(np.arange(len(first))[:, None], first.shape)
    work = np.zeros((len(first), count))
    np.add.at(work, (rows, slots[which.reshape(first.shape)]), batch.charge_s)
    return work[:, :-1]


def _chosen(batch: Batch, levels: Levels, grid: Grid, last: NDArray[np.intp]) -> NDArray[np.intp]:
    """The level of each unit, shape (requests, units)."""
    costs = _Costs(batch, levels, grid)
    rows, units = batch.count.shape
    weight = (1.0 / (batch.tokens * costs.tail[np.arange(rows), last]))[:, None]
    best = np.full((rows, units), np.inf)
    best[:, 0] = 0.0
    until = np.empty((levels.low.shape[1], rows, units))
    for k in range(levels.low.shape[1]):
        here = _summed((costs.engine(k) + weight * batch.count * costs.delay(k))[:, :-1])
        best = np.minimum.accumulate(best - here, axis=1) + here
        until[k] = best
    chosen = np.empty((rows, units), dtype=np.intp)
    chosen[:, -1] = cap = last
    for unit in range(units - 1, 0, -1):
        # The lowest level at which it was as cheap as at the cap: it was reached there.
        wanted = until[cap, np.arange(rows), unit]
        cap = np.argmax(until[:, :, unit] <= wanted + 1e-12, axis=0)
        chosen[:, unit - 1] = cap
    return chosen
