"""What a gain is, and how much of it survives: figures worked out by hand."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.twin.sensitivity.answer import draw, sentences, table
from andes_backend.lab.twin.sensitivity.gains import Results
from andes_backend.lab.twin.sensitivity.scenarios import AS_TOLD, Deviations
from andes_backend.lab.twin.sensitivity.spec import Case, SensitivitySpec
from andes_backend.lab.twin.setup import Setup, SetupError
from andes_backend.profile import load_profile
from tests.lab.twin.made_results import make

FASTER, OPENLY = "30% faster than told", "30% faster, and say so"


def spec(**more: Any) -> SensitivitySpec:
    plain: dict[str, Any] = {
        "profile_name": "opt-66b-4xa100",
        "profile": load_profile("opt-66b-4xa100"),
        "policies": ["stock", "qoe"],
        "make": make,
        "arrivals": "poisson",
        "rate": 3.6,
        "seeds": [0, 1],
        "deviations": Deviations(),
        "workload": {},
    }
    return SensitivitySpec(**{**plain, **more})


def results(asked: SensitivitySpec, stock: float = 0.5) -> Results:
    """qoe recovers 0.8 of the loss; 0.6 with faster readers who say so; and 0.3 if they do not."""
    qoe = {}
    for case in asked.cases():
        share = {FASTER: 0.3, OPENLY: 0.6}.get(case.scenario, 0.8)
        # What a seed, or a scenario, does to both is no uncertainty of the gain.
        lost = 1 - stock - 0.05 * case.seed - (0.3 if case.scenario == "outputs x 2" else 0.0)
        qoe[case] = 1 - lost * (1 - share if case.policy == "qoe" else 1.0)
    return Results(asked, qoe)


def shown(found: Results) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(table(found))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_gain_is_compared_with_that_of_a_scheduler_that_knows() -> None:
    found = results(spec())
    recovered = found.recovers(FASTER, "qoe")
    assert recovered is not None
    assert recovered.mean == pytest.approx(0.3)
    left = found.survives(FASTER, "qoe")
    assert left is not None
    assert (left.mean, left.low, left.high) == pytest.approx((0.5, 0.5, 0.5))
    left = found.survives(OPENLY, "qoe")
    assert left is not None
    assert left.mean == pytest.approx(0.75)
    qoe = found.mean(AS_TOLD, "stock")
    assert qoe is not None
    assert qoe.mean == pytest.approx(0.525)


def test_the_answer_names_what_costs_most() -> None:
    said = sentences(results(spec()))
    assert said == (
        "At 3.6 requests/s qoe recovers 80% (80% to 80%) of the QoE that stock loses; 50% (50% to "
        "50%) of that survives when readers are 30% faster than they say, and 100% or more in the "
        "other scenarios."
    )
    text = shown(results(spec()))
    assert max(len(line) for line in text.splitlines()) <= 100
    assert text.count("50%–50%") == 1


def test_where_nothing_is_gained_nothing_can_be_lost() -> None:
    asked = spec()
    even = Results(asked, dict.fromkeys(asked.cases(), 0.9))
    assert even.survives(FASTER, "qoe") is None
    assert "qoe has no gain over stock at 3.6 requests/s" in sentences(even)
    perfect = Results(asked, dict.fromkeys(asked.cases(), 1.0))
    assert perfect.recovers(AS_TOLD, "qoe") is None
    assert "stock loses nothing: choose a higher --rate." in sentences(perfect)


def test_a_run_cut_short_reports_what_there_is(tmp_path: Path) -> None:
    asked = spec()
    whole = results(asked).qoe
    for count in range(len(whole) + 1):
        cut = Results(asked, dict(list(whole.items())[:count]))
        sentences(cut)
        shown(cut)
        if count % 7 == 0:
            draw(cut, tmp_path / "a.png")
            assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    begun = {case: whole[case] for case in asked.cases() if case.scenario == AS_TOLD}
    said = sentences(Results(asked, begun))
    assert said == "qoe recovers 80% (80% to 80%); how much of it survives is not known yet."
    assert sentences(Results(asked, {})).startswith("No result for qoe yet")


def test_seeds_come_one_after_the_other_so_that_a_cut_run_has_whole_ones() -> None:
    cases = spec().cases()
    assert cases[0] == Case(AS_TOLD, "stock", 0)
    assert [case.seed for case in cases] == sorted(case.seed for case in cases)
    assert len(set(cases)) == 9 * 2 * 2


def test_the_points_differ_as_the_scenarios_do() -> None:
    asked = spec()
    point = asked.point(0, Case("jitter 50-500 ms", "qoe", 1))
    assert point.setup.jitter_s == (0.05, 0.5)
    assert point.workload() == make(3.6, "poisson", 1)
    said = asked.point(1, Case(FASTER, "qoe", 1)).workload().requests[0]
    assert said.expectation.tds == pytest.approx(1.3 * point.workload().requests[0].expectation.tds)


def test_an_order_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(SpecError, match="give two policies or more"):
        spec(policies=["qoe"])
    with pytest.raises(SetupError, match="unknown policy 'best'"):
        spec(policies=["stock", "best"])
    with pytest.raises(SetupError, match="jitter_s must rise from 0 s or more"):
        Setup(profile=load_profile("opt-66b-4xa100"), jitter_s=(0.5, 0.1))
