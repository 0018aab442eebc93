"""Programs among people, on the twin at overload: nobody starves for the other's sake."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import pytest

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.twin.engine import simulate
from andes_backend.lab.twin.setup import STOCK, Setup
from andes_backend.lab.workload import Workload, make_workload, readers_of
from andes_backend.profile import load_profile
from andes_client.expectation import Expectation

pytestmark = pytest.mark.slow  # simulations

_GPU = load_profile("opt-66b-4xa100")
# Memory for a third of what the profile has: a short workload fills it, too.
PROFILE = replace(_GPU, kv_tokens=_GPU.kv_tokens // 3)
OURS = "qoe"


def outcomes(workload: Workload, policy: str) -> Sequence[Outcome]:
    done = simulate(workload, Setup(profile=PROFILE, policy=policy)).outcomes
    assert [outcome.error for outcome in done] == [None] * len(workload.requests)
    return done


def is_program(outcome: Outcome) -> bool:
    return math.isinf(outcome.request.expectation.tds)


def people_qoe(done: Sequence[Outcome]) -> float:
    return fmean(outcome.qoe for outcome in done if not is_program(outcome))


def finish_s(done: Sequence[Outcome]) -> float:
    """Mean time until a program has its whole answer."""
    return fmean(outcome.times[-1] for outcome in done if is_program(outcome))


def longest_silence_s(done: Sequence[Outcome], *, programs: bool) -> float:
    """The longest time without a token that any of them sees."""
    return max(
        later - earlier
        for outcome in done
        if is_program(outcome) == programs
        for earlier, later in zip((0.0, *outcome.times), outcome.times, strict=False)
    )


def crowd(readers: str) -> Workload:
    return make_workload(300, rate=2.4, seed=3, readers=readers_of(readers), max_length=2000)


def flood() -> Workload:
    """A few people a second, whom the server can serve, and at 20 s 120 programs at once."""
    people = make_workload(120, rate=1.0, seed=4, max_length=1000)
    programs = make_workload(120, rate=100.0, seed=5, max_length=1000)
    program = Expectation.program(1.0)
    requests = [
        *people.requests,
        *(
            replace(request, arrival_s=20.0 + request.arrival_s, expectation=program)
            for request in programs.requests
        ),
    ]
    return replace(people, requests=tuple(sorted(requests, key=lambda one: one.arrival_s)))


@pytest.fixture(scope="module")
def mixed() -> dict[str, Sequence[Outcome]]:
    workload = crowd("reading:programs=0.3")
    return {policy: outcomes(workload, policy) for policy in (STOCK, OURS)}


def test_programs_do_not_starve_people(mixed: dict[str, Sequence[Outcome]]) -> None:
    among_themselves = people_qoe(outcomes(crowd("reading"), OURS))
    assert people_qoe(mixed[OURS]) > people_qoe(mixed[STOCK]) + 0.05
    assert people_qoe(mixed[OURS]) > among_themselves - 0.05


def test_people_do_not_starve_programs(mixed: dict[str, Sequence[Outcome]]) -> None:
    ours = mixed[OURS]
    assert finish_s(ours) < 1.2 * finish_s(mixed[STOCK])
    # Somebody is left waiting at overload; it is not the programs more than the people.
    people = longest_silence_s(ours, programs=False)
    assert longest_silence_s(ours, programs=True) < 1.25 * people


def test_a_flood_of_programs_does_not_drown_people() -> None:
    workload = flood()
    stock, ours = outcomes(workload, STOCK), outcomes(workload, OURS)
    assert people_qoe(ours) > people_qoe(stock)
    assert people_qoe(ours) > 0.9
    assert finish_s(ours) < 2.0 * finish_s(stock)
