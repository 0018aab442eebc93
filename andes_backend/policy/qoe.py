"""Our own policy: serve first where a KV block saves most QoE."""

import numpy as np
from numpy.typing import NDArray

from andes_backend.config import AndesConfig
from andes_backend.policy.decision import Decision, Order
from andes_backend.policy.lengths import OutputLengths
from andes_backend.policy.state import Snapshot, blocks_needed
from andes_backend.policy.value import marginal_qoe

__all__ = ["MarginalQoE"]


class MarginalQoE:
    """Orders waiting and running requests by marginal QoE per KV block.

    It preempts nobody by itself: the order of the running requests decides whom vLLM
    preempts when KV memory runs out. Since running requests grow, every admission into a
    nearly full memory soon leads to a preemption, whose victim is computed again later,
    and that delays everybody. So a request is admitted into the last free blocks only if
    its own gain is larger than what such a delay costs all others.
    """

    def __init__(self, config: AndesConfig) -> None:
        self._config = config
        self._lengths = OutputLengths(config.expected_output_tokens)

    def plan(self, snapshot: Snapshot) -> Decision:
        waiting, running = snapshot.waiting, snapshot.running
        gain_waiting, gain_running = self._gain(waiting, snapshot), self._gain(running, snapshot)
        blocks = blocks_needed(waiting, snapshot.block_size)
        order = _order(waiting, gain_waiting / blocks)
        # What everybody loses while a preempted request is computed again.
        price = (gain_waiting.sum() + gain_running.sum()) * (
            self._config.recompute_s / self._config.horizon_s
        )
        return Decision(
            waiting=order,
            running=_order(running, gain_running / blocks_needed(running, snapshot.block_size)),
            admit=self._admissible(blocks[order], gain_waiting[order] > price, snapshot),
        )

    def finished(self, output_tokens: int) -> None:
        self._lengths.observe(output_tokens)

    def _gain(self, rows: NDArray[np.void], snapshot: Snapshot) -> NDArray[np.float64]:
        remaining = self._lengths.remaining(rows["delivered"])
        return marginal_qoe(rows, remaining, snapshot.now, self._config.horizon_s)

    def _admissible(
        self, blocks: NDArray[np.float64], pays: NDArray[np.bool_], snapshot: Snapshot
    ) -> int:
        """How many requests may be admitted.

        Args:
            blocks: KV blocks that each waiting request needs, in the order of admission.
            pays: whether its gain is larger than the price of a preemption.
        """
        running = len(snapshot.running)
        reserve = np.where(pays, self._config.growth_reserve, self._config.calm_reserve)
        # The k-th to be admitted leaves running + k requests that grow.
        taken = np.cumsum(blocks) + reserve * (running + 1 + np.arange(len(blocks)))
        fits = taken <= snapshot.free_blocks
        fitting = len(fits) if fits.all() else int(np.argmin(fits))
        # An empty machine takes anybody: nobody's growth is in the way.
        return fitting if running else max(1, fitting)


def _order(rows: NDArray[np.void], value: NDArray[np.float64]) -> Order:
    """The most valuable first; among equals whoever runs dry first."""
    order: Order = np.lexsort((rows["dry_at"], -value))
    return order
