"""One replica of a fleet: a server's engine with the requests that were sent to it."""

from collections import deque

from andes_backend.engine.figures import figures_of
from andes_backend.lab.twin.engine import Engine
from andes_backend.lab.twin.record import Recorder
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request
from andes_backend.routing import ReplicaFigures

__all__ = ["Replica"]


class Replica:
    """A server that takes part in a fleet from some moment on.

    Args:
        name: in the fleet.
        setup: the server.
        max_model_len: most tokens of a request.
        now: when it is ready, seconds since the start.
        ordered_at: since when its GPUs are paid for, seconds.
        record: takes in what leaves its engine.
    """

    def __init__(
        self,
        name: str,
        setup: Setup,
        max_model_len: int,
        now: float,
        ordered_at: float,
        record: Recorder,
    ) -> None:
        self.name = name
        self.setup = setup
        self.ordered_at = ordered_at
        self.engine = Engine(setup, max_model_len)
        self.engine.now = now
        self.steps = 0
        """Of its engine."""
        self.drains = False
        """Whether it takes no more requests, and goes when those that it has have ended."""
        self._record = record
        self._coming: deque[tuple[float, str, Request]] = deque()
        self._here: set[str] = set()

    @property
    def is_busy(self) -> bool:
        """Whether anybody is there who has not got all."""
        return bool(self._coming) or self.engine.is_busy

    @property
    def ongoing(self) -> int:
        """Requests that are there."""
        return len(self._here)

    @property
    def requests(self) -> list[str]:
        """Names of the requests that are there."""
        return sorted(self._here, key=int)

    def send(self, name: str, request: Request, now: float) -> None:
        """A request arrives at a time that it has not reached yet; later ones come later."""
        self._coming.append((now, name, request))
        self._here.add(name)

    def run(self, until: float) -> None:
        """Serve until that time, seconds since the start, or the end of the step under way."""
        engine, coming = self.engine, self._coming
        while True:
            while coming and coming[0][0] <= engine.now:
                _, name, request = coming.popleft()
                engine.admit(name, request)
            if engine.now >= until:
                return
            soon = min(until, coming[0][0]) if coming else until
            if engine.is_busy:
                self._step(soon)
            else:
                engine.now = soon

    def figures(self) -> ReplicaFigures:
        """What it publishes now."""
        return figures_of(self.engine.scheduler)

    def _step(self, soon: float) -> None:
        outputs = self.engine.step(soon)
        self.steps += 1
        self._record.deliver(outputs, self.engine.now + self.setup.profile.outside_s)
        for output in outputs:
            if output.finish_reason is not None:
                self._here.discard(output.request_id)
