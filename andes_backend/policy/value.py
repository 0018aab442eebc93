"""What is it worth to serve a request now rather than later? Closed forms, no loops."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["marginal_qoe", "qoe_if_late"]


def qoe_if_late(
    lateness: NDArray[np.float64], tokens: NDArray[np.float64], tds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """QoE of a response of which every token is digested so late, shape (n,).

    With lateness D throughout, S_delay = n D and S_whole = n (D + (n - 1) / (2 tds)), so
    QoE = a / (a + D) with a = (n - 1) / (2 tds): half the time that reading it takes.

    Args:
        lateness: seconds, 0 or more, shape (n,).
        tokens: length of the whole response, above 1, shape (n,).
        tds: the reader's speed, tokens/s, finite, shape (n,).
    """
    half = (tokens - 1) / (2 * tds)
    return half / (half + lateness)


def marginal_qoe(
    rows: NDArray[np.void], remaining: NDArray[np.float64], now: float, later_s: float
) -> NDArray[np.float64]:
    """The drop in final QoE if a request is served from `later_s` seconds on, not from now.

    Zero for a reader who has text until then. A response that is already very late loses
    little more by waiting, a fresh one most: that triage is what the value expresses.

    Args:
        rows: the requests (state.Table), shape (n,).
        remaining: tokens still to come, 1 or more, shape (n,).
        now: seconds on the scheduler's clock.
        later_s: seconds.

    Returns:
        Shape (n,), 0 or more.
    """
    tds = rows["tds"]
    due = rows["arrival"] + rows["ttft"] + rows["delivered"] / tds
    late_now = np.maximum(rows["lateness"], now - due)
    late_later = np.maximum(rows["lateness"], now + later_s - due)
    tokens = np.maximum(2.0, rows["delivered"] + remaining)
    return qoe_if_late(late_now, tokens, tds) - qoe_if_late(late_later, tokens, tds)
