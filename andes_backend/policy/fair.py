"""QoE and fairness together: what a request counts for, as its user is ahead of others.

Fairness binds softly: a user's requests lose worth as the user's lead in service grows, so that
tokens go where they gain most QoE among users who have received about the same. Nobody is
treated unfairly while their text arrives ahead of their reading: a lead counts only against those
who wait for text that is due.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.overdue import due_at
from andes_backend.policy.state import Snapshot

__all__ = ["fair_share"]

_LEAD: Final = 10_000.0  # that halves a request's worth at fairness 0.5, in prompt tokens
_MOST: Final = 500.0  # halvings: a double holds twice as many


def fair_share(
    snapshot: Snapshot, users: NDArray[np.int64], fairness: float
) -> NDArray[np.float64]:
    """What each request's worth is to be multiplied with.

    Args:
        snapshot: who waits, and what everybody has received.
        users: of each request, shape (n,).
        fairness: above 0, to 1 (`AndesConfig.fairness`).

    Returns:
        Shape (n,), above 0, to 1; 1 for all while nobody waits in vain.
    """
    waiting, counter = snapshot.waiting, snapshot.accounts.counter
    in_vain = waiting["user"][due_at(waiting) < snapshot.now]
    if not len(in_vain):
        return np.ones(len(users))
    ahead = np.maximum(0.0, counter.take(users) - counter.take(in_vain).min())
    if fairness < 1:
        halvings = ahead * (fairness / (_LEAD * (1 - fairness)))
    else:  # as steep as doubles are: the least served first, whatever QoE says
        halvings = ahead * (_MOST / max(1.0, ahead.max()))
    share: NDArray[np.float64] = np.exp2(-np.minimum(halvings, _MOST))
    return share
