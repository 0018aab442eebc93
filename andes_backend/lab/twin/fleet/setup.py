"""What is simulated: the servers of a fleet, its router, and what happens to them."""

import math
from dataclasses import dataclass
from typing import Final, Literal

from andes_backend.lab.twin.fleet.routings import ROUTINGS
from andes_backend.lab.twin.fleet.scaling import Scaling
from andes_backend.lab.twin.setup import Setup, SetupError

__all__ = ["Event", "FleetSetup", "What"]

What = Literal["join", "leave", "die"]
"""A new replica is ordered; one takes no more requests and goes when it has none left; one is gone
at once, and so are the streams of its readers."""

MOST_REPLICAS: Final = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """Something happens to a replica.

    Raises:
        SetupError: the time is out of range.
    """

    time_s: float
    """Seconds since the start."""
    what: What
    replica: str | None = None
    """Its name, "0" to "N-1" for the first N; None: the one with the fewest requests, or a new
    one."""

    def __post_init__(self) -> None:
        if not 0 <= self.time_s < math.inf:
            raise SetupError(f"a replica cannot {self.what} at {self.time_s!r} s: 0 or later")


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSetup:
    """A fleet to simulate.

    Raises:
        SetupError: no server, an unknown routing, or a value out of range.
    """

    servers: tuple[Setup, ...]
    """The servers; replica i is the one at i modulo their number."""
    replicas: int
    """At the start."""
    routing: str = "power-of-two"
    """One of ROUTINGS."""
    prefixes: bool = True
    """Whether the routing `qoe` goes by what it has sent where, too, as rounds of a conversation
    find what they begin with in the prefix cache of the replica that had the round before."""
    figures_every_s: float = 1.0
    """How often all replicas publish their figures, seconds."""
    too_old_s: float = 30.0
    """Figures older than this are not used by the routing `qoe`, seconds."""
    start_up_s: float = 60.0
    """From the order of a replica until it takes requests, seconds; its GPUs are paid for."""
    events: tuple[Event, ...] = ()
    """In any order."""
    scaling: Scaling | None = None
    """Decides how many replicas there are; None: nobody does."""

    def __post_init__(self) -> None:
        if not self.servers:
            raise SetupError("a fleet needs at least one server")
        if not 1 <= self.replicas <= MOST_REPLICAS:
            raise SetupError(f"replicas must be 1 to {MOST_REPLICAS}, not {self.replicas}")
        if self.routing not in ROUTINGS:
            raise SetupError(f"unknown routing {self.routing!r}; choose from {', '.join(ROUTINGS)}")
        for name in ("figures_every_s", "too_old_s"):
            if not 0.01 <= getattr(self, name) < math.inf:
                raise SetupError(f"{name} must be 0.01 s or more, not {getattr(self, name)!r}")
        if not 0 <= self.start_up_s < math.inf:
            raise SetupError(f"start_up_s must be 0 s or more, not {self.start_up_s!r}")
        for event in self.events:
            self._check_event(event)
        for server in self.servers:
            if server.reports:
                raise SetupError("readers' reports are not simulated in a fleet")

    def _check_event(self, event: Event) -> None:
        joins = sum(other.what == "join" for other in self.events)
        names = [str(number) for number in range(self.replicas + joins)]
        if event.replica is None or event.replica in names or self.scaling is not None:
            return
        raise SetupError(
            f"no replica {event.replica!r} can {event.what}: they are called 0 to {names[-1]}"
        )

    def server(self, number: int) -> Setup:
        """The server of the replica with this number, from 0."""
        return self.servers[number % len(self.servers)]
