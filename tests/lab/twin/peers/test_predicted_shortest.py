"""A predictor that errs as its paper says, and an order that lets nobody starve."""

import numpy as np
import pytest

from andes_backend.lab.twin.peers.predicted_shortest import PredictedShortest
from andes_backend.policy import Table
from tests.lab.twin.peers.scene import READER, Scene


def tau(policy: PredictedShortest, lengths: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> float:
    """Kendall's tau (tau-b) of a policy's scores and these lengths."""
    table = Table()
    rows = np.array([table.add(0.0, 10, READER) for _ in lengths], np.intp)
    table.data["output_tokens"][rows] = lengths
    scores = policy.scores(table.rows(rows))
    longer = np.sign(lengths[:, None] - lengths)
    higher = np.sign(scores[:, None] - scores)
    pairs = np.sqrt((longer != 0).sum() * (higher != 0).sum())
    return float((longer * higher).sum() / pairs)


@pytest.mark.parametrize("shape", ["lognormal", "uniform"])
def test_the_predictor_is_as_good_as_the_paper_says(shape: str) -> None:
    rng = np.random.default_rng(7)
    drawn = rng.lognormal(5.0, 1.0, 3000) if shape == "lognormal" else rng.uniform(50, 4000, 3000)
    assert tau(PredictedShortest(), drawn.astype(np.int64)) == pytest.approx(0.55, abs=0.02)


def test_without_noise_it_ranks_without_errors() -> None:
    lengths = np.random.default_rng(7).permutation(500) + 1
    assert tau(PredictedShortest(noise=0.0), lengths) == pytest.approx(1.0)


def test_a_request_keeps_its_error_and_another_seed_has_others() -> None:
    lengths = np.random.default_rng(7).integers(1, 2000, 400)
    assert tau(PredictedShortest(), lengths) == tau(PredictedShortest(), lengths)
    assert tau(PredictedShortest(seed=1), lengths) != tau(PredictedShortest(), lengths)


def test_who_is_predicted_to_be_shorter_goes_first_at_once() -> None:
    scene = Scene(PredictedShortest(noise=0.0), max_running=1)
    long, longest = scene.come(length=300), scene.come(length=900)
    scene.step()
    assert scene.running == [long]
    short = scene.come(length=20)
    scene.step()
    assert (scene.running, scene.preempted) == ([short], [long])
    scene.end(short)
    scene.step()
    assert (scene.running, scene.waiting) == ([long], [longest])


def test_who_starves_goes_first_for_a_quantum() -> None:
    scene = Scene(PredictedShortest(noise=0.0, starving=5, quantum=3), max_running=1)
    short, long = scene.come(length=100), scene.come(length=900)
    turns = []
    for _ in range(16):
        scene.step()
        turns += scene.running
    assert turns == [short] * 5 + [long] * 3 + [short] * 5 + [long] * 3
