"""Least squares for a handful of costs, none of which may be negative."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["nonnegative"]


def nonnegative(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The x >= 0 for which rows @ x is nearest to `wanted` in the sum of squares.

    The optimum is the ordinary solution for its own positive entries, so trying every choice
    of those finds it: exact, and quick for the four columns that there are here.

    Args:
        rows: m x k.
        wanted: m values.

    Returns:
        k values; for columns that say the same, one of the solutions.
    """
    columns = rows.shape[1]
    norms = np.linalg.norm(rows, axis=0)
    scale = np.where(norms > 0, norms, 1.0)  # costs differ by orders of magnitude
    scaled = rows / scale
    best, least = np.zeros(columns), float(wanted @ wanted)
    for size in range(columns, 0, -1):
        for chosen in map(list, combinations(range(columns), size)):
            found = np.linalg.lstsq(scaled[:, chosen], wanted, rcond=None)[0]
            residual = wanted - scaled[:, chosen] @ found
            cost = float(residual @ residual)
            if (found >= 0).all() and cost < least:
                best, least = np.zeros(columns), cost
                best[chosen] = found
    solution: NDArray[np.float64] = best / scale
    return solution
