"""A server that vLLM's flags make smaller serves as well as one whose size is that limit."""

from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_backend.engine import versions
from andes_backend.lab.twin.engine import simulate
from andes_backend.lab.twin.setup import Setup, SetupError
from andes_backend.lab.workload import make_workload
from andes_backend.profile import load_profile

_GPU = load_profile("opt-66b-4xa100")
# Memory for a quarter of what the profile has: a short workload fills it, too.
PROFILE = replace(_GPU, kv_tokens=_GPU.kv_tokens // 4, max_sequences=64)
ACTIVE = versions.has_argument("max_num_active_seqs")


def mean_qoe(setup: Setup, seed: int, rate: float) -> float:
    workload = make_workload(80, rate=rate, seed=seed, max_length=1000)
    return fmean(outcome.qoe for outcome in simulate(workload, setup).outcomes)


@pytest.mark.parametrize(
    ("limits", "smaller", "rate"),
    [
        pytest.param(
            {"max_num_active_seqs": 8},
            {"max_sequences": 8},
            1.0,
            marks=pytest.mark.skipif(not ACTIVE, reason="vLLM has had it since 0.31"),
        ),
        ({"watermark": 0.3}, {"kv_tokens": round(0.7 * PROFILE.kv_tokens)}, 5.0),
    ],
    ids=["active sequences", "watermark"],
)
def test_a_limit_costs_what_a_smaller_server_would(
    limits: dict[str, Any], smaller: dict[str, Any], rate: float
) -> None:
    limited = Setup(profile=PROFILE, policy="qoe", **limits)
    small = Setup(profile=replace(PROFILE, **smaller), policy="qoe")
    for seed in range(3):
        expected = mean_qoe(small, seed, rate)
        assert expected < 0.999, "the load is too small to tell"
        assert mean_qoe(limited, seed, rate) == pytest.approx(expected, abs=0.01)


@pytest.mark.skipif(ACTIVE, reason="this vLLM has it")
def test_what_this_vllm_does_not_have_is_refused() -> None:
    with pytest.raises(SetupError, match=r"vLLM 0\.\d+.* has no max_num_active_seqs.*0\.31"):
        simulate(make_workload(1, rate=1.0, seed=0), Setup(profile=PROFILE, max_num_active_seqs=4))
