"""The way of tokens from the engine to their readers."""

from typing import Final

from numpy.random import PCG64, Generator, SeedSequence

from andes_backend.lab.workload import Workload

__all__ = ["Network"]

_NETWORK: Final = 97  # apart from the workload's own random streams


class Network:
    """Carries each token to its reader; no token overtakes the one before it.

    Every request has a random stream of its own, so the network is the same under every policy.

    Args:
        workload: whose requests are answered.
        outside_s: every token takes so long from the engine to its reader, seconds.
        jitter_s: and so much more, anything from the one to the other by chance; None: no more.
    """

    def __init__(
        self, workload: Workload, outside_s: float, jitter_s: tuple[float, float] | None = None
    ) -> None:
        self._workload = workload
        self._outside_s = outside_s
        self._jitter_s = jitter_s
        self._last: dict[int, float] = {}  # arrival of a request's last token so far
        self._draws: dict[int, Generator] = {}

    def carry(self, index: int, now: float) -> float:
        """When the next token of a request, which leaves the engine now, reaches its reader.

        Args:
            index: the request's.
            now: seconds since the start.

        Returns:
            Seconds since the request's submission.
        """
        request = self._workload.requests[index]
        sent = now - request.arrival_s + self._outside_s
        if self._jitter_s is None:
            return sent
        if index not in self._draws:
            seed = SeedSequence(self._workload.seed, spawn_key=(_NETWORK, index))
            self._draws[index] = Generator(PCG64(seed))
        jittered = sent + self._draws[index].uniform(*self._jitter_s)
        self._last[index] = max(jittered, self._last.get(index, jittered))
        return self._last[index]
