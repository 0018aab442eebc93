"""When is the next unit due? Pure arithmetic: no clock, no await."""

import math
from typing import Final

from andes_client.expectation import Expectation

__all__ = ["Playout"]

_JUST_S: Final = 1e-6  # rounding must not end a stretch


class Playout:
    """The law of release: nothing before it has arrived, nothing faster than it is read.

        release_i = max(arrival_i, release_{i-1} + cost_{i-1} / tds)

    Released so, the text is shown exactly at the digest times of the QoE formula, and
    pacing costs no QoE at all. Two refinements bend the law, each by a set measure:

    - Anti-stall: while less than `LOW_WATER_S` of text is buffered and more is to come, a
      unit takes longer, up to `anti_stall` times as long on an empty buffer: a little
      slowness that is hardly seen, for fewer and shorter stalls that are. (Adaptive media
      playout, Kalman, Steinbach and Girod 2004, does so for voice and video.) If the server
      has said when more will come (`expect`), text that would not last until then is stretched
      likewise, but not before it has to be: more may come early.
    - Bounded lag: once the upstream has ended, the reader is to be through within `max_lag`
      seconds. Units then take less time, by up to `max_speed_up`; what is left at the
      deadline is shown at once.

    All times are seconds on one clock, whichever.

    Args:
        expectation: the reader's.
        anti_stall: 1 (off) or more: the most by which a unit's time is stretched. None: 1, and
            `FORECAST_STRETCH` where the server has said when more will come.
        max_lag: seconds, 0 or more; None for no bound.
        max_speed_up: 1 or more: the most by which the bound speeds the text up.

    Raises:
        ValueError: a value is out of range.
    """

    LOW_WATER_S: Final = 2.0
    FORECAST_STRETCH: Final = 1.5

    __slots__ = (
        "_anti_stall",
        "_deadline",
        "_expected_at",
        "_free_at",
        "_longest",
        "_max_lag",
        "_max_speed_up",
        "_seconds_per_token",
        "_speed",
    )

    def __init__(
        self,
        expectation: Expectation,
        *,
        anti_stall: float | None = None,
        max_lag: float | None = None,
        max_speed_up: float = 2.0,
    ) -> None:
        for name, value, least in (
            ("anti_stall", 1.0 if anti_stall is None else anti_stall, 1.0),
            ("max_speed_up", max_speed_up, 1.0),
            ("max_lag", 0.0 if max_lag is None else max_lag, 0.0),
        ):
            if not least <= value < math.inf:
                raise ValueError(f"{name} must be finite and at least {least:g}, not {value!r}")
        self._seconds_per_token = expectation.seconds_per_token
        self._anti_stall = 1.0 if anti_stall is None else anti_stall
        self._longest = self.FORECAST_STRETCH if anti_stall is None else anti_stall
        self._max_lag = math.inf if max_lag is None else max_lag
        self._max_speed_up = max_speed_up
        self._speed = 1.0
        self._free_at = -math.inf
        self._deadline = math.inf
        self._expected_at = math.inf

    @property
    def paced(self) -> bool:
        """Whether the reader takes any time at all, now; a program does not."""
        return self._seconds_per_token > 0 and self._speed < math.inf

    @property
    def is_unsure(self) -> bool:
        """Whether text that arrives may change when what waits is due."""
        return False

    @property
    def free_at(self) -> float:
        """When the reader is through with everything released; -inf before the first."""
        return self._free_at

    @property
    def speed(self) -> float:
        """How fast the reader goes now, as a multiple of the expectation."""
        return self._speed

    @property
    def seconds_per_token(self) -> float:
        """Time the reader takes over a token at the present speed."""
        return self._seconds_per_token / self._speed

    def busy_s(self, at: float, tokens: float) -> float:
        """How long the reader is busy from then on, if so many tokens follow, seconds."""
        left = self._free_at - at
        return (left if left > 0.0 else 0.0) + tokens * (self._seconds_per_token / self._speed)

    def arrived(self, count: int, waiting: int, since: float, now: float) -> float:  # noqa: ARG002
        """Units have arrived.

        Args:
            count: how many; 1 or more.
            waiting: units that now wait, these among them.
            since: when the first text of the first of them came, if that was before.
            now: the present.

        Returns:
            The moment that counts as the arrival of the first of them.
        """
        return now

    def due(self, arrival: float) -> float:
        """When a unit that arrived at `arrival` is to be released, if it is the next."""
        return arrival if arrival > self._free_at else self._free_at

    def fragment_due(self, since: float, patience: float) -> float:
        """When a part of a unit is to be released, if nothing else is there.

        Args:
            since: when it arrived.
            patience: how long the rest of it may keep the reader waiting, seconds.
        """
        return self.due(since) + patience

    def released(
        self,
        at: float,
        cost: float,
        buffered: float,
        arrival: float = 0.0,  # noqa: ARG002
        waiting: int = 0,  # noqa: ARG002
    ) -> None:
        """A unit has been released.

        Args:
            at: when its reader began with it: when it was due, unless they were elsewhere.
            cost: its tokens.
            buffered: tokens that wait behind it.
            arrival: when it arrived.
            waiting: units that wait behind it.
        """
        seconds = cost * self._seconds_per_token / self._speed
        if self._deadline < math.inf:
            seconds /= self._hurry(at, cost + buffered)
        elif self._expected_at < math.inf:
            seconds *= self._stretch_until(at, cost + buffered)
        elif self._anti_stall > 1.0:
            seconds *= self._stretch(buffered)
        # `free_at` is capped at the deadline: what is left then comes at once.
        free_at = at + seconds
        if free_at > self._deadline:
            free_at = self._deadline if self._deadline > at else at
        self._free_at = free_at

    def continued(self, at: float, cost: float) -> None:
        """The rest of the unit before has been released, which takes `cost` tokens more."""
        self._free_at = max(at, self._free_at) + cost * self.seconds_per_token

    def expect(self, at: float) -> None:
        """Text is to last until that moment, as more will come by then; infinite: no idea."""
        self._expected_at = at

    def upstream_ended(self, at: float) -> None:
        """Nothing more will come: the bound on the lag counts from here."""
        self._deadline = at + self._max_lag
        if self._deadline < self._free_at:
            self._free_at = max(at, self._deadline)

    def change_speed(self, speed: float, now: float) -> None:
        """From now on the reader goes at `speed` times the expectation; above 0, or infinite.

        What is left of the unit before them takes the new time.

        Raises:
            ValueError: it is not above 0, or so near it that a token would take for ever.
        """
        if not (speed > 0 and self._seconds_per_token / speed < math.inf):
            raise ValueError(f"speed must be above 0 (1 is the expectation's), not {speed!r}")
        if self._free_at > now:
            self._free_at = now + (self._free_at - now) * (self._speed / speed)
        self._speed = speed

    def defer(self, since: float, now: float) -> None:
        """The reader was paused: what they had not read then, they still have before them."""
        if self._free_at > since:
            self._free_at += now - since
        self._deadline += now - since

    def _hurry(self, now: float, tokens: float) -> float:
        wanted = tokens * self._seconds_per_token / self._speed
        left = self._deadline - now
        return self._max_speed_up if left <= 0 else min(self._max_speed_up, max(1.0, wanted / left))

    def _stretch_until(self, now: float, tokens: float) -> float:
        """So much in hand: once it lasts only if stretched as far as may be, it is."""
        seconds = tokens * self._seconds_per_token / self._speed * self._longest
        return self._longest if now + seconds < self._expected_at + _JUST_S else 1.0

    def _stretch(self, buffered: float) -> float:
        seconds = buffered * self._seconds_per_token / self._speed
        empty = max(0.0, 1.0 - seconds / self.LOW_WATER_S)
        return 1.0 + (self._anti_stall - 1.0) * empty
