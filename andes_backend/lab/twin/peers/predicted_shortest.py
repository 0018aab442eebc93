"""Shortest first by predicted rank: "Efficient LLM Scheduling by Learning to Rank", reconstructed.

What the paper (arXiv 2408.15792, NeurIPS 2024) and its authors' code (github.com/hao-ai-lab/
vllm-ltr) describe. How long a response will be cannot be predicted, but which of two will be longer
can, often enough. A small model scores each new request once, from its prompt. In every iteration
all requests, those that run too, are sorted by score, and the first that fit are computed; others
that hold memory give way as far as it is needed. Against starvation each request counts the
iterations in a row in which it got nothing. At a threshold it goes before all others, until it
has been computed in a quantum of iterations.

The predictor, which the twin has no text for, is reconstructed by its errors. The true length's
rank among all requests so far becomes a score of logistic distribution, to which independent
logistic noise is added, drawn from the seed and the request's number alone. With noise of
`noise` = 0.855 Kendall's tau of scores and lengths is 0.55, whatever the lengths are distributed
like. That is what the authors report for ShareGPT and Llama-3-70B (`train/train.sh` of their code,
"Reproduce results in Table 3"; 0.52 with Llama-3-8B, and 0.62 to 0.64 for LMSYS-Chat-1M).

Threshold and quantum are open; docs/policies.md says how they were chosen. Ours: `spare` blocks
for each running request stay free at an admission, as the requests grow.

Left out: what the predictor costs, and batches smaller than the memory. Their code swaps; here what
is preempted comes back from CPU memory at the speed of the twin's link, and is computed again where
the setup has no KV restore.
"""

from bisect import insort
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.twin.peers.memory import in_strict_order
from andes_backend.lab.twin.peers.notes import Notes
from andes_backend.policy import Decision, Snapshot

__all__ = ["PredictedShortest"]

_NOISE: Final = 0.855
_STARVING: Final = 1000
_QUANTUM: Final = 50
_SPARE: Final = 1.0


class PredictedShortest:
    """Orders requests by a predictor's score, but for those that starve, which are first.

    Args:
        noise: of the predictor, times the spread of the true ranks; 0: it makes no errors.
        starving: iterations without a place after which a request goes before all others.
        quantum: iterations with a place that it then has.
        spare: KV blocks that an admission leaves free for each request that runs.
        seed: of the predictor's errors.
    """

    def __init__(
        self,
        *,
        noise: float = _NOISE,
        starving: int = _STARVING,
        quantum: int = _QUANTUM,
        spare: float = _SPARE,
        seed: int = 0,
    ) -> None:
        self._noise, self._spare, self._seed = noise, spare, seed
        self._starving, self._quantum = starving, quantum
        self._lengths: list[int] = []  # of all requests so far, rising
        # `idle`: iterations in a row without a place; `left`: of those that it goes first for.
        self._notes = Notes(error=np.nan, idle=0, left=0)

    def plan(self, snapshot: Snapshot) -> Decision:
        rows, notes, waits = snapshot.everybody, self._notes, snapshot.waits
        serials = rows["serial"]
        notes.cover(serials)
        starved = serials[notes["idle"][serials] >= self._starving]
        notes["idle"][starved], notes["left"][starved] = 0, self._quantum
        order = np.lexsort((serials, self.scores(rows), notes["left"][serials] == 0))
        decision = in_strict_order(snapshot, order, self._spare * len(snapshot.running))
        has_place = np.arange(len(rows)) >= waits
        if decision.preempt is not None:
            has_place[waits + decision.preempt] = False
        if decision.waiting is not None:
            has_place[decision.waiting[: decision.admit]] = True
        inside, outside = serials[has_place], serials[~has_place]
        notes["left"][inside] = np.maximum(0, notes["left"][inside] - 1)
        notes["idle"][inside] = 0
        notes["idle"][outside] += 1
        return decision

    def finished(self, output_tokens: int) -> None:
        """It has the lengths from the twin, with errors."""

    def scores(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """The predictor's score of each request, lower for a shorter response, shape (n,).

        Args:
            rows: the requests, shape (n,), with their true lengths in `output_tokens`.
        """
        serials, lengths = rows["serial"], rows["output_tokens"]
        self._notes.cover(serials)
        errors = self._notes["error"]
        for serial, length in rows[np.isnan(errors[serials])][["serial", "output_tokens"]].tolist():
            errors[serial] = np.random.default_rng((self._seed, serial)).logistic()
            insort(self._lengths, length)
        known = np.array(self._lengths)
        below = np.searchsorted(known, lengths) + np.searchsorted(known, lengths, side="right")
        share = (below + 1.0) / (2.0 * len(known) + 2.0)
        return np.asarray(np.log(share / (1.0 - share)) + self._noise * errors[serials])
