"""Whose LoRA adapter has a place in the batch, and who gets one next."""

import numpy as np
import pytest
from numpy.typing import NDArray

from andes_backend.policy.adapters import have_places
from andes_backend.policy.state import Table
from andes_client import Expectation

NOW = 100.0


def requests(*adapters: int, since: float = NOW) -> NDArray[np.void]:
    """One for each of these adapters, a tenth of a second after the other."""
    table = Table()
    rows = [
        table.add(since + place / 10, 20, Expectation(1.0, 5.0), adapter=adapter)
        for place, adapter in enumerate(adapters)
    ]
    return table.rows(np.array(rows, np.intp))


def told(waiting: NDArray[np.void], running: NDArray[np.void], places: int) -> list[bool]:
    return [bool(one) for one in have_places(waiting, running, places, NOW, 30.0)]


@pytest.mark.parametrize(
    ("waiting", "running", "places", "have"),
    [
        ((0, 1, 2), (0, 0), 2, [True, True, True]),
        ((0, 1, 2, 3), (1, 0, 1), 1, [True, True, False, False]),
        ((3, 2, 2, 4), (1,), 2, [True, False, False, False]),  # 3 was due first
        ((3, 2, 2, 4), (1,), 3, [True, True, True, False]),
        ((0, 0), (1, 2), 2, [True, True]),
        ((), (1, 2), 2, []),
        ((5, 6), (), 1, [True, False]),
    ],
)
def test_an_adapter_needs_a_place(
    waiting: tuple[int, ...], running: tuple[int, ...], places: int, have: list[bool]
) -> None:
    assert told(requests(*waiting), requests(*running), places) == have


def test_for_those_who_are_overdue_a_place_becomes_free() -> None:
    """That of the adapter with the fewest requests: it lets nobody in until they have ended."""
    running = requests(1, 2, 1, 1)
    late = requests(3, 1, 2, since=NOW - 31.0 - 0.01)
    assert told(late, running, 2) == [False, True, False]
    assert told(late, running[:1], 2) == [True, True, False]  # they have ended
    in_time = requests(3, 1, 2, since=NOW - 30.0)
    assert told(in_time, running, 2) == [False, True, True]


def test_no_more_places_become_free_than_somebody_waits_for() -> None:
    late = requests(4, 5, 6, 0, 1, since=NOW - 60.0)
    assert told(late, requests(1, 2, 3), 3) == [False, False, False, True, False]
    assert told(late[:1], requests(1, 2, 3, 2, 3), 3) == [False]
    assert told(requests(1, 2, 3), requests(1, 2, 3), 3) == [True, True, True]
