"""What each side of the demo has shown, and how that was for its reader.

All times are seconds since the request was submitted.
"""

import bisect
import re
from collections import deque
from collections.abc import Callable
from typing import Final

from andes_client import Expectation, Unit
from andes_client.expectation import TOKENS_PER_WORD
from andes_client.qoe import Meter
from andes_client.segment import Words

__all__ = ["Comparison", "Expected", "Reading", "RecordedWords", "Side"]

_WORD_START: Final = re.compile(r"(?<!\S)\S")
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
        """Words of mean length, TOKENS_PER_WORD tokens each, that are expected by then."""
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
        """Words of mean length a second, now."""
        return self._tds / TOKENS_PER_WORD

    def add(self, unit: Unit, now: float) -> None:
        """A word has come, or a part of one."""
        if unit.cost:
            self._unread.append((now, unit))
            before = self._words[-1] if self._words else 0.0
            self._times.append(now)
            self._words.append(before + unit.cost / TOKENS_PER_WORD)

    def words(self, now: float) -> float:
        """Words of mean length, TOKENS_PER_WORD tokens each, that had come by then."""
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


class Side:
    """The text that one side has shown, when, and how that is for its reader.

    Args:
        expectation: the reader's.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.text = ""
        """All that has been shown."""
        self.words: list[float] = []
        """When the first letter of each word was shown."""
        self.starts: list[int] = []
        """Where in the text each word begins."""
        self.fastest = 0.0
        """Words/s over the busiest stretch of at least a second; 0 until there is one."""
        self.ended = False
        """Nothing more will come."""
        self.reader = Reading(expectation)
        """Who reads it."""
        self._longest = 0.0
        self._silent_since = 0.0
        self._paused_at: float | None = None

    def show(self, text: str, now: float) -> None:
        """Add a piece of text that appears `now`; an empty one is ignored."""
        length, before = len(self.text), self.text[-1:]
        self.text += text
        for start in _WORD_START.finditer(before + text, len(before)):
            self._longest = max(self._longest, now - self._silent_since)
            self._silent_since = now
            self.words.append(now)
            self.starts.append(length + start.start() - len(before))
            self._note_speed()

    def speed(self, now: float) -> int:
        """Words that appeared within the last second."""
        return len(self.words) - bisect.bisect_right(self.words, now - 1.0)

    def silence(self, now: float) -> float:
        """Seconds since the last word, or since the request before the first; 0 at the end."""
        at = now if self._paused_at is None else self._paused_at
        return 0.0 if self.ended else at - self._silent_since

    def longest_silence(self, now: float) -> float:
        """The longest wait for a word, the one for the first included, in seconds."""
        return max(self.silence(now), self._longest)

    def words_each_second(self, now: float) -> list[int]:
        """How many words appeared in each second so far, the one that has begun included."""
        counts = [0] * (int(now) + 1)
        for time in self.words:
            counts[min(int(time), len(counts) - 1)] += 1
        return counts

    def pause(self, now: float) -> None:
        """The reader has asked for silence, until `resume`."""
        self._paused_at = now

    def resume(self, now: float) -> None:
        """The silence that was asked for is over, and does not count."""
        if self._paused_at is not None:
            self._silent_since += now - self._paused_at
            self._paused_at = None

    def _note_speed(self) -> None:
        last = self.words[-1]
        since = bisect.bisect_right(self.words, last - 1.0) - 1
        if since >= 0:
            words = len(self.words) - 1 - since
            self.fastest = max(self.fastest, words / (last - self.words[since]))


class Comparison:
    """One stream shown twice, to two readers of the same speed.

    Args:
        expectation: what both readers expect, until they change their minds.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        """What they expected to begin with."""
        self.expected = Expected(expectation)
        """The timeline that they expect."""
        self.raw, self.paced = Side(expectation), Side(expectation)

    def arrived(self, unit: Unit, now: float) -> None:
        """The stream has completed a word, or enough of one to be shown."""
        self.raw.reader.add(unit, now)

    def released(self, unit: Unit, now: float) -> None:
        """The pacer has released a word, or the beginning of one."""
        self.paced.show(unit.text, now)
        self.paced.reader.add(unit, now)

    def ahead_s(self, now: float) -> float:
        """How long either reader is still busy with what has come, seconds.

        On the raw side it is on the screen; on the paced side, in the buffer.
        """
        return max(self.raw.reader.ahead_s(now), self.paced.reader.ahead_s(now))

    def change_speed(self, tds: float, now: float) -> None:
        """From now on both readers read and expect at `tds` tokens/s."""
        for timeline in (self.expected, self.raw.reader, self.paced.reader):
            timeline.change_speed(tds, now)

    def pause(self, now: float) -> None:
        """Both readers look away. The raw text goes on meanwhile; it knows nothing of them."""
        for timeline in (self.expected, self.raw.reader, self.paced.reader, self.paced):
            timeline.pause(now)

    def resume(self, now: float) -> None:
        """Both readers are back."""
        for timeline in (self.expected, self.raw.reader, self.paced.reader, self.paced):
            timeline.resume(now)


class RecordedWords(Words):
    """The pacer's own words, noted as it makes them.

    Args:
        arrived: called with each complete unit as it arrives.
    """

    def __init__(self, arrived: Callable[[Unit], None]) -> None:
        super().__init__()
        self.coming: deque[Unit] = deque()
        """Units that the pacer has not released yet, in the order in which it will."""
        self._arrived = arrived

    def decode(self, text: str) -> list[Unit]:
        return self._noted(super().decode(text))

    def fragment(self) -> Unit | None:
        unit = super().fragment()
        return None if unit is None else self._noted([unit])[0]

    def flush(self) -> list[Unit]:
        return self._noted(super().flush())

    def _noted(self, units: list[Unit]) -> list[Unit]:
        self.coming.extend(units)
        for unit in units:
            self._arrived(unit)
        return units
