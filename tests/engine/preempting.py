"""Policies that preempt marked requests at chosen moments; a real server's scheduler has them."""

from dataclasses import replace

import numpy as np

from andes_backend.policy import Decision, Policy, Snapshot

__all__ = ["MARK_TDS", "MOMENTS", "ONCE_TDS", "AtMoments", "OnceAtLeast"]

MARK_TDS = 7.75
"""The reading speed of requests that are to be preempted; the others are left alone."""
MOMENTS = (0, 0, 1, 2, 30, 31, 32, 33, 64, 100, 150)
"""Tokens delivered when it is preempted, for the first time, the second, and so on.

0 is in the middle of its prompt; at 32 tokens a block of the KV cache is full.
"""

ONCE_TDS = 4.75
"""The reading speed of requests that are to be preempted once at least, among all the others."""

_ONCE_AT = 10  # tokens delivered by then
_PAUSE = 2  # plans for which nobody is admitted after a preemption


class AtMoments:
    """Preempts marked requests at their next moment; while none is there, another policy plans."""

    def __init__(self, otherwise: Policy) -> None:
        self._otherwise = otherwise
        self._times: dict[int, int] = {}  # preemptions so far, by the request's serial number
        self._pause = 0

    def plan(self, snapshot: Snapshot) -> Decision:
        if not (snapshot.everybody["tds"] == MARK_TDS).any():
            return self._otherwise.plan(snapshot)
        self._pause = max(0, self._pause - 1)
        victims = [i for i, row in enumerate(snapshot.running) if self._is_due(row)]
        if victims:
            self._pause = _PAUSE
        return Decision(
            preempt=np.array(victims, dtype=np.intp),
            admit=0 if self._pause else None,
            again_in_s=0.0,
        )

    def finished(self, output_tokens: int) -> None:
        self._otherwise.finished(output_tokens)

    def _is_due(self, row: np.void) -> bool:
        serial = int(row["serial"])
        times = self._times.get(serial, 0)
        if row["tds"] != MARK_TDS or times == len(MOMENTS) or row["delivered"] < MOMENTS[times]:
            return False
        self._times[serial] = times + 1
        return True


class OnceAtLeast:
    """Another policy plans; requests so marked, which it has spared so far, are preempted, too."""

    def __init__(self, otherwise: Policy) -> None:
        self._otherwise = otherwise
        self._were: set[int] = set()  # serial numbers of those who were preempted
        self._pause = 0

    def plan(self, snapshot: Snapshot) -> Decision:
        decision = self._otherwise.plan(snapshot)
        marked = snapshot.everybody["tds"] == ONCE_TDS
        if self._were.issuperset(snapshot.everybody["serial"][marked].tolist()):
            return decision
        victims = [] if decision.preempt is None else decision.preempt.tolist()
        spared = [
            i for i, row in enumerate(snapshot.running) if i not in victims and self._is_due(row)
        ]
        self._were.update(snapshot.running["serial"][victims + spared].tolist())
        self._pause = _PAUSE if spared else max(0, self._pause - 1)
        if self._pause:
            decision = replace(decision, admit=0)
        return replace(decision, preempt=np.array(victims + spared, dtype=np.intp), again_in_s=0.0)

    def finished(self, output_tokens: int) -> None:
        self._otherwise.finished(output_tokens)

    def _is_due(self, row: np.void) -> bool:
        spared = int(row["serial"]) not in self._were
        return bool(row["tds"] == ONCE_TDS and row["delivered"] >= _ONCE_AT and spared)
