"""What can be asked for, and what is said of the rest."""

from dataclasses import replace
from typing import Any

import pytest

from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.plan.spec import Goal
from andes_backend.lab.report.run import Run, Summary, summarise
from andes_backend.lab.twin.saturation import saturation
from andes_backend.lab.twin.setup import SetupError
from andes_backend.lab.workload import Fixed, WorkloadError, make_workload
from andes_backend.profile import load_profile
from tests.lab.plan.made_plans import make, spec


def summary(qoe: float | None, p10: float | None) -> Summary:
    return replace(summarise(Run("none", {}, (), 0)), qoe_mean=qoe, qoe_p10=p10)


def test_the_margin_is_that_of_the_goal_which_is_missed_most() -> None:
    assert Goal(qoe=0.9).margin(summary(0.95, 0.1)) == pytest.approx(0.05)
    assert Goal(qoe=0.9, p10=0.6).margin(summary(0.95, 0.5)) == pytest.approx(-0.1)
    assert Goal(qoe=0.9, p10=0.6).margin(summary(0.85, 0.7)) == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ({"qoe": 0.0}, "--qoe must be above 0 and at most 1, not 0"),
        ({"qoe": 1.2}, r"--qoe must be above 0 and at most 1, not 1\.2"),
        ({"p10": -0.5}, r"--p10 must be above 0 and at most 1, not -0\.5"),
        ({"qoe": 0.8, "p10": 0.9}, r"--p10 0\.9 is above --qoe 0\.8: .* lower --p10, or raise"),
    ],
)
def test_a_goal_that_makes_no_sense_is_refused(goal: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Goal(**goal)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"demand": 0.0}, "--demand must be above 0, not 0"),
        ({"demand": 5.0, "price": -1.0}, "--price must be above 0, not -1"),
        ({"price": 1.0}, "--price needs a demand to count GPUs for: give --demand as well"),
        ({"policies": []}, "there must be one policy or more"),
        ({"policies": ["qoe", "qoe"]}, "the policy qoe is given twice"),
        ({"seeds": [1, 1]}, "the seed 1 is given twice"),
        (
            {"profile": replace(load_profile("opt-66b-4xa100"), gpus=None), "demand": 5.0},
            "opt-66b-4xa100 does not say how many GPUs a server has: give --gpus-per-server",
        ),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spec(**more)


def test_what_cannot_be_simulated_is_refused_before_anything_runs() -> None:
    with pytest.raises(SetupError, match="unknown policy 'best'"):
        spec(policies=["best"])
    with pytest.raises(WorkloadError, match="the KV cache holds 144: it could never be served"):
        spec(profile=replace(load_profile("opt-66b-4xa100"), kv_tokens=160))


def test_gpus_are_the_profile_s_unless_somebody_says_otherwise() -> None:
    assert spec().gpus == 4
    assert spec(gpus_per_server=8).gpus == 8


def test_saturation_is_what_the_memory_and_the_steps_allow() -> None:
    """By hand: 59,000 tokens hold 235 requests of 200 + 100 / 2; a step of them takes 40 + 0.3 x
    235 + 0.0007 x 58,750 = 151.6 ms and gives 235 tokens; a prompt adds 44 ms."""
    profile = load_profile("opt-66b-4xa100")
    workload = make_workload(5, rate=1.0, seed=0, lengths=Fixed(200, 100))
    per_request = 0.044 + 100 * (0.040 + 0.3e-3 * 235 + 0.7e-6 * 58_750) / 235
    assert saturation(profile, workload) == pytest.approx(1 / per_request, rel=0.01)


def test_the_search_starts_near_what_the_server_completes() -> None:
    assert spec().start == saturation(load_profile("opt-66b-4xa100"), make(1.0, None, 0))
