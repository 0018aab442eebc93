"""Text that has arrived and is no unit yet: since when it waits, and how long it may.

Half a word waits a moment for its other half. Some segmenters hold more back than that, for
reasons of their own (andes_client.markdown); these say what each wait is worth.
"""

import math
from collections import deque
from typing import Final, Protocol, cast

from andes_client.segment import PATIENCE_S, Segmenter, Unit

__all__ = ["Holding", "Pending", "holding"]


class Holding(Segmenter, Protocol):
    """A segmenter that gives up what it holds back step by step, as the reader waits for it."""

    @property
    def patience(self) -> tuple[float, ...]:
        """Seconds past due after which it gives something up; rising."""
        ...

    @property
    def held_cost(self) -> float:
        """Tokens in whole units that it holds back."""
        ...

    def overdue(self, waited: float) -> list[Unit]:
        """What is to be shown of the pending text, `waited` seconds after it was due."""
        ...


def holding(segmenter: Segmenter) -> Holding:
    """The segmenter itself, if it says what a wait is worth; else one that gives up half words."""
    # Not isinstance(): of a protocol it takes longer than all the rest that makes a buffer.
    holds = hasattr(segmenter, "overdue") and hasattr(segmenter, "held_cost")
    return cast("Holding", segmenter) if holds else _HalfWords(segmenter)


class _HalfWords:
    """A segmenter that holds nothing back but half of a unit."""

    __slots__ = ("_inner", "decode", "flush", "fragment", "patience")

    held_cost = 0.0

    def __init__(self, inner: Segmenter) -> None:
        self._inner = inner
        self.patience: tuple[float, ...] = getattr(inner, "patience", (PATIENCE_S,))[:1]
        self.decode, self.flush, self.fragment = inner.decode, inner.flush, inner.fragment

    def overdue(self, waited: float) -> list[Unit]:  # noqa: ARG002, of the protocol
        unit = self.fragment()
        return [] if unit is None else [unit]


_NONE: Final = deque[tuple[str, float]](maxlen=0)


class Pending:
    """What is in the segmenter of one stream.

    Args:
        segmenter: of this stream.
    """

    __slots__ = ("_arrivals", "_segmenter", "_tried", "follows", "since")

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = holding(segmenter)
        # Half a word waits since the last word was whole; what is held back on purpose is
        # followed piece by piece, as nothing of it may wait too long.
        self.follows = len(self._segmenter.patience) > 1
        """Whether it holds back more than half words. If not, a buffer decodes without it, and
        keeps `since`: that is what costs time with thousands of streams."""
        self.since = math.inf
        """Arrival of the oldest text in it that a person could read; infinite if there is none."""
        self._arrivals: deque[tuple[str, float]] = deque() if self.follows else _NONE
        self._tried = -math.inf  # the longest wait for which the segmenter was asked

    @property
    def held_cost(self) -> float:
        """Tokens in whole units that are held back."""
        return self._segmenter.held_cost

    def decode(self, text: str, now: float) -> list[Unit]:
        """Text has arrived, and it `follows`: the units that the text completes."""
        units = self._segmenter.decode(text)
        self._arrivals.append((text, now))
        self._tried = -math.inf
        self._take(units)
        return units

    def flush(self) -> list[Unit]:
        """All that is left."""
        self._arrivals.clear()
        self.since = math.inf
        return self._segmenter.flush()

    def patience(self, eager: bool) -> float:
        """Seconds past due after which something of it is to be shown; infinite: whatever comes.

        Args:
            eager: the reader has nothing yet, or takes no time: half a word is welcome at once.
        """
        for wait in self._segmenter.patience:
            if wait > self._tried:
                return 0.0 if eager and wait <= PATIENCE_S else wait
        return math.inf

    def overdue(self, waited: float, eager: bool) -> list[Unit]:
        """What of it is to be shown, `waited` seconds after it was due; as for `patience`."""
        step = next(wait for wait in self._segmenter.patience if wait > self._tried)
        waited = max(waited, step, PATIENCE_S if eager else 0.0)
        units = self._segmenter.overdue(waited)
        if self.follows:
            self._tried = waited
            self._take(units)
        else:
            self.since = math.inf
        return units

    def defer(self, since: float, now: float) -> None:
        """The reader was away between these moments: nothing waited for them meanwhile."""
        if self.follows:
            self._arrivals = deque(
                (text, time + now - since if time < since else now) for text, time in self._arrivals
            )
            self._take([])
        elif self.since < math.inf:
            self.since = self.since + now - since if self.since < since else now

    def _take(self, units: list[Unit]) -> None:
        """These have left it."""
        arrivals = self._arrivals
        size = sum([len(unit.text) for unit in units])
        while size:
            text, time = arrivals.popleft()
            if len(text) > size:
                arrivals.appendleft((text[size:], time))
            size = max(0, size - len(text))
        self.since = next(
            (time for text, time in arrivals if any(map(str.isalnum, text))), math.inf
        )
