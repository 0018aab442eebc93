"""The result of a simulation: every token's time, and the engine's state at every step."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.twin.network import Network
from andes_backend.lab.workload import Workload

if TYPE_CHECKING:
    from vllm.v1.engine import EngineCoreOutput

__all__ = ["Recorder", "Simulation", "Steps"]

_Jitter = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What the engine was like at the end of every step: arrays of shape (steps,)."""

    time_s: NDArray[np.float64]
    """Seconds since the start."""
    waiting: NDArray[np.int64]
    """Requests that hold no KV memory."""
    running: NDArray[np.int64]
    used_blocks: NDArray[np.int64]
    """KV blocks that somebody holds."""
    preemptions: NDArray[np.int64]
    """Since the start."""
    total_blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What became of a workload."""

    outcomes: tuple[Outcome, ...]
    """In the order of the workload."""
    steps: Steps
    preemptions: int
    forecasts_held: float | None
    """Share of the waits that ended within the 90th percentile of the scheduler's own forecast;
    None if it made none."""
    wall_s: float
    """What the simulation itself took, seconds."""


class Recorder:
    """Notes what leaves the engine, and how it is doing."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._times: list[array[float]] = [array("d") for _ in workload.requests]
        self._errors: dict[int, str] = {}
        self._steps: list[tuple[float, int, int, int, int]] = []
        self.finished = 0
        """Requests that have ended."""

    @property
    def count(self) -> int:
        """Steps so far."""
        return len(self._steps)

    def deliver(self, outputs: "Iterable[EngineCoreOutput]", now: float) -> None:
        """These leave the engine at this time, seconds since the start."""
        for output in outputs:
            index = int(output.request_id)
            for _ in output.new_token_ids:
                self._times[index].append(now)
            if output.finish_reason is not None:
                self.finished += 1
                if str(output.finish_reason) != "length":
                    self._errors[index] = f"the engine ended it: {output.finish_reason}"

    def fail(self, index: int, why: str) -> None:
        """A request has ended without its answer; what it has got stays noted."""
        self.finished += 1
        self._errors[index] = why

    def left(self, requests: int) -> None:
        """So many requests have ended because their readers have left."""
        self.finished += requests

    def step(self, now: float, waiting: int, running: int, used: int, preemptions: int) -> None:
        """A step has ended; the arguments are a row of `Steps`."""
        self._steps.append((now, waiting, running, used, preemptions))

    def outcomes(self, outside_s: float, jitter_s: _Jitter = None) -> tuple[Outcome, ...]:
        """What every reader saw.

        Args:
            outside_s: every token takes so long from the engine to its reader, seconds.
            jitter_s: and so much more, anything from the one to the other by chance; but no
                token overtakes the one before it.
        """
        network = Network(self._workload, outside_s, jitter_s)
        return tuple(
            Outcome(
                index=index,
                request=request,
                submitted_s=request.arrival_s,
                times=tuple(network.carry(index, time) for time in times),
                error=self._errors.get(index),
            )
            for index, (request, times) in enumerate(
                zip(self._workload.requests, self._times, strict=True)
            )
        )

    def steps(self, total_blocks: int) -> Steps:
        """The engine over time."""
        rows = np.array(self._steps, dtype=np.float64).reshape(-1, 5)
        waiting, running, used, preemptions = (rows[:, i].astype(np.int64) for i in range(1, 5))
        return Steps(
            time_s=rows[:, 0],
            waiting=waiting,
            running=running,
            used_blocks=used,
            preemptions=preemptions,
            total_blocks=total_blocks,
        )
