"""The best schedule of a very small workload, by trying them all, in the profile's own step times.

At every step any of the requests that have arrived may be served, with a prompt in chunks of any
size, or nobody until the next one arrives. Whoever waits may have to give its memory up, and
whoever is served may compute everything anew all the same. When all the other tokens are out, the
last ones may be held back to the limit on lateness. Nothing is left out but other idling, giving
memory up for nothing, and what was given up coming back in chunks, or from blocks found again.
"""

import math
import operator
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import NamedTuple

from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Profile

__all__ = ["best_qoe"]


class Answer(NamedTuple):
    """How far a request is."""

    tokens: int = 0
    computed: int = 0
    """Tokens in the KV cache."""
    late: float = 0.0
    """Of its last token, seconds."""
    delay: float = 0.0
    """S_delay so far."""


Answers = tuple[Answer, ...]
Chunks = Mapping[int, tuple[int, int]]
"""Request -> how many tokens of it are in the KV cache before, and after, a step that serves it."""
Step = tuple[float, Chunks, set[int]]
"""How long it takes, whom it serves, and who else keeps its memory."""


@dataclass
class _Search:
    workload: Workload
    profile: Profile
    latest_s: float
    best: float = 0.0
    seen: dict[object, list[list[float]]] = field(default_factory=lambda: defaultdict(list))
    known: dict[object, list[Step]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.requests = self.workload.requests
        self.blocks = self.profile.kv_tokens // self.profile.block_size - 1
        # By request and token, as they are asked for again and again.
        self.dues, self.least = [], []
        for i, request in enumerate(self.requests):
            tokens = range(request.output_tokens)
            self.dues.append([self.due(i, token) for token in tokens])
            self.least.append([self.least_s(request.prompt_tokens + token) for token in tokens])

    def run(self, now: float, answers: Answers, hope: float) -> None:
        """Try everything from here on, where no more than `hope` can be had."""
        if hope <= self.best or self.is_no_better(now, answers):
            return
        # Who is not through from here on may also stay so, and counts 0.
        self.best = max(self.best, self.through(answers))
        here = [
            i
            for i, r in enumerate(self.requests)
            if answers[i].tokens < r.output_tokens and r.arrival_s <= now
        ]
        self.hold(now, answers, [i for i in here if self.gains_by_waiting(i, answers[i])])
        coming = [r.arrival_s for r in self.requests if r.arrival_s > now]
        places = [(min(coming), answers)] if coming else []
        for seconds, chunks, kept in self.steps(answers, here):
            end = now + seconds
            places.append((end, self.given(end, answers, chunks, kept)))
        # The best first: so the others need not be looked at for long.
        nodes = [(*place, self.hope(*place)) for place in places]
        for node in sorted(nodes, key=lambda node: -node[-1]):
            self.run(*node)

    def is_no_better(self, now: float, answers: Answers) -> bool:
        """Whether as much was reached before, no later and with no more delay."""
        label = [now, -self.through(answers)]
        for request, answer in zip(self.requests, answers, strict=True):
            is_open = answer.tokens < request.output_tokens
            label += (answer.late, answer.delay) if is_open else (0.0, 0.0)
        come = sum(r.arrival_s <= now for r in self.requests)
        others = self.seen[come, *((a.tokens, a.computed) for a in answers)]
        if any(all(map(operator.le, other, label)) for other in others):
            return True
        others.append(label)
        return False

    def steps(self, answers: Answers, here: Sequence[int]) -> list[Step]:
        """All that may be done; the same whenever they are as far, however late they are."""
        far = (*here, None, *((a.tokens, a.computed) for a in answers))
        if far not in self.known:
            choices = self.choices(answers, here, in_parts=True)
            self.known[far] = [(self.seconds(chunks), chunks, kept) for chunks, kept in choices]
        return self.known[far]

    def choices(
        self, answers: Answers, here: Sequence[int], *, in_parts: bool
    ) -> Iterator[tuple[Chunks, set[int]]]:
        """Who is served, and who else keeps its memory."""
        for size in range(min(len(here), self.profile.max_sequences), 0, -1):
            for served in combinations(here, size):
                ways = (self.ways(i, answers[i], in_parts=in_parts) for i in served)
                for way in product(*ways):
                    chunks = dict(zip(served, way, strict=True))
                    for kept in self.kept(answers, chunks):
                        yield chunks, kept

    def ways(self, index: int, answer: Answer, *, in_parts: bool) -> Iterator[tuple[int, int]]:
        """On to the next token, that anew, or a part of it."""
        wanted, computed = self.requests[index].prompt_tokens + answer.tokens, answer.computed
        yield computed, wanted
        if computed:
            yield 0, wanted
        if in_parts and not answer.tokens:
            yield from ((computed, until) for until in range(computed + 1, wanted))

    def kept(self, answers: Answers, chunks: Chunks) -> Iterator[set[int]]:
        """Who of the others may keep its memory: as many as there is room for."""
        room = self.blocks - sum(self.size(until) for _, until in chunks.values())
        others = [i for i, a in enumerate(answers) if a.computed and i not in chunks]
        for count in range(len(others), -1, -1):
            fit = [
                set(some)
                for some in combinations(others, count)
                if sum(self.size(answers[i].computed) for i in some) <= room
                and count + len(chunks) <= self.profile.max_sequences
            ]
            yield from fit
            if fit:
                return

    def size(self, computed: int) -> int:
        """Blocks that hold so many tokens."""
        return -(-computed // self.profile.block_size)

    def seconds(self, chunks: Chunks) -> float:
        prompts, context = [], []
        for before, until in chunks.values():
            if until - before == 1:
                context.append(until)
            else:
                prompts.append((until - before, before))
        return self.profile.step_s(prompts, len(context), sum(context))

    def given(self, now: float, answers: Answers, chunks: Chunks, kept: set[int]) -> Answers:
        """After a step: for some the next token arrives."""
        after = []
        for i, (request, a) in enumerate(zip(self.requests, answers, strict=True)):
            tokens, late, delay = a.tokens, a.late, a.delay
            computed = chunks[i][1] if i in chunks else a.computed if i in kept else 0
            if computed == request.prompt_tokens + tokens:
                late = max(late, now - self.dues[i][tokens])
                tokens, delay = tokens + 1, delay + late
            is_open = tokens < request.output_tokens
            after.append(Answer(tokens, computed if is_open else 0, late, delay))
        return tuple(after)

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
        for chunks, kept in self.choices(answers, some, in_parts=False):
            after = self.given(math.inf, answers, chunks, kept)
            for rest in self.orders(after, tuple(i for i in some if i not in chunks)):
                yield [(self.seconds(chunks), tuple(chunks)), *rest]

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
            late = max(late, end - self.dues[index][token])
            delay += late
        held = max(late, self.latest_s)
        return max(self.qoe(request, delay, late), self.qoe(request, delay - late + held, held))

    def least_s(self, computed: int) -> float:
        """Of a step at whose end so many tokens of a request are computed."""
        as_row = self.profile.step_s([], 1, computed)
        chunk = self.profile.step_s([(2, computed - 2)], 0, 0) if computed > 1 else as_row
        return min(as_row, chunk)

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
    start = tuple(Answer() for _ in workload.requests)
    search.run(0.0, start, search.hope(0.0, start))
    return search.best / len(workload.requests)
