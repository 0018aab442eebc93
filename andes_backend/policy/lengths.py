"""How many tokens of a response are still to come? Learned from finished responses."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["OutputLengths"]


class OutputLengths:
    """Mean remaining length of a response, given what it has delivered so far.

    The estimate is the mean residual life over the last `WINDOW` finished responses;
    until then, and beyond the longest of them, it is the mean assumed at the start.
    It ignores `max_tokens`, which is a limit that people set, not a forecast.
    """

    WINDOW: Final = 1000
    _ENOUGH: Final = 20  # finished responses on which an estimate may stand
    _RENEW: Final = 20  # finished responses between two fits

    def __init__(self, assumed_mean: float) -> None:
        self._assumed_mean = assumed_mean
        self._finished: deque[int] = deque(maxlen=self.WINDOW)
        self._since_fit = 0
        # By tokens delivered; the last is for that many and more.
        self._after = np.full(1, max(1.0, assumed_mean))

    def observe(self, output_tokens: int) -> None:
        """A response of this many tokens has ended by itself."""
        self._finished.append(output_tokens)
        self._since_fit += 1
        if self._since_fit >= self._RENEW:
            self._since_fit = 0
            self._after = self._fit()

    def remaining(self, delivered: NDArray[np.int64]) -> NDArray[np.float64]:
        """Expected tokens still to come, at least 1.

        Args:
            delivered: tokens so far, shape (n,).

        Returns:
            Shape (n,).
        """
        mean: NDArray[np.float64] = self._after.take(delivered, mode="clip")
        return mean

    def _fit(self) -> NDArray[np.float64]:
        """Mean remaining tokens after 0, 1, 2, ... delivered: a table, as every plan reads it."""
        finished = np.sort(np.array(self._finished, dtype=np.float64))
        sum_from = np.append(np.cumsum(finished[::-1])[::-1], 0.0)
        delivered = np.arange(int(finished[-1]) + 1)
        index = np.searchsorted(finished, delivered, side="right")
        longer = len(finished) - index
        mean = np.maximum(1.0, sum_from[index] / np.maximum(1, longer) - delivered)
        return np.where(longer >= self._ENOUGH, mean, max(1.0, self._assumed_mean))
