"""When text can be expected for a request that waits, learned from other waits.

A wait begins when a request arrives or loses its KV memory, and ends with the next token that it
is delivered. What a wait is like that begins now is read off the waits that began most like
it: after an arrival or a preemption, with as much slack, as long a context and as many others in
the queue. Those that go on count as far as they have lasted: else a load that rises would be taken
for one of short waits. The longer a wait has lasted already, the fewer of the others still count.

Loads change, and so the waits to come differ from those that were. The 90th percentile is
therefore corrected by a factor that grows with each wait that surpasses it and shrinks with each
that does not, so that in the long run nine of ten hold (adaptive conformal inference: Gibbs and
Candès, "Adaptive conformal inference under distribution shift", NeurIPS 2021, arXiv 2106.00170).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.overdue import due_at
from andes_backend.policy.state import Rows, Table
from andes_client.wire import Forecast

__all__ = ["Forecasts"]

_HELD: Final = 0.9  # share of the waits that the upper figure should cover
_KEPT: Final = 512  # ended waits
_ALIKE: Final = 48  # of them that are asked
_FEWEST: Final = 8  # with fewer nothing is said
_STEP: Final = 0.08  # of the logarithm of the factor, for a wait that surpasses the figure
_MOST: Final = 2.0  # of it, either way
_FARTHEST: Final = 3.0  # times the longest wait there was
_FRESH_S: Final = 0.25  # for so long what was said of a wait is said again
_DAY_S: Final = 86_400.0
_LATELY: Final = 2.0  # how unlike a wait of now the oldest one kept is, for its age alone

# What a wait is like when it begins; the distance of two is the sum of the differences.
_FEATURES: Final = 3
# What age adds to that, in a ring of which the newest is at _KEPT - 1: from there the oldest.
_AGES: Final = (np.arange(2 * _KEPT - 1, -1, -1) % _KEPT) * (_LATELY / _KEPT)


class _Waits:
    """The waits of one kind, ended and going on, and how good what was said of them has been."""

    def __init__(self) -> None:
        self._count = 0
        self._like = np.zeros((_FEATURES, _KEPT))
        self._seconds = np.zeros(_KEPT)
        self._correction = 0.0  # the logarithm of the factor
        self._going_on: list[_Wait] = []
        # Of these, in their order: what they are like, and when they began. Space for more.
        self._begun_like = np.zeros((_FEATURES, 64))
        self._begun_at = np.zeros(64)

    def begin(self, wait: "_Wait") -> None:
        """A wait begins, about which nothing has been said yet."""
        at = wait.place = len(self._going_on)
        if at == len(self._begun_at):
            self._begun_like = np.concatenate([self._begun_like] * 2, axis=1)
            self._begun_at = np.concatenate([self._begun_at] * 2)
        self._begun_like[:, at], self._begun_at[at] = wait.like, wait.since
        self._going_on.append(wait)

    def forget(self, wait: "_Wait") -> None:
        """A wait no longer goes on."""
        at, last = wait.place, self._going_on.pop()
        if last is not wait:  # it takes the place
            last.place, self._going_on[at] = at, last
            self._begun_like[:, at], self._begun_at[at] = last.like, last.since

    def end(self, wait: "_Wait", now: float) -> bool | None:
        """A wait is over: whether it took no longer than was said; None if nothing was."""
        self.forget(wait)
        seconds = now - wait.since
        at = self._count % _KEPT
        self._like[:, at], self._seconds[at] = wait.like, seconds
        self._count += 1
        if math.isnan(wait.said_s):
            return None
        held = seconds <= wait.said_s
        # In balance when one of ten surpasses it.
        self._correction += _STEP * (_HELD - 1.0 if held else _HELD)
        self._correction = min(max(self._correction, -_MOST), _MOST)
        return held

    def forecasts(
        self, likes: Sequence["_Like"], lasted_s: float, now: float
    ) -> Sequence[Forecast | None]:
        """For waits that began like these and have lasted so long; None: not enough is known."""
        count = min(self._count, _KEPT)
        if count < _FEWEST:
            return [None] * len(likes)
        # Of very many that go on, every so-manieth stands for all.
        on, every = len(self._going_on), -(-len(self._going_on) // _KEPT) or 1
        seconds = np.concatenate([self._seconds[:count], now - self._begun_at[:on:every]])
        others = np.concatenate([self._like[:, :count], self._begun_like[:, :on:every]], axis=1)
        longer = np.flatnonzero(seconds > lasted_s)
        if not len(longer):  # it has lasted longer than all others: as much again is a guess
            median = np.full(len(likes), max(lasted_s, 1.0))
            upper = _FARTHEST * median
        else:
            unlike = np.abs(others[:, None, :] - np.array(likes).T[:, :, None]).sum(axis=0)
            newest = (self._count - 1) % _KEPT
            unlike[:, :count] += _AGES[_KEPT - 1 - newest :][:count]
            near = np.repeat(longer[None, :], len(likes), axis=0)
            if len(longer) > _ALIKE:
                near = longer[np.argpartition(unlike[:, longer], _ALIKE, axis=1)[:, :_ALIKE]]
            median, upper = _quantiles(seconds[near] - lasted_s, near < count)
        upper = np.minimum(upper * math.exp(self._correction), _DAY_S)
        median = np.minimum(median, upper)
        return list(map(Forecast, median.tolist(), upper.tolist()))


def _quantiles(
    seconds: NDArray[np.float64], ended: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and 90th percentile of waits, some of which only have lasted so long as yet.

    Kaplan and Meier's estimate of how many last how long. Beyond the longest of them as many end
    in a second as did on average until then, and none lasts `_FARTHEST` times as long as it.

    Args:
        seconds: how long each has lasted, shape (m, n), n of 1 or more, above 0.
        ended: whether it is over, shape (m, n).

    Returns:
        Both of shape (m,), seconds.
    """
    order, each = np.argsort(seconds, axis=1), np.arange(len(seconds))
    seconds, ended = seconds[each[:, None], order], ended[each[:, None], order]
    at_risk = np.arange(seconds.shape[1], 0, -1)
    left = np.cumprod(np.where(ended, 1.0 - 1.0 / at_risk, 1.0), axis=1)
    end = left[:, -1]
    last = np.log(end, out=np.full(len(end), -1e-9), where=(end > 0) & (end < 1))
    found = []
    for share in (0.5, 1.0 - _HELD):
        reached = left <= share + 1e-9
        first = seconds[each, reached.argmax(axis=1)]
        beyond = seconds[:, -1] * np.minimum(_FARTHEST, math.log(share) / last)
        found.append(np.where(reached[:, -1], first, beyond))
    return found[0], found[1]


class Forecasts:
    """Forecasts for the waiting requests of a table.

    Args:
        table: knows who waits since when.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._arrivals, self._preempted = _Waits(), _Waits()
        self._wait: dict[int, _Wait] = {}  # of the request in each row that waits
        self._again: set[int] = set()  # rows whose wait has ended while they wait

    def look(self, come: Rows, now: float, waiting: int | None = None) -> None:
        """See who waits, and note whose wait has begun.

        Args:
            come: distinct rows, shape (n,), noted as waiting in the table; at least those who have
                come to the queue since the last look.
            now: seconds on the scheduler's clock.
            waiting: how many wait in all; None: these are all of them.
        """
        if self._again:
            # What was under way when they were preempted has come, and they wait all the same.
            waits, rows = self._table.waits, come.tolist()
            still = self._again.difference(rows)
            come = np.array([*rows, *(row for row in still if waits[row])], np.intp)
            self._again.clear()
        if not len(come):
            return
        count = len(come) if waiting is None else waiting
        since = self._table.data["since"].take(come).tolist()
        begun = []
        for row, began in zip(come.tolist(), since, strict=True):
            wait = self._wait.get(row)
            if wait is not None and wait.since != began:
                self.forget(row)
                wait = None
            if wait is None:
                begun.append(row)
        if begun:
            self._begin(begun, count, now)

    def deliver(self, rows: Rows, now: float) -> tuple[int, int]:
        """Text has been delivered: the waits of those who had waited have ended.

        Args:
            rows: to whom, distinct, shape (n,).
            now: seconds on the scheduler's clock.

        Returns:
            How many of these waits had a forecast when they began, and how many of those took no
            longer than its 90th percentile.
        """
        over = self._wait.keys() & set(rows.tolist())
        self._again |= over
        ended = [wait.kind.end(wait, now) for wait in map(self._wait.pop, over)]
        told = [held for held in ended if held is not None]
        return len(told), sum(told)

    def forget(self, row: int) -> None:
        """The request in a row is over."""
        self._again.discard(row)
        wait = self._wait.pop(row, None)
        if wait is not None:
            wait.kind.forget(wait)

    def of(self, row: int, now: float) -> Forecast | None:
        """For the request in a row; None if it does not wait, or too little is known yet."""
        wait = self._wait.get(row)
        if wait is None:
            return None
        if now - wait.asked_at > _FRESH_S:
            wait.asked_at = now
            lasted_s = max(0.0, now - wait.since)
            (wait.answer,) = wait.kind.forecasts([wait.like], lasted_s, now)
        return wait.answer

    def of_an_arrival(
        self, ttft: float, prompt_tokens: int, waiting: int, now: float
    ) -> Forecast | None:
        """For a request that arrives now.

        Args:
            ttft: its reader's expected time to first token, seconds.
            prompt_tokens: length of its prompt.
            waiting: how many requests wait already.
            now: seconds on the scheduler's clock.
        """
        like = _features(ttft, prompt_tokens, waiting + 1)
        return self._arrivals.forecasts([like], 0.0, now)[0]

    def _begin(self, rows: list[int], waiting: int, now: float) -> None:
        facts = self._table.rows(np.array(rows, np.intp))
        due = due_at(facts).tolist()
        likes: dict[_Waits, list[tuple[int, float, _Like]]] = {}
        for row, one, due_s in zip(rows, facts, due, strict=True):
            since, delivered = float(one["since"]), int(one["delivered"])
            like = _features(due_s - since, int(one["prompt_tokens"]) + delivered, waiting)
            kind = self._preempted if delivered else self._arrivals
            likes.setdefault(kind, []).append((row, since, like))
        for kind, waits in likes.items():
            said = kind.forecasts([like for *_, like in waits], 0.0, now)
            for (row, since, like), told in zip(waits, said, strict=True):
                wait = _Wait(kind, since, like, math.nan if told is None else told.p90_s)
                kind.begin(wait)
                self._wait[row] = wait


@dataclass(slots=True)
class _Wait:
    """A wait that goes on."""

    kind: _Waits
    since: float
    like: "_Like"
    said_s: float
    """The 90th percentile of it that was told when it began; nan: none was."""
    place: int = -1
    """Among those of its kind that go on."""
    asked_at: float = -math.inf
    answer: Forecast | None = None
    """What was said of it then."""


_Like = tuple[float, float, float]
"""What a wait is like: differences of 1 are about equally telling."""


def _features(slack_s: float, context: int, waiting: int) -> _Like:
    return (
        math.copysign(math.log1p(abs(slack_s)), slack_s),
        0.5 * math.log1p(context),
        math.log1p(waiting),
    )
