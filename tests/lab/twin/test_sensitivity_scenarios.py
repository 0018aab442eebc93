"""What is different in each scenario, and what is not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.twin.sensitivity.scenarios import AS_TOLD, Deviations, scenarios
from andes_backend.lab.workload import Reading, Request, Workload, make_workload
from andes_client import wire
from andes_client.expectation import Expectation

WORKLOAD = make_workload(400, rate=3.0, seed=4)
SCENARIOS = scenarios(Deviations())


def made(name: str) -> Workload:
    return SCENARIOS[name].of(WORKLOAD)


def test_each_scenario_is_compared_with_one_before_it() -> None:
    names = list(SCENARIOS)
    assert names[0] == AS_TOLD
    assert made(AS_TOLD) == WORKLOAD
    for place, name in enumerate(names[1:], 1):
        assert SCENARIOS[name].against in names[:place]


def test_faster_readers_are_judged_by_the_truth_and_the_server_hears_what_they_say() -> None:
    honest, not_so = made("30% faster, and say so"), made("30% faster than told")
    for before, open_one, other in zip(
        WORKLOAD.requests, honest.requests, not_so.requests, strict=True
    ):
        assert other.expectation == open_one.expectation
        assert other.expectation.tds == pytest.approx(1.3 * before.expectation.tds)
        assert other.expectation.ttft == before.expectation.ttft
        assert open_one.hint == open_one.expectation
        assert other.hint == before.expectation
        at_the_old_pace = tuple(1.0 + i / before.expectation.tds for i in range(50))
        assert Outcome(0, before, 0.0, at_the_old_pace).qoe == pytest.approx(1.0)
        assert Outcome(0, other, 0.0, at_the_old_pace).qoe < 0.9


def test_a_program_is_as_fast_as_ever() -> None:
    programs = make_workload(20, rate=3.0, seed=0, readers=Reading(programs=1.0))
    changed = SCENARIOS["30% faster than told"].of(programs)
    assert [one.expectation for one in changed.requests] == [Expectation.program()] * 20


def test_half_of_the_requests_say_nothing_and_want_the_same() -> None:
    silent = [request.hint is None for request in made("50% without hints").requests]
    assert 0.4 < np.mean(silent) < 0.6
    for before, after in zip(WORKLOAD.requests, made("50% without hints").requests, strict=True):
        assert replace(after, silent=False) == before


@pytest.mark.parametrize(("name", "times"), [("outputs x 2", 2.0), ("outputs / 2", 0.5)])
def test_outputs_change_in_the_middle_and_what_is_asked_for_in_a_second_does_not(
    name: str, times: float
) -> None:
    before = np.array([one.output_tokens for one in WORKLOAD.requests])
    requests = made(name).requests
    after = np.array([one.output_tokens for one in requests])
    first, second = (after[part] / before[part] for part in (slice(200), slice(200, None)))
    # Rounded to whole tokens, which is much of a short answer.
    assert np.median(second) / np.median(first) == pytest.approx(times, rel=0.02)
    assert after.sum() == pytest.approx(before.sum(), rel=0.05)
    arrivals = [one.arrival_s for one in requests]
    assert arrivals == sorted(arrivals)
    rates = [after[:200].sum() / arrivals[199], after[200:].sum() / (arrivals[-1] - arrivals[199])]
    plain = [before[:200].sum(), before[200:].sum()]
    times_s = [one.arrival_s for one in WORKLOAD.requests]
    plain = [plain[0] / times_s[199], plain[1] / (times_s[-1] - times_s[199])]
    assert rates == pytest.approx(plain, rel=0.02)


def test_jitter_changes_the_network_and_no_request() -> None:
    scenario = SCENARIOS["jitter 50-500 ms"]
    assert scenario.jitter_s == (0.05, 0.5)
    assert scenario.of(WORKLOAD) == WORKLOAD


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"faster": -1.0}, "--faster must be a share from -0.9 to 9, not -1"),
        ({"missing": 1.5}, r"--missing must be a share, 0 to 1, not 1\.5"),
        ({"shift": 0.5}, r"--shift must be 1 to 100 times, not 0\.5"),
        ({"jitter_s": (0.5, 0.05)}, "--jitter-ms must rise, from 0 to 60,000 at most, not 500-50"),
    ],
)
def test_deviations_that_make_no_sense_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Deviations(**more)


def test_slower_readers_are_called_so() -> None:
    assert "20% slower than told" in scenarios(Deviations(faster=-0.2))


def test_a_silent_request_says_nothing_on_the_wire() -> None:
    reader = Expectation(1.0, 5.0)
    request = Request(0.0, 10, 10, reader, silent=True)
    assert wire.encode(request.hint, stream="a", user="b") == {
        wire.STREAM: "a",
        wire.USER: "b",
    }
    assert wire.decode(wire.encode(request.hint)) == wire.Hints()
    with pytest.raises(ValueError, match="but the request is silent"):
        Request(0.0, 10, 10, reader, told=reader, silent=True)
