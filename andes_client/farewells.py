"""What is still to be said of readers who have left: for a while, and not too often. No I/O.

A farewell is said again if the call fails, and if it may have overtaken its request: a
reader who leaves before any text has come may be gone before the engine has the request, and the
engine then knows of no such stream. Once it has known it, it is not told again.
"""

import contextlib
import math
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from andes_client import wire

__all__ = ["Farewell", "Farewells"]

# A farewell is of use while the server still works for a reader who has left.
_UNANSWERED_S: Final = 5.0
_UNKNOWN_S: Final = 10.0
# Between two that overtook their request: twice as long after each.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 3.0
_MOST: Final = 1_024


class Farewell(NamedTuple):
    """The last report of a reader."""

    report: wire.Report
    is_known: bool
    """Whether the engine has had the request, as the client can tell."""
    left_at: float = math.nan
    """When they left; not a number: only just."""
    at: float = -math.inf
    """When it is to be said, at the earliest."""
    tries: int = 0
    """How often the server has answered that it knows of no such stream."""

    @property
    def until(self) -> float:
        """When it is of no use any more."""
        return self.left_at + (_UNKNOWN_S if self.tries else _UNANSWERED_S)


class Farewells:
    """Those of the readers of many streams, 1,024 at most: of more, the oldest are dropped.

    `add`, `clear` and what looks may be called from any thread, the rest from one.
    """

    def __init__(self) -> None:
        self._all: deque[Farewell] = deque(maxlen=_MOST)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def has_new(self) -> bool:
        """Whether the server has not answered to one of them yet."""
        return any(not one.tries for one in tuple(self._all))

    def add(self, report: wire.Report, *, is_known: bool) -> None:
        """A reader has left.

        Args:
            report: says so.
            is_known: whether the engine has had the request: the report cannot overtake it.
        """
        self._all.append(Farewell(report, is_known))

    def next_at(self, now: float) -> float:
        """When one is to be said; infinite if none is. Those that are of no use are dropped."""
        at = math.inf
        for one in self._once_through(now):
            if now < one.until:
                self._all.append(one)
                at = min(at, one.at)
        return at

    def take(self, now: float, limit: int) -> list[Farewell]:
        """Those that are to be said now, so many at most; `failed` or `unknown` puts one back."""
        taken = list[Farewell]()
        for one in self._once_through(now):
            if len(taken) < limit and one.at <= now:
                taken.append(one)
            else:
                self._all.append(one)
        return taken

    def failed(self, farewell: Farewell) -> None:
        """The server has not answered."""
        self._all.append(farewell)

    def unknown(self, farewell: Farewell, now: float) -> None:
        """The server knows of no such stream: not yet, or no more."""
        if not farewell.is_known:
            wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0**farewell.tries)
            again = farewell._replace(at=now + wait, tries=farewell.tries + 1)
            if again.at < again.until:
                self._all.append(again)

    def clear(self) -> None:
        """Say none any more."""
        self._all.clear()

    def _once_through(self, now: float) -> Iterator[Farewell]:
        """All, each taken out; who added them may have had no clock."""
        with contextlib.suppress(IndexError):  # another thread has cleared them
            for _ in range(len(self._all)):
                one = self._all.popleft()
                yield one._replace(left_at=now) if math.isnan(one.left_at) else one
