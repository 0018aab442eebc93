"""What is it worth to serve a request now rather than later? Closed forms, no loops."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["final_qoe", "marginal_qoe"]


def final_qoe(
    rows: NDArray[np.void], remaining: NDArray[np.float64], lateness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """QoE of the whole response if all tokens still to come are late by `lateness`, shape (n,).

    The formula of docs/qoe.md: with m tokens to come out of N, each late by D, S_delay grows
    by m D, and S_whole = N (D + (N - 1) / (2 tds)).

    Args:
        rows: the requests (state.Table), shape (n,).
        remaining: tokens still to come, 1 or more, shape (n,).
        lateness: seconds, no less than that of the last token delivered, shape (n,).
    """
    tokens = np.maximum(2.0, rows["delivered"] + remaining)
    half = (tokens - 1) / (2 * rows["tds"])
    qoe: NDArray[np.float64] = 1 - (rows["delay"] + remaining * lateness) / (
        tokens * (lateness + half)
    )
    return qoe


def marginal_qoe(
    rows: NDArray[np.void], remaining: NDArray[np.float64], now: float, later_s: float
) -> NDArray[np.float64]:
    """The drop in final QoE if a request is served from `later_s` seconds on, not from now.

    Zero for a reader who has text until then. A response that is already very late loses
    little more by waiting, a fresh one most, and one of which most is delivered loses in
    proportion to what is still to come: that triage is what the value expresses. Where the
    formula would reward waiting (a late response with little to come), the value is 0.

    Args:
        rows: the requests (state.Table), shape (n,).
        remaining: tokens still to come, 1 or more, shape (n,).
        now: seconds on the scheduler's clock.
        later_s: seconds.

    Returns:
        Shape (n,), 0 or more.
    """
    delivered, lateness, delay = rows["delivered"], rows["lateness"], rows["delay"]
    pace = 1 / rows["tds"]
    since_due = now - rows["arrival"] - rows["ttft"] - delivered * pace
    tokens = np.maximum(2.0, delivered + remaining)
    half = (tokens - 1) * (pace / 2)

    def lost(late: NDArray[np.float64]) -> NDArray[np.float64]:
        lost: NDArray[np.float64] = (delay + remaining * late) / (late + half)
        return lost

    # final_qoe() of both, less what they have in common: this runs over everybody in each plan.
    sooner, later = np.maximum(lateness, since_due), np.maximum(lateness, since_due + later_s)
    drop: NDArray[np.float64] = np.maximum(0.0, (lost(later) - lost(sooner)) / tokens)
    return drop
