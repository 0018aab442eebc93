"""If a policy fails or is slow, the server goes on and logs it."""

from typing import Final

import numpy as np
from vllm.logger import init_logger

from andes_backend.engine.tally import Counters
from andes_backend.policy.decision import Decision

__all__ = ["Guard", "InvalidDecisionError", "checked"]

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown

_PAUSE: Final = 10.0  # times as long as a slow plan took


class InvalidDecisionError(ValueError):
    """What a policy returned is not a decision about these queues; the message says why."""


def checked(decision: object, waiting: int, running: int) -> Decision:
    """The decision, if it can be carried out.

    Args:
        decision: what a policy has returned.
        waiting: requests in the waiting queue.
        running: requests in the running queue.

    Raises:
        InvalidDecisionError: it has another type, or names positions that do not exist.
    """
    if not isinstance(decision, Decision):
        raise InvalidDecisionError(f"not a Decision but {decision!r:.80}")
    for name in ("waiting", "running", "preempt"):
        positions = getattr(decision, name)
        if positions is not None and not (
            isinstance(positions, np.ndarray)
            and positions.ndim == 1
            and positions.dtype.kind in "iu"
        ):
            raise InvalidDecisionError(f"{name} is not an array of integers but {positions!r:.80}")
    admit: object = decision.admit
    if admit is not None and (isinstance(admit, bool) or not isinstance(admit, int | np.integer)):
        raise InvalidDecisionError(f"admit is not a number of requests but {admit!r:.80}")
    try:
        decision.check(waiting, running)
    except Exception as error:
        raise InvalidDecisionError(str(error)) from error
    return decision


class Guard:
    """Keeps planning from taking the server down or slowing it down.

    Args:
        counters: counts what happens.
        slow_plan_s: planning that takes longer is slow, seconds. It may then go on only
            after ten times as long, so that it takes at most a tenth of the time.
    """

    def __init__(self, counters: Counters, slow_plan_s: float) -> None:
        self._counters = counters
        self._slow_plan_s = slow_plan_s
        self._not_before = -np.inf

    def may_plan(self, now: float) -> bool:
        """Whether the policy may be asked at this time, seconds on the scheduler's clock."""
        return now >= self._not_before

    def planned(self, began: float, now: float) -> None:
        """The policy was asked at `began` and was done, or failed, `now`."""
        took = now - began
        self._counters.planned(took)
        if took <= self._slow_plan_s:
            return
        self._not_before = now + _PAUSE * took
        if self._counters.fall_back("slow"):
            _log.warning(
                "andes: planning a step took %.3f s, longer than slow_plan_s = %g. The scheduler "
                "keeps the last order for the next %.1f s. It counts further slow plans "
                "(andes:planning_fallbacks_total) without logging them.",
                took,
                self._slow_plan_s,
                _PAUSE * took,
            )

    def failed(self, error: Exception) -> None:
        """The policy failed: this step keeps vLLM's own order."""
        is_invalid = isinstance(error, InvalidDecisionError)
        if self._counters.fall_back("invalid" if is_invalid else "raised"):
            _log.error(
                "andes: planning failed: the policy %s; this step keeps vLLM's own order. The "
                "scheduler counts further failures of this kind "
                "(andes:planning_fallbacks_total) without logging them.",
                f"made an invalid decision: {error}" if is_invalid else "raised an error",
                exc_info=error,
            )
