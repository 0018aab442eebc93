"""How many replicas: by ongoing requests, as Ray Serve decides, or by what readers lose."""

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from andes_backend.routing import BANDS, Asked, ReplicaFigures

__all__ = ["SCALINGS", "ByOngoing", "ByQoE", "Scaler", "Scaling", "needed_tokens", "service_s"]


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
    def load(self, figures: Sequence[ReplicaFigures], offered: float) -> float:
        """What all replicas together have now, in replicas that have the target.

        Args:
            figures: of all that are ready.
            offered: replicas that what has come lately keeps busy (`service_s`).
        """


@dataclass(frozen=True, kw_only=True)
class ByOngoing(Scaling):
    """Ray Serve's default: the requests that wait or run, `target` to a replica.

    Reconstructed from Ray 2.60 (ray/serve/autoscaling_policy.py and config.py): the delays, the
    interval and the look-back are its defaults, both scaling factors are 1, and so the number
    wanted is the sum of ongoing requests over the target, rounded up. Its default target is 2.
    """

    def load(self, figures: Sequence[ReplicaFigures], _offered: float) -> float:
        return sum(one.ongoing for one in figures) / self.target


@dataclass(frozen=True, kw_only=True)
class ByQoE(Scaling):
    """Ours: by what comes, and by what the readers who are there lose by waiting.

    What comes keeps so many replicas busy, and `target` is how busy each shall be. And there shall
    be so many that those who are there lose `lost_each`: on average over all of them, what those
    lose for whom there is no memory, as if all replicas were one; of the tokens that are wanted,
    the least valuable. A reader who has text for minutes loses nothing, and one whose answer is so
    late already that nothing can save it loses nothing more: neither brings up a replica.
    """

    up_delay_s: float = 0.0
    down_delay_s: float = 120.0
    look_back_s: float = 60.0
    lost_each: float = 0.1
    """QoE that the readers who are there may lose by waiting, each on average."""

    def load(self, figures: Sequence[ReplicaFigures], offered: float) -> float:
        there = sum(one.ongoing for one in figures)
        each = sum(one.kv_tokens for one in figures) / max(1, len(figures))
        needed = needed_tokens(figures, self.lost_each * there) / max(1.0, each)
        return max(needed, offered / self.target)


SCALINGS: Final[dict[str, type[Scaling]]] = {"ongoing": ByOngoing, "qoe": ByQoE}
"""By their names."""


def needed_tokens(figures: Sequence[ReplicaFigures], lost: float) -> float:
    """KV tokens with which readers lose no more than this, the least valuable left out.

    Args:
        figures: of the replicas; those that do not know their demand count nothing.
        lost: QoE, summed over readers.
    """
    needed = 0.0
    for band in range(len(BANDS) - 1, -1, -1):
        tokens = sum(one.demand[band] for one in figures if one.demand)
        left_out = min(tokens, lost / BANDS[band])
        lost -= left_out * BANDS[band]
        needed += tokens - left_out
    return needed


def service_s(figures: ReplicaFigures, asked: Asked) -> float:
    """For how long a request keeps a replica busy, were its memory full of such, seconds.

    Its prompt takes the engine alone; its tokens take their share of the memory.

    Args:
        figures: of a replica.
        asked: the request.
    """
    output = asked.output_tokens or figures.output_tokens
    held = (asked.prompt_tokens + output / 2) / figures.kv_tokens
    return figures.prompt_token_s * asked.prompt_tokens + held * output * figures.step_s


@dataclass
class Scaler:
    """A scaling at work: remembers what was wanted, and since when."""

    scaling: Scaling
    _loads: deque[tuple[float, float]] = field(default_factory=deque)
    _since: float | None = None
    _up: bool = False

    def decide(
        self, figures: Sequence[ReplicaFigures], ordered: int, now: float, offered_s: float = 0.0
    ) -> int:
        """How many replicas there shall be.

        Args:
            figures: of all that are ready.
            ordered: replicas that there are, with those that start and without those that go.
            now: seconds since the start.
            offered_s: what has come since it was last asked, in seconds of a replica
                (`service_s`).
        """
        scaling = self.scaling
        self._loads.append((now, scaling.load(figures, offered_s / scaling.every_s)))
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
