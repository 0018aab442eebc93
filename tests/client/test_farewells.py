"""What is still to be said of readers who have left; `now` is an argument."""

import math
from itertools import pairwise

import pytest

from andes_client import wire
from andes_client.farewells import Farewells


def gone(name: str = "a") -> wire.Report:
    return wire.Report(stream=name, number=0, units=0, tokens=0, buffer_s=0, state="gone")


def said_at(farewells: Farewells, until: float, *, knows_from: float = math.inf) -> list[float]:
    """When they are said to a server that knows the streams from some time on."""
    times, now = list[float](), 0.0
    while (at := farewells.next_at(now)) < math.inf and now <= until:
        now = max(now, at)
        for farewell in farewells.take(now, 256):
            times.append(now)
            if now < knows_from:
                farewells.unknown(farewell, now)
    return times


def test_it_is_said_at_once() -> None:
    farewells = Farewells()
    assert farewells.next_at(7.0) == math.inf
    farewells.add(gone(), is_known=True)
    assert farewells.next_at(7.0) <= 7.0
    assert [each.report for each in farewells.take(7.0, 256)] == [gone()]
    assert not farewells


@pytest.mark.parametrize("knows_from", [0.0, 0.4, 2.0, 9.4, math.inf])
def test_to_a_server_that_may_know_the_stream_soon_again(knows_from: float) -> None:
    farewells = Farewells()
    farewells.add(gone(), is_known=False)
    times = said_at(farewells, 60.0, knows_from=knows_from)
    assert times[0] == 0.0
    assert times[-1] <= 10.0
    assert len(times) <= 6
    assert [at for at in times if at >= knows_from] == times[-1:] * (knows_from < math.inf)
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == sorted(gaps)
    assert not farewells


def test_to_one_that_has_known_it_once() -> None:
    farewells = Farewells()
    farewells.add(gone(), is_known=True)
    assert said_at(farewells, 60.0) == [0.0]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_call_that_fails_is_made_again_for_some_seconds(is_known: bool) -> None:
    farewells, now, times = Farewells(), 100.0, list[float]()
    farewells.add(gone(), is_known=is_known)
    while farewells.next_at(now) <= now:
        (one,) = farewells.take(now, 256)
        times.append(now)
        farewells.failed(one)
        now += 1.0
    assert times == [100.0, 101.0, 102.0, 103.0, 104.0]
    assert not farewells


def test_the_answer_that_is_waited_for_at_the_end_is_the_first() -> None:
    farewells, has_new = Farewells(), list[bool]()
    for _ in range(3):
        has_new.append(farewells.has_new)
        for one in farewells.take(0.0, 256):
            farewells.unknown(one, 0.0)
        if not farewells:
            farewells.add(gone(), is_known=False)
    assert has_new == [False, True, False]
    assert len(farewells) == 1


def test_a_call_takes_so_many_in_their_order_and_the_rest_stays() -> None:
    farewells = Farewells()
    for index in range(10):
        farewells.add(gone(f"s{index}"), is_known=True)
    assert farewells.next_at(0.0) <= 0.0
    batches = [[one.report.stream for one in farewells.take(0.0, 4)] for _ in range(4)]
    assert batches == [
        ["s0", "s1", "s2", "s3"],
        ["s4", "s5", "s6", "s7"],
        ["s8", "s9"],
        [],
    ]


def test_memory_is_bounded_and_the_newest_are_kept() -> None:
    farewells = Farewells()
    for index in range(5_000):
        farewells.add(gone(f"s{index}"), is_known=index % 2 == 0)
    assert len(farewells) == 1_024
    assert farewells.take(0.0, 1)[0].report.stream == f"s{5_000 - 1_024}"
    farewells.clear()
    assert farewells.next_at(0.0) == math.inf
