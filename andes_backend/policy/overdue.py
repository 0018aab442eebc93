"""No one is forgotten: a share of the KV memory for those who have waited in vain too long.

Serving first where most QoE is gained leaves some readers waiting for as long as the overload
lasts. Serving whoever is overdue first would turn into first-come order and lose the gain. So
the overdue get a lane: a share of the KV memory, oldest due first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.decision import Order
from andes_backend.policy.state import Snapshot, blocks_needed

__all__ = ["Lane", "OverdueLane", "due_at", "wait_bound_s"]


@dataclass(frozen=True, slots=True)
class Lane:
    """Who is in the lane in this step."""

    waiting: Order
    """Positions in the waiting queue, oldest due first: to be admitted before all others."""
    running: NDArray[np.bool_]
    """Whether each running request is in the lane, and so not to be preempted, shape (r,)."""


class OverdueLane:
    """Chooses who is in the lane; who is in stays in until the response ends.

    A request is overdue when its reader has waited `max_wait_s` seconds for text that was due:
    for the first token since the expected TTFT, or for more since running dry. The overdue
    enter in the order in which their text was due, as long as all in the lane together need at
    most `share` of the KV memory, and in any case if nobody is in it.
    """

    def __init__(self, share: float, max_wait_s: float) -> None:
        self._share = share
        self._max_wait_s = max_wait_s
        self._members = np.zeros(0, np.int64)  # serials, sorted

    def plan(self, snapshot: Snapshot) -> Lane:
        """Let in whom there is room for."""
        waiting, running = snapshot.waiting, snapshot.running
        nobody = np.zeros(0, np.intp)
        if not self._share:
            return Lane(nobody, np.zeros(len(running), np.bool_))
        in_running = self._are_members(running)
        due = due_at(waiting)
        late = snapshot.now - due > self._max_wait_s
        if not late.any() and not len(self._members):
            return Lane(nobody, in_running)
        in_waiting = self._are_members(waiting)
        size = snapshot.block_size
        inside = np.concatenate([waiting[in_waiting], running[in_running]])
        overdue = np.flatnonzero(late & ~in_waiting)
        overdue = overdue[np.argsort(due[overdue], kind="stable")]
        needed = blocks_needed(inside, size).sum() + np.cumsum(
            blocks_needed(waiting.take(overdue), size)
        )
        room = int((needed <= self._share * snapshot.total_blocks).sum())
        entering = overdue[: room if len(inside) else max(1, room)]
        self._members = np.sort(np.append(inside["serial"], waiting["serial"][entering]))
        in_waiting[entering] = True
        chosen = np.flatnonzero(in_waiting)
        return Lane(chosen[np.argsort(due[chosen], kind="stable")], in_running)

    def _are_members(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Whether each is in the lane, shape (n,)."""
        if not len(self._members):
            return np.zeros(len(rows), np.bool_)
        serials = rows["serial"]
        place = np.searchsorted(self._members, serials)
        found: NDArray[np.bool_] = self._members.take(place, mode="clip") == serials
        return found


def due_at(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """Since when each reader waits, or will wait, in vain: seconds on the scheduler's clock.

    The expected time of the first token, or when the text that was delivered is read.
    """
    first = rows["arrival"] + rows["ttft"]
    due: NDArray[np.float64] = np.where(rows["delivered"] > 0, rows["dry_at"], first)
    return due


def wait_bound_s(
    ahead: int, blocks: int, service_s: float, *, share: float, max_wait_s: float, total_blocks: int
) -> float:
    """The longest that a reader waits in vain before its request is served, in seconds.

    The lane is first come, first served, with room for at least c = max(1, share x total_blocks
    / blocks) at a time, so of those who were due earlier, c at a time pass through it.

    Args:
        ahead: overdue requests whose text was due earlier.
        blocks: KV blocks that any of them needs at most.
        service_s: seconds that any of them is served at most, once admitted.
        share: of the KV memory that is the lane's.
        max_wait_s: after which a request is overdue.
        total_blocks: KV blocks in all.
    """
    at_once = max(1, int(share * total_blocks / blocks))
    return max_wait_s + -(-(ahead + 1) // at_once) * service_s
