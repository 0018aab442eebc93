"""How many preemptions are still allowed? (The paper's preemption cap.)"""

from typing import Final

import numpy as np

from andes_backend.policy.state import Snapshot

__all__ = ["PreemptionCap"]

_MEMORY: Final = 1000.0  # finished requests after which a past one counts 1/e


class PreemptionCap:
    """Keeps the average number of preemptions a request at or below a limit.

    The average is over the requests that are here and, with fading weight, the last thousand
    that have finished, so that a quiet day does not allow a storm of preemptions. Counted are
    all of them, those that vLLM decides on when memory runs out too.

    Args:
        limit: preemptions a request, 0 or more.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._finished = 0.0
        self._preempted = 0.0
        self._seen_until = -np.inf

    def observe(self, snapshot: Snapshot) -> None:
        """Count who has been preempted since the last time."""
        waiting = snapshot.waiting
        new = (waiting["since"] > self._seen_until) & (waiting["preemptions"] > 0)
        self._seen_until = snapshot.now
        self._preempted += float(np.count_nonzero(new))

    def finished(self) -> None:
        """A request has ended."""
        keep = 1.0 - 1.0 / _MEMORY
        self._finished = self._finished * keep + 1.0
        self._preempted *= keep

    def allowed(self, live: int) -> int:
        """How many more preemptions there may be.

        Args:
            live: requests that wait or run.
        """
        return max(0, int(self._limit * (self._finished + live) - self._preempted))
