"""Two engines, and users whose requests are not spread evenly over them."""

from dataclasses import replace

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.service import service
from andes_backend.lab.twin.fair.ranks import simulate_ranks
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Fixed, Request, Workload, make_workload, together
from andes_backend.profile import load_profile

PROFILE = replace(load_profile("llama-3-8b-a40"), kv_tokens=3000)


def two_users(seed: int) -> Workload:
    """One of them has requests on the first engine only; both want more than there is."""
    users = {
        name: make_workload(300, rate=6.0, seed=10 * seed + i, lengths=Fixed(128, 128))
        for i, name in enumerate(("one-sided", "everywhere"))
    }
    return together(users, name="two users")


def place(index: int, request: Request) -> int:
    return 0 if request.user == "one-sided" else index % 2


def served(outcomes: tuple[Outcome, ...]) -> dict[str, float]:
    """What each user had received when the requests stopped coming."""
    last = max(outcome.submitted_s for outcome in outcomes)
    found = service(outcomes, until_s=last)
    return dict(zip(found.users, found.received[:, -1].tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["vtc", "qoe"])
def test_engines_that_tell_each_other_are_fairer(policy: str) -> None:
    setup = Setup(profile=PROFILE, policy=policy)
    gap = {}
    for shared in (False, True):
        outcomes = simulate_ranks(two_users(1), setup, place, ranks=2, shared=shared)
        assert [outcome.error for outcome in outcomes] == [None] * 600
        assert not any(outcome.lost or outcome.excess for outcome in outcomes)
        by_user = served(outcomes)
        gap[shared] = by_user["everywhere"] - by_user["one-sided"]
    assert gap[False] > 0
    assert abs(gap[True]) < 0.5 * gap[False]
