"""The best that each request could do by itself, if engine time had a price at every moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.bound.demand import Batch

__all__ = ["Costs", "Grid", "Levels", "best_plans", "best_values", "levels_for"]

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
        # What comes after the grid is a slot, too. The slots before i are not for row i.
        filled = np.tile(np.append(prices, 0.0), (count, 1))
        filled[np.tri(count, k=-1, dtype=bool)] = np.inf
        self.least = np.minimum.accumulate(filled, axis=1)
        """The least price from slot i to slot j."""
        falls = np.eye(count, dtype=bool)
        falls[:, 1:] |= self.least[:, 1:] < self.least[:, :-1]
        self.cheapest = np.maximum.accumulate(np.where(falls, np.arange(count), 0), axis=1)
        """The first slot that has it."""

    def slot(self, time_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """The slot of each time."""
        found = np.searchsorted(self.edges, time_s, side="right") - 1
        return np.maximum(0, found)


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


class Costs:
    """What it costs each unit to be late by each level: arrays of shape (levels, requests, units).

    Args:
        batch: the requests.
        levels: of their lateness.
        grid: prices of engine time.
    """

    def __init__(self, batch: Batch, levels: Levels, grid: Grid) -> None:
        low, high = levels.low.T[:, :, None], levels.high.T[:, :, None]
        self.batch, self.grid = batch, grid
        self.delay_s = np.maximum(low, batch.late_s)
        """Of each token of the unit."""
        self.first = grid.slot(batch.start_s)
        """The first slot in which it can be computed, shape (requests, units)."""
        self.until = np.maximum(grid.slot(batch.due_s + high), self.first)
        """The last one."""
        self.engine = batch.charge_s * grid.least[self.first, self.until]
        """The price of its engine time."""
        self.engine[high < batch.late_s - _ROUNDING_S] += _FORBIDDEN
        self.tail_s = levels.high + batch.scale_s[:, None]
        """The denominator of QoE, a token's share: at most this if a response ends here; shape
        (requests, levels)."""


def best_values(costs: Costs) -> NDArray[np.float64]:
    """What each request gains at most, by the level at which its last token comes.

    Returns:
        QoE less the price of its engine time, shape (requests, levels).
    """
    batch, engine = costs.batch, costs.engine
    count, rows, units = engine.shape
    paid, waited = _summed(engine[..., :-1]), _summed((batch.count * costs.delay_s)[..., :-1])
    weight = 1.0 / (batch.tokens[:, None] * costs.tail_s)
    best = np.full((rows, count, units), np.inf)  # until unit j, so far, by last level
    best[:, :, 0] = 0.0
    until_last = np.empty((count, rows))
    for k in range(count):
        here = weight[:, k:, None] * waited[k, :, None, :]
        here += paid[k, :, None, :]
        so_far = best[:, k:]
        so_far -= here
        np.minimum.accumulate(so_far, axis=2, out=so_far)
        so_far += here
        until_last[k] = so_far[:, 0, -1]
    values = 1.0 - until_last - engine[..., -1] - _last(costs.delay_s[..., -1], batch)
    return np.ascontiguousarray(values.T)


def _last(delay: NDArray[np.float64], batch: Batch) -> NDArray[np.float64]:
    """The last token's part in S_delay / S_whole, which only rises with its lateness."""
    whole = delay + batch.scale_s
    return np.divide(delay, batch.tokens * whole, out=np.zeros_like(delay), where=delay > 0)


def _summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of no unit, of the first, of the first two, and so on: one more than there are units."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    return sums


def best_plans(
    costs: Costs, last: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The plan behind one of the values of each request.

    Args:
        costs: as for the values.
        last: the level of the last token, shape (requests,).

    Returns:
        QoE, shape (requests,), and engine time by slot, shape (requests, slots).
    """
    batch = costs.batch
    chosen = _chosen(costs, last)[None]
    (delay_s,) = np.take_along_axis(costs.delay_s, chosen, axis=0)
    (until,) = np.take_along_axis(costs.until, chosen, axis=0)
    whole = batch.tokens * costs.tail_s[np.arange(len(last)), last]
    waited = np.sum((batch.count * delay_s)[:, :-1], axis=1) / whole
    return 1.0 - waited - _last(delay_s[:, -1], batch), _work(costs, until)


def _work(costs: Costs, until: NDArray[np.intp]) -> NDArray[np.float64]:
    """Engine time by slot, shape (requests, slots), all of it where it is cheapest."""
    charge_s, grid = costs.batch.charge_s, costs.grid
    rows = np.broadcast_to(np.arange(len(until))[:, None], until.shape)
    work = np.zeros((len(until), len(grid.edges)))
    np.add.at(work, (rows, grid.cheapest[costs.first, until]), charge_s)
    return work[:, :-1]


def _chosen(costs: Costs, last: NDArray[np.intp]) -> NDArray[np.intp]:
    """The level of each unit, shape (requests, units)."""
    batch = costs.batch
    count, rows, units = costs.engine.shape
    weight = (1.0 / (batch.tokens * costs.tail_s[np.arange(rows), last]))[:, None]
    each = costs.engine + weight * batch.count * costs.delay_s
    here = _summed(each[..., :-1])
    best = np.full((rows, units), np.inf)
    best[:, 0] = 0.0
    until = np.empty((count, rows, units))
    for k in range(count):
        best = np.minimum.accumulate(best - here[k], axis=1) + here[k]
        until[k] = best
    chosen = np.empty((rows, units), dtype=np.intp)
    chosen[:, -1] = cap = last
    for unit in range(units - 1, 0, -1):
        # The lowest level at which it was as cheap as at the cap: it was reached there.
        wanted = until[cap, np.arange(rows), unit]
        cap = np.argmax(until[:, :, unit] <= wanted + 1e-12, axis=0)
        chosen[:, unit - 1] = cap
    return chosen
