"""What our router on Ray knows of replicas that speak late, wrongly, or no longer."""

import time
from dataclasses import replace
from typing import Any

import pytest

from andes_backend.ray_serve.heard import FIGURES, Heard, published
from andes_backend.routing import BANDS, Asked, ReplicaFigures, Router

IDLE = ReplicaFigures(
    waiting=0,
    running=0,
    kv_tokens=2000,
    free_tokens=2000,
    most_running=32,
    step_s=0.05,
    prompt_token_s=0.001,
    output_tokens=200.0,
    horizon_s=4.0,
    demand=(0.0,) * len(BANDS),
)
CROWDED = replace(
    IDLE, waiting=20, running=20, free_tokens=0, demand=(400.0,) * 20 + (0.0,) * (len(BANDS) - 20)
)
ASKED = Asked(prompt_tokens=50)
TOO_OLD_S = 10.0


def said(figures: ReplicaFigures, made_at: float) -> dict[str, Any]:
    return {FIGURES: {"made_at": made_at, "figures": figures.to_mapping()}, "of_ray": "kept"}


def heard() -> Heard:
    return Heard(Router(TOO_OLD_S))


def best(heard: Heard, now: float) -> str | None:
    ranked = heard.rank(ASKED, ["a", "b"], now)
    return None if ranked is None else ranked[0].replica


def test_a_request_goes_where_there_is_room() -> None:
    router = heard()
    assert router.hear("a", said(CROWDED, 1000.0), 0.0, 1000.1) is None
    assert router.hear("b", said(IDLE, 1000.0), 0.0, 1000.1) is None
    assert best(router, 0.1) == "b"


def test_what_is_published_can_be_heard() -> None:
    router = heard()
    for name, figures in (("a", CROWDED), ("b", IDLE)):
        assert router.hear(name, published(figures), 5.0, time.time()) is None
    assert best(router, 5.0) == "b"


def test_nothing_is_chosen_while_one_is_unknown_or_too_old() -> None:
    router = heard()
    router.hear("a", said(IDLE, 1000.0), 0.0, 1000.0)
    assert best(router, 0.1) is None
    router.hear("b", said(IDLE, 1000.0), 0.0, 1000.0)
    assert best(router, TOO_OLD_S) is not None
    router.hear("a", said(IDLE, 1009.0), 9.0, 1009.0)
    assert best(router, TOO_OLD_S + 0.1) is None, "b has said nothing for too long"


def test_hearing_the_same_again_makes_it_no_younger() -> None:
    router = heard()
    for now in (0.0, 5.0, 11.0):
        router.hear("a", said(IDLE, 1000.0), now, 1000.0 + now)
        router.hear("b", said(IDLE, 1000.0 + now), now, 1000.0 + now)
    assert best(router, 11.0) is None


@pytest.mark.parametrize("wrong_by", [-3600.0, 0.0, 3600.0])
def test_a_replica_whose_clock_is_wrong_is_heard_all_the_same(wrong_by: float) -> None:
    router = heard()
    for now in (0.0, 1.0, 2.0):
        router.hear("a", said(CROWDED, 1000.0 + now + wrong_by), now, 1000.1 + now)
        router.hear("b", said(IDLE, 1000.0 + now), now, 1000.1 + now)
    assert best(router, 2.1) == "b"


def test_figures_that_were_long_under_way_are_old() -> None:
    router = heard()
    router.hear("a", said(IDLE, 1000.0), 0.0, 1000.1)
    router.hear("b", said(IDLE, 1000.0), 0.0, 1000.1)
    router.hear("a", said(IDLE, 1001.0), 12.0, 1012.1)  # made at 1, and held up for 11 s
    router.hear("b", said(IDLE, 1012.0), 12.0, 1012.1)
    assert best(router, 12.0) is None


def test_what_was_sent_since_figures_were_made_counts_until_it_is_in_them() -> None:
    router = heard()
    for name in ("a", "b"):
        router.hear(name, said(IDLE, 1000.0), 0.0, 1000.1)
    for _ in range(12):
        router.sent("a", ASKED, 0.9)
    assert best(router, 0.9) == "b"
    for name in ("a", "b"):  # made before, heard after
        router.hear(name, said(IDLE, 1000.5), 1.0, 1001.1)
    assert best(router, 1.0) == "b", "they are on their way to a"
    for name in ("a", "b"):
        router.hear(name, said(IDLE, 1002.0), 2.0, 1002.1)
    loads = router.rank(ASKED, ["a", "b"], 2.0)
    assert loads is not None
    assert loads[0].lost == loads[1].lost, "they have come to their end"


@pytest.mark.parametrize(
    ("ours", "wrong"),
    [
        ({"made_at": "noon", "figures": IDLE.to_mapping()}, "made_at"),
        ({"made_at": 1001.0, "figures": {**IDLE.to_mapping(), "waiting": -1}}, "waiting"),
        ({"made_at": 1001.0}, "figures"),
    ],
)
def test_figures_that_cannot_be_are_told_of_and_change_nothing(ours: Any, wrong: str) -> None:
    router = heard()
    for name in ("a", "b"):
        router.hear(name, said(IDLE, 1000.0), 0.0, 1000.0)
    error = router.hear("a", {FIGURES: ours}, 1.0, 1001.0)
    assert error is not None
    assert wrong in str(error)
    assert best(router, 1.0) is not None
    assert best(router, TOO_OLD_S + 0.1) is None


@pytest.mark.parametrize("statistics", [{}, {"of_ray": 1}, {FIGURES: None}])
def test_a_replica_without_our_figures_is_unknown(statistics: dict[str, Any]) -> None:
    router = heard()
    router.hear("a", said(IDLE, 1000.0), 0.0, 1000.0)
    assert router.hear("b", statistics, 0.0, 1000.0) is None
    assert best(router, 0.1) is None


def test_a_replica_that_has_left_is_forgotten() -> None:
    router = heard()
    for name in ("a", "b"):
        router.hear(name, said(IDLE, 1000.0), 0.0, 1000.0)
    router.keep(["b"])
    assert router.rank(ASKED, ["b"], 0.1) is not None
    assert best(router, 0.1) is None
