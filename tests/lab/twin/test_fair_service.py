"""Virtual Token Counters in vLLM's own scheduler: the bound of the paper, and what it rests on.

Service is counted here from what happens, not from the counters: a prompt when its request is
first among those that run, a token when it leaves the engine.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend.lab.twin.engine import Engine
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request
from andes_backend.profile import Decode, Prefill, Profile
from andes_client.expectation import Expectation
from tests.thorough import cases

READER = Expectation(1.0, 5.0)
PROFILE = Profile(
    name="small",
    source="made up",
    kv_tokens=640,
    prefill=Prefill(base_ms=10, per_token_ms=0.2),
    decode=(Decode(base_ms=20, per_sequence_ms=1, per_context_token_ms=0.01),),
)
PROMPT, OUTPUT = 1.0, 2.0  # the default prices
MOST_PROMPT = 100
BOUND = 2 * max(PROMPT * MOST_PROMPT, OUTPUT * PROFILE.kv_tokens)


@dataclass
class Run:
    """Service that each user has received, and who had requests waiting, after each step."""

    service: list[dict[str, float]] = field(default_factory=list)
    backlogged: list[set[str]] = field(default_factory=list)

    def largest_difference(self) -> float:
        """Largest |W_f - W_g| over all intervals in which both are backlogged throughout."""
        users = sorted({user for step in self.service for user in step})
        return max((self._of_pair(f, g) for f, g in combinations(users, 2)), default=0.0)

    def _of_pair(self, f: str, g: str) -> float:
        largest, low, high = 0.0, float("inf"), float("-inf")
        for service, backlogged in zip(self.service, self.backlogged, strict=True):
            if f in backlogged and g in backlogged:
                ahead = service.get(f, 0.0) - service.get(g, 0.0)
                low, high = min(low, ahead), max(high, ahead)
                largest = max(largest, high - low)
            else:
                low, high = float("inf"), float("-inf")
        return largest


def run(requests: list[Request], **andes: Any) -> Run:
    """Serve them under the policy `vtc`."""
    engine = Engine(Setup(profile=PROFILE, policy="vtc", settings=andes), 640)
    scheduler: Any = engine.scheduler
    coming = sorted(enumerate(requests), key=lambda one: one[1].arrival_s)
    seen: set[str] = set()
    service: defaultdict[str, float] = defaultdict(float)
    kept = Run()
    while coming or engine.is_busy:
        while coming and coming[0][1].arrival_s <= engine.now:
            index, request = coming.pop(0)
            engine.admit(str(index), request)
        upcoming = coming[0][1].arrival_s if coming else float("inf")
        if not engine.is_busy:
            engine.now = upcoming
            continue
        for output in engine.step(upcoming):
            service[str(requests[int(output.request_id)].user)] += OUTPUT * len(
                output.new_token_ids
            )
        for name in {one.request_id for one in scheduler.running} - seen:
            seen.add(name)
            service[str(requests[int(name)].user)] += PROMPT * requests[int(name)].prompt_tokens
        kept.service.append(dict(service))
        kept.backlogged.append(
            {str(requests[int(one.request_id)].user) for one in scheduler.waiting}
        )
    assert sum(service.values()) == sum(
        PROMPT * r.prompt_tokens + OUTPUT * r.output_tokens for r in requests
    )
    return kept


@st.composite
def bursts(draw: st.DrawFn, user: str) -> list[Request]:
    """A user's requests: a few bursts, each of requests of about the same size."""
    requests = []
    for _ in range(draw(st.integers(1, 3))):
        start, gap = draw(st.floats(0, 30)), draw(st.floats(0, 2))
        prompt, output = draw(st.integers(1, MOST_PROMPT)), draw(st.integers(1, 60))
        count = draw(st.integers(1, 12))
        requests += [Request(start + gap * i, prompt, output, READER, user) for i in range(count)]
    return requests


@pytest.mark.slow
@settings(max_examples=cases(200))
@given(st.data(), st.integers(2, 4), st.sampled_from(["none", "average", "known"]))
def test_backlogged_users_differ_by_no_more_than_the_bound(
    data: st.DataObject, users: int, forecast: str
) -> None:
    requests = [one for user in range(users) for one in data.draw(bursts(f"user {user}"))]
    assert run(requests, vtc_forecast=forecast).largest_difference() <= BOUND


def late_comer() -> list[Request]:
    """One user has been served alone for long when a second one comes; then both want all."""
    early = [Request(0.0, 50, 60, READER, "early") for _ in range(90)]
    late = [Request(12.0, 50, 60, READER, "late") for _ in range(40)]
    return [*early, *late]


def test_the_bound_rests_on_the_lift() -> None:
    assert run(late_comer()).largest_difference() <= BOUND
    assert run(late_comer(), vtc_lift=False).largest_difference() > BOUND


def test_the_bound_holds_for_users_of_different_weights_by_weight() -> None:
    both = [Request(0.0, 50, 40, READER, user) for user in ("gold", "iron") for _ in range(40)]
    served = run(both, user_weights={"gold": 3.0})
    together = [
        step
        for step, users in zip(served.service, served.backlogged, strict=True)
        if len(users) == 2
    ]
    gold, iron = together[-1]["gold"], together[-1]["iron"]
    assert abs(gold / 3 - iron) <= BOUND
    assert gold > 2 * iron
