"""No reader is forgotten: a share of the KV memory for those whose text is long overdue.

A policy that serves where most QoE is gained leaves some readers waiting for as long as the
overload lasts. A policy that always served overdue requests first would turn into first-come order
and lose the gain. So overdue requests get a lane: a share of the KV memory, oldest due first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.decision import Order
from andes_backend.policy.state import Snapshot, blocks_needed

__all__ = ["Lane", "OverdueLane", "due_at", "wait_bound_s"]


@dataclass(frozen=True, slots=True)
class Lane:
    """The requests in the lane in this step."""

    waiting: Order
    """Positions in the waiting queue, oldest due first: to be admitted before all others."""
    running: NDArray[np.bool_]
    """Whether each running request is in the lane, and so not to be preempted, shape (r,)."""


class OverdueLane:
    """Chooses the requests in the lane; a request stays in it until its response ends.

    A request is overdue when its reader has waited `overdue_after_s` seconds for text that was due:
    for the first token since the expected TTFT, or for more since running dry. Overdue requests
    enter in the order in which their text was due, as long as all in the lane together need at
    most `share` of the KV memory. An empty lane admits one in any case.
    """

    def __init__(self, share: float, overdue_after_s: float) -> None:
        self._share = share
        self._overdue_after_s = overdue_after_s
        self._members = np.zeros(0, np.int64)  # serials, sorted

    def plan(self, snapshot: Snapshot) -> Lane:
        """Let in the requests for which there is room."""
        waiting, running, size = snapshot.waiting, snapshot.running, snapshot.block_size
        nobody = np.zeros(0, np.intp)
        if not self._share:
            return Lane(nobody, np.zeros(len(running), np.bool_))
        in_running = self._are_members(running)
        inside = running.take(np.flatnonzero(in_running))
        room = self._share * snapshot.total_blocks - float(blocks_needed(inside, size).sum())
        if room < 1 and 0 < len(inside) == len(self._members):
            return Lane(nobody, in_running)  # full, and all run: nobody waits to be looked at
        in_waiting = self._are_members(waiting)
        back = waiting.take(np.flatnonzero(in_waiting))
        room -= float(blocks_needed(back, size).sum())
        is_empty = not len(inside) + len(back)
        due = due_at(waiting)
        if room >= 1 or is_empty:
            overdue = np.flatnonzero((snapshot.now - due > self._overdue_after_s) & ~in_waiting)
            overdue = _oldest(overdue, due, max(1, int(room)))  # everybody needs a block or more
            taken = np.cumsum(blocks_needed(waiting.take(overdue), size))
            fit = int((taken <= room).sum())
            in_waiting[overdue[: max(fit, int(is_empty))]] = True
        chosen = np.flatnonzero(in_waiting)
        self._members = np.sort(np.append(inside["serial"], waiting["serial"].take(chosen)))
        return Lane(_oldest(chosen, due, len(chosen)), in_running)

    def _are_members(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Whether each is in the lane, shape (n,)."""
        if not len(self._members):
            return np.zeros(len(rows), np.bool_)
        serials = rows["serial"]
        place = np.searchsorted(self._members, serials)
        found: NDArray[np.bool_] = self._members.take(place, mode="clip") == serials
        return found


def _oldest(positions: Order, due: NDArray[np.float64], most: int) -> Order:
    """The `most` of these positions whose text was due first, in that order."""
    since = due.take(positions)
    if len(positions) > most:
        first = np.argpartition(since, most - 1)[:most]
        positions, since = positions.take(first), since.take(first)
    oldest: Order = positions.take(np.argsort(since, kind="stable"))
    return oldest


def due_at(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """When each reader's next text is due: seconds on the scheduler's clock.

    The expected time of the first token, or when the reader has read what was delivered.
    """
    first = rows["arrival"] + rows["ttft"]
    due: NDArray[np.float64] = np.where(rows["delivered"] > 0, rows["dry_at"], first)
    return due


def wait_bound_s(
    ahead: int,
    blocks: int,
    service_s: float,
    *,
    share: float,
    overdue_after_s: float,
    total_blocks: int,
) -> float:
    """The longest that a reader waits for overdue text before its request is served, in seconds.

    The lane is first come, first served, with room for at least c = max(1, share x total_blocks
    / blocks) at a time, so of those who were due earlier, c at a time pass through it.

    Args:
        ahead: overdue requests whose text was due earlier.
        blocks: KV blocks that any of them needs at most.
        service_s: seconds that any of them is served at most, once admitted.
        share: of the KV memory that is the lane's.
        overdue_after_s: after which a request is overdue.
        total_blocks: KV blocks in all.
    """
    at_once = max(1, int(share * total_blocks / blocks))
    return overdue_after_s + -(-(ahead + 1) // at_once) * service_s
