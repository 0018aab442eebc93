"""What a policy decides for one step of the engine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decision", "Order"]

Order = NDArray[np.intp]
"""Distinct positions in a queue, shape (k,), the most valuable first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Positions refer to the queues of the snapshot; None leaves a queue as it is."""

    waiting: Order | None = None
    """The order in which waiting requests are admitted. Those who are not named follow, in the
    order in which they stand."""
    running: Order | None = None
    """The order of the running requests, all of them; when KV memory runs out, the last one is
    preempted."""
    admit: int | None = None
    """How many waiting requests may be admitted in this step, 0 or more; None: all that fit."""
    preempt: NDArray[np.intp] | None = None
    """Positions in the running queue that are to give up their KV memory now, shape (k,)."""
    again_in_s: float | None = None
    """Seconds for which this decision holds while the queues stay as it leaves them; the policy
    is asked again after that, and at once when a queue has changed. 0: asked at every step;
    infinite: only when a queue has changed; None: as long as the operator has set."""

    def check(self, waiting: int, running: int) -> None:
        """Raise ValueError unless this is a decision about queues of these lengths."""
        if self.waiting is not None and not _are_distinct(self.waiting, waiting):
            raise ValueError(f"the waiting order must name distinct positions below {waiting}")
        if self.running is not None and not (
            len(self.running) == running and _are_distinct(self.running, running)
        ):
            raise ValueError(f"the running order is not a permutation of {running} positions")
        if self.admit is not None and self.admit < 0:
            raise ValueError(f"admit must be 0 or more, not {self.admit}")
        if self.again_in_s is not None and not self.again_in_s >= 0:
            raise ValueError(f"again_in_s must be 0 or more, not {self.again_in_s}")
        if self.preempt is not None:
            named = self.preempt.tolist()
            if len(set(named)) != len(named) or (
                named and not 0 <= min(named) <= max(named) < running
            ):
                raise ValueError(f"preempt must name distinct positions below {running}")


def _are_distinct(order: Order, size: int) -> bool:
    """Each once, and of 0..size-1; without sorting, as this is checked in every plan."""
    if order.ndim != 1 or (len(order) and order.min() < 0):
        return False
    seen = np.zeros(size, np.bool_)
    try:
        seen[order] = True
    except IndexError:
        return False
    return int(np.count_nonzero(seen)) == len(order)
