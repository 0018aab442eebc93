import numpy as np

from andes_backend.policy.lengths import OutputLengths


def remaining(lengths: OutputLengths, *delivered: int) -> list[float]:
    return [float(tokens) for tokens in lengths.remaining(np.array(delivered))]


def test_before_anything_has_finished_the_assumed_mean_holds() -> None:
    assert remaining(OutputLengths(300.0), 0, 1000) == [300.0, 300.0]


def test_it_learns_the_mean_residual_life() -> None:
    lengths = OutputLengths(300.0)
    for _ in range(100):
        for tokens in (10, 110):
            lengths.observe(tokens)
    assert remaining(lengths, 0, 9, 10, 60) == [60.0, 51.0, 100.0, 50.0]


def test_beyond_the_longest_seen_it_falls_back() -> None:
    lengths = OutputLengths(300.0)
    for _ in range(40):
        lengths.observe(50)
    assert remaining(lengths, 49, 50, 500) == [1.0, 300.0, 300.0]


def test_old_responses_are_forgotten() -> None:
    lengths = OutputLengths(300.0)
    for tokens in (1000, 20):
        for _ in range(lengths.WINDOW):
            lengths.observe(tokens)
    assert remaining(lengths, 0) == [20.0]
