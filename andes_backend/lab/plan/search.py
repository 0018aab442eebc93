"""Find the highest rate at which QoE is still as good as asked for, with few simulations.

    while (rate := next_rate(margins, start=3.0)) is not None:
        margins[rate] = simulate_at(rate)
    settled(margins)

A *margin* is how much better than asked for the readers are served at a rate, in QoE: 0 at the
rate that is looked for, negative above it. What to try next follows from the margins that are
there and from nothing else, so a search can be taken up again at any time.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from andes_backend.lab.report.rates import Capacity

__all__ = ["next_rate", "settled", "slope_near"]

Margins = Mapping[float, float]

WIDTH: Final = 0.05
"""Two rates so close together (as a share) with the bound between them are close enough: between
them the QoE is as good as straight."""

_NEAR: Final = WIDTH / 4  # one rate alone is near enough, if it is known how the QoE falls
_STEP: Final = 1.3  # from rate to rate as long as nobody knows where the bound is
_RANGE: Final = 8.0  # times the start, either way, is where we look no further
_PULL: Final = 0.25  # the curve is not a straight line: the next rate lies a little to the middle
_AROUND: Final = 0.2  # rates this near the bound (in logarithms) tell how the QoE falls there


def next_rate(margins: Margins, *, start: float, slope: float | None = None) -> float | None:
    """The next rate to try.

    Args:
        margins: requests/s -> margin, of those that have been tried.
        start: the first rate to try, requests/s.
        slope: how the margin changes with the logarithm of the rate near the bound, if another
            seed has shown it; below 0.

    Returns:
        Requests/s; None if `settled` has an answer.
    """
    if not margins:
        return start
    if _is_near(margins, slope):
        return None
    below, above = _bracket(margins)
    slope = slope or _seen(margins)
    if above is None:
        assert below is not None
        best = _RANGE * start
        return None if below >= best else min(best, below * _stride(margins[below], slope))
    if below is None:
        least = start / _RANGE
        return None if above <= least else max(least, above / _stride(margins[above], slope))
    return None if above / below <= 1 + WIDTH else _inside(margins, below, above)


def settled(margins: Margins, slope: float | None = None) -> Capacity:
    """Where the margin falls to 0, as closely as the rates that were tried tell.

    Before `next_rate` has returned None it is a range, from the highest rate known to be served
    well to the lowest known not to be.

    Args:
        margins: as `next_rate` has them.
        slope: the same.
    """
    if _is_near(margins, slope):
        assert slope is not None
        rate = _nearest(margins)
        found = rate * math.exp(-margins[rate] / slope)
        return Capacity(found, found)
    below, above = _bracket(margins)
    if below is None or above is None or above / below > 1 + WIDTH + 1e-9:
        return Capacity(below or 0.0, math.inf if above is None else above)
    found = _straight(margins, below, above)
    return Capacity(found, found)


def slope_near(margins: Margins, rate: float) -> float | None:
    """How the margin changes with the logarithm of the rate, near a rate; a straight fit.

    Args:
        margins: as `next_rate` has them.
        rate: requests/s.

    Returns:
        Below 0; None if the margins do not tell.
    """
    near = [r for r in margins if abs(math.log(r / rate)) <= _AROUND]
    if len(near) < 2:
        return None
    slope = float(np.polyfit(np.log(near), [margins[r] for r in near], 1)[0])
    return slope if slope < 0 else None


def _bracket(margins: Margins) -> tuple[float | None, float | None]:
    """The lowest rate that is served badly, and the one before it; None for either if none."""
    below: float | None = None
    for rate in sorted(margins):
        if margins[rate] < 0:
            return below, rate
        below = rate
    return below, None


def _nearest(margins: Margins) -> float:
    return min(margins, key=lambda rate: abs(margins[rate]))


def _is_near(margins: Margins, slope: float | None) -> bool:
    if not margins or slope is None:
        return False
    return abs(margins[_nearest(margins)]) <= _NEAR * -slope


def _seen(margins: Margins) -> float | None:
    """The slope between the two rates nearest to the bound; None if they show none."""
    if len(margins) < 2:
        return None
    one, other = sorted(margins, key=lambda rate: abs(margins[rate]))[:2]
    slope = (margins[one] - margins[other]) / math.log(one / other)
    return slope if slope < 0 else None


def _stride(margin: float, slope: float | None) -> float:
    """The ratio to the next rate: past the bound, but not far, if the slope is known."""
    if slope is None:
        return _STEP
    return min(_STEP, math.exp(abs(margin / slope)) * (1 + WIDTH / 2))


def _straight(margins: Margins, below: float, above: float) -> float:
    good, bad = margins[below], margins[above]
    return below * math.pow(above / below, good / (good - bad))


def _inside(margins: Margins, below: float, above: float) -> float:
    rate = math.pow(_straight(margins, below, above), 1 - _PULL)
    rate *= math.pow(below * above, _PULL / 2)
    most, least = below * (1 + WIDTH), above / (1 + WIDTH)
    if least <= most:  # one more will do, wherever the bound is
        return min(max(rate, least), most)
    # Near one end: the other end comes so close that the search is over, if the line is right.
    if rate / below <= 1 + WIDTH / 2:
        return most
    return least if above / rate <= 1 + WIDTH / 2 else rate
