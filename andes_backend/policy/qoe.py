"""Our own policy: serve first where a KV block saves most QoE."""

import numpy as np
from numpy.typing import NDArray

from andes_backend.config import AndesConfig
from andes_backend.policy.decision import Decision, Order
from andes_backend.policy.lengths import OutputLengths
from andes_backend.policy.state import Snapshot
from andes_backend.policy.value import marginal_qoe

__all__ = ["MarginalQoE"]


class MarginalQoE:
    """Orders waiting and running requests by marginal QoE per KV block.

    It preempts nobody by itself: the order of the running requests decides whom vLLM
    preempts when KV memory runs out.
    """

    def __init__(self, config: AndesConfig) -> None:
        self._horizon_s = config.horizon_s
        self._lengths = OutputLengths(config.expected_output_tokens)

    def plan(self, snapshot: Snapshot) -> Decision:
        return Decision(
            waiting=self._order(snapshot.waiting, snapshot),
            running=self._order(snapshot.running, snapshot),
        )

    def finished(self, output_tokens: int) -> None:
        self._lengths.observe(output_tokens)

    def _order(self, rows: NDArray[np.void], snapshot: Snapshot) -> Order:
        remaining = self._lengths.remaining(rows["delivered"])
        gain = marginal_qoe(rows, remaining, snapshot.now, self._horizon_s)
        tokens = rows["prompt_tokens"] + rows["delivered"] + 1
        blocks = np.ceil(tokens / snapshot.block_size)
        # Among readers who lose nothing by waiting, whoever runs dry first comes first.
        order: Order = np.lexsort((rows["dry_at"], -gain / blocks))
        return order
