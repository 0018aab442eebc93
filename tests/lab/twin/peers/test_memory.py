"""The first of an order hold the memory; who gives way is last in it."""

import numpy as np
import pytest

from andes_backend.lab.twin.peers.memory import in_strict_order
from andes_backend.policy import Decision, Snapshot
from tests.lab.twin.peers.scene import Scene


class _Longest:
    """The longest response first."""

    def __init__(self, spare: float = 0.0) -> None:
        self.spare = spare

    def plan(self, snapshot: Snapshot) -> Decision:
        order = np.argsort(-snapshot.everybody["output_tokens"], kind="stable")
        return in_strict_order(snapshot, order, self.spare)

    def finished(self, output_tokens: int) -> None:
        del output_tokens


def test_as_many_as_fit_come_in_and_none_behind_who_does_not_fit() -> None:
    scene = Scene(_Longest(), blocks=5)
    first, small = scene.come(length=9, prompt=47), scene.come(length=7)
    large = scene.come(length=8, prompt=47)
    scene.step(tokens=0)
    assert scene.running == [first]
    assert set(scene.waiting) == {small, large}


def test_the_last_gives_way_and_no_more_than_is_needed() -> None:
    scene = Scene(_Longest(), blocks=4)
    rows = [scene.come(length=length) for length in (4, 5, 6, 7)]
    scene.step(tokens=0)
    assert sorted(scene.running) == sorted(rows)
    longest = scene.come(length=9)
    scene.step(tokens=0)
    assert scene.preempted == [rows[0]]
    assert longest in scene.running


def test_nobody_gives_way_for_who_is_behind() -> None:
    scene = Scene(_Longest(), blocks=4)
    for length in (4, 5, 6, 7):
        scene.come(length=length)
    scene.step(tokens=0)
    scene.come(length=3)
    scene.step(tokens=0)
    assert scene.preempted == []


def test_places_in_the_batch_run_out_as_well() -> None:
    scene = Scene(_Longest(), max_running=2)
    rows = [scene.come(length=length) for length in (4, 5)]
    scene.step(tokens=0)
    longest = scene.come(length=9)
    scene.step(tokens=0)
    assert scene.preempted == [rows[0]]
    assert sorted(scene.running) == sorted([rows[1], longest])


@pytest.mark.parametrize(("spare", "run"), [(0.0, 4), (1.0, 3), (3.5, 1), (50.0, 1)])
def test_some_memory_stays_free_but_an_empty_server_takes_anybody(spare: float, run: int) -> None:
    scene = Scene(_Longest(spare), blocks=4)
    for _ in range(4):
        scene.come()
    scene.step(tokens=0)
    assert len(scene.running) == run
