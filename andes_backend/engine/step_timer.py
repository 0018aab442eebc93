"""How long does a step take? Told when its output comes back."""

from typing import Final

from vllm.v1.core.sched.output import SchedulerOutput

__all__ = ["StepTimer"]

_MOST_UNDER_WAY: Final = 64  # steps between their schedule and their output


class StepTimer:
    """Steps are scheduled while earlier ones still run: one begins when the one before has ended.

    It relies on vLLM handing the very object back that `schedule()` returned, as it does in 0.29
    to 0.33 with any number of steps under way: a step is known by its identity.
    """

    def __init__(self) -> None:
        self._under_way: dict[int, tuple[SchedulerOutput, float]] = {}
        self.last_output_at = 0.0
        """When the last step came back, seconds on the scheduler's clock."""

    def __len__(self) -> int:
        """Steps under way."""
        return len(self._under_way)

    def under_way(self) -> list[tuple[SchedulerOutput, float]]:
        """The steps under way, in their order, each with when it was scheduled, seconds."""
        return list(self._under_way.values())

    def scheduled(self, step: SchedulerOutput, now: float) -> None:
        """A step goes to the workers `now`, seconds on the scheduler's clock."""
        if len(self._under_way) > _MOST_UNDER_WAY:  # outputs that nobody has run
            self._under_way.clear()
        self._under_way[id(step)] = step, now

    def took(self, step: SchedulerOutput, now: float) -> float:
        """The seconds that it ran, now that it is back; 0 for one that was never scheduled."""
        _, scheduled_at = self._under_way.pop(id(step), (step, now))
        began = max(scheduled_at, self.last_output_at)
        self.last_output_at = now
        return now - began
