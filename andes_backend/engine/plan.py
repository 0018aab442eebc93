"""The plan in force: what the policy has decided last, and whether that still holds."""

import math
from dataclasses import dataclass

from vllm.v1.request import Request

from andes_backend.engine.ledger import Ledger
from andes_backend.engine.queues import RememberedQueue, Waiting
from andes_backend.engine.waiting import NotedQueue
from andes_backend.policy.decision import Decision
from andes_backend.policy.state import Rows

__all__ = ["PlanInForce", "Queues"]


@dataclass(frozen=True, slots=True)
class Queues:
    """vLLM's queues at one moment."""

    waiting: NotedQueue
    """vLLM's own, which notes who comes and who leaves."""
    running: list[Request]
    """vLLM's own list."""
    held_elsewhere: int
    """Waiting requests that vLLM keeps apart from the queue that we order."""


class PlanInForce:
    """One plan after the other; each holds until it is too old or vLLM's queues have changed.

        plan.next_step()
        if not plan.holds(queues, now):
            plan.end()
            come, running = plan.look(queues, now)        # rows
            waiting = ...                                 # those that the policy is to see, or
            waiting = plan.everybody_waiting(queues, now)
            decision = ...                                # the policy's
            first, running = plan.reorder(queues, waiting, decision)
            ...                                           # vLLM's queues are made so
            plan.begin(decision, ...)
        ...                                               # vLLM schedules the step
        if ...:                                           # and did what the plan expects
            plan.settle(queues, ...)

    It remembers the running queue as it left it, rather than being told of changes: vLLM has many
    ways to change it. Nothing here changes vLLM's state, and an exception between `end` and `begin`
    leaves no plan in force.

    Args:
        ledger: knows the requests.
        usual_s: for how long a plan holds that does not say so itself, seconds.
    """

    def __init__(self, ledger: Ledger, usual_s: float) -> None:
        self._ledger = ledger
        self._usual_s = usual_s
        self._until = -math.inf
        self._waiting = Waiting(ledger)
        self._line, self._running = RememberedQueue(ledger), RememberedQueue(ledger)
        self._held_elsewhere = 0
        self.victims: list[Request] = []
        """Requests that were preempted for this step: they wait from the next one on."""
        self.admits: int | None = None
        """How many requests vLLM is to admit in this step; None if no plan was made for this
        step, or if it does not say."""

    def next_step(self) -> None:
        """A step begins. A plan may hold on, but its victims and admissions were for one step."""
        self.victims, self.admits = [], None

    def holds(self, queues: Queues, now: float) -> bool:
        """Whether it is not too old, and vLLM's queues are as it left them.

        Args:
            queues: as they are.
            now: seconds on the scheduler's clock, as everywhere here.
        """
        return (
            now < self._until
            and queues.held_elsewhere == self._held_elsewhere
            and not queues.waiting.has_changed
            and self._running.is_still(queues.running)
        )

    def end(self) -> None:
        """It holds no longer: the next step needs another."""
        self._until = -math.inf

    def look(self, queues: Queues, now: float) -> tuple[Rows, Rows]:
        """Remember who waits and who runs.

        Returns:
            The rows of those who have come to the waiting queue since the last look, shape (c,),
            and of those who run, shape (r,), in their order.
        """
        return self._waiting.look(queues.waiting, now), self._running.look(queues.running, now)

    def everybody_waiting(self, queues: Queues, now: float) -> Rows:
        """The rows of all who wait, in the order of the queue, shape (w,)."""
        return self._line.look(queues.waiting.in_any_order(), now)

    def reorder(
        self, queues: Queues, waiting: Rows, decision: Decision
    ) -> tuple[list[Request], list[Request]]:
        """Remember the running queue in the order of a decision.

        Args:
            queues: those that were looked at last.
            waiting: the rows of those about whom the policy has decided, shape (w,).
            decision: about these, checked.

        Returns:
            Who is to be first in the waiting queue, in this order, and the running queue in its
            new order, for vLLM to change.
        """
        first, running = list[Request](), queues.running
        if decision.waiting is not None:
            first = self._waiting.requests(waiting.take(decision.waiting))
        if decision.running is not None:
            running = self._running.reorder(decision.running)
        return first, running

    def begin(
        self, decision: Decision, victims: list[Request], held_elsewhere: int, now: float
    ) -> None:
        """A decision has been applied, and is in force from now on.

        Args:
            decision: says for how long, and how many requests are to come in.
            victims: who was preempted for it.
            held_elsewhere: see `Queues`, after these preemptions.
            now: the time.
        """
        self.victims, self.admits = victims, decision.admit
        self._held_elsewhere = held_elsewhere
        self._until = now + (self._usual_s if decision.again_in_s is None else decision.again_in_s)

    def settle(self, queues: Queues, admitted: list[Request], now: float) -> None:
        """vLLM has carried it out: what that has made of the queues is no reason for another.

        Args:
            queues: after the step.
            admitted: who came in, as many as `admits`.
            now: the time.
        """
        self._waiting.settle(queues.waiting, now)
        if admitted or self.victims:
            out, into = self._ledger.rows(self.victims, now), self._ledger.rows(admitted, now)
            self._ledger.table.note_queues(out, into, now)
        self._running.settle(queues.running.copy())

    def forget(self, queues: Queues, now: float) -> None:
        """Nobody is left: keep nobody's prompt in memory until the next request comes."""
        self.look(queues, now)
        self.everybody_waiting(queues, now)
