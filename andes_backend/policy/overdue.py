"""No reader is forgotten: a share of the server for those whose text is long overdue.

A policy that serves where most QoE is gained leaves some readers waiting for as long as the
overload lasts. A policy that always served overdue requests first would turn into first-come order
and lose the gain. So overdue requests get a lane: a share of the KV memory and of the engine's
time, oldest due first.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.decision import Order
from andes_backend.policy.state import Snapshot, blocks_needed

__all__ = ["Lane", "OverdueLane", "due_at", "wait_bound_s"]

_MOST_SAVED_S: Final = 1.0  # engine time


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

    To compute what they have in the KV memory may take no more than the same share of the engine's
    time. Where prompts are long and answers short, requests pass through little memory quickly: 5 %
    of the memory were a third of the engine. Who enters is paid for afterwards, so that nobody is
    too large to enter.
    """

    def __init__(self, share: float, overdue_after_s: float) -> None:
        self._share = share
        self._overdue_after_s = overdue_after_s
        self._members = np.zeros(0, np.int64)  # serials, sorted
        self._time = _EngineTime(share)

    def plan(self, snapshot: Snapshot) -> Lane:
        """Let in the requests for which there is room."""
        waiting, running, size = snapshot.waiting, snapshot.running, snapshot.block_size
        nobody = np.zeros(0, np.intp)
        if not self._share:
            return Lane(nobody, np.zeros(len(running), np.bool_))
        self._time.passes(snapshot.now)
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
        if self._time.left_s >= 0 and (room >= 1 or is_empty):
            overdue = np.flatnonzero((snapshot.now - due > self._overdue_after_s) & ~in_waiting)
            overdue = _oldest(overdue, due, max(1, int(room)))  # everybody needs a block or more
            taken = np.cumsum(blocks_needed(waiting.take(overdue), size))
            fit = int((taken <= room).sum())
            entering = overdue[: max(fit, int(is_empty))]
            held = waiting.take(entering)
            tokens = held["prompt_tokens"] + held["delivered"]
            paid = self._time.pay(snapshot.times.per_prompt_token * tokens)
            in_waiting[entering[:paid]] = True
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


class _EngineTime:
    """A share of the engine's time, saved up to a second of it.

    Args:
        share: 0 to 1.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._now: float | None = None
        self.left_s = _MOST_SAVED_S
        """Below 0: spent in advance."""

    def passes(self, now: float) -> None:
        """The time is `now`, in seconds."""
        since = 0.0 if self._now is None else max(0.0, now - self._now)
        self.left_s = min(_MOST_SAVED_S, self.left_s + self._share * since)
        self._now = now

    def pay(self, seconds: NDArray[np.float64]) -> int:
        """Pay for one after the other until all is spent; returns for how many."""
        spent = np.cumsum(seconds)
        paid = int(np.searchsorted(spent, self.left_s, side="right")) + 1
        self.left_s -= float(spent[:paid].max(initial=0.0))
        return paid


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
    compute_s: float,
    share: float,
    overdue_after_s: float,
    total_blocks: int,
) -> float:
    """The longest that a reader waits for overdue text before its request is served, in seconds.

    The lane is first come, first served, with room for at least c = max(1, share x total_blocks
    / blocks) at a time, so of those who were due earlier, c at a time pass through it; and a share
    of the time is enough to compute one after the other.

    Args:
        ahead: overdue requests whose text was due earlier.
        blocks: KV blocks that any of them needs at most.
        service_s: seconds that any of them is served at most, once admitted.
        compute_s: seconds of the engine that computing any of them takes at most, as the scheduler
            knows it: its prompt, or what it had in the KV memory.
        share: of the KV memory and of the engine's time that is the lane's.
        overdue_after_s: after which a request is overdue.
        total_blocks: KV blocks in all.
    """
    at_once = max(1, int(share * total_blocks / blocks))
    return overdue_after_s + -(-(ahead + 1) // at_once) * service_s + ahead * compute_s / share
