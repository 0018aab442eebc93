"""A limit of requests a minute for each user: the baseline that most services have."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy import Decision, Snapshot

__all__ = ["RequestsPerMinute"]

_MINUTE_S = 60.0


class RequestsPerMinute:
    """First come, first served, but of each user only so many in every minute of the clock.

    The others wait for the next minute, in front of an idle server if need be: not
    work-conserving. That is what a limit costs, and why none fits every load.

    Args:
        limit: requests a minute of each user.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = -1
        self._let_in: Counter[int] = Counter()  # in this minute, by user number
        self._may_run: set[int] = set()  # serials of those in the queue that were let in

    def plan(self, snapshot: Snapshot) -> Decision:
        minute, into = divmod(snapshot.now, _MINUTE_S)
        if minute != self._minute:
            self._minute = int(minute)
            self._let_in.clear()
        allowed = self._allowed(snapshot.waiting)
        order = np.argsort(~allowed, kind="stable")
        return Decision(waiting=order, admit=int(allowed.sum()), again_in_s=_MINUTE_S - into)

    def _allowed(self, waiting: NDArray[np.void]) -> NDArray[np.bool_]:
        """Whether each of the queue may come in; who was let in once, or has run, still may."""
        serials, users = waiting["serial"].tolist(), waiting["user"].tolist()
        allowed: NDArray[np.bool_] = waiting["charged"] >= 0
        for i in np.flatnonzero(~allowed).tolist():
            if serials[i] not in self._may_run and self._let_in[users[i]] < self._limit:
                self._let_in[users[i]] += 1
                self._may_run.add(serials[i])
            allowed[i] = serials[i] in self._may_run
        self._may_run.intersection_update(serials)
        return allowed

    def finished(self, output_tokens: int) -> None:
        """Lengths do not matter to it."""
