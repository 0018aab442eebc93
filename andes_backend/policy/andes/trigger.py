"""Is there anything to decide, and for how many requests at once? (The paper's pruning.)"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.state import Snapshot

__all__ = ["batch_sizes", "token_latency", "triggered"]

_MOST_SIZES: Final = 4  # between B_min and B_max
_ROUNDING: Final = 1e-9  # 9.999... is 10


def triggered(snapshot: Snapshot, watermark: float) -> bool:
    """Whether memory or time is scarce: else everybody can be served as they come.

    Memory is, if more than a share `watermark` of the KV blocks is held. Time is, if a step
    with all who run takes longer than the fastest of their readers takes for a token.
    """
    if 1.0 - snapshot.free_blocks / snapshot.total_blocks > watermark:
        return True
    running = snapshot.running
    if not len(running):
        return False
    seconds = token_latency(snapshot, np.array([float(len(running))]))
    return bool(seconds[0] * running["tds"].max() > 1.0)


def token_latency(snapshot: Snapshot, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds between two tokens in batches of such sizes, whose requests are of mean length.

    Args:
        snapshot: of the engine; of it the step times and the requests' lengths count.
        sizes: requests in a batch, shape (b,).

    Returns:
        Shape (b,).
    """
    times, context = snapshot.times, _mean_context(snapshot)
    return times.base + (times.per_sequence + times.per_context_token * context) * sizes


def batch_sizes(
    snapshot: Snapshot, tds: NDArray[np.float64], weights: NDArray[np.int64], capacity: int
) -> NDArray[np.float64]:
    """Batch sizes worth trying, rising: from B_min to B_max, at most 4 of them.

    B_max is the largest batch that fits the memory, with the smallest requests in it, and
    vLLM's limit. B_min is the largest that still gives the fastest reader a token in time:
    a smaller batch would serve fewer readers and none of them better.

    Args:
        snapshot: of the engine.
        tds: speeds of all readers, tokens/s, shape (n,), n above 0.
        weights: KV blocks that each request takes, shape (n,).
        capacity: KV blocks in all.
    """
    fitting = np.searchsorted(np.cumsum(np.sort(weights)), capacity, side="right")
    largest = max(1, min(int(fitting), snapshot.max_running))
    base, one_more = token_latency(snapshot, np.array([0.0, 1.0]))
    slack = 1.0 / tds.max() - base
    # Without a cost per sequence, any batch is as fast as the smallest.
    smallest = slack / (one_more - base) if one_more > base else largest if slack >= 0 else 1
    smallest = int(np.clip(smallest + _ROUNDING, 1, largest))
    count = min(_MOST_SIZES, largest - smallest + 1)
    return np.unique(np.round(np.linspace(smallest, largest, count)))


def _mean_context(snapshot: Snapshot) -> float:
    rows = snapshot.running if len(snapshot.running) else snapshot.waiting
    return float((rows["prompt_tokens"] + rows["delivered"]).mean()) if len(rows) else 0.0
