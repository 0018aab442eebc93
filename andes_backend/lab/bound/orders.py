"""The best order of steps, if all that a step must do is yield its tokens: for small workloads.

Every real schedule yields its tokens in some order of steps. This looks for the best of all
orders, with the least time that each can have (`steps`): what comes out is a bound. It is a
best-first search, so that it is a bound wherever it ends. docs/bound.md has the proof.
"""

import heapq
import itertools
import math
import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from andes_backend.lab.bound.steps import Steps, Yielded
from andes_backend.lab.workload import Workload
from andes_backend.profile import Profile

__all__ = ["Best", "best_order"]

_ROUNDING: Final = 1e-9  # seconds, or QoE: sums of a few hundred numbers


@dataclass(frozen=True, slots=True)
class Best:
    """The result of the search."""

    qoe: float
    """No schedule's mean QoE is higher."""
    nodes: int
    """Places in orders that it went on from."""
    is_complete: bool
    """It has found the best order; else it has met the limit, and more would make it lower."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A place in an order. Sets of requests are the bits of a number, from the lowest on."""

    answered: int
    """The requests that will be answered in full; no other is served at all."""
    tokens: tuple[int, ...]
    resident: int
    """Who has kept its blocks since its last token."""
    waited: int
    """Whose next token may have been worked on before `since_idle_s` began to count."""
    since_idle_s: float
    """The time, if the engine began the last step that it had to wait for when that could begin."""
    busy_s: float
    """The time, if the engine never had to wait since the first arrival."""
    late: tuple[float, ...]
    """Of the last token, by request."""
    delay: tuple[float, ...]
    """S_delay so far."""
    gained: float = 0.0
    """The QoE of those who are through."""

    @property
    def time_s(self) -> float:
        return max(self.since_idle_s, self.busy_s)


def best_order(workload: Workload, profile: Profile, latest_s: float, nodes: int) -> Best:
    """The most that the mean QoE can be.

    Args:
        workload: the requests, in the order of their arrival; a handful.
        profile: the server.
        latest_s: the most by which a response may end late, seconds; can be infinite.
        nodes: the most places to go on from.
    """
    search = _Search(workload, profile, latest_s)
    for answered in range(2 ** len(workload.requests)):
        search.offer(search.start(answered))
    done = 0
    # The order that answers nobody is there from the start: the heap is never empty.
    while not (is_complete := search.is_through(search.heap[0][-1])) and done < nodes:
        _, _, node = heapq.heappop(search.heap)
        done += 1
        for after in search.after(node):
            search.offer(after)
    hope = -search.heap[0][0] / len(workload.requests)
    return Best(min(1.0, hope + _ROUNDING), done, is_complete)


class _Search:
    def __init__(self, workload: Workload, profile: Profile, latest_s: float) -> None:
        self._requests = workload.requests
        self._steps = Steps(workload, profile)
        self._alone = [
            [(Yielded(i, token, True, False),) for token in range(request.output_tokens)]
            for i, request in enumerate(self._requests)
        ]
        self._latest_s = latest_s
        self._most = profile.max_sequences
        self._outside_s = profile.outside_s
        self._seen: dict[tuple[object, ...], list[tuple[float, ...]]] = defaultdict(list)
        self._number = itertools.count()  # of two that are as good the older one comes first
        self.heap: list[tuple[float, int, _Node]] = []

    def start(self, answered: int) -> _Node:
        """Before the first step."""
        zeros = (0.0,) * len(self._requests)
        first = min((self._requests[i].arrival_s for i in _members(answered)), default=0.0)
        return _Node(answered, (0,) * len(zeros), 0, 0, first, first, zeros, zeros)

    def open(self, node: _Node) -> Iterator[int]:
        """Who will be answered and is not through."""
        for i in _members(node.answered):
            if node.tokens[i] < self._requests[i].output_tokens:
                yield i

    def is_through(self, node: _Node) -> bool:
        """Whether the order is at its end."""
        return next(self.open(node), None) is None

    def offer(self, node: _Node) -> None:
        """Keep a node, unless it breaks the limit or another is as good in every respect."""
        hope = node.gained + sum(self._hope(node, i) for i in self.open(node))
        if hope == -math.inf:
            return
        label = (node.since_idle_s, node.busy_s, -node.gained, *node.late, *node.delay)
        others = self._seen[node.answered, node.tokens, node.resident, node.waited]
        if any(all(map(operator.le, other, label)) for other in others):
            return
        others.append(label)
        heapq.heappush(self.heap, (-hope, next(self._number), node))

    def after(self, node: _Node) -> Iterator[_Node]:
        """The places to which a step can lead."""
        open_ = list(self.open(node))
        for size in range(1, min(self._most, len(open_)) + 1):
            for served in itertools.combinations(open_, size):
                room = self._steps.room
                room -= sum(self._steps.blocks[i][node.tokens[i]] for i in served)
                if room >= 0:
                    for kept in self._kept(node, served, room):
                        yield self._step(node, served, kept)

    def _kept(self, node: _Node, served: tuple[int, ...], room: int) -> Iterator[int]:
        """Who of the others can keep its blocks: all the sets that nobody can be added to."""
        held = [i for i in _members(node.resident) if i not in served]
        sizes = {i: self._steps.blocks[i][node.tokens[i] - 1] for i in held}
        for size in range(len(held) + 1):
            for kept in itertools.combinations(held, size):
                left = room - sum(sizes[i] for i in kept)
                if left >= 0 and all(sizes[i] > left for i in held if i not in kept):
                    yield _bits(kept)

    def _step(self, node: _Node, served: tuple[int, ...], kept: int) -> _Node:
        since_idle_s, busy_s, waited = self._clocks(node, served)
        end = max(since_idle_s, busy_s)
        tokens, late, delay = list(node.tokens), list(node.late), list(node.delay)
        gained = node.gained
        for i in served:
            late[i] = max(late[i], self._lateness(i, tokens[i], end))
            tokens[i] += 1
            if tokens[i] < self._requests[i].output_tokens:
                delay[i] += late[i]
                kept |= 1 << i
            else:
                gained += self._qoe(i, delay[i], late[i])
                late[i] = delay[i] = 0.0
        return _Node(
            answered=node.answered,
            tokens=tuple(tokens),
            resident=kept,
            waited=waited,
            since_idle_s=since_idle_s,
            busy_s=busy_s,
            late=tuple(late),
            delay=tuple(delay),
            gained=gained,
        )

    def _clocks(self, node: _Node, served: tuple[int, ...]) -> tuple[float, float, int]:
        """`since_idle_s`, `busy_s` and `waited` after a step that yields a token of each."""
        arrivals = {i: self._requests[i].arrival_s for i in self.open(node)}
        came = max(arrivals[i] for i in served)
        waited, since_idle_s = node.waited, node.since_idle_s
        if came > node.time_s:
            since_idle_s = came
            waited |= _bits(i for i, arrival in arrivals.items() if arrival < came)
        since_idle_s += self._seconds(node, served, waited)
        busy_s = node.busy_s + self._seconds(node, served, 0)
        return since_idle_s, busy_s, waited & ~_bits(served)

    def _seconds(self, node: _Node, served: tuple[int, ...], waited: int) -> float:
        return self._steps.seconds(
            tuple(
                Yielded(i, node.tokens[i], bool(node.resident >> i & 1), not waited >> i & 1)
                for i in served
            )
        )

    def _lateness(self, i: int, token: int, end: float) -> float:
        request = self._requests[i]
        due = request.expectation.ttft + token * request.expectation.seconds_per_token
        # What is late by a rounding error only must count as on time.
        return max(0.0, end - _ROUNDING + self._outside_s - request.arrival_s - due)

    def _hope(self, node: _Node, i: int) -> float:
        """The QoE of a request if from here on nobody else were served."""
        request, late, delay = self._requests[i], node.late[i], node.delay[i]
        first = node.tokens[i]
        end = max(
            max(node.time_s, request.arrival_s) + self._steps.seconds(self._alone[i][first]),
            node.busy_s + self._seconds(node, (i,), 0),
        )
        late = max(late, self._lateness(i, first, end))
        for token in range(first + 1, request.output_tokens):
            delay += late
            end += self._steps.seconds(self._alone[i][token])
            late = max(late, self._lateness(i, token, end))
        return self._qoe(i, delay, late)

    def _qoe(self, i: int, delay: float, late: float) -> float:
        """The most that it can be.

        Args:
            i: the request.
            delay: S_delay without the last token.
            late: the last token's least lateness. It can be held back, up to the limit; as
                QoE falls or rises with it throughout, one of the two ends is best.
        """
        if late > self._latest_s:
            return -math.inf
        if late <= 0:
            return 1.0
        count = self._requests[i].output_tokens
        spread = (count - 1) * self._requests[i].expectation.seconds_per_token / 2
        at_once = (delay + late) / (late + spread)
        held = 1.0
        if math.isfinite(self._latest_s):
            held = (delay + self._latest_s) / (self._latest_s + spread)
        return 1.0 - min(at_once, held) / count


def _members(bits: int) -> Iterator[int]:
    """The places of the bits that are set, rising."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _bits(members: Iterable[int]) -> int:
    return sum(1 << i for i in members)
