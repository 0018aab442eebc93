"""Round robin: every request gets a turn of a fixed number of tokens."""

import numpy as np
from numpy.typing import NDArray

from andes_backend.config import AndesConfig
from andes_backend.policy.decision import Decision
from andes_backend.policy.state import Snapshot, blocks_needed

__all__ = ["RoundRobin"]


class RoundRobin:
    """A request that has had its turn gives way while others wait, and joins the end of the queue.

    One of the paper's baselines (arXiv 2404.16283), whose turns are 50 steps long. It treats
    all requests alike, whatever their readers still have to read.
    """

    def __init__(self, config: AndesConfig) -> None:
        self._turn = config.round_robin_tokens

    def plan(self, snapshot: Snapshot) -> Decision:
        waiting, running = snapshot.waiting, snapshot.running
        queue = np.argsort(waiting["since"], kind="stable")
        had = running["delivered"] - running["turn_began"]
        # When memory runs out, too, the one that has used most of its turn goes first.
        order = np.argsort(had, kind="stable")
        over = order[had[order] >= self._turn][::-1]
        count = self._giving_way(running[over], snapshot)
        return Decision(waiting=queue, running=order, preempt=over[:count], again_in_s=0.0)

    def finished(self, output_tokens: int) -> None:
        del output_tokens

    def _giving_way(self, over: NDArray[np.void], snapshot: Snapshot) -> int:
        """How many of those whose turn is over make room for all who wait; all, if too few."""
        size = snapshot.block_size
        missing = blocks_needed(snapshot.waiting, size).sum() - snapshot.free_blocks
        for_memory = 0
        if missing > 0:
            for_memory = int(np.searchsorted(np.cumsum(blocks_needed(over, size)), missing)) + 1
        for_places = len(snapshot.waiting) + len(snapshot.running) - snapshot.max_running
        return max(0, for_memory, for_places)
