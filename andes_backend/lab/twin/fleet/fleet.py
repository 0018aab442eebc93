"""A fleet on one virtual clock: a router in front of replicas, each vLLM's own scheduler.

    run = simulate_fleet(workload, FleetSetup(servers=(setup,), replicas=8, routing="qoe"))
    run.outcomes[0].qoe

Between two moments at which something is published or decided, replicas do not depend on each
other: the router chooses by the figures of the first moment and by what it has sent itself. So
it gives out all requests up to the next moment, and then each replica serves until then.
"""

import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.twin.engine import check_engine, check_outcomes
from andes_backend.lab.twin.fleet.asked import asked_of
from andes_backend.lab.twin.fleet.replica import Replica
from andes_backend.lab.twin.fleet.routings import make_routing
from andes_backend.lab.twin.fleet.scaling import Scaler
from andes_backend.lab.twin.fleet.setup import FleetSetup
from andes_backend.lab.twin.record import Recorder
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request, Workload, check_fits

__all__ = ["FleetRun", "simulate_fleet"]

_DIED = "its replica died"
_TELL_EVERY = 100  # requests


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRun:
    """What became of a workload."""

    outcomes: tuple[Outcome, ...]
    """In the order of the workload."""
    served: dict[str, int]
    """Replica -> requests that were sent there."""
    sizes: tuple[tuple[float, int, int], ...]
    """Whenever it changed: seconds since the start, replicas that take requests, and replicas
    whose GPUs are paid for."""
    replica_s: float
    """Seconds for which replicas were paid for, all together."""
    gpu_hours: float | None
    """The same in GPUs; None if a profile does not say how many it has."""
    preemptions: int
    steps: int
    """Of all engines."""
    fell_back: int
    """Requests for which the routing `qoe` had no usable figures."""
    found_tokens: int
    """Of all prompts, those that were found in prefix caches; of replicas that died, none count,
    nor of vLLM's own scheduler."""
    wall_s: float
    """What the simulation itself took, seconds."""


def simulate_fleet(
    workload: Workload, setup: FleetSetup, progress: Callable[[int, int], None] | None = None
) -> FleetRun:
    """Serve a workload.

    Args:
        workload: the requests; their readers read on to the end.
        setup: the fleet.
        progress: is told now and then how many requests have ended, of how many.

    Raises:
        WorkloadError: a request can never fit the KV cache of one of the servers.
        TwinError: tokens or KV blocks were lost, or nothing is ever served.
    """
    for server in setup.servers:
        check_fits(workload, server.profile.request_tokens)
    return _Fleet(workload, setup, progress).run()


class _Fleet:
    def __init__(
        self,
        workload: Workload,
        setup: FleetSetup,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._workload, self._setup, self._progress = workload, setup, progress
        self._longest = max(r.prompt_tokens + r.output_tokens for r in workload.requests)
        self._record = Recorder(workload)
        self._routing = make_routing(setup.routing, workload.seed, setup.too_old_s)
        self._scaler = None if setup.scaling is None else Scaler(setup.scaling)
        self._coming = deque(enumerate(workload.requests))
        self._held: deque[tuple[int, Request]] = deque()  # nobody was there to take them
        self._replicas: dict[str, Replica] = {}  # those that are ready, and those that drain
        self._open: list[str] = []  # names of those that take requests
        self._starting: dict[str, float] = {}  # name -> when it was ordered
        self._made = 0
        self._served: dict[str, int] = {}
        self._now = 0.0
        self._ahead: list[tuple[float, int, str, str | None]] = []  # a heap
        self._pushed = 0
        self._sizes: list[tuple[float, int, int]] = []
        self._replica_s = self._gpu_s = 0.0
        self._preemptions = self._steps = self._fell_back = self._found = self._told = 0

    def run(self) -> FleetRun:
        """All of it."""
        began, setup = time.perf_counter(), self._setup
        for _ in range(setup.replicas):
            self._ready(self._order())
        for event in setup.events:
            self._push(event.time_s, event.what, event.replica)
        self._push(0.0, "publish")
        if setup.scaling is not None:
            self._push(setup.scaling.every_s, "scale")
        while self._coming or self._held or self._is_busy:
            while self._ahead[0][0] <= self._now:
                self._happen(*heapq.heappop(self._ahead)[2:])
            until = self._ahead[0][0]
            self._route(until)
            for replica in list(self._replicas.values()):
                replica.run(until)
                if replica.drains and not replica.is_busy:
                    self._goes(replica, until)
            self._now = until
            self._tell()
        return self._result(time.perf_counter() - began)

    @property
    def _is_busy(self) -> bool:
        return any(replica.is_busy for replica in self._replicas.values())

    # What happens, in the order of its time.

    def _push(self, at: float, what: str, replica: str | None = None) -> None:
        self._pushed += 1
        heapq.heappush(self._ahead, (at, self._pushed, what, replica))

    def _happen(self, what: str, name: str | None) -> None:
        match what:
            case "publish":
                for replica in self._open:
                    self._publish(replica)
                self._push(self._now + self._setup.figures_every_s, "publish")
            case "ready":
                if name is not None and name in self._starting:
                    self._ready(name)
            case "join":
                self._start()
            case "leave":
                if (gone := self._named(name)) is not None:
                    self._drain(gone)
            case "die":
                if (gone := self._named(name)) is not None:
                    self._die(gone)
            case "scale":
                self._scale()

    def _named(self, name: str | None) -> str | None:
        """This replica if it is there; without a name, one with the fewest requests."""
        if name is not None:
            return name if name in self._replicas else None
        found = sorted(self._open, key=lambda one: self._replicas[one].ongoing)
        return found[0] if found else None

    def _publish(self, name: str) -> None:
        self._routing.router.hear(name, self._replicas[name].figures(), self._now)

    def _order(self) -> str:
        """Since now its GPUs are paid for."""
        name = str(self._made)
        self._made += 1
        self._starting[name] = self._now
        return name

    def _start(self) -> None:
        """One more replica is ordered."""
        self._push(self._now + self._setup.start_up_s, "ready", self._order())
        self._note()

    def _ready(self, name: str) -> None:
        self._replicas[name] = Replica(
            name,
            self._setup.server(int(name)),
            self._longest + 1,
            now=self._now,
            ordered_at=self._starting.pop(name),
            record=self._record,
        )
        self._open.append(name)
        self._served[name] = 0
        self._publish(name)
        self._note()

    def _drain(self, name: str) -> None:
        if name in self._open:
            self._open.remove(name)
            self._routing.router.forget(name)
            self._replicas[name].drains = True
            self._note()

    def _die(self, name: str) -> None:
        self._drain(name)
        replica = self._replicas[name]
        for request in replica.requests:
            self._record.fail(int(request), _DIED)
        self._goes(replica, self._now, died=True)

    def _goes(self, replica: Replica, at: float, *, died: bool = False) -> None:
        """Its GPUs are no longer paid for."""
        del self._replicas[replica.name]
        self._count(replica, at, died=died)
        self._note()

    def _count(self, replica: Replica, until: float, *, died: bool = False) -> None:
        """What it has done, and what it has cost."""
        if not died:
            check_engine(replica.engine)
            self._found += replica.figures().found_tokens
        self._pay(replica.setup, until - replica.ordered_at)
        self._preemptions += replica.engine.state()[3]
        self._steps += replica.steps

    def _pay(self, server: Setup, seconds: float) -> None:
        self._replica_s += seconds
        self._gpu_s += seconds * (server.profile.gpus or math.nan)

    def _note(self) -> None:
        size = self._now, len(self._open), len(self._replicas) + len(self._starting)
        if self._sizes and self._sizes[-1][0] == self._now:
            self._sizes.pop()
        self._sizes.append(size)

    def _scale(self) -> None:
        assert self._scaler is not None
        self._push(self._now + self._scaler.scaling.every_s, "scale")
        ordered = len(self._open) + len(self._starting)
        loads = {name: self._routing.router.load(name) for name in self._open}
        figures = {name: load.figures for name, load in loads.items() if load is not None}
        wanted = self._scaler.decide(figures, ordered, self._now)
        for _ in range(wanted - ordered):
            self._start()
        for _ in range(ordered - wanted):
            if self._starting:
                self._cancel(max(self._starting, key=int))
            elif (least := self._named(None)) is not None and len(self._open) > 1:
                self._drain(least)

    def _cancel(self, name: str) -> None:
        """It is not needed after all."""
        self._pay(self._setup.server(int(name)), self._now - self._starting.pop(name))
        self._note()

    # Requests.

    def _route(self, until: float) -> None:
        """Give out all requests that come before then."""
        for index, request in self._to_give(until):
            asked, at = (
                asked_of(request, prefixes=self._setup.prefixes),
                max(request.arrival_s, self._now),
            )
            name = self._routing.choose(asked, self._open, at)
            self._fell_back += self._routing.fell_back
            self._routing.router.sent(name, asked)
            self._served[name] += 1
            self._replicas[name].send(str(index), request, at)

    def _to_give(self, until: float) -> Iterator[tuple[int, Request]]:
        if not self._open:
            while self._coming and self._coming[0][1].arrival_s < until:
                self._held.append(self._coming.popleft())
            return
        while self._held:
            yield self._held.popleft()
        while self._coming and self._coming[0][1].arrival_s < until:
            yield self._coming.popleft()

    def _tell(self) -> None:
        done = self._record.finished
        if self._progress is not None and done - self._told >= _TELL_EVERY:
            self._told = done
            self._progress(done, len(self._workload.requests))

    def _result(self, wall_s: float) -> FleetRun:
        for replica in self._replicas.values():
            self._count(replica, self._now)
        for name, ordered_at in self._starting.items():
            self._pay(self._setup.server(int(name)), self._now - ordered_at)
        outcomes = self._record.outcomes(0.0)  # replicas have counted it in
        check_outcomes(outcomes)
        return FleetRun(
            outcomes=outcomes,
            served=self._served,
            sizes=tuple(self._sizes),
            replica_s=self._replica_s,
            gpu_hours=None if math.isnan(self._gpu_s) else self._gpu_s / 3600,
            preemptions=self._preemptions,
            steps=self._steps,
            fell_back=self._fell_back,
            found_tokens=self._found,
            wall_s=wall_s,
        )
