"""The readers of a simulation while it runs: what they do comes back to the server."""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from numpy.random import PCG64, Generator, SeedSequence

from andes_backend.lab.twin.network import Network
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Attention, Workload
from andes_backend.lab.workload.behaviour import STEADY
from andes_client.wire import Report, State

__all__ = ["Audience"]

_LOSS: Final = 94  # apart from the workload's own random streams
_AGAIN_S: Final = 1.0  # after a report that was lost

_What = Literal["closed", "again"] | State | Report
"""A connection closes, a client repeats a report, a reader does something, a report arrives."""


@dataclass(slots=True)
class _Reader:
    """One reader, and the client in front of them."""

    attention: Attention
    arrival_s: float
    tds: float
    draw: Generator
    state: State = "reading"
    revealed: bool = False
    back_at: float = 0.0
    way_s: float = 0.0
    reports: Iterator[int] = field(default_factory=itertools.count)

    @property
    def speed(self) -> float:
        does = self.attention.behaviour
        return does.revealed_speed if self.revealed else does.speed

    def report(self, index: int, now: float) -> Report:
        """What the client has to say.

        Tokens that are still on their way count as in its buffer.
        """
        rate = self.tds * self.speed
        at = max(now, self.back_at) if self.state == "paused" else now
        buffer_s = max(0.0, self.arrival_s + self.attention.free_at - at)
        shown = max(0.0, self.attention.meter.count - buffer_s * rate)
        return Report(
            stream=str(index),
            number=next(self.reports),
            units=int(shown),
            tokens=shown,
            buffer_s=buffer_s + self.attention.beyond / rate,
            speed=self.speed,
            state=self.state,
            delay_s=self.way_s,
        )


class Audience:
    """Takes in what leaves the engine, as its readers do, and says what comes back and when.

    Connections close. Where readers report (`Setup.reports`), they do so when the first token is
    there, and at each change; reports come late, and some are lost.

    Args:
        workload: with the readers' behaviour.
        setup: the server; of it the way to the readers and back counts.
    """

    def __init__(self, workload: Workload, setup: Setup) -> None:
        self._network = Network(workload, setup.profile.outside_s, setup.jitter_s)
        self._setup = setup
        self._workload = workload
        self._readers: dict[int, _Reader] = {}
        self._ahead: list[tuple[float, int, int, _What]] = []  # a heap
        self._order = itertools.count()

    def deliver(self, tokens: Iterable[tuple[str, int]], now: float) -> None:
        """Tokens leave the engine.

        Args:
            tokens: the request's name, and how many.
            now: seconds since the start.
        """
        for name, count in tokens:
            index = int(name)
            request = self._workload.requests[index]
            if request.behaviour == STEADY and not self._reports(index):
                continue
            if index not in self._readers:
                self._readers[index] = self._arrived(index)
            for _ in range(count):
                self._read(index, self._readers[index], now)

    def news(self, now: float) -> Iterator[str | Report]:
        """What reaches the server by now: names of requests whose connection closes, and reports.

        Args:
            now: seconds since the start.
        """
        while self._ahead and self._ahead[0][0] <= now:
            at, _, index, what = heapq.heappop(self._ahead)
            if isinstance(what, Report):
                yield what
            elif what == "closed":
                yield str(index)
            else:
                self._speak(index, at, what)

    def _reports(self, index: int) -> bool:
        """Whether this reader does; a program has nothing to say."""
        tds = self._workload.requests[index].expectation.tds
        return self._setup.reports and tds != float("inf")

    def _arrived(self, index: int) -> _Reader:
        request = self._workload.requests[index]
        return _Reader(
            Attention(request.expectation, request.behaviour),
            request.arrival_s,
            request.expectation.tds,
            Generator(PCG64(SeedSequence(self._workload.seed, spawn_key=(_LOSS, index)))),
        )

    def _read(self, index: int, reader: _Reader, now: float) -> None:
        attention, arrival = reader.attention, reader.arrival_s
        came = self._network.carry(index, now)
        is_first = not attention.meter.count
        took = max(0.0, arrival + came - now)  # below 0 by rounding, where the way takes no time
        reader.way_s += (took - reader.way_s) * (1.0 if is_first else 0.1)
        acts = attention.add(came)
        if is_first and self._reports(index):
            self._push(arrival + came, index, "reading")
        for act in acts:
            at = arrival + act.time_s
            if act.state == "paused":
                reader.back_at = at + attention.behaviour.pause_s
            if self._reports(index):
                self._push(at, index, act.state)
            if act.state == "gone" and not attention.behaviour.proxied:
                self._push(at + self._setup.profile.outside_s, index, "closed")

    def _speak(self, index: int, now: float, what: Literal["again"] | State) -> None:
        """The client sends a report; it repeats one that has been lost."""
        reader, setup = self._readers[index], self._setup
        if what != "again":
            reader.state = what
            reader.revealed |= what == "revealed"
        report = reader.report(index, now)
        if reader.draw.random() < setup.report_loss:
            self._push(now + _AGAIN_S, index, "again")
        else:
            self._push(now + setup.report_delay_s, index, report)

    def _push(self, time: float, index: int, what: _What) -> None:
        heapq.heappush(self._ahead, (time, next(self._order), index, what))
