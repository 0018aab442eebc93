"""Small servers and workloads, and random schedules that do all that the profile allows."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Decode, Prefill, Profile
from andes_client.expectation import Expectation
from andes_client.qoe import qoe

__all__ = ["Served", "drawn_profile", "drawn_workload", "scheduled", "tiny"]


def drawn_profile(rng: Generator, *, size: int = 16, blocks: tuple[int, int] = (3, 9)) -> Profile:
    """A small server, with one or two parts to its decoding."""
    count = int(rng.integers(2, 7))
    parts = [_decode(rng, None)]
    if rng.random() < 0.5:
        parts.insert(0, _decode(rng, int(rng.integers(2, 5))))
    return Profile(
        name="drawn",
        source="drawn",
        kv_tokens=size * int(rng.integers(*blocks)),
        prefill=Prefill(
            base_ms=rng.uniform(1, 20),
            per_token_ms=rng.uniform(0.2, 3),
            per_square_token_ms=rng.choice([0.0, rng.uniform(0, 0.1)]),
        ),
        decode=tuple(parts),
        block_size=size,
        max_sequences=count,
        max_step_tokens=int(rng.integers(4, 64)),
        outside_ms=rng.choice([0.0, 20.0]),
    )


def _decode(rng: Generator, below: int | None) -> Decode:
    return Decode(
        base_ms=rng.uniform(1, 40),
        per_sequence_ms=rng.uniform(0, 30),
        per_context_token_ms=rng.uniform(0, 1),
        below_sequences=below,
    )


def drawn_workload(
    rng: Generator, profile: Profile, *, count: int, most: int, seconds: float
) -> Workload:
    """So many requests with at most so many tokens; some of the readers are programs."""
    most = min(most, profile.request_tokens // 2)
    requests = [
        Request(
            arrival_s=float(arrival),
            prompt_tokens=int(rng.integers(1, most + 1)),
            output_tokens=int(rng.integers(1, most + 1)),
            expectation=Expectation(
                rng.uniform(0.0, 0.4), rng.choice([rng.uniform(4, 40), float("inf")], p=[0.9, 0.1])
            ),
        )
        for arrival in np.sort(rng.uniform(0, seconds, count))
    ]
    return Workload("drawn", 0, tuple(requests))


@dataclass
class Served:
    """A request, and what has become of it."""

    request: Request
    computed: int = 0
    """Tokens in the KV cache."""
    found: int = 0
    """Tokens that are found again after a preemption."""
    starts: list[float] = field(default_factory=list)
    """When the steps began that brought its tokens, seconds since the start."""
    ends: list[float] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return len(self.ends) == self.request.output_tokens

    @property
    def missing(self) -> int:
        """Tokens to compute before the next one comes."""
        return self.request.prompt_tokens + len(self.ends) - self.computed

    def qoe(self, profile: Profile) -> float:
        """QoE; 0 if it was not served in full."""
        shift = profile.outside_s - self.request.arrival_s
        times = [end + shift for end in self.ends]
        return qoe(times, self.request.expectation) if self.is_done else 0.0

    def lateness(self, profile: Profile) -> float:
        """Of the last token, seconds, as the reader sees it."""
        late, expectation = 0.0, self.request.expectation
        for i, end in enumerate(self.ends):
            due = self.request.arrival_s + expectation.ttft + i * expectation.seconds_per_token
            late = max(late, end + profile.outside_s - due)
        return late


def scheduled(workload: Workload, profile: Profile, rng: Generator) -> list[Served]:
    """Serve a workload by chance: chunks, preemptions, blocks found again, now and then a pause."""
    all_ = [Served(request) for request in workload.requests]
    now, eager = 0.0, rng.uniform(0.3, 1.0)
    while not all(one.is_done for one in all_):
        here = [one for one in all_ if one.request.arrival_s <= now and not one.is_done]
        if not here or rng.random() < 0.02:
            now += rng.uniform(0, 0.1)
            continue
        chosen = [one for one in here if rng.random() < eager]
        now = _step(profile, rng, now, list(_fitting(chosen, here, profile, rng)))
    return all_


def _fitting(
    chosen: list[Served], here: list[Served], profile: Profile, rng: Generator
) -> Iterator[tuple[Served, int]]:
    """Of the chosen those for whom there is room, and how many tokens of each to compute."""
    size, room = profile.block_size, profile.kv_tokens // profile.block_size - 1
    tokens = max(profile.max_step_tokens, profile.max_sequences)
    taken: list[Served] = []
    for one in chosen:
        if not one.computed:
            one.computed = min(one.found, (one.missing - 1) // size * size)
        chunk = min(
            tokens, one.missing if rng.random() < 0.8 else int(rng.integers(one.missing)) + 1
        )
        others = [o for o in here if o is not one and o.computed and o not in taken]
        if chunk < 1 or len(taken) == profile.max_sequences:
            continue
        while (
            others and _blocks([*taken, *others], size) - (-(one.computed + chunk) // size) > room
        ):
            _preempt(others.pop(int(rng.integers(len(others)))), size, rng)
        if _blocks(taken, size) - (-(one.computed + chunk) // size) > room:
            continue
        tokens -= chunk
        one.computed += chunk
        taken.append(one)
        yield one, chunk


def _blocks(some: list[Served], size: int) -> int:
    return sum(-(-one.computed // size) for one in some)


def _preempt(one: Served, size: int, rng: Generator) -> None:
    one.found = one.computed // size * size if rng.random() < 0.7 else 0
    one.computed = 0


def _step(profile: Profile, rng: Generator, now: float, served: list[tuple[Served, int]]) -> float:
    if not served:
        return now + rng.uniform(0, 0.01)
    prompts = [(chunk, one.computed - chunk) for one, chunk in served if chunk > 1]
    rows = [one.computed for one, chunk in served if chunk == 1]
    end = now + profile.step_s(prompts, len(rows), sum(rows))
    for one, _ in served:
        if not one.missing:
            one.starts.append(now)
            one.ends.append(end)
    return end


def tiny(seed: int) -> tuple[Workload, Profile]:
    """Two or three requests of two to four tokens, more than the server is good for."""
    rng = np.random.default_rng(seed)
    profile = Profile(
        name="tiny",
        source="drawn",
        kv_tokens=16 * int(rng.integers(3, 5)),
        prefill=Prefill(base_ms=rng.uniform(1, 10), per_token_ms=rng.uniform(15, 40)),
        decode=(
            Decode(
                base_ms=rng.uniform(1, 10),
                per_sequence_ms=rng.uniform(20, 60),
                per_context_token_ms=rng.uniform(0, 2),
            ),
        ),
        max_sequences=int(rng.integers(2, 5)),
    )
    requests = [
        Request(
            arrival_s=float(arrival),
            prompt_tokens=int(rng.integers(1, 4)),
            output_tokens=int(rng.integers(2, 5)),
            expectation=Expectation(rng.uniform(0.02, 0.1), rng.uniform(5, 20)),
        )
        for arrival in np.sort(rng.uniform(0, 0.2, int(rng.integers(2, 4))))
    ]
    return Workload("tiny", seed, tuple(requests)), profile
