"""Readers in time: what they expect, and how far they have got with what has come.

All times are seconds since the request was submitted. Words are of mean length: TOKENS_PER_WORD
tokens of reading each.
"""

import bisect
from collections import deque
from typing import Final

from andes_client import Expectation, Unit
from andes_client.expectation import TOKENS_PER_WORD
from andes_client.qoe import Meter

__all__ = ["Expected", "Reading"]

_ROUNDING_S: Final = 1e-6


class Expected:
    """The expected timeline: how many words its reader would have had by a moment.

    Args:
        expectation: the reader's, until it changes.
    """

    def __init__(self, expectation: Expectation) -> None:
        # From each of these times on: (words by then, words a second).
        self._times = [expectation.ttft]
        self._lines = [(0.0, expectation.tds / TOKENS_PER_WORD)]
        self._paused_at: float | None = None

    def words(self, now: float) -> float:
        """Words that are expected by then."""
        at = now if self._paused_at is None else min(now, self._paused_at)
        index = bisect.bisect_right(self._times, at) - 1
        if index < 0:
            return 0.0
        words, rate = self._lines[index]
        return words + rate * (at - self._times[index])

    def change_speed(self, tds: float, now: float) -> None:
        """From now on, tokens/s."""
        at = now if self._paused_at is None else self._paused_at
        if at < self._times[-1]:  # the first word is not due yet
            self._lines[-1] = (0.0, tds / TOKENS_PER_WORD)
        else:
            self._line(at, tds / TOKENS_PER_WORD)

    def pause(self, now: float) -> None:
        """Nothing is expected until `resume`."""
        self._paused_at = now

    def resume(self, now: float) -> None:
        """The reader is back."""
        since, self._paused_at = self._paused_at, None
        if since is None:
            return
        if since < self._times[-1]:
            self._times[-1] += now - since
        else:
            rate = self._lines[-1][1]
            self._line(since, 0.0)
            self._line(now, rate)

    def _line(self, at: float, rate: float) -> None:
        words = self.words(at)
        self._times.append(at)
        self._lines.append((words, rate))


class Reading:
    """How text that comes in units is for its reader, who takes in one after the other.

    Args:
        expectation: the reader's, until it changes.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.words_read = 0
        """How many words the reader has begun, as of the last question about a moment."""
        self._meter = Meter(expectation)
        self._tds = expectation.tds
        self._unread: deque[tuple[float, Unit]] = deque()
        self._times: list[float] = []
        self._words: list[float] = []
        self._paused_at: float | None = None

    @property
    def speed(self) -> float:
        """Words a second, now."""
        return self._tds / TOKENS_PER_WORD

    def add(self, unit: Unit, now: float) -> None:
        """A word has come, or a part of one."""
        if unit.cost:
            self._unread.append((now, unit))
            before = self._words[-1] if self._words else 0.0
            self._times.append(now)
            self._words.append(before + unit.cost / TOKENS_PER_WORD)

    def words(self, now: float) -> float:
        """Words that had come by then."""
        index = bisect.bisect_right(self._times, now) - 1
        return self._words[index] if index >= 0 else 0.0

    def qoe(self, now: float) -> float:
        """QoE of what the reader has got to by now; 0 before the first word."""
        self._advance(now)
        return self._meter.qoe

    def ahead_s(self, now: float) -> float:
        """How long the reader is still busy with what has come, seconds."""
        at = self._advance(now)
        unread = sum(unit.cost for _, unit in self._unread)
        return max(0.0, self._meter.free_at - at) + unread / self._tds

    def change_speed(self, tds: float, now: float) -> None:
        """From the next word on, the reader reads and expects at `tds` tokens/s."""
        self._advance(now)
        self._tds = tds
        self._meter.change_speed(tds)

    def pause(self, now: float) -> None:
        """The reader looks away until `resume`."""
        self._paused_at = self._advance(now)

    def resume(self, now: float) -> None:
        """The reader goes on; nothing was expected meanwhile."""
        since, self._paused_at = self._paused_at, None
        if since is not None:
            self._meter.defer(since, now - since)
            self._unread = deque((max(now, at), unit) for at, unit in self._unread)

    def _advance(self, now: float) -> float:
        """Let the reader read on; returns the moment up to which they have."""
        meter, at = self._meter, now if self._paused_at is None else self._paused_at
        while self._unread and max(self._unread[0][0], meter.free_at) <= at + _ROUNDING_S:
            time, unit = self._unread.popleft()
            meter.add(time, unit.cost)
            self.words_read += not unit.continues
        return at
