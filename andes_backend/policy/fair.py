"""QoE and fairness together: a request is worth less the further its user is ahead of others.

Fairness is soft. A user's requests lose worth as the user's lead in service grows; among users who
have received about the same, tokens go where they gain most QoE. A reader whose text arrives ahead
of their reading is not treated unfairly, so a lead counts only against users whose text is late.
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
    """The factor for each request's worth.

    Args:
        snapshot: who waits, and what everybody has received.
        users: of each request, shape (n,).
        fairness: above 0, to 1 (`AndesConfig.fairness`).

    Returns:
        Shape (n,), above 0, to 1; 1 for all while nobody's text is late.
    """
    waiting, counter = snapshot.waiting, snapshot.accounts.counter
    late = waiting["user"][due_at(waiting) < snapshot.now]
    if not len(late):
        return np.ones(len(users))
    ahead = np.maximum(0.0, counter.take(users) - counter.take(late).min())
    if fairness < 1:
        halvings = ahead * (fairness / (_LEAD * (1 - fairness)))
    else:  # as steep as doubles are: the least served first, whatever QoE says
        halvings = ahead * (_MOST / max(1.0, ahead.max()))
    share: NDArray[np.float64] = np.exp2(-np.minimum(halvings, _MOST))
    return share
