"""How many replicas are wanted, and when that is acted on."""

from dataclasses import replace

import pytest

from andes_backend.lab.twin.fleet.scaling import ByOngoing, ByQoE, Scaler, Scaling
from andes_backend.routing import BANDS, ReplicaFigures, band_of

IDLE = ReplicaFigures(
    waiting=0, running=0, kv_tokens=1000, free_tokens=1000, demand=(0.0,) * len(BANDS)
)


def busy(waiting: int, running: int) -> ReplicaFigures:
    return replace(IDLE, waiting=waiting, running=running)


def wants(tokens: float, worth: float) -> ReplicaFigures:
    demand = [0.0] * len(BANDS)
    demand[band_of(worth)] = tokens
    return replace(IDLE, demand=tuple(demand), waiting=100)


def over_time(scaling: Scaling, figures: list[ReplicaFigures], ordered: int) -> list[int]:
    """What is decided every ten seconds."""
    scaler, decided = Scaler(scaling), []
    for number, one in enumerate(figures):
        ordered = scaler.decide({"a": one}, ordered, 10.0 * number)
        decided.append(ordered)
    return decided


def test_ongoing_requests_over_the_target_are_wanted_after_the_delay() -> None:
    """Nine requests, two each: five replicas, once that has been so for 30 s."""
    scaling = ByOngoing(target=2)
    assert over_time(scaling, [busy(4, 5)] * 5, 1) == [1, 1, 1, 5, 5]


def test_a_moment_is_averaged_over_the_look_back() -> None:
    scaling = ByOngoing(target=2, up_delay_s=0)
    figures = [busy(0, 2)] * 3 + [busy(0, 10), busy(0, 2)]
    assert over_time(scaling, figures, 1) == [1, 1, 1, 2, 2]


def test_fewer_are_wanted_for_ten_minutes_before_any_goes() -> None:
    decided = over_time(ByOngoing(target=2), [busy(0, 2)] * 62, 5)
    assert decided == [5] * 60 + [1, 1]


def test_a_change_of_mind_starts_the_delay_anew() -> None:
    scaling = ByOngoing(target=1, look_back_s=0)
    figures = [busy(0, 3), busy(0, 3), busy(0, 1), busy(0, 3), busy(0, 3), busy(0, 3), busy(0, 3)]
    assert over_time(scaling, figures, 2) == [2, 2, 2, 2, 2, 2, 3]


@pytest.mark.parametrize(("least", "most", "wanted"), [(1, 3, 3), (7, 9, 7), (1, 64, 5)])
def test_no_fewer_and_no_more_than_allowed(least: int, most: int, wanted: int) -> None:
    scaling = ByOngoing(target=2, least=least, most=most, up_delay_s=0)
    assert Scaler(scaling).decide({"a": busy(0, 10)}, 1, 0.0) == wanted


@pytest.mark.parametrize(("worth", "wanted"), [(0.04, 3), (1e-3, 1), (1e-7, 1)])
def test_ours_counts_memory_that_makes_a_difference(worth: float, wanted: int) -> None:
    """2,500 tokens are wanted where a replica has 1,000, by a hundred who may lose 10 in all."""
    assert Scaler(ByQoE(target=1)).decide({"a": wants(2500, worth)}, 1, 0.0) == wanted


@pytest.mark.parametrize(
    ("change", "message"),
    [({"target": 0.0}, "target"), ({"least": 0}, "1 or more"), ({"most": 0}, "1 or more")],
)
def test_a_scaling_that_makes_no_sense_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(ByOngoing(target=2), **change)
