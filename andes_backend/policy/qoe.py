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
    preempts when KV memory runs out. It admits only while a reserve for the growth of
    those that run stays free, so that memory does not run out at once.
    """

    def __init__(self, config: AndesConfig) -> None:
        self._horizon_s = config.horizon_s
        self._growth_reserve = config.growth_reserve
        self._lengths = OutputLengths(config.expected_output_tokens)

    def plan(self, snapshot: Snapshot) -> Decision:
        waiting = self._order(snapshot.waiting, snapshot)
        return Decision(
            waiting=waiting,
            running=self._order(snapshot.running, snapshot),
            admit=self._admissible(snapshot.waiting[waiting], snapshot),
        )

    def finished(self, output_tokens: int) -> None:
        self._lengths.observe(output_tokens)

    def _order(self, rows: NDArray[np.void], snapshot: Snapshot) -> Order:
        remaining = self._lengths.remaining(rows["delivered"])
        gain = marginal_qoe(rows, remaining, snapshot.now, self._horizon_s)
        # Among readers who lose nothing by waiting, whoever runs dry first comes first.
        order: Order = np.lexsort((rows["dry_at"], -gain / _blocks(rows, snapshot)))
        return order

    def _admissible(self, waiting: NDArray[np.void], snapshot: Snapshot) -> int:
        """How many of the first waiting requests fit beside the reserve."""
        running = len(snapshot.running)
        needed = np.cumsum(_blocks(waiting, snapshot) + self._growth_reserve)
        spare = snapshot.free_blocks - self._growth_reserve * running
        fitting = int(np.searchsorted(needed, spare, side="right"))
        # An empty machine takes anybody: nobody's growth is in the way.
        return fitting if running else max(1, fitting)


def _blocks(rows: NDArray[np.void], snapshot: Snapshot) -> NDArray[np.float64]:
    """KV blocks that each request needs for its next token, shape (n,)."""
    tokens = rows["prompt_tokens"] + rows["delivered"] + 1
    blocks: NDArray[np.float64] = np.ceil(tokens / snapshot.block_size)
    return blocks
