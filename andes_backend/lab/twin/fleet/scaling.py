"""How many replicas: by ongoing requests, as Ray Serve decides, or by what readers lose."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from andes_backend.routing import ReplicaFigures
from andes_backend.routing.scaling import LOST_EACH, Arrivals, Lately, replicas_needed

__all__ = ["SCALINGS", "ByOngoing", "ByQoE", "Scaler", "Scaling"]


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
    def load(self, figures: Sequence[ReplicaFigures], busy: float) -> float:
        """What all replicas together have now, in replicas that have the target.

        Args:
            figures: of all that are ready.
            busy: replicas that what has come lately keeps busy.
        """


@dataclass(frozen=True, kw_only=True)
class ByOngoing(Scaling):
    """Ray Serve's default: the requests that wait or run, `target` to a replica.

    Reconstructed from Ray 2.60 (ray/serve/autoscaling_policy.py and config.py): the delays, the
    interval and the look-back are its defaults, both scaling factors are 1, and so the number
    wanted is the sum of ongoing requests over the target, rounded up. Its default target is 2.
    """

    def load(self, figures: Sequence[ReplicaFigures], _busy: float) -> float:
        return sum(one.ongoing for one in figures) / self.target


@dataclass(frozen=True, kw_only=True)
class ByQoE(Scaling):
    """Ours, `andes_backend.routing.scaling`: by what comes, and by what those who are there lose.

    `target` is how busy each replica shall be.
    """

    up_delay_s: float = 0.0
    down_delay_s: float = 120.0
    look_back_s: float = 60.0
    lost_each: float = LOST_EACH
    """QoE that the readers who are there may lose by waiting, each on average."""

    def load(self, figures: Sequence[ReplicaFigures], busy: float) -> float:
        return replicas_needed(figures, busy, target=self.target, lost_each=self.lost_each)


SCALINGS: Final[dict[str, type[Scaling]]] = {"ongoing": ByOngoing, "qoe": ByQoE}
"""By their names."""


class Scaler:
    """A scaling at work: remembers what was wanted, and since when.

    Args:
        scaling: it says how many are needed.
    """

    def __init__(self, scaling: Scaling) -> None:
        self.scaling = scaling
        self._arrivals = Arrivals()
        self._lately = Lately(scaling.look_back_s)
        self._since: float | None = None
        self._up = False

    def decide(self, figures: Mapping[str, ReplicaFigures], ordered: int, now: float) -> int:
        """How many replicas there shall be.

        Args:
            figures: replica -> what it has published, of all that are ready.
            ordered: replicas that there are, with those that start and without those that go.
            now: seconds since the start.
        """
        scaling = self.scaling
        busy = self._arrivals.look(figures, now)
        self._lately.add(scaling.load(list(figures.values()), busy), now)
        wanted = min(max(self._lately.wanted, scaling.least), scaling.most)
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
