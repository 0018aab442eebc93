"""When is the next unit due, if text is only to come evenly? Pure arithmetic: no clock, no await.

Text comes in clumps: a server sends every tenth token, a proxy collects, a step of the engine
takes longer. `EvenPlayout` releases it at the speed at which it arrives, all units alike. It
keeps a reserve in hand, for the silence between two clumps, and no more than it needs.
"""

import math
from typing import Final

from andes_client.expectation import Smoothing
from andes_client.playout import Playout
from andes_client.segment.unit import PATIENCE_S

__all__ = ["EvenPlayout"]

_JUST_S: Final = 1e-6  # rounding is no delay

# What has been seen is forgotten with these time constants, seconds.
_SPEED_S: Final = 2.0
_LONGEST_GAP_S: Final = 10.0

# The reserve: text for so many of the longest gaps, within these shares of the window; but where
# the window is long, no more than so many seconds without need. It is put right over so many
# windows, by going no slower and no faster than so many times the speed.
_GAPS: Final = 2.0
_LEAST, _MOST = 0.4, 0.7
_LEAST_S: Final = 0.2
_WINDOWS: Final = 2.0
_SLOWEST, _FASTEST = 0.5, 1.6

# After so many mean gaps something is amiss, and each unit takes so much longer than the last.
_LATE_GAPS: Final = 2.0
_STRETCH: Final = 1.5

_FEW_GAPS: Final = 8.0  # that is hardly a speed yet
_FIRST_S: Final = 0.5  # that the first clump lasts, at most: nobody knows when more will come


class EvenPlayout(Playout):
    """The law of release: at the speed of arrival, evenly, nothing later than the window.

        release_i = min(release_{i-1} + interval, arrival_i + window),   not before arrival_i

    The first unit is released as it arrives. The interval is found anew whenever text arrives,
    and holds until more does, so there is no saw-tooth within a clump:

        1 / interval = speed + (in hand - wanted) / (2 windows)

    The speed is that of arrival, over some seconds. A clump counts for the silence before it,
    in which it came about: so a burst after a stall is no leap in speed. Wanted in hand is a
    reserve for twice the longest silence of late, as far as the window allows, so that text
    which arrives evenly is hardly delayed. (This is an adaptive dejitter buffer, as for voice:
    Ramjee, Kurose, Towsley and Schulzrinne, 1994.) Three things bend it:

    - What must be out within the window shortens the interval, for all of it alike.
    - If nothing comes for longer than usual, what is in hand is stretched, as far as the window
      allows.
    - A reader who pauses, goes slower or looks elsewhere is that much further behind: the window
      counts in their time until all that has arrived is out, or they go faster than it comes.

    The reader's own timeline (`free_at`, `busy_s`) is that of a person who reads what has been
    released, as with every `Playout`.

    All times are seconds on one clock, whichever.

    Args:
        expectation: the reader's.
        max_lag: seconds, 0 or more, after the end of the upstream at which all is out even if
            its reader is behind; None for no bound.

    Raises:
        ValueError: a value is out of range.
    """

    __slots__ = (
        "_behind",
        "_came_at",
        "_cap",
        "_capped",
        "_ended",
        "_gaps",
        "_interval",
        "_is_stretched",
        "_last",
        "_longest_gap",
        "_ready_at",
        "_seconds",
        "_units",
        "_waiting",
        "_window",
        "_within",
    )

    def __init__(self, expectation: Smoothing, *, max_lag: float | None = None) -> None:
        super().__init__(expectation, max_lag=max_lag)
        self._window = expectation.window
        self._within = expectation.window  # of a reader who goes faster than it comes, too
        self._behind = 0.0  # further than the window, as the reader wished
        self._last = -math.inf  # release
        self._interval = 0.0
        self._waiting = 0
        self._ready_at = -math.inf  # nothing was in hand before
        self._came_at = -math.inf  # the newest
        # So many units came in so many seconds, and in so many gaps, of late.
        self._units = self._seconds = self._gaps = self._longest_gap = 0.0
        # So many units are to take no longer than that each.
        self._cap, self._capped = math.inf, 0
        self._ended = self._is_stretched = False

    @property
    def is_unsure(self) -> bool:
        return self._is_stretched or self._gaps < _FEW_GAPS

    def arrived(self, count: int, waiting: int, since: float, now: float) -> float:
        before = self._came_at
        self._came_at, self._waiting, self._is_stretched = now, waiting, False
        if waiting == count:
            self._ready_at = now
        if before == -math.inf:
            self._interval = min(self._within, _FIRST_S) / count
        else:
            self._learn(count, now - before)
            if self._units > 0 and self._seconds > 0:
                self._interval = self._even()
        self._hurry_up(now)
        return max(since, now - self._within)

    def due(self, arrival: float) -> float:
        if self._speed == math.inf:
            return max(arrival, self._ready_at)
        interval = self._interval
        if self._behind > 0.0 or self._speed < 1.0:
            interval /= self._speed
        at = self._last + min(interval, self._cap)
        if self._speed >= 1.0:
            at = min(at, arrival + self._within + self._behind)
        return max(arrival, self._ready_at, self._last, min(at, self._deadline))

    def fragment_due(self, since: float, patience: float) -> float:
        if patience > PATIENCE_S or self._speed < 1.0:
            return self.due(since) + patience
        return min(
            self.due(since) + min(patience, self._within / 2), since + self._within + self._behind
        )

    def released(
        self,
        at: float,
        cost: float,
        buffered: float,  # noqa: ARG002
        arrival: float = 0.0,
        waiting: int = 0,
    ) -> None:
        self.continued(at, cost)  # of the reader's timeline
        self._last, self._waiting = at, waiting
        if self._came_at == -math.inf:
            self._came_at = at  # half a word, at the very beginning
        self._capped -= 1
        behind = at - arrival - self._within
        if behind > self._behind + _JUST_S:
            self._behind, self._capped = behind, 0
        elif self._speed > 1.0:
            self._behind = max(0.0, min(behind, self._behind))
        if waiting == 0:
            self._behind = 0.0
        else:
            self._stretch_out(at)
            if self._capped <= 0:
                self._cap = math.inf
                self._hurry_up(at)

    def upstream_ended(self, at: float) -> None:
        self._ended = True
        self._deadline = at + self._max_lag
        self._hurry_up(at)

    def change_speed(self, speed: float, now: float) -> None:
        super().change_speed(speed, now)
        self._within = self._window / max(1.0, speed)
        self._cap, self._capped = math.inf, 0

    def defer(self, since: float, now: float) -> None:
        super().defer(since, now)
        if self._waiting > 0:
            self._behind += now - since
            self._last += now - since
            self._cap, self._capped = math.inf, 0
            if self._units > 0 and self._seconds > 0:
                self._interval = self._even()

    def _learn(self, count: int, gap: float) -> None:
        """So many units have arrived, so long after those before them."""
        kept = 1.0 / (1.0 + gap / _SPEED_S)
        self._units = self._units * kept + count
        self._seconds = self._seconds * kept + gap
        self._gaps = self._gaps * kept + 1.0
        self._longest_gap = max(gap, self._longest_gap / (1.0 + gap / _LONGEST_GAP_S))

    def _even(self) -> float:
        """The interval at which text goes on evenly."""
        speed = self._units / self._seconds
        if self._speed < 1.0:
            return 1.0 / speed
        gap, window = self._seconds / self._gaps, self._within
        least = min(_LEAST * window, _LEAST_S)
        reserve = min(max(_GAPS * self._longest_gap, least), _MOST * window)
        reserve += self._behind
        over = self._waiting - speed * max(gap, reserve + gap / 2)
        wanted = speed + over / max(_WINDOWS * window, gap)
        return 1.0 / min(max(wanted, speed * _SLOWEST), speed * _FASTEST)

    def _hurry_up(self, now: float) -> None:
        """All that is in hand is to be out within the window, if nothing shorter holds."""
        if self._waiting == 0 or self._speed < 1.0:
            return
        until = min(self._came_at + self._within + self._behind, self._deadline)
        cap = max(0.0, until - now) / self._waiting
        if cap <= self._cap or self._capped <= 0:
            self._cap, self._capped = cap, self._waiting

    def _stretch_out(self, now: float) -> None:
        """Nothing has come for longer than usual, or the server has said when more will."""
        if self._ended or self._gaps == 0.0 or self._speed < 1.0:
            return
        late_after = _LATE_GAPS * self._seconds / self._gaps
        if self._expected_at == math.inf and now - self._came_at <= late_after:
            return
        until = min(self._came_at + self._within + self._behind, self._expected_at)
        longest = (until - now) / self._waiting
        if longest > self._interval:
            self._interval = min(longest, self._interval * _STRETCH)
            self._is_stretched = True
