"""A mean over independent seeds, and how sure it is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from scipy import stats

__all__ = ["CONFIDENCE", "Interval", "interval"]

CONFIDENCE: Final = 0.95
"""How sure an interval is that the true mean lies in it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds, and between what the true mean lies; None with a single seed."""

    mean: float
    low: float | None
    high: float | None

    def text(self, form: str, *, cell: bool = False) -> str:
        """As a sentence shows it, `2.75 (2.70 to 2.80)`; or a cell, below each other and shorter.

        Args:
            form: of each number, as `format` has it.
            cell: whether it is for a cell.
        """
        mean = format(self.mean, form)
        if self.low is None or self.high is None:
            return mean
        low, high = format(self.low, form), format(self.high, form)
        return f"{mean}\n{low}–{high}" if cell else f"{mean} ({low} to {high})"

    def through(self, change: Callable[[float], float]) -> "Interval":
        """Another quantity's interval, which rises with this one."""
        if self.low is None or self.high is None:
            return Interval(change(self.mean), None, None)
        return Interval(change(self.mean), change(self.low), change(self.high))


def interval(values: Sequence[float]) -> Interval:
    """The mean, and Student's interval for it: the values are of independent seeds.

    Args:
        values: one or more.

    Raises:
        ValueError: none.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean, None, None)
    times = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    half = times * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)
