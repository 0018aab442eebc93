"""The readers of a simulation while it runs: what they do comes back to the server."""

import heapq
from collections.abc import Iterable, Iterator

from andes_backend.lab.twin.network import Network
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Attention, Workload
from andes_backend.lab.workload.behaviour import STEADY

__all__ = ["Audience"]


class Audience:
    """Takes in what leaves the engine, as its readers do, and says whose connection closes when.

    Args:
        workload: with the readers' behaviour.
        setup: the server; of it the way to the readers counts.
    """

    def __init__(self, workload: Workload, setup: Setup) -> None:
        self._network = Network(workload, setup.profile.outside_s, setup.jitter_s)
        self._outside_s = setup.profile.outside_s
        self._requests = workload.requests
        self._attention = {
            index: Attention(request.expectation, request.behaviour)
            for index, request in enumerate(workload.requests)
            if request.behaviour != STEADY
        }
        self._closings: list[tuple[float, int]] = []  # a heap

    def deliver(self, tokens: Iterable[tuple[str, int]], now: float) -> None:
        """Tokens leave the engine.

        Args:
            tokens: the request's name, and how many.
            now: seconds since the start.
        """
        for name, count in tokens:
            attention = self._attention.get(int(name))
            if attention is not None:
                for _ in range(count):
                    self._read(int(name), attention, now)

    def closed(self, now: float) -> Iterator[str]:
        """The requests whose connection the server has seen closing by now."""
        while self._closings and self._closings[0][0] <= now:
            yield str(heapq.heappop(self._closings)[1])

    def _read(self, index: int, attention: Attention, now: float) -> None:
        for act in attention.add(self._network.carry(index, now)):
            if act.state == "gone" and not attention.behaviour.proxied:
                at = self._requests[index].arrival_s + act.time_s + self._outside_s
                heapq.heappush(self._closings, (at, index))
