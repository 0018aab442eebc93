"""Our own policy: serve first where a KV block saves most QoE, and preempt only where it pays."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.config import AndesConfig
from andes_backend.policy.decision import Decision, Order
from andes_backend.policy.fair import fair_share
from andes_backend.policy.lengths import OutputLengths
from andes_backend.policy.overdue import OverdueLane
from andes_backend.policy.price import PreemptionPrice, pays_for_itself
from andes_backend.policy.room import Room
from andes_backend.policy.shortlist import Shortlist
from andes_backend.policy.state import Snapshot, blocks_needed
from andes_backend.policy.value import marginal_qoe

__all__ = ["MarginalQoE"]

_IN_ORDER: Final = 128  # waiting requests that are put in order: more do not come in at once
_SPARE: Final = 16  # beyond those that are to come in, should vLLM find that some cannot


class MarginalQoE:
    """Orders requests by marginal QoE per KV block, and preempts where the gain is large.

    Three rules beside the order:

    - Some memory stays free, because running requests grow with each token. If it were filled to
      the last block, it would soon be overcommitted: vLLM would preempt a request and compute it
      again, which delays all others.
    - A waiting request takes the place of the least valuable running ones if a block is worth
      more to it by the price of a preemption (price.PreemptionPrice). Only those give way who have
      been served for as long as computing them again takes (price.pays_for_itself).
    - Overdue requests have their own lane (overdue.OverdueLane).
    """

    def __init__(self, config: AndesConfig) -> None:
        self._config = config
        self.lengths = OutputLengths(config.expected_output_tokens)
        """How much is still to come."""
        self._lane = OverdueLane(config.overdue_kv_share, config.overdue_after_s)
        self._price = PreemptionPrice()
        self.shortlist = Shortlist(config.overdue_after_s if config.overdue_kv_share else np.inf)
        """Chooses the waiting requests that a plan is about, if many wait."""

    def plan(self, snapshot: Snapshot) -> Decision:
        waiting, running = snapshot.waiting, snapshot.running
        rows = snapshot.everybody  # one pass over all costs half as much as two
        remaining = self.lengths.remaining(rows["delivered"])
        worth = self._worth(rows, remaining, snapshot)
        blocks = blocks_needed(rows, snapshot.block_size)
        if self._config.fairness:
            worth *= fair_share(snapshot, rows["user"], self._config.fairness)
        constant = self._config.preemption_margin
        margin = self._price.margin(snapshot, worth, blocks, remaining, constant)
        lane = self._lane.plan(snapshot)
        worth, worth_running = worth[: len(waiting)], worth[len(waiting) :]
        blocks, blocks_running = blocks[: len(waiting)], blocks[len(waiting) :]
        self.shortlist.learn(snapshot, worth, lane.waiting)
        worth[lane.waiting] = np.inf  # before all others
        order = np.concatenate([lane.waiting, _best_first(waiting, worth, lane.waiting)])
        stay = _order(running, np.where(lane.running, np.inf, worth_running))
        victims = stay[int(lane.running.sum()) :][::-1]
        if constant is None:
            paid = pays_for_itself(snapshot)
            worth_running[~paid] = np.inf  # they give way to the overdue only, and last
            victims = victims[np.argsort(~paid.take(victims), kind="stable")]
        room = Room(self._config, snapshot, margin)
        room.may_go(blocks_running.take(victims).tolist(), worth_running.take(victims).tolist())
        head = order[: snapshot.max_running]  # more cannot come in
        queue = zip(blocks.take(head).tolist(), worth.take(head).tolist(), strict=True)
        while (first := next(queue, None)) is not None and room.let_in(*first):
            pass
        preempt = victims[: room.gone] if room.gone else None
        # Of the others the next plan decides.
        first = order[: 2 * room.admitted + _SPARE]
        return Decision(waiting=first, running=stay, admit=room.admitted, preempt=preempt)

    def finished(self, output_tokens: int) -> None:
        self.lengths.observe(output_tokens)

    def _worth(
        self, rows: NDArray[np.void], remaining: NDArray[np.float64], snapshot: Snapshot
    ) -> NDArray[np.float64]:
        """Marginal QoE per KV block that it holds on average until its response ends, (n,)."""
        gain = marginal_qoe(rows, remaining, snapshot.now, self._config.horizon_s)
        tokens = rows["prompt_tokens"] + rows["delivered"] + remaining / 2
        worth: NDArray[np.float64] = gain / np.ceil(tokens / snapshot.block_size)
        if snapshot.waits:
            worth[rows["dry_at"] - snapshot.now > self._config.ahead_s] = 0.0
        return worth


def _order(rows: NDArray[np.void], worth: NDArray[np.float64]) -> Order:
    """The most valuable first; among equals, the one that runs dry first."""
    order: Order = np.lexsort((rows["dry_at"], -worth))
    return order


def _best_first(rows: NDArray[np.void], worth: NDArray[np.float64], without: Order) -> Order:
    """The best of the queue in order; without some positions."""
    left = np.ones(len(rows), np.bool_)
    left[without] = False
    places = np.flatnonzero(left)
    if len(places) > _IN_ORDER:
        best = places[np.argpartition(-worth.take(places), _IN_ORDER)[:_IN_ORDER]]
    else:
        best = places
    return best[_order(rows.take(best), worth.take(best))]
