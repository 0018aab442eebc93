"""Is an admission worth the stall that it causes? (The refinement of the paper's version 2.)"""

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.andes.prediction import Outlook

__all__ = ["stall_losses"]

Array = NDArray[np.float64]


def stall_losses(
    running: Outlook, stalls: Array, now: float, until: float, interval: float
) -> Array:
    """What each of several stalls, one after the other, costs the readers of running requests.

    Args:
        running: the requests that go on afterwards, shape (r,).
        stalls: how long each stall lasts, seconds, shape (k,).
        now: s on the scheduler's clock.
        until: the horizon, s on the scheduler's clock.
        interval: seconds between two tokens of a request.

    Returns:
        QoE lost by all of them together through each stall, shape (k,), 0 or more.
    """
    ends = now + np.concatenate([[0.0], np.cumsum(stalls)])
    served = running.served(until, ends[:, None], interval)
    lost: Array = np.maximum(0.0, -np.diff(served.sum(axis=1)))
    return lost
