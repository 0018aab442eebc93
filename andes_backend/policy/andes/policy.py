"""The paper's policy: serve where most QoE is gained, by knapsack; preempt sparingly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.config import AndesConfig
from andes_backend.policy.andes.cap import PreemptionCap
from andes_backend.policy.andes.knapsack import Packer, pack_exactly, pack_greedily
from andes_backend.policy.andes.objective import OBJECTIVES, Forecast
from andes_backend.policy.andes.prediction import Outlook
from andes_backend.policy.andes.refine import stall_losses
from andes_backend.policy.andes.trigger import batch_sizes, token_latency, triggered
from andes_backend.policy.decision import Decision
from andes_backend.policy.lengths import OutputLengths
from andes_backend.policy.state import Snapshot, blocks_needed

__all__ = ["Andes"]

Array = NDArray[np.float64]
Positions = NDArray[np.intp]

_PACKERS: Final[Mapping[str, Packer]] = {"greedy": pack_greedily, "exact": pack_exactly}
_MOST_ADMISSIONS: Final = 32  # a step; its prompts are many tokens already


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which requests should be served, before the cost of the change is considered.

    Arrays have the shape (n,): the waiting requests, then the running ones.
    """

    outlook: Outlook
    chosen: NDArray[np.bool_]
    size: int
    """Most requests to run at once."""
    interval: float
    """Seconds between two tokens of a request."""
    gain: Array
    rank: Array
    """Value per KV block."""
    weights: NDArray[np.int64]
    refill_s: Array
    """Seconds that computing its KV cache takes."""


class Andes:
    """QoE-aware scheduling after arXiv 2404.16283; docs/policies.md describes it whole.

    In each step in which memory or time is scarce it predicts every request's QoE at a horizon,
    served and paused, packs the KV memory with those that gain most, and then carries out as
    much of the change as the preemption cap allows and as is worth the stalls that it causes.

    Args:
        config: the settings; those that matter are called `andes_...`.
        pack: replaces the packer that the settings name.
    """

    def __init__(self, config: AndesConfig, *, pack: Packer | None = None) -> None:
        self._config = config
        self._pack = pack or _PACKERS[config.andes_packing]
        self._values = OBJECTIVES[config.andes_objective]
        self._lengths = OutputLengths(config.expected_output_tokens)
        self._cap = PreemptionCap(config.andes_preemption_cap)

    def plan(self, snapshot: Snapshot) -> Decision:
        self._cap.observe(snapshot)
        nobody = not len(snapshot.waiting) and not len(snapshot.running)
        if nobody or not triggered(snapshot, self._config.andes_watermark):
            return Decision()
        return self._carry_out(self._choose(snapshot), snapshot)

    def finished(self, output_tokens: int) -> None:
        self._lengths.observe(output_tokens)
        self._cap.finished()

    def _choose(self, snapshot: Snapshot) -> _Plan:
        """Solve the knapsack for each batch size worth trying, and take the best."""
        rows = snapshot.everybody
        now, until = snapshot.now, snapshot.now + self._config.andes_horizon_s
        outlook = Outlook.of(rows, self._lengths.remaining(rows["delivered"]))
        tokens = rows["prompt_tokens"] + rows["delivered"]
        refill_s = snapshot.times.per_prompt_token * tokens
        start = now + refill_s
        start[len(snapshot.waiting) :] = now
        capacity = snapshot.total_blocks - 1
        weights = blocks_needed(rows, snapshot.block_size).astype(np.int64)
        sizes = batch_sizes(snapshot, rows["tds"], weights, capacity)
        intervals = token_latency(snapshot, sizes)
        forecast = Forecast(
            now=outlook.paused(now),
            served=outlook.served(until, start, intervals[:, None]),
            paused=outlook.paused(until),
        )
        values = self._values(forecast)
        packed = [
            self._pack(value, weights, capacity, int(size))
            for value, size in zip(values, sizes, strict=True)
        ]
        best = int(np.argmax([v[mask].sum() for v, mask in zip(values, packed, strict=True)]))
        return _Plan(
            outlook=outlook,
            chosen=packed[best],
            size=int(sizes[best]),
            interval=float(intervals[best]),
            gain=forecast.gain[best],
            rank=values[best] / weights,
            weights=weights,
            refill_s=refill_s,
        )

    def _carry_out(self, plan: _Plan, snapshot: Snapshot) -> Decision:
        waiting = len(snapshot.waiting)
        urgency = snapshot.everybody["dry_at"]
        order = np.lexsort((urgency, -plan.rank, ~plan.chosen))
        queue, batch = order[order < waiting], order[order >= waiting]
        victims = batch[~plan.chosen[batch]][::-1]
        admit, preempt = self._changes(plan, snapshot, queue, victims)
        return Decision(
            waiting=queue,
            running=batch - waiting,
            admit=admit,
            preempt=victims[:preempt] - waiting,
        )

    def _changes(
        self, plan: _Plan, snapshot: Snapshot, queue: Positions, victims: Positions
    ) -> tuple[int, int]:
        """How many of the queue come in, and how many of the victims go for that."""
        running = len(snapshot.running)
        queue = queue[: min(len(queue), plan.size, _MOST_ADMISSIONS)]
        freed = np.concatenate([[0], np.cumsum(plan.weights[victims])]) + snapshot.free_blocks
        count = np.arange(len(queue) + 1)
        needed = np.concatenate([[0], np.cumsum(plan.weights[queue])])
        # Victims that the first k admissions need; with none, only places may be missing.
        for_memory = np.searchsorted(freed, needed, side="left") * (count > 0)
        leaving = np.maximum(for_memory, running + count - plan.size)
        # A request that was not chosen comes in only where nobody has to go.
        chosen = plan.chosen[queue]
        allowed = min(len(victims), self._cap.allowed(len(plan.chosen)))
        possible = leaving[1:] <= np.where(chosen, allowed, 0)
        if self._config.andes_refine:
            possible &= self._worth_it(plan, snapshot, queue, victims, leaving)
        admit = len(queue) if possible.all() else int(np.argmin(possible))
        if not running and len(queue):
            admit = max(1, admit)  # an empty server takes anybody
        return admit, int(np.clip(leaving[admit], 0, allowed))

    def _worth_it(
        self,
        plan: _Plan,
        snapshot: Snapshot,
        queue: Positions,
        victims: Positions,
        leaving: Positions,
    ) -> NDArray[np.bool_]:
        """Which admissions gain more than they cost, taken in their order."""
        gone = np.clip(leaving, 0, len(victims))
        lost = np.concatenate([[0.0], np.cumsum(plan.gain[victims])])[gone]
        refill = np.concatenate([[0.0], np.cumsum(plan.refill_s[victims])])[gone]
        stalls = plan.refill_s[queue] + np.maximum(0.0, np.diff(refill))
        staying = plan.chosen.copy()
        staying[: len(snapshot.waiting)] = False
        cost = stall_losses(
            plan.outlook.take(staying),
            stalls,
            snapshot.now,
            snapshot.now + self._config.andes_horizon_s,
            plan.interval,
        )
        pays: NDArray[np.bool_] = plan.gain[queue] >= cost + np.maximum(0.0, np.diff(lost))
        return pays
