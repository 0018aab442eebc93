"""A server with a known profile, on paper: steps as vLLM makes them, token times without noise.

First come, first served; all that decode are in every step, prompts fill the rest of it in
chunks. Memory is without end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from numpy.random import Generator

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Workload
from andes_backend.profile import Profile


@dataclass
class VirtualEngine:
    """`send` is what `Laboratory` needs."""

    profile: Profile
    rng: Generator | None = None
    noise: float = 0.0
    """Standard deviation of a step's relative error; needs `rng`."""
    accept_s: float = 0.002
    """Between two requests that come at the same time."""
    sent: list[Workload] = field(default_factory=list)
    queued_s: float = 0.0
    computing_s: float = 0.0
    ended: int = 0

    async def send(self, workload: Workload) -> Sequence[Outcome]:
        self.sent.append(workload)
        return self.serve(workload)

    def serve(self, workload: Workload) -> list[Outcome]:
        requests = workload.requests
        at: list[float] = []
        for request in requests:
            at.append(max(request.arrival_s, at[-1] + self.accept_s if at else 0.0))
        computed, began = [0] * len(requests), [math.nan] * len(requests)
        times: list[list[float]] = [[] for _ in requests]
        now, waiting, running = 0.0, list(range(len(requests))), list[int]()
        while waiting or running:
            if not running:
                now = max(now, at[waiting[0]])
            while waiting and at[waiting[0]] <= now and len(running) < self.profile.max_sequences:
                running.append(waiting.pop(0))
            decoding = [i for i in running if times[i]]
            room, chunks = self.profile.max_step_tokens - len(decoding), list[tuple[int, int]]()
            computing = []
            for i in running:
                tokens = min(requests[i].prompt_tokens - computed[i], room)
                if not times[i] and tokens > 0:
                    began[i] = now if math.isnan(began[i]) else began[i]
                    chunks.append((tokens, computed[i]))
                    computed[i] += tokens
                    room -= tokens
                    computing.append(i)
            context = sum(requests[i].prompt_tokens + len(times[i]) for i in decoding)
            step = self.profile.step_s(chunks, len(decoding), context)
            if self.rng is not None:
                step *= max(0.1, 1 + self.noise * self.rng.standard_normal())
            now += step
            for i in decoding + [i for i in computing if computed[i] == requests[i].prompt_tokens]:
                times[i].append(now)
            running = [i for i in running if len(times[i]) < requests[i].output_tokens]
        self.ended += len(requests)
        for i, moments in enumerate(times):
            self.queued_s += began[i] - at[i]
            self.computing_s += moments[0] - began[i]
        outside = self.profile.outside_s
        return [
            Outcome(i, r, r.arrival_s, tuple(t + outside - r.arrival_s for t in times[i]))
            for i, r in enumerate(requests)
        ]
