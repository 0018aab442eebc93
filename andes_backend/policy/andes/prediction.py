"""What will a response's QoE be, some time from now: if it is served, and if it is not?

The QoE formula (docs/qoe.md) with the clock stopped at some moment T. Of a response whose
first n tokens have been delivered, those count that have been delivered or are expected by T,
n + c in all. A token that the reader has taken in by T is late by u_i - e_i as ever; one that
is still to be taken in is late by T - e_i so far. So

    S_delay = sum of min(u_i, T) - e_i    (0 where that is negative)
    S_whole = sum of max(0, T - e_i)      (until the last token, if the response ends before T)

which is the first version's area between the expected and the actual timeline up to T, over
the area under the expected one. Tokens that come from s on, one every t seconds, are taken in
at the later of two straight lines: the reader's own pace from where reading has got to, and
the arrivals. So the sums are arithmetic series, and nothing loops over tokens or requests.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outlook"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The requests as seen at one moment. All fields have the shape (n,)."""

    due: Array
    """When the next token is expected, s on the scheduler's clock."""
    pace: Array
    """Seconds a token that the reader takes."""
    delivered: Array
    """Tokens that have left the engine."""
    lateness: Array
    """Of the last of them, seconds; 0 or more."""
    delay: Array
    """S_delay of the delivered tokens, token-seconds."""
    remaining: Array
    """Tokens still to come: whole numbers, 1 or more."""

    @classmethod
    def of(cls, rows: NDArray[np.void], remaining: Array) -> "Outlook":
        """What is known of these requests.

        Args:
            rows: the requests (state.Table), shape (n,).
            remaining: expected tokens still to come, 1 or more, shape (n,).
        """
        pace = 1.0 / rows["tds"]
        delivered = rows["delivered"].astype(np.float64)
        return cls(
            due=rows["arrival"] + rows["ttft"] + delivered * pace,
            pace=pace,
            delivered=delivered,
            lateness=rows["lateness"].copy(),
            delay=rows["delay"].copy(),
            remaining=np.ceil(remaining),
        )

    def take(self, chosen: NDArray[np.bool_]) -> "Outlook":
        """The same of some of the requests; the mask has the shape (n,)."""
        return Outlook(
            self.due[chosen],
            self.pace[chosen],
            self.delivered[chosen],
            self.lateness[chosen],
            self.delay[chosen],
            self.remaining[chosen],
        )

    def paused(self, until: float) -> Array:
        """QoE at a moment by which nothing more has come, shape (n,), in [0, 1].

        Args:
            until: the moment, s on the scheduler's clock; not in the past.
        """
        reach = until - self.due
        counted = self._counted(reach)
        delay = self.delay + self._not_taken_in(reach, 0.0, counted)
        return self._qoe(delay, counted, np.maximum(reach, self.lateness - self.pace))

    def served(self, until: float, start: Array, interval: Array | float) -> Array:
        """QoE at a moment if tokens come from now on, in [0, 1].

        Args:
            until: the moment, s on the scheduler's clock.
            start: when the wait for the first of these tokens begins, s on the scheduler's
                clock, shape (n,) or (b, n).
            interval: seconds between two of them; a number, or an array of shape (b, 1).

        Returns:
            Shape (n,) or (b, n).
        """
        reach = until - self.due
        counted = self._counted(reach)
        first = start + interval - self.due  # lateness of the next token, if not below `late`
        growth = np.maximum(0.0, interval - self.pace)  # of the lateness, a token
        late = self.lateness
        by_pace, by_arrival = (reach - late) / self.pace, (reach - first) / (growth + self.pace)
        taken_in = np.clip(np.floor(np.minimum(by_pace, by_arrival)) + 1.0, 0.0, counted)
        # The reader's own pace rules for so many tokens, the arrivals for the rest.
        slack = np.maximum(0.0, late - first)
        flat = np.where(
            growth > 0.0,
            np.minimum(taken_in, np.ceil(slack / np.where(growth > 0.0, growth, 1.0))),
            np.where(first > late, 0.0, taken_in),
        )
        rising = taken_in - flat
        delay = (
            self.delay
            + flat * late
            + rising * (first + growth * (flat + taken_in - 1.0) / 2.0)
            + self._not_taken_in(reach, taken_in, counted)
        )
        # Of a response that is over before, the last token's time takes the moment's place.
        ends = (taken_in == self.remaining) & (counted == self.remaining)
        last = np.maximum(late, first + (taken_in - 1.0) * growth) + (taken_in - 1.0) * self.pace
        end = np.where(ends, last, np.maximum(reach, late - self.pace))
        return self._qoe(delay, counted, end)

    def _counted(self, reach: Array) -> Array:
        """Tokens still to come that are expected by then."""
        return np.clip(np.floor(reach / self.pace) + 1.0, 0.0, self.remaining)

    def _not_taken_in(self, reach: Array, taken_in: Array | float, counted: Array) -> Array:
        """The lateness so far of the tokens from `taken_in` to `counted`, summed up."""
        missing = counted - taken_in
        return missing * (reach - self.pace * (taken_in + counted - 1.0) / 2.0)

    def _qoe(self, delay: Array, counted: Array, end: Array) -> Array:
        """1 - S_delay / S_whole.

        Args:
            delay: S_delay.
            counted: tokens that count beside the delivered ones.
            end: when the clock stops, in seconds after `due`, if any of them counts.
        """
        tokens = self.delivered + counted
        end = np.where(counted > 0.0, end, self.lateness - self.pace)
        whole = tokens * (end - self.pace * ((tokens - 1.0) / 2.0 - self.delivered))
        is_late = delay > 0.0
        share = delay / np.where(is_late & (whole > 0.0), whole, 1.0)
        return np.where(is_late, np.clip(1.0 - share, 0.0, 1.0), 1.0)
