"""Whom a router chooses, without any server."""

from collections import Counter
from dataclasses import replace

import pytest

from andes_backend.lab.twin.fleet.routings import ROUTINGS, make_routing
from andes_backend.routing import BANDS, Asked, ReplicaFigures

ASKED = Asked(prompt_tokens=100)
NAMES = ["0", "1", "2", "3"]
SOME = ReplicaFigures(
    waiting=0,
    running=10,
    kv_tokens=1000,
    free_tokens=500,
    step_s=0.05,
    output_tokens=100.0,
    horizon_s=50.0,
    demand=(0.0,) * len(BANDS),
)


def chosen(name: str, figures: dict[str, ReplicaFigures], times: int = 100) -> Counter[str]:
    """Who is chosen how often, if nobody hears that anything was sent."""
    routing = make_routing(name, seed=3)
    for replica, one in figures.items():
        routing.router.hear(replica, one, 0.0)
    return Counter(routing.choose(ASKED, NAMES, 1.0) for _ in range(times))


@pytest.mark.parametrize("name", ROUTINGS)
def test_among_equals_everybody_gets_some(name: str) -> None:
    found = chosen(name, dict.fromkeys(NAMES, SOME), 400)
    assert set(found) == set(NAMES)
    assert min(found.values()) > 50


def test_round_robin_takes_turns() -> None:
    routing = make_routing("round-robin", seed=0)
    assert [routing.choose(ASKED, NAMES, 0.0) for _ in range(5)] == ["0", "1", "2", "3", "0"]


def test_of_two_the_one_with_fewer_requests() -> None:
    figures = {name: replace(SOME, waiting=int(name)) for name in NAMES}
    found = chosen("power-of-two", figures, 600)
    assert found["3"] == 0  # whoever is drawn beside it has fewer
    assert found["0"] > found["1"] > found["2"] > 0


def test_least_kv_goes_by_memory_and_not_by_requests() -> None:
    figures = dict.fromkeys(NAMES, SOME) | {"2": replace(SOME, running=50, free_tokens=900)}
    assert chosen("least-kv", figures) == {"2": 100}
    queue = {name: replace(one, waiting=300) for name, one in figures.items() if name != "1"}
    assert chosen("least-kv", figures | queue) == {"1": 100}


def test_qoe_falls_back_to_power_of_two_without_figures() -> None:
    stock = {name: replace(SOME, demand=(), waiting=int(name)) for name in NAMES}
    routing = make_routing("qoe", seed=3)
    for replica, one in stock.items():
        routing.router.hear(replica, one, 0.0)
    two = make_routing("power-of-two", seed=3)
    for replica, one in stock.items():
        two.router.hear(replica, one, 0.0)
    for _ in range(50):
        assert routing.choose(ASKED, NAMES, 1.0) == two.choose(ASKED, NAMES, 1.0)
        assert routing.fell_back
