"""Whose adapter there is a place for: a batch has room for a few LoRA adapters at a time.

vLLM passes over a request whose adapter has no place, for as long as others keep all places taken,
which may be for ever. A plan must not preempt for such a request, and should end that wait.
"""

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.overdue import due_at

__all__ = ["have_places"]

Adapters = NDArray[np.int64]


def have_places(
    waiting: NDArray[np.void],
    running: NDArray[np.void],
    places: int,
    now: float,
    overdue_after_s: float,
) -> NDArray[np.bool_]:
    """Whether each waiting request can come in as far as its adapter goes, shape (w,).

    Free places go to the adapters whose requests were due first. Where requests without a place
    are overdue, as many adapters take in nobody new until the last of their requests has ended:
    those with the fewest requests, which are soonest through.

    Args:
        waiting: the requests that wait, shape (w,).
        running: those that run, shape (r,).
        places: most adapters in a batch.
        now: seconds on the scheduler's clock.
        overdue_after_s: a request is overdue when its reader has waited this long for text that
            was due, seconds.
    """
    taken, requests = np.unique(running["adapter"][running["adapter"] > 0], return_counts=True)
    wanted, due = _wanted(waiting, taken)
    free = max(0, places - len(taken))
    given, without = wanted[:free], due[free:]
    overdue = int(np.count_nonzero(now - without > overdue_after_s))
    closing = taken[np.argsort(requests, kind="stable")[:overdue]]
    open_ones = np.setdiff1d(np.concatenate([taken, given]), closing)
    own: Adapters = waiting["adapter"]
    have: NDArray[np.bool_] = (own == 0) | np.isin(own, open_ones)
    return have


def _wanted(waiting: NDArray[np.void], taken: Adapters) -> tuple[Adapters, NDArray[np.float64]]:
    """Adapters without a place that somebody waits for, and since when: the longest first."""
    others = waiting[(waiting["adapter"] > 0) & ~np.isin(waiting["adapter"], taken)]
    due = due_at(others)
    in_time = np.argsort(due, kind="stable")
    adapters, first = np.unique(others["adapter"][in_time], return_index=True)
    order = np.argsort(first)
    return adapters[order], due[in_time][first[order]]
