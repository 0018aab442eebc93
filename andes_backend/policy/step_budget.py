"""How much of the long prompts does a step compute, so that no reader runs dry in it?

A step ends for everybody at once: while it computes a chunk of a long prompt, no reader gets more
text. So a step lasts no longer than the first of the readers has text for. Those who have more
than that lend it: their text comes later than it could, and they do not notice.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.latency import StepTimes

__all__ = ["Load", "lasts_s", "prompt_tokens"]

_SLOWEST: Final = 1.15  # times as long as it would take, if nobody read, a prompt may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a step has to do beside the long prompts."""

    begins_s: float
    """Seconds until it begins: the steps before it are still under way."""
    readers: int
    """Requests that get one more token."""
    context_tokens: int
    """What these have in the KV cache, in all."""
    other_tokens: int
    """Tokens of prompts that need no more than this step."""


def lasts_s(
    rows: NDArray[np.void], on_the_way: NDArray[np.int64], begins_s: float, now: float
) -> NDArray[np.float64]:
    """How long the text of each reader lasts if the next step brings nothing: seconds, (n,).

    Args:
        rows: readers as a policy sees them (state.Table), shape (n,).
        on_the_way: tokens that the steps under way bring to each, shape (n,).
        begins_s: seconds until these steps are through.
        now: seconds on the scheduler's clock.

    Returns:
        Below 0 for a reader who has waited for so long already.
    """
    left = rows["dry_at"] - now
    # What comes when the reader has run dry is read from then on.
    later = np.maximum(left, begins_s) + on_the_way / rows["tds"]
    lasts: NDArray[np.float64] = np.where(on_the_way > 0, later, left)
    return lasts


def prompt_tokens(
    times: StepTimes, load: Load, lasts: NDArray[np.float64], most: int
) -> int | None:
    """Tokens of long prompts that the step may compute.

    So many that the step ends when the first reader runs dry; but never so few that prompts take
    longer than `_SLOWEST` times as long as without readers: a step has a cost of its own, so small
    chunks are dear, and a prompt has a reader, too.

    Args:
        times: what a step costs.
        load: what else there is to do in it.
        lasts: for how long each reader has text from now on, seconds, shape (n,), n 1 or more.
        most: tokens of long prompts for which there is room in a step, 1 or more.

    Returns:
        1 to `most`; None: nobody would run dry even if this step and the one after it were full
        of prompts, and nobody else served.
    """
    alone_s = times.step_s(load.readers, load.context_tokens)
    full_s = alone_s + times.per_prompt_token * most
    before_s = load.begins_s + times.per_prompt_token * load.other_tokens
    spare_s = float(lasts.min()) - before_s
    if spare_s >= 2 * full_s:
        return None
    if spare_s >= full_s:
        return most
    fit = (spare_s - alone_s) / times.per_prompt_token
    return int(min(most, max(fit, _least(times, alone_s, most), 1.0)))


def _least(times: StepTimes, alone_s: float, most: int) -> float:
    """The smallest chunk with which a prompt takes `_SLOWEST` times as long as with the largest."""
    slowest = _SLOWEST * (alone_s / most + times.per_prompt_token)  # seconds a token
    return alone_s / (slowest - times.per_prompt_token)
