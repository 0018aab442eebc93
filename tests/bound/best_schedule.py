"""The best schedule of a very small workload, by trying them all, in the profile's own step times.

At every step any of the requests that have arrived may be served, or nobody until the next one
arrives. Whoever waits may have to give its memory up, and whoever is served may compute everything
anew all the same. When all the other tokens are out, the last ones may be held back to the limit
on lateness. Nothing is left out but other idling, and prompts in chunks.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

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
        self.least = [
            [self.least_s(r.prompt_tokens + i, i > 0) for i in range(r.output_tokens)]
            for r in self.requests
        ]
        """The least time of a step that yields token i of request r."""

    def least_s(self, computed: int, may_decode: bool) -> float:
        anew = self.profile.step_s([computed], 0, 0) if computed > 1 else math.inf
        may_decode |= computed == 1
        return min(anew, self.profile.step_s([], 1, computed) if may_decode else math.inf)

    def run(self, now: float, answers: Answers) -> None:
        """Try everything from here on."""
        if self.hope(now, answers) <= self.best:
            return
        open_ = [i for i, r in enumerate(self.requests) if answers[i].tokens < r.output_tokens]
        # What is open from here on may also stay open, and counts 0.
        self.best = max(self.best, self.through(answers))
        here = [i for i in open_ if self.requests[i].arrival_s <= now]
        coming = [r.arrival_s for r in self.requests if r.arrival_s > now]
        self.hold(now, answers, [i for i in here if self.gains_by_waiting(i, answers[i])])
        nodes = [(min(coming), answers)] if coming else []
        for served, anew, kept in self.choices(answers, here):
            took, after = self.step(answers, served, anew, kept)
            nodes.append((now + took, self.given(now + took, after, served)))
        # The best first: so the others need not be looked at for long.
        for node in sorted(nodes, key=lambda node: -self.hope(*node)):
            self.run(*node)

    def choices(
        self, answers: Answers, here: Sequence[int]
    ) -> Iterator[tuple[tuple[int, ...], set[int], set[int]]]:
        """Who is served, who of them computes everything anew, and who else keeps its memory."""
        for size in range(len(here), 0, -1):
            for served in combinations(here, size):
                resident = [i for i in served if answers[i].resident]
                others = set(served) - set(resident)
                for again in product((False, True), repeat=len(resident)):
                    anew = others | {i for i, wanted in zip(resident, again, strict=True) if wanted}
                    for kept in self.kept(answers, served):
                        yield served, anew, kept

    def gains_by_waiting(self, index: int, answer: Answer) -> bool:
        """Whether the response is better if its last token, which is the next, comes later."""
        request = self.requests[index]
        count, spt = request.output_tokens, request.expectation.seconds_per_token
        is_last = answer.tokens == count - 1
        return is_last and 2 * answer.delay > (count - 1) * spt

    def hold(self, now: float, answers: Answers, held: Sequence[int]) -> None:
        """Try all ways to send the last tokens of some of these as late as the limit has it."""
        through = self.through(answers)
        for size in range(1, len(held) + 1):
            for some in combinations(held, size):
                for steps in self.orders(answers, some):
                    self.best = max(self.best, through + self.sent_late(now, answers, steps))

    def orders(
        self, answers: Answers, some: tuple[int, ...]
    ) -> Iterator[list[tuple[float, tuple[int, ...]]]]:
        """All orders of last tokens: steps, each with how long it takes and whom it serves."""
        if not some:
            yield []
        for served, anew, kept in self.choices(answers, some):
            took, after = self.step(answers, served, anew, kept)
            for rest in self.orders(after, tuple(i for i in some if i not in served)):
                yield [(took, served), *rest]

    def sent_late(
        self, now: float, answers: Answers, steps: Sequence[tuple[float, tuple[int, ...]]]
    ) -> float:
        """What the responses gain that these steps bring to an end, each as late as it can be."""
        gained, end = 0.0, math.inf
        for took, served in reversed(steps):
            # What is a rounding error late would be too late.
            ends = (self.due(i, answers[i].tokens) + self.latest_s - 1e-12 for i in served)
            end = min(end, *ends)
            for i in served:
                late = max(answers[i].late, end - self.due(i, answers[i].tokens))
                gained += self.qoe(self.requests[i], answers[i].delay + late, late)
            end -= took
        return gained if end >= now else 0.0

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
        self, answers: Answers, served: tuple[int, ...], anew: set[int], kept: set[int]
    ) -> tuple[float, Answers]:
        """How long it takes, and who is resident afterwards."""
        prompts, context = [], []
        for i in served:
            computed = self.requests[i].prompt_tokens + answers[i].tokens
            if i in anew and computed > 1:
                prompts.append(computed)
            else:
                context.append(computed)
        took = self.profile.step_s(prompts, len(context), sum(context))
        return took, tuple(
            replace(a, resident=i in kept or i in served) for i, a in enumerate(answers)
        )

    def given(self, now: float, answers: Answers, served: tuple[int, ...]) -> Answers:
        """The next tokens arrive."""
        after = list(answers)
        for i in served:
            request, answer = self.requests[i], answers[i]
            late = max(answer.late, now - self.due(i, answer.tokens))
            after[i] = Answer(
                tokens=answer.tokens + 1,
                resident=answer.tokens + 1 < request.output_tokens,
                late=late,
                delay=answer.delay + late,
            )
        return tuple(after)

    def due(self, index: int, before: int) -> float:
        """When the step must end that brings the token after so many."""
        request = self.requests[index]
        wait = request.expectation.ttft + before * request.expectation.seconds_per_token
        return request.arrival_s + wait - self.profile.outside_s

    def hope(self, now: float, answers: Answers) -> float:
        """No less than what all can still get: from here on each alone, on an idle server."""
        return self.through(answers) + sum(
            self.alone(now, i, answer)
            for i, answer in enumerate(answers)
            if answer.tokens < self.requests[i].output_tokens
        )

    def alone(self, now: float, index: int, answer: Answer) -> float:
        request = self.requests[index]
        end, late, delay = max(now, request.arrival_s), answer.late, answer.delay
        for token in range(answer.tokens, request.output_tokens):
            end += self.least[index][token]
            late = max(late, end - self.due(index, token))
            delay += late
        held = max(late, self.latest_s)
        return max(self.qoe(request, delay, late), self.qoe(request, delay - late + held, held))

    def through(self, answers: Answers) -> float:
        """The QoE of those who are through."""
        return sum(
            self.qoe(request, answer.delay, answer.late)
            for request, answer in zip(self.requests, answers, strict=True)
            if answer.tokens == request.output_tokens
        )

    def qoe(self, request: Request, delay: float, late: float) -> float:
        if delay <= 0:
            return 1.0
        count = request.output_tokens
        whole = count * late + count * (count - 1) / 2 * request.expectation.seconds_per_token
        return 0.0 if late > self.latest_s or whole <= 0 else 1 - delay / whole


def best_qoe(workload: Workload, profile: Profile, latest_s: float) -> float:
    """The most that the mean QoE can be if no answer ends later than `latest_s` behind time."""
    if not math.isfinite(latest_s):
        raise ValueError("without a limit there are schedules without end")
    search = _Search(workload, profile, latest_s)
    search.run(0.0, tuple(Answer() for _ in workload.requests))
    return search.best / len(workload.requests)
