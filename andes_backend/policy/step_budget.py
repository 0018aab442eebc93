"""How much of the long prompts does a step compute, so that no reader runs dry in it?

A step ends for everybody at once: while it computes a chunk of a long prompt, no reader gets more
text. So a step lasts no longer than the first of the readers has text for. Those who have more
than that lend it: their text comes later than it could, and they do not notice.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.latency import StepTimes

__all__ = ["chunk", "lasts_s", "prompt_tokens", "turns"]

_SLOWEST: Final = 1.15  # times as long as it would take in the largest chunks, a prompt may take


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
    times: StepTimes, readers: int, context_tokens: int, spare_s: float, most: int
) -> int | None:
    """Tokens of prompts that the next step may compute.

    So many that the step ends when the first reader runs dry; but never so few that prompts take
    longer than `_SLOWEST` times as long as in the largest chunks: each step has a cost of its own,
    so small chunks are dear, and a prompt has a reader, too.

    Args:
        times: what a step costs.
        readers: requests that get one more token in it.
        context_tokens: what these have in the KV cache, in all.
        spare_s: from the beginning of the step until the first of them runs dry, seconds.
        most: tokens of prompts for which the step has room, 1 or more.

    Returns:
        1 to `most`; None: nobody would run dry even if this step and the one after it were full
        of prompts and served no reader.
    """
    alone_s = times.step_s(readers, context_tokens)
    full_s = alone_s + times.per_prompt_token * most
    if spare_s >= 2 * full_s:
        return None
    if spare_s >= full_s:
        return most
    fit = (spare_s - alone_s) / times.per_prompt_token
    return int(min(most, max(fit, _least(times, alone_s, most), 1.0)))


def _least(times: StepTimes, alone_s: float, most: int) -> float:
    """The chunk with which a prompt takes `_SLOWEST` times as long as with the largest."""
    slowest = _SLOWEST * (alone_s / most + times.per_prompt_token)  # seconds a token
    return alone_s / (slowest - times.per_prompt_token)


def turns(needs: Sequence[int], tokens: int) -> int:
    """How many prompts take part in a step, the first ones: 1 or more, if there are any.

    Those after them would only make all of them late.

    Args:
        needs: what each of them still needs, tokens, the most urgent first.
        tokens: what the step may compute.
    """
    left = tokens
    for place, need in enumerate(needs):
        if left <= 0 and place:
            return place
        left -= need
    return len(needs)


def chunk(needs: Sequence[int], tokens: int) -> int:
    """The most that any prompt gets, so that they all together get what a step may compute.

    Args:
        needs: what each of the prompts still needs, tokens.
        tokens: what the step may compute.

    Returns:
        Tokens, 1 or more: each prompt goes on in each step.
    """
    left, prompts = tokens, len(needs)
    for need in sorted(needs):
        if need * prompts > left:
            return max(1, left // prompts)
        left -= need
        prompts -= 1
    return max(1, tokens)
