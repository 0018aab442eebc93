"""Which requests are served? Packing them into the KV memory: greedily, and exactly.

Both choose among n requests, each with a value and a weight, so that the weights fit the
capacity and no more than `most` are chosen (the paper's batch size B), for the largest sum of
values. A request without value is never chosen.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Packer", "dynamic_programme", "pack_exactly", "pack_greedily"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

Packer = Callable[[Array, NDArray[np.int64], int, int], Mask]
"""Chooses: (values, weights, capacity, most) -> mask. All shapes (n,), as in `pack_greedily`."""

_BISECTIONS: Final = 30


def pack_greedily(values: Array, weights: NDArray[np.int64], capacity: int, most: int) -> Mask:
    """By value per weight, the highest first, until nothing fits (the paper's Algorithm 1).

    The paper's stops at the first request that does not fit; this goes on with those that do.

    Args:
        values: shape (n,).
        weights: KV blocks, 1 or more, shape (n,).
        capacity: KV blocks in all.
        most: requests in all, 0 or more.

    Returns:
        Whether each request is chosen, shape (n,).
    """
    chosen = _fill(values / weights, values, weights, capacity, most)
    if np.count_nonzero(chosen) == most:
        shares = weights / max(1, capacity) + 1.0 / max(1, most)
        for rank in (values / shares, values):
            chosen = _better(values, chosen, _fill(rank, values, weights, capacity, most))
    return chosen


def pack_exactly(values: Array, weights: NDArray[np.int64], capacity: int, most: int) -> Mask:
    """The best choice there is, by dynamic programming over KV blocks and batch size.

    Bounds decide about most requests beforehand. With any prices a, b >= 0 for a block and for
    a place, no choice is worth more than

        bound = a capacity + b most + sum of max(0, v_i - a w_i - b)

    and none that goes against the sign of r_i = v_i - a w_i - b more than bound - |r_i|. Where
    that does not exceed the worth of the greedy choice, request i is settled. The dynamic
    programme runs over the others, typically a few dozen.

    Arguments and result are those of `pack_greedily`.
    """
    chosen = np.zeros(len(values), dtype=np.bool_)
    wanted = np.flatnonzero((values > 0.0) & (weights <= capacity))
    if len(wanted) and most > 0:
        chosen[wanted] = _best(values[wanted], weights[wanted], capacity, most)
    return chosen


def dynamic_programme(values: Array, weights: NDArray[np.int64], capacity: int, most: int) -> Mask:
    """The best choice by dynamic programming alone (the paper's Algorithm 2).

    Takes time and memory in proportion to n x most x capacity; `pack_exactly` gives the same
    much sooner. After request i, worth[b, m] is the most that b of the first i requests with a
    weight of no more than m can be worth; taken[i] tells where i is among them.

    Arguments and result are those of `pack_greedily`; values are 0 or more.
    """
    capacity, most = min(capacity, int(weights.sum())), min(most, len(values))
    worth = np.full((most + 1, capacity + 1), -np.inf)
    worth[0] = 0.0
    # Eight cells to a byte: this is what takes the memory.
    taken = np.zeros((len(values), most + 1, -(-(capacity + 1) // 8)), dtype=np.uint8)
    for i, (value, weight) in enumerate(zip(values.tolist(), weights.tolist(), strict=True)):
        top = min(i + 1, most)
        if weight > capacity or not top:
            continue
        with_it, without = worth[:top, : capacity + 1 - weight] + value, worth[1 : top + 1, weight:]
        better = np.zeros((top, capacity + 1), dtype=np.bool_)
        np.greater(with_it, without, out=better[:, weight:])
        np.maximum(with_it, without, out=without)
        taken[i, 1 : top + 1] = np.packbits(better, axis=1)
    return _trace_back(taken, weights, int(np.argmax(worth[:, capacity])), capacity)


def _best(v: Array, w: NDArray[np.int64], capacity: int, most: int) -> Mask:
    """The same, of requests of which each is worth something and fits by itself."""
    reduced, bound = _prices(v, w, capacity, most)
    # Those with v_i = a w_i + b are on the margin, so order by what is above it.
    greedy = pack_greedily(v, w, capacity, most)
    priced = _fill(reduced / np.maximum(v - reduced, 1e-300), v, w, capacity, most)
    known = _better(v, greedy, priced)
    settled = bound - np.abs(reduced) <= float(v[known].sum())
    chosen = settled & (reduced > 0.0)
    left, places = capacity - int(w[chosen].sum()), most - int(np.count_nonzero(chosen))
    if left < 0 or places < 0:
        return known
    still_open = np.flatnonzero(~settled)
    chosen[still_open] = dynamic_programme(v[still_open], w[still_open], left, places)
    return _better(v, known, chosen)


def _better(v: Array, one: Mask, other: Mask) -> Mask:
    return other if float(v[other].sum()) > float(v[one].sum()) else one


def _fill(rank: Array, v: Array, w: NDArray[np.int64], capacity: int, most: int) -> Mask:
    """Take those with a value in the order of their rank, the highest first, while they fit."""
    chosen = np.zeros(len(v), dtype=np.bool_)
    order = np.argsort(-rank, kind="stable")
    order = order[v[order] > 0.0]
    while most > 0 and len(order):
        filled = np.cumsum(w[order])
        fitting = min(most, int(np.searchsorted(filled, capacity, side="right")))
        if fitting:
            chosen[order[:fitting]] = True
            capacity -= int(filled[fitting - 1])
            most -= fitting
            order = order[fitting:]
        order = order[w[order] <= capacity]
    return chosen


def _prices(v: Array, w: NDArray[np.int64], capacity: int, most: int) -> tuple[Array, float]:
    """Prices under which the bound is low: (v_i - a w_i - b, the bound)."""
    low, high = 0.0, float(v.max())
    place = 0.0
    best: tuple[Array, float] | None = None
    for _ in range(_BISECTIONS):
        block, count = _block_price(v - place, w, capacity)
        reduced = v - block * w - place
        bound = block * capacity + place * most + float(np.maximum(0.0, reduced).sum())
        if best is None or bound < best[1]:
            best = reduced, bound
        if count > most:
            low = place
        elif place == 0.0:
            break  # places are not scarce
        else:
            high = place
        place = (low + high) / 2.0
    assert best is not None
    return best


def _block_price(v: Array, w: NDArray[np.int64], capacity: int) -> tuple[float, int]:
    """The price of a block at which demand meets the capacity, and how many then are served."""
    order = np.argsort(-v / w, kind="stable")
    order = order[: np.count_nonzero(v > 0.0)]
    fitting = int(np.searchsorted(np.cumsum(w[order]), capacity, side="right"))
    if fitting == len(order):
        return 0.0, fitting
    breaking = order[fitting]
    return float(v[breaking] / w[breaking]), fitting


def _trace_back(
    taken: NDArray[np.uint8], weights: NDArray[np.int64], count: int, capacity: int
) -> Mask:
    chosen = np.zeros(len(taken), dtype=np.bool_)
    for i in range(len(taken) - 1, -1, -1):
        if taken[i, count, capacity >> 3] >> (7 - (capacity & 7)) & 1:
            chosen[i] = True
            count, capacity = count - 1, capacity - int(weights[i])
    return chosen
