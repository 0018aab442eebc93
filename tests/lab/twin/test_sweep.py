"""The points of a sweep: every combination once, in a fixed order."""

import pickle
from functools import partial
from typing import Any

import pytest

from andes_backend.config import SETTINGS, AndesConfig
from andes_backend.lab.twin.setup import SetupError
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.workload import Workload, make_workload
from andes_backend.profile import ProfileError, load_profile

PROFILE = "opt-66b-4xa100"


def make(count: int, rate: float | None, arrivals: str | None, seed: int) -> Workload:
    assert rate is not None
    return make_workload(count, rate=rate, seed=seed, name=arrivals or "poisson")


def sweep(**more: Any) -> Sweep:
    names = more.pop("profiles", [PROFILE])
    plain = {"policies": ["stock", "qoe"], "make": partial(make, 5), "rates": [3.0]}
    return Sweep(profiles={name: load_profile(name) for name in names}, **{**plain, **more})


def test_a_policy_has_a_point_in_the_smallest_sweep() -> None:
    points = sweep().points()
    assert [(point.index, point.policy) for point in points] == [(0, "stock"), (1, "qoe")]
    assert points[0].setup.profile.kv_tokens == points[0].cell.kv_tokens == 59_000
    assert points[0].axes() == {
        "profile": PROFILE,
        "kv_tokens": 59_000,
        "prefix_caching": True,
        "kv_restore_gb_s": None,
        "async_scheduling": True,
        "max_num_active_seqs": None,
        "watermark": 0.0,
        "long_prefill_token_threshold": 0,
        "arrivals": None,
        "rate": 3.0,
        "reports": False,
        "seed": 0,
    }


def test_the_order_is_by_cell_then_seed_then_policy() -> None:
    points = sweep(rates=[3.0, 2.0], seeds=[4, 5]).points()
    assert [(p.cell.rate, p.seed, p.policy) for p in points] == [
        (rate, seed, policy)
        for rate in (3.0, 2.0)
        for seed in (4, 5)
        for policy in ("stock", "qoe")
    ]
    assert [point.index for point in points] == list(range(8))


def test_every_axis_multiplies_the_points() -> None:
    made = sweep(
        profiles=[PROFILE, "llama-3-8b-a40"],
        rates=[1.0, 2.0, 3.0],
        arrivals=["poisson", "gamma:cv=3.0"],
        seeds=range(2),
        kv_tokens=[40_000, 59_000],
        prefix_caching=[True, False],
        kv_restore_gb_s=[None, 20.0],
        async_scheduling=[True, False],
        max_num_active_seqs=[None, 8],
        watermark=[0.0, 0.1],
        long_prefill_token_threshold=[0, 256],
    )
    points = made.points()
    assert len(points) == 2 * 3 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 2
    assert len({(p.cell, p.seed, p.policy) for p in points}) == len(points)
    assert made.varying() == (
        "profile",
        "kv_tokens",
        "prefix_caching",
        "kv_restore_gb_s",
        "async_scheduling",
        "max_num_active_seqs",
        "watermark",
        "long_prefill_token_threshold",
        "arrivals",
        "rate",
    )


def test_settings_multiply_the_policies_that_have_settings() -> None:
    settings = {"horizon_s": [2, 4], "decode_headroom": [0, 0.1]}
    made = sweep(policies=["stock", "priority", "qoe", "fcfs"], settings=settings)
    assert [(p.policy, dict(p.settings)) for p in made.points()] == [
        ("stock", {}),
        ("priority", {}),
        *(
            (policy, {"horizon_s": horizon, "decode_headroom": headroom})
            for policy in ("qoe", "fcfs")
            for horizon in (2, 4)
            for headroom in (0, 0.1)
        ),
    ]
    assert made.varying() == ("horizon_s", "decode_headroom")


def test_a_setting_with_one_value_is_set_and_does_not_vary() -> None:
    made = sweep(settings={"horizon_s": [2]})
    assert made.varying() == ()
    assert made.points()[1].setup.andes_settings == {"policy": "qoe", "horizon_s": 2}


def test_the_cell_reaches_the_setup() -> None:
    (point,) = sweep(
        policies=["qoe"],
        kv_tokens=[1234],
        prefix_caching=[False],
        kv_restore_gb_s=[20.0],
        async_scheduling=[False],
        max_num_active_seqs=[8],
        watermark=[0.3],
        long_prefill_token_threshold=[256],
    ).points()
    setup = point.setup
    assert (setup.policy, setup.profile.kv_tokens) == ("qoe", 1234)
    assert (setup.prefix_caching, setup.kv_restore_gb_s, setup.async_scheduling) == (
        False,
        20.0,
        False,
    )
    assert (setup.max_num_active_seqs, setup.watermark) == (8, 0.3)
    assert setup.long_prefill_token_threshold == 256


def test_a_point_makes_its_workload_wherever_it_is_sent() -> None:
    point = pickle.loads(pickle.dumps(sweep(rates=[2.5], seeds=[7]).points()[1]))
    assert point.workload() == make_workload(5, rate=2.5, seed=7, name="poisson")
    assert point.workload().requests[0].arrival_s != sweep().points()[1].workload().requests[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"policies": ["best"]}, "unknown policy 'best'"),
        ({"settings": {"speed": [1]}}, "unknown setting andes.speed"),
        ({"settings": {"horizon_s": [4, 0]}}, "andes.horizon_s must be finite and at least 0.001"),
        ({"kv_restore_gb_s": [-1.0]}, "kv_restore_gb_s must be above 0"),
    ],
)
def test_what_cannot_be_simulated_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SetupError, match=message):
        sweep(**wrong).points()


def test_a_cache_of_no_size_is_refused() -> None:
    with pytest.raises(ProfileError, match="kv_tokens is 0"):
        sweep(kv_tokens=[0]).points()


def test_settings_without_a_policy_that_has_them_are_refused() -> None:
    with pytest.raises(SetupError, match="stock, priority have no settings"):
        sweep(policies=["stock", "priority"], settings={"horizon_s": [2, 4]}).points()


def test_all_settings_but_the_policy_can_be_varied() -> None:
    assert "policy" not in SETTINGS
    defaults = AndesConfig()
    settings = {name: [getattr(defaults, name)] for name in SETTINGS}
    assert len(sweep(policies=["qoe"], settings=settings).points()) == len(
        sweep(policies=["qoe"]).points()
    )
