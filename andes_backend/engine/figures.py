"""The figures that a replica publishes for routers: what the scheduler already knows."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andes_backend.engine import admission
from andes_backend.policy.qoe import MarginalQoE
from andes_backend.policy.value import marginal_qoe
from andes_backend.routing import BANDS, ReplicaFigures

__all__ = ["figures_of"]


def figures_of(scheduler: Any) -> ReplicaFigures:
    """A replica as it is now. It takes as long as a plan or less, and changes nothing.

    Args:
        scheduler: vLLM's own, or ours. What a token of KV memory is worth is known under the
            policy `qoe` only.
    """
    running, waiting = scheduler.get_request_counts()
    given = admission.room(scheduler)
    figures = ReplicaFigures(
        waiting=waiting,
        running=running,
        kv_tokens=(given.total_blocks - 1) * scheduler.block_size,
        free_tokens=max(0, given.free_blocks) * scheduler.block_size,
        most_running=given.most_running,
    )
    if not getattr(scheduler, "andes_made", False):
        return figures
    now, outlook = scheduler.clock(), scheduler.andes_outlook()
    times, table = scheduler.andes_latency.times, scheduler.andes_ledger.table
    live = table.seen(np.flatnonzero(table.data["serial"] > 0), now)
    runs = live[live["running"]]
    new = runs[runs["delivered"] == 0]
    context = float((runs["prompt_tokens"] + runs["delivered"]).sum())
    figures = replace(
        figures,
        overdue=scheduler.andes_ledger.waits(now)[0],
        expected_wait_s=None if outlook is None else outlook.median_s,
        step_s=times.step_s(max(1, len(runs)), context),
        prompt_token_s=times.per_prompt_token,
        prompt_tokens_due=int((new["prompt_tokens"] - new["found"]).sum()),
        arrived=table.arrived,
        arrived_tokens=table.arrived_tokens,
        found_tokens=table.found_tokens,
    )
    return _with_demand(figures, scheduler, live, now)


def _with_demand(
    figures: ReplicaFigures, scheduler: Any, live: NDArray[np.void], now: float
) -> ReplicaFigures:
    """Who wants how much memory, and what it is worth to them; nothing but under `qoe`."""
    policy, horizon_s = scheduler.andes_policy, scheduler.andes_config.horizon_s
    if not isinstance(policy, MarginalQoE):
        return figures
    remaining = policy.lengths.remaining(live["delivered"])
    tokens = live["prompt_tokens"] + live["delivered"] + remaining / 2
    worth = marginal_qoe(live, remaining, now, horizon_s) / tokens
    bands = np.searchsorted(-np.array(BANDS), -worth).clip(0, len(BANDS) - 1)
    demand = np.bincount(bands, weights=tokens, minlength=len(BANDS))
    return replace(
        figures,
        output_tokens=float(policy.lengths.remaining(np.zeros(1, np.int64))[0]),
        horizon_s=horizon_s,
        demand=tuple(demand.round().tolist()),
    )
