"""How much of the prompts does a step compute, so that no reader runs dry in it?

A step ends for everybody at once: while it computes a chunk of a long prompt, no reader gets more
text. And it has only so many tokens: those that a prompt takes, no reader gets. So where a long
prompt shares a step with readers, three rules hold.

- The step ends before the first reader runs dry. Those who have more text than that lend the
  time: theirs comes later than it could, and they do not notice.
- Each reader has a token in it, except for those who lend theirs, too: they have text for this
  step and the next, however full both are.
- What is left goes to the prompts in vLLM's order. Those for which nothing is left sit out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.latency import StepTimes

__all__ = ["Share", "Step", "lasts_s", "share_out"]

_SLOWEST: Final = 1.15  # times as long as it would take in the largest chunks, a prompt may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the next step could do."""

    room: int
    """Most tokens in it."""
    spare_s: NDArray[np.float64]
    """From its beginning until each reader runs dry, seconds, shape (n,), n 1 or more."""
    context_tokens: int
    """What the readers have in the KV cache, in all."""
    begun: Sequence[int]
    """What each prompt still needs that has begun, in vLLM's order, tokens, each 1 or more."""
    new: Sequence[int]
    """The same of those that may begin in this step, after all others; one or more in all."""
    others_wait: bool
    """Whether there are more requests than may begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What the step does of it."""

    chunk: int
    """Most tokens of one prompt, 1 or more."""
    begun: int
    """How many of the prompts that have begun go on: the first ones, 1 or more if there are any."""
    lenders: NDArray[np.intp]
    """Places of the readers who get no token, shape (k,)."""


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


def share_out(times: StepTimes, step: Step) -> Share | None:
    """How the next step is shared; None: nobody would run dry in this one and one more like it.

    While others wait, a step is never cut short: all of them would wait longer for it.
    """
    readers = len(step.spare_s)
    most = max(1, step.room - readers)
    full_s = times.step_s(readers, step.context_tokens, most)
    first_s = float(step.spare_s.min())
    if first_s >= 2 * full_s:
        return None
    if first_s < full_s and not step.others_wait and times.per_prompt_token:
        tokens = _tokens(times, first_s, full_s - times.per_prompt_token * most, most)
        go_on = _turns(step.begun, tokens)
        # There is no time for who begins besides.
        needs = [*step.begun[:go_on], *step.new]
        return Share(chunk=_chunk(needs, tokens), begun=go_on, lenders=np.zeros(0, np.intp))
    wanted = sum(step.begun) + sum(step.new) - most
    lenders = _lenders(step.spare_s, 2 * full_s, wanted)
    tokens = most + len(lenders)
    go_on = _turns(step.begun, tokens)
    # Who begins gets what the others leave.
    return Share(chunk=_chunk(step.begun[:go_on] or step.new, tokens), begun=go_on, lenders=lenders)


def _tokens(times: StepTimes, spare_s: float, alone_s: float, most: int) -> int:
    """What fits in before the first reader runs dry.

    But never so little that prompts take more than `_SLOWEST` times as long as in the largest
    chunks: each step has a cost of its own, so small chunks are dear, and prompts have readers.

    Args:
        times: what a step costs.
        spare_s: until the first reader runs dry, seconds.
        alone_s: what the step costs without prompts, seconds.
        most: tokens of prompts for which the step has room, 1 or more.
    """
    slowest = _SLOWEST * (alone_s / most + times.per_prompt_token)  # seconds a token
    least = alone_s / (slowest - times.per_prompt_token)
    fit = (spare_s - alone_s) / times.per_prompt_token
    return int(min(most, max(fit, least, 1.0)))


def _lenders(spare_s: NDArray[np.float64], enough_s: float, wanted: int) -> NDArray[np.intp]:
    """Who has enough text not to need a token now, the richest first, as many as are wanted."""
    rich = np.flatnonzero(spare_s >= enough_s)
    order: NDArray[np.intp] = rich[np.argsort(-spare_s[rich], kind="stable")]
    return order[: max(0, wanted)]


def _turns(needs: Sequence[int], tokens: int) -> int:
    """How many prompts go on, the first ones; more would only make all of them late."""
    for place, need in enumerate(needs):
        if tokens <= 0 and place:
            return place
        tokens -= need
    return len(needs)


def _chunk(needs: Sequence[int], tokens: int) -> int:
    """The most that any prompt gets, so that they all together get so many tokens."""
    left, prompts = tokens, len(needs)
    for need in sorted(needs):
        if need * prompts > left:
            return max(1, left // prompts)
        left -= need
        prompts -= 1
    return max(1, tokens)
