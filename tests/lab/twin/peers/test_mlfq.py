"""Levels with quanta that double: joined by the prompt, left by who has run long enough."""

from andes_backend.lab.twin.peers.mlfq import FeedbackQueues
from tests.lab.twin.peers.scene import Scene


def one_at_a_time(**settings: float) -> Scene:
    """Prompts take 20 ms and 1 ms a token."""
    return Scene(FeedbackQueues(spare=0.0, **settings), max_running=1)


def test_within_a_level_who_came_first_is_first() -> None:
    scene = one_at_a_time(quantum_s=10.0)
    first, second = scene.come(), scene.come()
    for _ in range(20):
        scene.step()
    assert (scene.running, scene.waiting) == ([first], [second])


def test_a_long_prompt_skips_the_levels_that_are_too_short_for_it() -> None:
    scene = one_at_a_time(quantum_s=0.1)
    long, short = scene.come(prompt=500), scene.come(prompt=50)  # 0.52 s, 0.07 s
    scene.step()
    assert scene.running == [short]
    assert scene.waiting == [long]


def test_who_has_used_its_quantum_gives_way_to_the_level_above() -> None:
    scene = one_at_a_time(quantum_s=0.38)
    first, second = scene.come(), scene.come()
    turns = []
    for _ in range(20):
        scene.step(seconds=0.1)
        turns += scene.running
    # Four steps of a tenth of a second each are more than 0.38 s, eight more than 0.76 s.
    assert turns == [first] * 4 + [second] * 4 + [first] * 8 + [second] * 4


def test_a_new_request_preempts_who_is_lower() -> None:
    scene = one_at_a_time(quantum_s=0.35)
    old = scene.come()
    for _ in range(6):
        scene.step()
    new = scene.come()
    scene.step()
    assert (scene.running, scene.preempted) == ([new], [old])


def test_who_has_waited_for_long_is_promoted() -> None:
    """Others come all the time; without promotion it would never run again."""
    for starving_s, runs_again in ((3.0, True), (1000.0, False)):
        scene = one_at_a_time(quantum_s=0.35, starving_s=starving_s)
        old = scene.come()
        for _ in range(6):
            scene.step()
        seen = []
        for _ in range(30):
            new = scene.come()
            for _ in range(3):
                scene.step()
                seen += scene.running
            if new in scene.running:
                scene.end(new)
        assert (old in seen) is runs_again


def test_the_same_load_is_served_the_same_way() -> None:
    runs = []
    for _ in range(2):
        scene = Scene(FeedbackQueues(quantum_s=0.2), blocks=12)
        turns = []
        for step in range(60):
            if step % 3 == 0:
                scene.come(prompt=15 + step)
            scene.step()
            turns.append(list(scene.running))
        runs.append(turns)
    assert runs[0] == runs[1]
