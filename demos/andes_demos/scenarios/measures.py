"""What each side of the demo has shown, and how that was for its reader.

All times are seconds since the request was submitted.
"""

import bisect
import re
from typing import Final

from andes_client import Expectation, Unit
from andes_demos.scenarios.reader import Expected, Reading

__all__ = ["Comparison", "Side"]

_WORD_START: Final = re.compile(r"(?<!\S)\S")


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
        self.fastest = 0
        """The most words that have appeared within a second."""
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
            self.fastest = max(self.fastest, self.speed(now))

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
