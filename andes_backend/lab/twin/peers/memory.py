"""The KV memory for those who are first in one order: what the reconstructed policies share."""

import numpy as np

from andes_backend.policy import Decision, Snapshot
from andes_backend.policy.decision import Order
from andes_backend.policy.state import blocks_needed

__all__ = ["in_strict_order"]


def in_strict_order(snapshot: Snapshot, order: Order, spare: float) -> Decision:
    """The first of an order hold the memory, and the last that run give way for them.

    Requests are taken until one does not fit; none behind it is admitted. Of those that run
    and were not taken, only as many are preempted as the admitted ones need, from the end.

    Args:
        snapshot: who is there, and the memory.
        order: positions in `snapshot.everybody`, the most urgent first, shape (n,).
        spare: KV blocks that an admission leaves free, for what those who run generate next.

    Returns:
        A decision for one step.
    """
    waits, running = snapshot.waits, len(snapshot.running)
    blocks = blocks_needed(snapshot.everybody, snapshot.block_size)
    room = snapshot.free_blocks + float(blocks[waits:].sum()) - spare
    taken = (np.cumsum(blocks[order]) <= room) & (np.arange(len(order)) < snapshot.max_running)
    count = max(1, int(taken.argmin()) if not taken.all() else len(order))
    first, last = order[:count], order[count:]
    come, victims = first[first < waits], last[last >= waits][::-1]
    missing = float(blocks[come].sum()) + spare - snapshot.free_blocks
    gone = 0
    if len(come):
        if missing > 0:
            gone = int(np.searchsorted(np.cumsum(blocks[victims]), missing)) + 1
        gone = min(len(victims), max(gone, running + len(come) - snapshot.max_running))
    return Decision(
        waiting=order[order < waits],
        running=order[order >= waits] - waits,
        admit=len(come),
        preempt=victims[:gone] - waits,
        again_in_s=0.0,
    )
