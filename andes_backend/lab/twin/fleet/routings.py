"""How a router chooses: by lot, in turn, or by the figures that replicas have published.

All that use figures use the same ones, equally old, with what was sent since.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random
from typing import Final

from andes_backend.routing import Asked, Load, ReplicaFigures, Router

__all__ = ["ROUTINGS", "Routing", "make_routing"]


class Routing(ABC):
    """A router in front of a fleet.

    Args:
        seed: of its lots.
        too_old_s: figures older than this are not used by `qoe`, seconds.
    """

    def __init__(self, seed: int, too_old_s: float) -> None:
        self.router = Router(too_old_s, seed)
        """What is known of the replicas."""
        self.lot = Random(seed)
        self.fell_back = False
        """Whether the last choice was made without the figures that the routing goes by."""

    @abstractmethod
    def choose(self, asked: Asked, replicas: Sequence[str], now: float, /) -> str:
        """The replica that gets a request.

        Args:
            asked: the request.
            replicas: names of those that take requests, 1 or more.
            now: seconds since the start.
        """

    def known(self, replica: str) -> Load:
        """What is known of a replica; one that has not published yet is taken to be empty."""
        load = self.router.load(replica)
        if load is None:
            self.router.hear(replica, _EMPTY, -1.0)
            return self.known(replica)
        return load


_EMPTY: Final = ReplicaFigures(waiting=0, running=0, kv_tokens=1, free_tokens=1)


class _Random(Routing):
    """By lot."""

    def choose(self, _asked: Asked, replicas: Sequence[str], _now: float, /) -> str:
        return self.lot.choice(replicas)


class _RoundRobin(Routing):
    """One after the other."""

    def __init__(self, seed: int, too_old_s: float) -> None:
        super().__init__(seed, too_old_s)
        self._turn = -1

    def choose(self, _asked: Asked, replicas: Sequence[str], _now: float, /) -> str:
        self._turn += 1
        return replicas[self._turn % len(replicas)]


class _PowerOfTwo(Routing):
    """Of two drawn by lot, the one with fewer requests that wait or run; Ray Serve's default."""

    def choose(self, _asked: Asked, replicas: Sequence[str], _now: float, /) -> str:
        two = self.lot.sample(replicas, min(2, len(replicas)))
        return min(two, key=lambda replica: self.known(replica).ongoing)


class _LeastKV(Routing):
    """The one with least KV memory in use, of it and of what waits."""

    def choose(self, _asked: Asked, replicas: Sequence[str], _now: float, /) -> str:
        return min(
            self.lot.sample(replicas, len(replicas)), key=lambda one: _kv_use(self.known(one))
        )


def _kv_use(load: Load) -> float:
    """Share of the memory in use; those who wait count as much as those who run."""
    figures = load.figures
    held = figures.kv_tokens - figures.free_tokens + load.prompt_tokens
    each = held / max(1, figures.running)
    return (held + figures.waiting * each) / figures.kv_tokens


class _QoE(_PowerOfTwo):
    """Where readers lose least (andes_backend.routing); power of two while figures are missing."""

    def choose(self, asked: Asked, replicas: Sequence[str], now: float, /) -> str:
        choice = self.router.choose(asked, replicas, now)
        self.fell_back = choice is None
        return super().choose(asked, replicas, now) if choice is None else choice.replica


_KINDS: Final[dict[str, type[Routing]]] = {
    "random": _Random,
    "round-robin": _RoundRobin,
    "power-of-two": _PowerOfTwo,
    "least-kv": _LeastKV,
    "qoe": _QoE,
}

ROUTINGS: Final = tuple(_KINDS)
"""The names of all routings."""


def make_routing(name: str, seed: int, too_old_s: float = 30.0) -> Routing:
    """A router by its name.

    Args:
        name: one of ROUTINGS.
        seed: of its lots.
        too_old_s: figures older than this are not used by `qoe`, seconds.
    """
    return _KINDS[name](seed, too_old_s)
