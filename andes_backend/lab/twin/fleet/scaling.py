"""How many replicas: by ongoing requests, as Ray Serve decides, or by what readers lose."""

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from andes_backend.routing import BANDS, ReplicaFigures

__all__ = ["SCALINGS", "ByOngoing", "ByQoE", "Scaler", "Scaling", "wanted_tokens"]


@dataclass(frozen=True, kw_only=True)
class Scaling(ABC):
    """Wants so many replicas, and waits before it acts on that.

    Raises:
        ValueError: a value is out of range.
    """

    target: float
    """What each replica shall have, in the unit of the policy; above 0."""
    least: int = 1
    """Replicas."""
    most: int = 64
    """Replicas."""
    up_delay_s: float = 30.0
    """More were wanted all the time for so long before more are ordered, seconds."""
    down_delay_s: float = 600.0
    """Fewer were wanted all the time for so long before replicas are sent away, seconds."""
    every_s: float = 10.0
    """How often it looks, seconds."""
    look_back_s: float = 30.0
    """It goes by the mean of so long, seconds."""

    def __post_init__(self) -> None:
        if not 0 < self.target < math.inf:
            raise ValueError(f"the target of a scaling must be above 0, not {self.target!r}")
        if not 1 <= self.least <= self.most:
            raise ValueError(f"replicas must be 1 or more, up to {self.most}, not {self.least}")

    @abstractmethod
    def load(self, figures: Sequence[ReplicaFigures]) -> float:
        """What all replicas together have now, in replicas that have the target.

        Args:
            figures: of all that are ready.
        """


@dataclass(frozen=True, kw_only=True)
class ByOngoing(Scaling):
    """Ray Serve's default: the requests that wait or run, `target` to a replica.

    Reconstructed from Ray 2.60 (ray/serve/autoscaling_policy.py and config.py): the delays, the
    interval and the look-back are its defaults, both scaling factors are 1, and so the number
    wanted is the sum of ongoing requests over the target, rounded up. Its default target is 2.
    """

    def load(self, figures: Sequence[ReplicaFigures]) -> float:
        return sum(one.ongoing for one in figures) / self.target


@dataclass(frozen=True, kw_only=True)
class ByQoE(Scaling):
    """Ours: the KV memory that readers want who would lose by waiting, `target` of a replica's.

    Whoever would lose next to nothing more by waiting does not count: a reader who has text for
    minutes, or one whose answer is so late already that nothing can save it.
    """

    up_delay_s: float = 0.0
    down_delay_s: float = 120.0
    look_back_s: float = 10.0
    worth: float = 1e-5
    """QoE per KV token that a request loses at least, if it counts."""

    def load(self, figures: Sequence[ReplicaFigures]) -> float:
        return sum(
            wanted_tokens(one, self.worth) / (self.target * one.kv_tokens) for one in figures
        )


SCALINGS: Final[dict[str, type[Scaling]]] = {"ongoing": ByOngoing, "qoe": ByQoE}
"""By their names."""


def wanted_tokens(figures: ReplicaFigures, worth: float) -> float:
    """KV tokens that are wanted by those to whom each is worth at least so much."""
    return sum(tokens for low, tokens in zip(BANDS, figures.demand, strict=False) if low >= worth)


@dataclass
class Scaler:
    """A scaling at work: remembers what was wanted, and since when."""

    scaling: Scaling
    _loads: deque[tuple[float, float]] = field(default_factory=deque)
    _since: float | None = None
    _up: bool = False

    def decide(self, figures: Sequence[ReplicaFigures], ordered: int, now: float) -> int:
        """How many replicas there shall be.

        Args:
            figures: of all that are ready.
            ordered: replicas that there are, with those that start and without those that go.
            now: seconds since the start.
        """
        scaling = self.scaling
        self._loads.append((now, scaling.load(figures)))
        while self._loads[0][0] < now - scaling.look_back_s:
            self._loads.popleft()
        mean = sum(load for _, load in self._loads) / len(self._loads)
        wanted = min(max(math.ceil(mean - 1e-9), scaling.least), scaling.most)
        if wanted == ordered:
            self._since = None
            return ordered
        if self._since is None or self._up != (wanted > ordered):
            self._since, self._up = now, wanted > ordered
        delay = scaling.up_delay_s if self._up else scaling.down_delay_s
        if now - self._since < delay - 1e-6:
            return ordered
        self._since = None
        return wanted
