"""Which waiting requests a plan looks at when there are too many to look at all of them.

What a request is worth changes slowly, and a few come in at a time. So a plan looks at those who
were worth most when they were last looked at, at whoever has come since or whose reader has
reported, and at a slice of the others: after so many plans, everybody has been looked at again.
"""

import math
from bisect import insort
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.overdue import due_at
from andes_backend.policy.state import Rows, Snapshot, Table

__all__ = ["FEW", "Shortlist"]

FEW: Final = 512
"""Of so many waiting requests all are looked at in each plan."""
_BEST: Final = 256  # that are looked at in each plan, or as many as can run
_PLANS: Final = 16  # until all of a long queue have been looked at
_SLICE: Final = 128  # rows of the table, at least
_OVERDUE: Final = 32  # whose text was due first that are looked at in each plan

_Due = tuple[float, int, int]  # when its text is due, s; the serial number; the row


class Shortlist:
    """Chooses the waiting requests that a plan is about.

    Args:
        overdue_after_s: a request is overdue when its reader has waited this long for text that
            was due, seconds. Those whose text was due first are always among the chosen.
    """

    def __init__(self, overdue_after_s: float) -> None:
        self._due = _DueFirst(overdue_after_s)
        self._kept: Rows | None = None  # to be looked at again; None: everybody
        self._next = 0  # row at which the next slice begins
        self._chosen: Rows | None = None
        self._most = _BEST

    def choose(self, table: Table, come: Rows, waits: int, most: int, now: float) -> Rows | None:
        """Those whom this plan is to be about.

        Args:
            table: knows who waits.
            come: rows of those who have come to the queue since the last plan, shape (n,).
            waits: how many wait.
            most: how many can run at once, at most.
            now: seconds on the scheduler's clock.

        Returns:
            Distinct rows of waiting requests, shape (m,); None if it is to be about all of them.
        """
        stirred = np.array(list(table.stirred), np.intp)
        table.stirred.clear()
        if waits <= FEW:
            self._chosen = self._kept = None
            return None
        size = len(table.waits)
        if self._kept is None:
            chosen = np.flatnonzero(table.waits)
            self._due.restart(table, chosen, now)
        else:
            self._due.add(table, np.concatenate([come, stirred]), now)
            step = max(_SLICE, -(-size // _PLANS))
            look = np.zeros(size, np.bool_)
            look[self._next : self._next + step] = True
            for rows in (self._kept, come, stirred, self._due.first(table, now)):
                look[rows] = True
            self._next = self._next + step if self._next + step < size else 0
            chosen = np.flatnonzero(look & table.waits)
        self._chosen, self._most = chosen, max(_BEST, most)
        return chosen

    def narrow(self, mask: NDArray[np.bool_]) -> None:
        """Of the chosen ones, shape (m,), the plan is only about those in the mask."""
        if self._chosen is not None:
            self._chosen = self._chosen[mask]

    def learn(self, snapshot: Snapshot, worth: NDArray[np.float64], keep: NDArray[np.intp]) -> None:
        """What the chosen ones are worth decides who is looked at in the next plan.

        Args:
            snapshot: whose waiting requests are the chosen ones, shape (m,).
            worth: of each, shape (m,).
            keep: positions of those who are to be looked at again whatever they are worth.
        """
        rows, most = self._chosen, self._most
        if rows is None:
            return
        best = np.argpartition(-worth, most)[:most] if len(rows) > most else np.arange(len(rows))
        # By the lead over the least served of those whose text is late, users are treated fairly.
        waiting = snapshot.waiting
        late = np.flatnonzero(due_at(waiting) < snapshot.now)
        served = snapshot.accounts.counter.take(waiting["user"].take(late))
        least = late[served.argmin() : served.argmin() + 1] if len(late) else late
        self._kept = rows.take(np.concatenate([best, least, keep]))


class _DueFirst:
    """Those whose text is long overdue, the oldest first, found without a look at the others."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._heap: list[_Due] = []
        self._first: list[_Due] = []  # sorted; taken out of the heap

    def restart(self, table: Table, rows: Rows, now: float) -> None:
        """These rows are all that wait."""
        self._first, self._heap = [], self._entries(table, rows, now)
        heapify(self._heap)

    def add(self, table: Table, rows: Rows, now: float) -> None:
        """These rows have begun to wait, or wait for text that is now due at another time."""
        for entry in self._entries(table, rows, now):
            if self._first and entry < self._first[-1]:
                insort(self._first, entry)
            else:
                heappush(self._heap, entry)
        if len(self._heap) > 2 * int(np.count_nonzero(table.waits)) + FEW:
            self.restart(table, np.flatnonzero(table.waits), now)

    def first(self, table: Table, now: float) -> Rows:
        """The rows of some whose text was due first, of those that are overdue."""
        heap, latest = self._heap, now - self._after_s
        first = self._still_due(table, self._first, now)
        while len(first) < _OVERDUE and heap and heap[0][0] < latest:
            entries: list[_Due] = []
            while len(first) + len(entries) < _OVERDUE and heap and heap[0][0] < latest:
                entries.append(heappop(heap))
            first += self._still_due(table, entries, now)
        first = sorted(set(first))
        for entry in first[_OVERDUE:]:
            heappush(heap, entry)
        self._first = first[:_OVERDUE]
        return np.array([row for _, _, row in self._first], np.intp)

    def _still_due(self, table: Table, entries: list[_Due], now: float) -> list[_Due]:
        """Those of the entries that are right; one that is due later goes back into the heap."""
        if not entries:
            return []
        rows = np.array([row for _, _, row in entries], np.intp)
        seen = table.seen(rows, now)
        facts = zip(
            entries,
            table.waits.take(rows).tolist(),
            seen["serial"].tolist(),
            due_at(seen).tolist(),
            strict=True,
        )
        right = []
        for (due, serial, row), waits, own, due_now in facts:
            if not waits or own != serial:
                continue  # it has left; if it has come again, there is another entry
            if due_now > due:
                heappush(self._heap, (due_now, serial, row))
            else:
                right.append((due_now, serial, row))
        return right

    def _entries(self, table: Table, rows: Rows, now: float) -> list[_Due]:
        if self._after_s == math.inf:
            return []
        seen = table.seen(rows, now)
        return list(zip(due_at(seen).tolist(), seen["serial"].tolist(), rows.tolist(), strict=True))
