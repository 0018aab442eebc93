"""FastServe's skip-join multi-level feedback queue (arXiv 2305.05920): a reconstruction.

What the paper and its authors' code (github.com/LLMServe/FastServe) describe. Requests wait in
levels of falling priority. A request may run for the quantum of its level, which doubles from
level to level; when it has used that up it goes down by one. How long a response will be is not
known, but what its prompt takes is: a request joins the first level whose quantum is long enough
for its first iteration, and skips those above. Preemption is possible at every token. Who has got
nothing for a while is promoted to the highest level. Keys and values of those who are unlikely to
run soon are moved to CPU memory before the memory is needed.

Here the time of an iteration is the engine's step, with all that run; what a prompt takes comes
from the step times that the scheduler learns. In the authors' code the quanta begin at 10 ms, and
every 1,000 iterations all are promoted who have waited for 3 s ("magic numbers, need to be tuned").
Here these numbers are tuned for the best QoE, see docs/policies.md, and who starves is looked for
in each step.

Ours: within a level who has joined it first is first, with promoted ones behind those that were
there. Who is first in all levels holds the memory, and the last give way.

Left out: a request that has its keys and values in GPU memory and does not run. FastServe's batch
is smaller than its memory; vLLM runs all that it has memory for, so that what is preempted gives
its memory up at once. The twin brings it back from CPU memory at the speed of its link, having
copied it out for nothing; without KV restore in the setup it is computed again.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.twin.peers.memory import in_strict_order
from andes_backend.lab.twin.peers.notes import Notes
from andes_backend.policy import Decision, Snapshot

__all__ = ["FeedbackQueues"]

_QUANTUM_S: Final = 5.0
_STARVING_S: Final = 120.0
_SPARE: Final = 1.0
_DEEPEST: Final = 40  # level; its quantum is longer than any simulation


class FeedbackQueues:
    """Orders requests by level, and within a level by when they have joined it.

    Args:
        quantum_s: of the highest level, seconds.
        starving_s: who has waited for so long is promoted to the highest level, seconds.
        spare: KV blocks that an admission leaves free for each request that runs.
    """

    def __init__(
        self,
        *,
        quantum_s: float = _QUANTUM_S,
        starving_s: float = _STARVING_S,
        spare: float = _SPARE,
    ) -> None:
        self._quantum_s, self._spare = quantum_s, spare
        self._starving_s = starving_s
        self._plans = 0
        self._planned_at = 0.0
        # `used` of the level's quantum, seconds; `joined` the level in this plan.
        self._notes = Notes(level=-1, used=0.0, joined=0)

    def plan(self, snapshot: Snapshot) -> Decision:
        serials, notes = snapshot.everybody["serial"], self._notes
        notes.cover(serials)
        self._plans += 1
        self._join(snapshot)
        self._demote(snapshot)
        self._promote(snapshot)
        order = np.lexsort((serials, notes["joined"][serials], notes["level"][serials]))
        return in_strict_order(snapshot, order, self._spare * len(snapshot.running))

    def finished(self, output_tokens: int) -> None:
        """Lengths do not matter to it."""

    def _join(self, snapshot: Snapshot) -> None:
        """New requests join the level whose quantum is enough for their prompts."""
        rows, times = snapshot.everybody, snapshot.times
        new = rows[self._notes["level"][rows["serial"]] < 0]
        first_s = times.base + times.per_prompt_token * new["prompt_tokens"]
        doublings = np.ceil(np.log2(np.maximum(first_s / self._quantum_s, 1.0)))
        self._notes["level"][new["serial"]] = np.minimum(doublings, _DEEPEST)
        self._notes["joined"][new["serial"]] = self._plans

    def _demote(self, snapshot: Snapshot) -> None:
        """Who runs has used some of its quantum, or all of it."""
        notes, running = self._notes, snapshot.running
        serials = running["serial"]
        ran_s = snapshot.now - np.maximum(self._planned_at, running["since"])
        self._planned_at = snapshot.now
        notes["used"][serials] += np.maximum(0.0, ran_s)
        level = notes["level"][serials]
        over = serials[(notes["used"][serials] > self._quantum_s * 2.0**level) & (level < _DEEPEST)]
        notes["level"][over] += 1
        self._anew(over)

    def _promote(self, snapshot: Snapshot) -> None:
        """Who has waited for long joins the highest level."""
        waiting, level = snapshot.waiting, self._notes["level"]
        starved = waiting["serial"][snapshot.now - waiting["since"] >= self._starving_s]
        starved = starved[level[starved] > 0]
        level[starved] = 0
        self._anew(starved)

    def _anew(self, serials: NDArray[np.int64]) -> None:
        """They have joined a level, and have all of its quantum."""
        self._notes["used"][serials] = 0.0
        self._notes["joined"][serials] = self._plans
