"""When is the next unit due? Pure arithmetic: no clock, no await."""

import math
from typing import Final

from andes_client.expectation import Expectation

__all__ = ["Playout"]


class Playout:
    """The law of release: nothing before it has arrived, nothing faster than it is read.

        release_i = max(arrival_i, release_{i-1} + cost_{i-1} / tds)

    Released so, the text is shown exactly at the digest times of the QoE formula, and
    pacing costs no QoE at all. All times are seconds on one clock, whichever.
    """

    # A timer that fires this late was merely late; a reader that comes back later than
    # that had gone elsewhere, and is not shown all they missed at once.
    JITTER_S: Final = 0.05

    def __init__(self, expectation: Expectation) -> None:
        self._seconds_per_token = expectation.seconds_per_token
        self._free_at = -math.inf

    def due(self, arrival: float) -> float:
        """When a unit that arrived at `arrival` is to be released, if it is the next."""
        return max(arrival, self._free_at)

    @property
    def paced(self) -> bool:
        """Whether the reader takes any time at all; a program does not."""
        return self._seconds_per_token > 0

    @property
    def free_at(self) -> float:
        """When the reader is through with everything released; -inf before the first."""
        return self._free_at

    def released(self, at: float, due: float, cost: float) -> None:
        """A unit of `cost` tokens that was due at `due` has been released, at `at`."""
        start = due if at - due <= self.JITTER_S else at
        self._free_at = start + cost * self._seconds_per_token
