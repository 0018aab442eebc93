"""What others route by: room, and what the next request costs readers."""

from dataclasses import replace

import pytest

from andes_backend.routing import BANDS, Asked, ReplicaFigures, prospects

ASKED = Asked(prompt_tokens=100)
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


def wanted(tokens: float) -> ReplicaFigures:
    """With readers who want so many tokens of memory, and to whom these are worth much."""
    return replace(IDLE, running=8, demand=(tokens, *IDLE.demand[1:]))


def test_an_idle_replica_has_room_for_as_many_as_its_memory_holds() -> None:
    found = prospects(IDLE, ASKED)
    assert found.room == pytest.approx(2000 / (100 + 200 / 2))
    assert found.loss == pytest.approx(0.0, abs=1e-3)


def test_room_is_no_more_than_there_are_places() -> None:
    assert prospects(replace(IDLE, most_running=3), ASKED).room == 3
    assert prospects(replace(IDLE, most_running=3, running=2, waiting=4), ASKED).room == 0


def test_the_fuller_a_replica_the_less_room_and_the_more_is_lost() -> None:
    found = [prospects(wanted(tokens), ASKED) for tokens in (0, 500, 1500, 2500, 10000)]
    rooms = [one.room for one in found]
    losses = [one.loss or 0.0 for one in found]
    assert rooms == sorted(rooms, reverse=True)
    assert rooms[-2:] == [0.0, 0.0]
    assert losses == sorted(losses)
    assert losses[0] < 0.01 < losses[-1]


@pytest.mark.parametrize(("waiting", "room"), [(0, 5.0), (1, 0.0)])
def test_of_another_scheduler_only_what_is_free_is_known(waiting: int, room: float) -> None:
    stock = ReplicaFigures(waiting=waiting, running=4, kv_tokens=2000, free_tokens=1250)
    found = prospects(stock, ASKED)
    assert found.room == room  # of 100 tokens and half of the 300 that are assumed
    assert found.loss is None
