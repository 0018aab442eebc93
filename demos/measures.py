"""What each side of the demo has shown, and how that was for its reader.

All times are seconds since the request was submitted.
"""

import bisect
import itertools
import re
from collections import deque
from collections.abc import Callable
from typing import Final

from andes_client import Expectation, Unit
from andes_client.qoe import Meter
from andes_client.segment import Words

__all__ = ["Comparison", "RecordedWords", "Side"]

_WORD_START: Final = re.compile(r"(?<!\S)\S")
_ROUNDING_S: Final = 1e-6


class Side:
    """The text that one side has shown, and when."""

    def __init__(self) -> None:
        self.pieces: list[tuple[float, str]] = []
        """What was shown, each piece with its time, in order."""
        self.words: list[float] = []
        """When the first letter of each word was shown."""
        self.fastest = 0.0
        """Words/s over the busiest stretch of at least a second; 0 until there is one."""
        self.ended = False
        """Nothing more will come."""

    @property
    def text(self) -> str:
        """All that has been shown."""
        return "".join(text for _, text in self.pieces)

    def show(self, text: str, now: float) -> None:
        """Add a piece of text that appears `now`; an empty one is ignored."""
        if not text:
            return
        before = self.pieces[-1][1][-1:] if self.pieces else ""
        self.pieces.append((now, text))
        for _ in _WORD_START.finditer(before + text, len(before)):
            self.words.append(now)
            self._note_speed()

    def speed(self, now: float) -> int:
        """Words that appeared within the last second."""
        return len(self.words) - bisect.bisect_right(self.words, now - 1.0)

    def silence(self, now: float) -> float:
        """Seconds since the last word; 0 before the first and after the end."""
        return 0.0 if self.ended or not self.words else now - self.words[-1]

    def longest_silence(self, now: float) -> float:
        """The longest time between two words, or since the last one, in seconds."""
        gaps = (later - earlier for earlier, later in itertools.pairwise(self.words))
        return max(self.silence(now), max(gaps, default=0.0))

    def words_each_second(self, now: float) -> list[int]:
        """How many words appeared in each second so far, the one that has begun included."""
        counts = [0] * (int(now) + 1)
        for time in self.words:
            counts[min(int(time), len(counts) - 1)] += 1
        return counts

    def _note_speed(self) -> None:
        last = self.words[-1]
        since = bisect.bisect_right(self.words, last - 1.0) - 1
        if since >= 0:
            words = len(self.words) - 1 - since
            self.fastest = max(self.fastest, words / (last - self.words[since]))


class Comparison:
    """One stream shown twice, to two readers of the same speed.

    Args:
        expectation: what both readers expect.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self.raw, self.paced = Side(), Side()
        self._raw_meter, self._paced_meter = Meter(expectation), Meter(expectation)
        self._all_meter = Meter(expectation)  # of all that has arrived, read or not
        self._unread: deque[tuple[float, float]] = deque()  # (arrival, cost) of words

    def arrived(self, unit: Unit, now: float) -> None:
        """The stream has completed a word, or enough of one to be shown."""
        if unit.cost:
            self._all_meter.add(now, unit.cost)
            self._unread.append((now, unit.cost))

    def released(self, unit: Unit, now: float) -> None:
        """The pacer has released a word, or the beginning of one."""
        self.paced.show(unit.text, now)
        if unit.cost:
            self._paced_meter.add(now, unit.cost)

    def buffered_seconds(self, now: float) -> float:
        """How long either reader is still busy with what has arrived."""
        return max(0.0, self._all_meter.free_at - now)

    def qoe_paced(self) -> float:
        """QoE of the words released so far, by the times of their release."""
        return self._paced_meter.qoe

    def qoe_raw(self, now: float) -> float:
        """QoE of the words that the raw reader has got to by now, by the times of their arrival.

        That reader is no faster than the other: of a burst that has just come they have
        taken in a word, so both figures are always about the same words.
        """
        meter = self._raw_meter
        while self._unread and max(self._unread[0][0], meter.free_at) <= now + _ROUNDING_S:
            meter.add(*self._unread.popleft())
        return meter.qoe


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
