"""How long does a step take? Told when its output comes back."""

from typing import Final

from vllm.v1.core.sched.output import SchedulerOutput

__all__ = ["StepTimer"]

_MOST_UNDER_WAY: Final = 64  # steps between their schedule and their output


class StepTimer:
    """Steps are scheduled while earlier ones still run: one begins when the one before has ended.

    It relies on vLLM handing the very object back that `schedule()` returned, as it does in 0.30
    to 0.33 with any number of steps under way: a step is known by its identity.
    """

    def __init__(self) -> None:
        self._scheduled_at: dict[int, float] = {}
        self._last_output_at = 0.0

    def __len__(self) -> int:
        """Steps under way."""
        return len(self._scheduled_at)

    def scheduled(self, step: SchedulerOutput, now: float) -> None:
        """A step goes to the workers `now`, seconds on the scheduler's clock."""
        if len(self._scheduled_at) > _MOST_UNDER_WAY:  # outputs that nobody has run
            self._scheduled_at.clear()
        self._scheduled_at[id(step)] = now

    def took(self, step: SchedulerOutput, now: float) -> float:
        """The seconds that it ran, now that it is back; 0 for one that was never scheduled."""
        began = max(self._scheduled_at.pop(id(step), now), self._last_output_at)
        self._last_output_at = now
        return now - began
