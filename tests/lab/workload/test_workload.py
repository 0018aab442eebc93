"""Workloads: repeatable, with ShareGPT's lengths and the paper's readers, from files too."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from andes_backend.lab.workload import (
    Request,
    Workload,
    WorkloadError,
    cut,
    file_lengths,
    make_workload,
    sharegpt_lengths,
)
from andes_client.expectation import Expectation


def lengths_of(workload: Workload) -> list[tuple[int, int]]:
    return [(request.prompt_tokens, request.output_tokens) for request in workload.requests]


# Repeatable

GOLDEN_ARRIVALS = [1.0978425969366092, 1.3522195096532255, 1.7696752171916905]
GOLDEN_LENGTHS = [(183, 25), (4, 355), (400, 262)]
GOLDEN_SPEEDS = [4.17, 5.1, 4.35]


def test_the_same_seed_gives_the_same_workload_to_the_last_digit() -> None:
    """Pinned: numbers measured with a seed stay comparable with later ones."""
    workload = make_workload(3, rate=3.0, seed=0, max_length=800)
    assert workload == make_workload(3, rate=3.0, seed=0, max_length=800)
    assert [request.arrival_s for request in workload.requests] == GOLDEN_ARRIVALS
    assert lengths_of(workload) == GOLDEN_LENGTHS
    assert [request.expectation.tds for request in workload.requests] == GOLDEN_SPEEDS


def test_seeds_differ() -> None:
    first, second = (make_workload(20, rate=1.0, seed=seed) for seed in (0, 1))
    assert lengths_of(first) != lengths_of(second)
    assert first.requests[0].arrival_s != second.requests[0].arrival_s


def test_another_rate_brings_the_same_requests_at_another_pace() -> None:
    slow, fast = (make_workload(50, rate=rate, seed=4) for rate in (1.0, 4.0))
    assert lengths_of(slow) == lengths_of(fast)
    assert [r.expectation for r in slow.requests] == [r.expectation for r in fast.requests]
    assert [r.arrival_s for r in slow.requests] == pytest.approx(
        [4 * r.arrival_s for r in fast.requests]
    )


def test_a_longer_workload_begins_with_the_shorter() -> None:
    short, long = (make_workload(count, rate=2.0, seed=4) for count in (10, 100))
    assert long.requests[:10] == short.requests


def test_arrivals_are_a_poisson_process() -> None:
    """Gaps with mean and deviation 1/rate, memoryless: a share 1 - 1/e below the mean."""
    arrivals = [request.arrival_s for request in make_workload(20_000, rate=4.0, seed=1).requests]
    gaps = np.diff([0.0, *arrivals])
    assert gaps.min() >= 0
    assert gaps.mean() == pytest.approx(0.25, rel=0.03)
    assert gaps.std() == pytest.approx(0.25, rel=0.03)
    assert (gaps < 0.25).mean() == pytest.approx(1 - np.exp(-1), abs=0.01)


# Lengths

# ShareGPT, 3,000 requests: mean, p10, median, p90.
SHAREGPT_PROMPTS = (163.3, 10, 34, 458)
SHAREGPT_OUTPUTS = (332.1, 55, 287, 688)
SHAREGPT_RANK_CORRELATION = 0.169
MANY = 100_000


@pytest.fixture(scope="module")
def many_lengths() -> NDArray[np.int64]:
    return sharegpt_lengths(Generator(PCG64(3)), MANY)


@pytest.mark.parametrize(("column", "known"), [(0, SHAREGPT_PROMPTS), (1, SHAREGPT_OUTPUTS)])
def test_lengths_have_the_moments_of_sharegpt(
    many_lengths: NDArray[np.int64], column: int, known: tuple[float, ...]
) -> None:
    values = many_lengths[:, column]
    assert values.min() >= 1
    found = (values.mean(), *np.percentile(values, (10, 50, 90)))
    # The worst is the prompts' p10: 9 tokens for 10.
    assert found == pytest.approx(known, rel=0.11)
    assert found[0] == pytest.approx(known[0], rel=0.04)
    assert found[2:] == pytest.approx(known[2:], rel=0.06)


def test_prompts_and_outputs_are_correlated_as_in_sharegpt(
    many_lengths: NDArray[np.int64],
) -> None:
    ranks = many_lengths.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    correlation = np.corrcoef(ranks.T)[0, 1]
    assert correlation == pytest.approx(SHAREGPT_RANK_CORRELATION, abs=0.02)


PAIRS = st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), min_size=1)


@given(pairs=PAIRS, limit=st.integers(2, 6000))
def test_cut_keeps_within_the_limit_and_leaves_short_requests_alone(
    pairs: list[tuple[int, int]], limit: int
) -> None:
    before = np.array(pairs)
    after = cut(before, limit)
    assert after.shape == before.shape
    assert after.min() >= 1
    assert after.sum(axis=1).max() <= limit
    assert (after <= before).all()
    fits = (before.sum(axis=1) <= limit) & (before[:, 0] <= limit // 2)
    assert (after[fits] == before[fits]).all()


def test_cut_by_hand() -> None:
    """Half at most for the prompt; the output gets what the prompt leaves."""
    lengths = np.array([[500, 10], [500, 900], [100, 900], [100, 700]])
    assert cut(lengths, 800).tolist() == [[400, 10], [400, 400], [100, 700], [100, 700]]


def test_cut_needs_room_for_a_prompt_and_an_output() -> None:
    with pytest.raises(ValueError, match="max_length must be 2 or more tokens, not 1"):
        cut(np.array([[1, 1]]), 1)


# Lengths from a file


def test_lengths_from_a_file_are_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "lengths.csv"
    file.write_text("id,output_tokens,prompt_tokens\na,20,2\nb,30,3\nc,40,4\n")
    workload = make_workload(200, rate=1.0, seed=0, lengths=file_lengths(file))
    assert set(lengths_of(workload)) == {(2, 20), (3, 30), (4, 40)}
    again = make_workload(200, rate=1.0, seed=0, lengths=file_lengths(file))
    assert again == workload


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column prompt_tokens and output_tokens"),
        ("prompt_tokens,output\n1,2\n", "line 1: no column output_tokens"),
        ("prompt_tokens,output_tokens\n", "has no rows below its header"),
        ("prompt_tokens,output_tokens\n1,2\n0,5\n", "line 3: prompt_tokens is '0'"),
        ("prompt_tokens,output_tokens\n1,-2\n", "line 2: output_tokens is '-2'"),
        ("prompt_tokens,output_tokens\n1,2\n7\n", "line 3: output_tokens is missing"),
        ("prompt_tokens,output_tokens\n,2\n", "line 2: prompt_tokens is missing"),
        ("prompt_tokens,output_tokens\n1,2.5\n", "line 2: output_tokens is '2.5'"),
        ("prompt_tokens,output_tokens\n1,many\n", "line 2: output_tokens is 'many'"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "lengths.csv"
    file.write_text(text)
    with pytest.raises(WorkloadError, match=r"lengths\.csv") as refused:
        file_lengths(file)
    assert message in str(refused.value)


# Readers


def test_readers_are_the_papers_population() -> None:
    workload = make_workload(50_000, rate=1.0, seed=2)
    speeds = [request.expectation.tds for request in workload.requests]
    found = {speed: speeds.count(speed) / len(speeds) for speed in set(speeds)}
    known = {5.1: 0.280, 4.35: 0.519, 4.17: 0.112, 4.02: 0.056, 3.79: 0.033}
    assert found == pytest.approx(known, abs=0.01)
    assert {request.expectation.ttft for request in workload.requests} == {1.0}


def test_the_expected_time_to_first_token_can_be_set() -> None:
    workload = make_workload(5, rate=1.0, seed=2, ttft=0.3)
    assert {request.expectation.ttft for request in workload.requests} == {0.3}


# Errors


@pytest.mark.parametrize(
    ("count", "rate", "seed", "message"),
    [
        (0, 1.0, 0, "1 or more requests, not 0"),
        (1, 0.0, 0, "rate must be above 0"),
        (1, float("nan"), 0, "rate must be above 0"),
        (1, float("inf"), 0, "rate must be above 0"),
        (1, 1.0, -1, "seed must be 0 or more, not -1"),
    ],
)
def test_arguments_out_of_range_are_refused(
    count: int, rate: float, seed: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_workload(count, rate=rate, seed=seed)


@pytest.mark.parametrize(
    ("arrival_s", "prompt", "output", "message"),
    [
        (-1.0, 1, 1, "arrival_s must be 0 or more seconds"),
        (float("inf"), 1, 1, "arrival_s must be 0 or more seconds"),
        (0.0, 0, 1, "prompt_tokens must be 1 or more, not 0"),
        (0.0, 1, 0, "output_tokens must be 1 or more, not 0"),
    ],
)
def test_a_request_out_of_range_is_refused(
    arrival_s: float, prompt: int, output: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Request(arrival_s, prompt, output, Expectation(1.0, 5.0))
