"""A working set that rotates: who has little text runs, who has much gives way."""

from itertools import pairwise

import pytest

from andes_backend.lab.twin.peers.tokenflow import TokenFlow
from tests.lab.twin.peers.scene import Scene

FAST = 1e6  # tokens a second from CPU memory: a switch takes the margin


def flow(**settings: float) -> TokenFlow:
    return TokenFlow(FAST, **{"spare": 0.0, "margin_s": 2.0, "interval_s": 0.5, **settings})


def test_who_has_text_gives_way_to_who_has_none() -> None:
    scene = Scene(flow(), max_running=1)
    first = scene.come()
    for _ in range(10):
        scene.step()  # ten tokens in a second: 2.5 s of text less what has been read
    second = scene.come()
    scene.step(tokens=4)
    assert scene.running == [first]  # 1.6 s do not outlast the switch
    for _ in range(8):
        scene.step()
    assert (scene.running, scene.waiting) == ([second], [first])


def test_the_fullest_buffer_gives_way_and_the_emptiest_comes_in() -> None:
    scene = Scene(flow(), max_running=2)
    slow, fast = scene.come(tds=2.0), scene.come(tds=8.0)
    scene.step(tokens=30)  # 15 s and 3.75 s of text
    new = scene.come()
    scene.step()
    assert scene.preempted == [slow]
    assert sorted(scene.running) == sorted([fast, new])


def test_who_has_been_preempted_is_back_before_the_text_ends() -> None:
    scene = Scene(flow(pace=100.0), max_running=1)
    scene.come()
    scene.come()
    waits = []
    for _ in range(200):
        scene.step(tokens=2)  # 20 tokens a second for two readers of 4
        rows = scene.table.rows(scene.table.data["serial"].nonzero()[0])
        waits.append(float((scene.now - rows["dry_at"][rows["delivered"] > 0]).max(initial=0.0)))
    assert scene.table.data["preemptions"].sum() > 3
    assert max(waits) == pytest.approx(0.0, abs=0.05)


def test_rotations_are_apart() -> None:
    scene = Scene(flow(interval_s=3.0), max_running=2)
    for _ in range(2):
        scene.come()
    scene.step(tokens=200)
    rotated = []
    for _ in range(100):
        scene.come()
        scene.step()
        if scene.preempted:
            rotated.append(scene.now)
    assert rotated
    assert all(later - one > 2.95 for one, later in pairwise(rotated))


@pytest.mark.parametrize(
    ("settings", "inside"),
    [({"overcommit": 1.5}, 6), ({"overcommit": 3.0}, 12), ({"overcommit": 3.0, "pace": 0.0}, 4)],
)
def test_the_working_set_is_larger_than_the_memory_but_bounded(
    settings: dict[str, float], inside: int
) -> None:
    """Four blocks: who is not in the set gets nothing, as long as those in it go on."""
    scene = Scene(flow(**{"pace": 100.0, **settings}), blocks=4)
    for _ in range(20):
        scene.come(prompt=1)
    ran = set()
    for _ in range(40):
        scene.step(tokens=0, seconds=1.0)
        ran.update(scene.running)
        for row in scene.running:  # they have plenty of text, without growing
            scene.table.data["delivered"][row] = 1
            scene.table.data["dry_at"][row] = scene.now + 10.0
    assert len(ran) == inside


def test_loading_takes_time_and_computing_again_takes_longer() -> None:
    """Three seconds of text outlast a fast load, but not 4,000 tokens at 1 ms each."""
    for restore, gives_way in ((FAST, True), (100.0, False), (None, False)):
        policy = TokenFlow(restore, spare=0.0, margin_s=1.0)
        scene = Scene(policy, blocks=400, max_running=1)
        old = scene.come(prompt=4000)
        scene.step(tokens=13)
        scene.come()
        scene.step()
        assert (scene.preempted == [old]) is gives_way


def test_who_first_comes_first_joins_when_nobody_has_text() -> None:
    scene = Scene(flow(), max_running=1)
    rows = [scene.come() for _ in range(3)]
    scene.step(tokens=0)
    assert scene.running == rows[:1]
