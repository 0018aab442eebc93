"""What is it worth to serve a request? Three objectives, three item values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["OBJECTIVES", "Forecast"]

Array = NDArray[np.float64]

_PERFECT: Final = 1.0 - 1e-9  # sums of rounded numbers are not 1
_TIE: Final = 1e-3  # of the plain gain, for requests that an objective does not tell apart


@dataclass(frozen=True, slots=True)
class Forecast:
    """QoE of each request, shape (n,); `served` may have a row for each batch size, (b, n)."""

    now: Array
    """If its reader had to judge now."""
    served: Array
    """At the horizon, if it is served until then."""
    paused: Array
    """At the horizon, if it is not."""

    @property
    def gain(self) -> Array:
        """What serving it gains, 0 or more."""
        return np.maximum(0.0, self.served - self.paused)


def _average(forecast: Forecast) -> Array:
    return forecast.gain


def _worst(forecast: Forecast) -> Array:
    least = forecast.now.min(initial=1.0)
    # With nothing below the least there would be nothing to choose by.
    below: Array = np.maximum(0.0, least - forecast.paused)
    return np.where(forecast.gain > 0.0, below + _TIE * forecast.gain, 0.0)


def _perfect(forecast: Forecast) -> Array:
    kept = (forecast.served >= _PERFECT) & (forecast.paused < _PERFECT)
    counts = kept & (forecast.now >= _PERFECT)
    return counts + _TIE * forecast.gain


OBJECTIVES: Final[Mapping[str, Callable[[Forecast], Array]]] = {
    "average": _average,
    "worst": _worst,
    "perfect": _perfect,
}
"""Name -> value of serving each request, shape of `Forecast.served`, 0 or more:

- `average`, the largest sum of QoE: served - paused
- `worst`, the largest minimum: how far it would fall below the worst of now (the paper's Eq. 7)
- `perfect`, the most readers without any delay: 1 if serving it keeps it perfect (Eq. 8)

The last two leave most requests without a value; a thousandth of the gain orders those.
"""
