"""What our autoscaling policy makes of the numbers that Ray's controller has."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from andes_backend.ray_serve.needed import POLICY, Needed, check_policy, figures_in, numbers_of
from andes_backend.routing import BANDS, ReplicaFigures
from andes_backend.routing.scaling import replicas_needed

IDLE = ReplicaFigures(
    waiting=0,
    running=0,
    kv_tokens=1000,
    free_tokens=1000,
    expected_wait_s=2.5,
    step_s=0.05,
    prompt_token_s=0.001,
    output_tokens=200.0,
    horizon_s=4.0,
    demand=tuple(float(band) for band in range(len(BANDS))),
)
CROWDED = replace(IDLE, waiting=20, running=20, demand=(2500.0, *(0.0,) * (len(BANDS) - 1)))
STOCK = ReplicaFigures(waiting=20, running=20, kv_tokens=1000, free_tokens=0)
LOOK_BACK_S = 60.0


def said(**replicas: list[Mapping[str, float]]) -> dict[str, dict[str, list[Any]]]:
    """As Ray has it: number -> replica -> its history; Ray's own number is among them."""
    histories: dict[str, dict[str, list[Any]]] = {"RUNNING_REQUESTS": {}}
    for replica, moments in replicas.items():
        for at, numbers in enumerate(moments):
            for name, value in {"RUNNING_REQUESTS": 3, **numbers}.items():
                point = SimpleNamespace(timestamp=float(at), value=value)
                histories.setdefault(name, {}).setdefault(replica, []).append(point)
    return histories


def test_the_latest_figures_come_through_as_they_were() -> None:
    figures = figures_in(said(a=[numbers_of(IDLE), numbers_of(CROWDED)], b=[numbers_of(IDLE)]))
    assert figures == {
        "a": replace(CROWDED, expected_wait_s=None),
        "b": replace(IDLE, expected_wait_s=None),
    }


def test_all_that_is_said_is_a_number() -> None:
    """Ray switches all numbers of a replica off if one of the first is none."""
    for figures in (IDLE, STOCK, replace(IDLE, expected_wait_s=None)):
        assert all(isinstance(value, int | float) for value in numbers_of(figures).values())


def test_what_is_said_has_the_same_names_whatever_is_known_of_waits() -> None:
    assert numbers_of(IDLE).keys() == numbers_of(replace(IDLE, expected_wait_s=None)).keys()


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        numbers_of(STOCK),
        {**numbers_of(IDLE), "andes_waiting": -1.0},
        {name: value for name, value in numbers_of(IDLE).items() if name != "andes_demand_7"},
    ],
)
def test_a_replica_that_says_too_little_is_not_reckoned_with(numbers: dict[str, float]) -> None:
    assert figures_in(said(a=[numbers], b=[numbers_of(IDLE)])).keys() == {"b"}
    assert figures_in(said(a=[numbers])) == {}


def test_as_many_are_wanted_as_the_twin_would_want() -> None:
    needed = Needed(target=0.8)
    needed.look({"a": CROWDED}, LOOK_BACK_S, 100.0)
    assert needed.wanted == 3
    assert 2 < replicas_needed([CROWDED], 0.0, target=0.8) <= 3


def test_what_comes_is_known_from_the_second_look_on() -> None:
    needed = Needed(target=1.0)
    idle = replace(IDLE, demand=(0.0,) * len(BANDS))
    needed.look({"a": replace(idle, arrived=500, arrived_tokens=50_000)}, LOOK_BACK_S, 100.0)
    assert needed.wanted == 0
    for look in range(1, 8):
        more = replace(idle, arrived=500 + 30 * look, arrived_tokens=50_000 + 3000 * look)
        needed.look({"a": more}, LOOK_BACK_S, 100.0 + 10 * look)
    assert needed.wanted == 7  # 3 a second, each 2.1 s


def test_it_looks_every_ten_seconds() -> None:
    needed = Needed()
    assert needed.is_due(0.0)
    needed.look({"a": IDLE}, LOOK_BACK_S, 0.0)
    assert not needed.is_due(9.9)
    assert needed.is_due(10.0)


def test_silence_is_borne_with_for_a_while() -> None:
    needed = Needed()
    for now in (0.0, 10.0, 20.0):
        needed.look({}, LOOK_BACK_S, now)
        assert (needed.wanted, needed.is_unknown) == (None, False)
    needed.look({}, LOOK_BACK_S, 30.0)
    assert needed.is_unknown
    needed.look({"a": CROWDED}, LOOK_BACK_S, 40.0)
    assert (needed.wanted, needed.is_unknown) == (3, False)
    needed.look({}, LOOK_BACK_S, 50.0)
    assert (needed.wanted, needed.is_unknown) == (None, False)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"target": 0.0}, "target"),
        ({"target": "1"}, "target"),
        ({"target": float("inf")}, "target"),
        ({"target": True}, "target"),
        ({"lost_each": 0.0}, "lost_each"),
        ({"lost_each": 1.5}, "lost_each"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Needed(**values)


def told(function: object, **kwargs: Any) -> dict[str, Any]:
    """A deployment's settings, with this policy."""
    return {
        "autoscaling_config": {"policy": {"policy_function": function, "policy_kwargs": kwargs}}
    }


@pytest.mark.parametrize("name", [POLICY, "andes_backend.ray_serve.autoscaling:ReadersNeed"])
@pytest.mark.parametrize(
    ("kwargs", "wrong"),
    [({"target": -1}, "target must be a number above 0, not -1"), ({"targt": 1}, "targt")],
)
def test_a_wrong_setting_is_found_before_rays_controller_has_it(
    name: str, kwargs: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ValueError, match=f"policy_kwargs: .*{wrong}"):
        check_policy(told(name, **kwargs))


@pytest.mark.parametrize(
    "deployment",
    [
        {},
        {"autoscaling_config": None},
        {"autoscaling_config": {"max_replicas": 3}},
        {"autoscaling_config": SimpleNamespace(policy=SimpleNamespace(policy_function=POLICY))},
        told(POLICY, target=0.7),
        told("of.somebody.else", target=-1),
        told(len, target=-1),
    ],
)
def test_what_is_right_or_not_ours_is_left_alone(deployment: dict[str, Any]) -> None:
    check_policy(deployment)
