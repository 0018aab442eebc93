"""TokenFlow's buffer-aware working set (arXiv 2510.02758, EuroSys 2026): a reconstruction.

What the paper describes. A reader's client holds the text that came faster than it was read: its
buffer. Scheduling has two steps. First a *working set* is determined: more requests than the GPU
memory holds at once, as many as memory, the requests' footprints, the queues and the buffers
allow. Then the buffers of that set are *balanced*: the less text a reader has and the faster they
read, the sooner their request runs, and one with much text gives way. A request is preempted
only if its buffer outlasts the switch, and resumed before the buffer is empty. Its keys and values
are written through to CPU memory in the background, so that a preemption frees memory at once and a
resume loads them.

Reconstructed from the abstract and from summaries of the paper; no code of its authors is public.
Where these give no formula, it is ours:

- A request joins the working set when it comes first among those outside, if all of the set could
  be held in memory at once; or if no more than `overcommit` times the memory is needed and the
  readers of the set together take no more than `pace` times the tokens that a full memory
  generates. Who is in stays in, until the response ends.
- Within the set the order is by seconds of text in hand, which is the buffer over the reader's
  speed; among equals, and so among readers who wait for text, who came first. The paper refines a
  greedy choice by local exchanges of its objective; here the exchange is that order's own: the
  fullest buffer gives way to the emptiest.
- The switch takes the loading of the request's tokens at the speed of the link, and `margin_s` for
  queues and for the time to the next decision. A request with more text than that may be
  preempted, one with less asks for a place; both at most every `interval_s`.
- `spare` blocks for each running request stay free at an admission, as the requests grow.

Left out: the split into chunks and the streams that hide transfers (the twin's link has a constant
speed, and copies out for nothing), the choice between loading and computing again, and the weights
of the paper's objective. Without KV restore in the setup, a resumed request is computed again, and
the switch takes that long.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.twin.peers.notes import Notes
from andes_backend.policy import Decision, Snapshot
from andes_backend.policy.decision import Order
from andes_backend.policy.state import blocks_needed

__all__ = ["TokenFlow"]

_OVERCOMMIT: Final = 3.0
_PACE: Final = 1.2
_INTERVAL_S: Final = 1.0
_MARGIN_S: Final = 10.0
_SPARE: Final = 1.0


class TokenFlow:
    """Orders a working set by the text that its readers have in hand, and rotates it.

    Args:
        restore_tokens_per_s: tokens that come back from CPU memory in a second; None: what a
            preempted request has computed is computed again.
        overcommit: KV memory that the working set may need, times what there is, 1 or more.
        pace: what its readers may take together, times what a full memory generates.
        interval_s: least time between two rotations, seconds.
        margin_s: of text in hand beyond what a switch takes, seconds.
        spare: KV blocks that an admission leaves free for each request that runs.
    """

    def __init__(
        self,
        restore_tokens_per_s: float | None = None,
        *,
        overcommit: float = _OVERCOMMIT,
        pace: float = _PACE,
        interval_s: float = _INTERVAL_S,
        margin_s: float = _MARGIN_S,
        spare: float = _SPARE,
    ) -> None:
        self._restore = restore_tokens_per_s
        self._overcommit, self._pace = overcommit, pace
        self._interval_s, self._margin_s = interval_s, margin_s
        self._spare = spare
        self._rotated_at = -math.inf
        self._notes = Notes(member=False)

    def plan(self, snapshot: Snapshot) -> Decision:
        rows, waits = snapshot.everybody, snapshot.waits
        member = self._working_set(snapshot)
        in_hand = np.where(rows["delivered"] > 0, rows["dry_at"] - snapshot.now, 0.0)
        in_hand = np.maximum(0.0, in_hand)
        order = np.lexsort((rows["serial"], in_hand, ~member))
        queue, stay = order[order < waits], order[order >= waits]
        admit, victims = self._rotate(snapshot, queue[member[queue]], stay[::-1], in_hand)
        if len(victims):
            self._rotated_at = snapshot.now
        return Decision(
            waiting=queue,
            running=stay - waits,
            admit=admit,
            preempt=victims - waits,
            again_in_s=self._interval_s,
        )

    def finished(self, output_tokens: int) -> None:
        """Lengths do not matter to it."""

    def _working_set(self, snapshot: Snapshot) -> NDArray[np.bool_]:
        """Who is in the working set, those who join now included, shape (n,)."""
        rows = snapshot.everybody
        serials, speed = rows["serial"], rows["tds"]
        blocks = blocks_needed(rows, snapshot.block_size)
        self._notes.cover(serials)
        members = self._notes["member"]
        members[snapshot.running["serial"]] = True
        inside: NDArray[np.bool_] = members[serials]
        held, taken = float(blocks[inside].sum()), float(speed[inside].sum())
        generated = self._pace * _tokens_per_s(snapshot)
        outside = np.flatnonzero(~inside)
        for i in outside[np.argsort(serials[outside])].tolist():
            held, taken = held + blocks[i], taken + speed[i]
            if held > snapshot.total_blocks and (
                held > self._overcommit * snapshot.total_blocks or taken > generated
            ):
                break
            members[serials[i]] = inside[i] = True
        return inside

    def _rotate(
        self, snapshot: Snapshot, queue: Order, stay: Order, in_hand: NDArray[np.float64]
    ) -> tuple[int, Order]:
        """How many of the queue come in, and who gives way for them.

        Args:
            snapshot: who is there, and the memory.
            queue: waiting members of the working set, the emptiest buffer first.
            stay: running requests, the fullest buffer first.
            in_hand: seconds of text of each request, shape (n,).
        """
        switch_s = self._margin_s + self._load_s(snapshot)
        blocks = blocks_needed(snapshot.everybody, snapshot.block_size)
        victims = stay[in_hand[stay] > switch_s[stay]]
        if snapshot.now - self._rotated_at < self._interval_s:
            victims = victims[:0]
        free, running, gone, admit = float(snapshot.free_blocks), len(stay), 0, 0

        def fits(need: float) -> bool:
            return running < snapshot.max_running and need + self._spare * (running + 1) <= free

        for one in queue.tolist():
            before = free, running, gone
            while gone < len(victims) and not fits(blocks[one]):
                victim = victims[gone]
                if in_hand[one] > switch_s[one] or in_hand[victim] <= in_hand[one] + self._margin_s:
                    break
                free, running, gone = free + blocks[victim], running - 1, gone + 1
            if not fits(blocks[one]) and running:
                free, running, gone = before  # for nothing: they stay
                break
            free, running, admit = free - blocks[one], running + 1, admit + 1
        return admit, victims[:gone]

    def _load_s(self, snapshot: Snapshot) -> NDArray[np.float64]:
        """Seconds that it takes to bring each request's keys and values back, shape (n,)."""
        tokens = snapshot.everybody["prompt_tokens"] + snapshot.everybody["delivered"]
        if self._restore is not None:
            return np.asarray(tokens / self._restore)
        return np.asarray(tokens * snapshot.times.per_prompt_token)


def _tokens_per_s(snapshot: Snapshot) -> float:
    """Tokens that the engine generates in a second with its memory full of requests as these."""
    rows = snapshot.everybody
    if not len(rows):
        return 0.0
    context = float((rows["prompt_tokens"] + rows["delivered"]).mean()) + 1.0
    memory = snapshot.total_blocks * snapshot.block_size
    batch = max(1.0, min(memory / context, snapshot.max_running))
    return batch / snapshot.times.step_s(batch, batch * context)
