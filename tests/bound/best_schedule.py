"""The best schedule of a very small workload, by trying them all, in the profile's own step times.

At every step any of the requests that have arrived may be served, and whoever waits may have to
give its memory up; then it computes everything anew. Nothing is left out but idling on purpose,
preempting without need, and prompts in chunks.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from andes_backend.profile import Profile
from andes_backend.workload import Request, Workload

__all__ = ["best_qoe"]


@dataclass(frozen=True)
class Answer:
    """How far a request is."""

    tokens: int = 0
    resident: bool = False
    late: float = 0.0
    """Of its last token, seconds."""
    delay: float = 0.0
    """S_delay so far."""


Answers = tuple[Answer, ...]


@dataclass
class _Search:
    workload: Workload
    profile: Profile
    latest_s: float
    best: float = 0.0

    def __post_init__(self) -> None:
        self.requests = self.workload.requests
        self.blocks = self.profile.kv_tokens // self.profile.block_size - 1

    def run(self, now: float, answers: Answers) -> None:
        """Try everything from here on."""
        hopes = [self.hope(now, r, a) for r, a in zip(self.requests, answers, strict=True)]
        if sum(hopes) <= self.best:
            return
        open_ = [i for i, r in enumerate(self.requests) if answers[i].tokens < r.output_tokens]
        # What is open from here on may also stay open, and counts 0.
        self.best = max(self.best, sum(h for i, h in enumerate(hopes) if i not in open_))
        here = [i for i in open_ if self.requests[i].arrival_s <= now and hopes[i] > 0]
        coming = [r.arrival_s for r in self.requests if r.arrival_s > now]
        if not here:
            if coming:
                self.run(min(coming), answers)
            return
        for size in range(len(here), 0, -1):
            for served in combinations(here, size):
                for kept in self.kept(answers, served):
                    self.run(*self.step(now, answers, served, kept))

    def kept(self, answers: Answers, served: tuple[int, ...]) -> Iterator[set[int]]:
        """Who of the others may keep its memory: as many as there is room for."""
        if len(served) > self.profile.max_sequences:
            return
        room = self.blocks - sum(self.size(i, answers[i].tokens + 1) for i in served)
        others = [i for i, a in enumerate(answers) if a.resident and i not in served]
        for size in range(len(others), -1, -1):
            fit = [
                set(some)
                for some in combinations(others, size)
                if sum(self.size(i, answers[i].tokens) for i in some) <= room
                and size + len(served) <= self.profile.max_sequences
            ]
            yield from fit
            if fit:
                return

    def size(self, index: int, tokens: int) -> int:
        """Blocks that hold what yields token number `tokens`."""
        computed = self.requests[index].prompt_tokens + tokens - 1
        return -(-computed // self.profile.block_size)

    def step(
        self, now: float, answers: Answers, served: tuple[int, ...], kept: set[int]
    ) -> tuple[float, Answers]:
        prompts, context = [], []
        for i in served:
            computed = self.requests[i].prompt_tokens + answers[i].tokens
            if answers[i].resident or computed == 1:
                context.append(computed)
            else:
                prompts.append(computed)
        now += self.profile.step_s(prompts, len(context), sum(context))
        after = [replace(a, resident=i in kept) for i, a in enumerate(answers)]
        for i in served:
            after[i] = self.given(now, self.requests[i], answers[i])
        return now, tuple(after)

    def given(self, now: float, request: Request, answer: Answer) -> Answer:
        """The next token arrives."""
        late = max(answer.late, lateness(now + self.profile.outside_s, request, answer.tokens))
        return Answer(
            tokens=answer.tokens + 1,
            resident=answer.tokens + 1 < request.output_tokens,
            late=late,
            delay=answer.delay + late,
        )

    def hope(self, now: float, request: Request, answer: Answer) -> float:
        """QoE if it is through; else no less than what it can still get."""
        left = request.output_tokens - answer.tokens
        if not left:
            return self.qoe(request, answer.delay, answer.late)
        late = max(answer.late, lateness(now, request, answer.tokens))
        if late > self.latest_s:
            return 0.0
        return self.qoe(request, answer.delay + left * late, self.latest_s)

    def qoe(self, request: Request, delay: float, late: float) -> float:
        if delay <= 0:
            return 1.0
        count = request.output_tokens
        whole = count * late + count * (count - 1) / 2 * request.expectation.seconds_per_token
        return 0.0 if late > self.latest_s or whole <= 0 else 1 - delay / whole


def lateness(now: float, request: Request, before: int) -> float:
    expectation = request.expectation
    due = request.arrival_s + expectation.ttft + before * expectation.seconds_per_token
    return max(0.0, now - due)


def best_qoe(workload: Workload, profile: Profile, latest_s: float) -> float:
    """The most that the mean QoE can be if no answer ends later than `latest_s` behind time."""
    if not math.isfinite(latest_s):
        raise ValueError("without a limit there are schedules without end")
    search = _Search(workload, profile, latest_s)
    search.run(0.0, tuple(Answer() for _ in workload.requests))
    return search.best / len(workload.requests)
