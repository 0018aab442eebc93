"""What does a preemption cost? What has to be computed again, on this engine, at this load."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.state import Snapshot

__all__ = ["PreemptionPrice", "decode_s", "pays_for_itself", "recompute_s"]

_HOLDS_S: Final = 2.0  # both parts are averages over all, and move slowly
_SHARE_OF_NEW: Final = 0.1  # of a new ratio in the one that counts: some 20 s are remembered
_WEIGHT: Final = 2.0
_LEAST: Final = 1.2


class PreemptionPrice:
    """By how much more a block must be worth to who comes in than to who gives way for it.

    To compute a request again takes engine time, and everybody who runs or waits loses it. What
    the engine time is worth shows in what it does meanwhile: the requests that run will use so many
    seconds of it for the rest of their responses, and a block of memory is worth so much to them.
    Computing them all again would take so many seconds more. The ratio of the two is what a
    preemption costs for each block that it frees, in units of what a block is worth: 0.5 where
    prompts are short and decoding is slow, 9 where prompts are long and answers are short, and
    next to nothing where memory brings back what was preempted.

    The ratio is that of the whole load, as a block takes the same time to compute again whoever
    holds it. It counts `_WEIGHT` times, because an exchange gains less than it seems to: who comes
    in would soon have come in without it. And it is never taken to be less than `_LEAST`: below
    that, requests displace each other for gains that are within the error of the estimate. Both
    are the best of a search over benchmarks/panel.py.
    """

    def __init__(self) -> None:
        self._renewed_at = -np.inf
        self._ratio: float | None = None
        self._block = 0.0

    def margin(
        self,
        snapshot: Snapshot,
        worth: NDArray[np.float64],
        blocks: NDArray[np.float64],
        remaining: NDArray[np.float64],
        constant: float | None = None,
    ) -> float:
        """The price in QoE per block, as `worth` is.

        Args:
            snapshot: who waits and runs.
            worth: of a block to each of them, shape (n,).
            blocks: that each needs, shape (n,).
            remaining: tokens that each still has to come, shape (n,).
            constant: so many times what a block is worth on average, in place of the ratio.
        """
        if not 0 <= snapshot.now - self._renewed_at < _HOLDS_S:
            self._renewed_at = snapshot.now
            self._block = _block_worth(worth, blocks, snapshot.total_blocks)
            self._note(snapshot, remaining[snapshot.waits :])
        return self._block * (self._times if constant is None else constant)

    @property
    def _times(self) -> float:
        return max(_LEAST, _WEIGHT * (self._ratio or 0.0))

    def _note(self, snapshot: Snapshot, remaining: NDArray[np.float64]) -> None:
        running = snapshot.running
        if not len(running):
            return
        ratio = float(recompute_s(snapshot).sum() / decode_s(snapshot, remaining).sum())
        old = ratio if self._ratio is None else self._ratio
        self._ratio = old + _SHARE_OF_NEW * (ratio - old)


def recompute_s(snapshot: Snapshot) -> NDArray[np.float64]:
    """Engine time to compute each running request again, if it gave way now, seconds, (r,).

    Its prompt and what it has generated, less the share that preempted requests find again.
    """
    running = snapshot.running
    context = running["prompt_tokens"] + running["delivered"]
    seconds: NDArray[np.float64] = (
        snapshot.times.per_prompt_token * (1.0 - snapshot.found_again) * context
    )
    return seconds


def decode_s(snapshot: Snapshot, tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    """Engine time for further tokens of each running request, seconds, shape (r,).

    Its own part of each step, and of the step's base the share that it has of the memory: so many
    as fill the memory share a step.

    Args:
        snapshot: who runs.
        tokens: of each, shape (r,).
    """
    running, times = snapshot.running, snapshot.times
    context = running["prompt_tokens"] + running["delivered"] + tokens / 2
    share = np.ceil(context / snapshot.block_size) / max(1, snapshot.total_blocks)
    step = times.base * share + times.per_sequence + times.per_context_token * context
    seconds: NDArray[np.float64] = np.maximum(1e-9, tokens * step)
    return seconds


def pays_for_itself(snapshot: Snapshot) -> NDArray[np.bool_]:
    """Whether each running request has been served for as long as computing it again takes, (r,).

    Counted in engine time, since its present turn began. Only such requests give way for another:
    so a long prompt is not thrown away that has just been computed, two requests cannot go on
    displacing each other without being served in between, and what exchanges cost is never more
    than what the engine does between them.
    """
    running = snapshot.running
    turn = (running["delivered"] - running["turn_began"]).astype(np.float64)
    paid: NDArray[np.bool_] = decode_s(snapshot, turn) >= recompute_s(snapshot)
    return paid


def _block_worth(worth: NDArray[np.float64], blocks: NDArray[np.float64], total: int) -> float:
    """What a block is worth on average if the memory is given to those who gain most."""
    best = np.argsort(-worth)
    taken = np.cumsum(blocks[best])
    count = max(1, int(np.searchsorted(taken, total)))
    inside = best[:count]
    return float((worth[inside] * blocks[inside]).sum() / max(1.0, blocks[inside].sum()))
