"""Lengths by name: fixed ones, conversations of many rounds, files."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from andes_backend.lab.workload import (
    Fixed,
    Lengths,
    MultiRound,
    ShareGPT,
    WorkloadError,
    file_lengths,
    lengths_of,
    make_workload,
    sharegpt_lengths,
)


def draw(lengths: Lengths, count: int, seed: int = 0) -> NDArray[np.int64]:
    return lengths(Generator(PCG64(seed)), count)


def test_fixed_lengths_are_the_same_for_all() -> None:
    workload = make_workload(5, rate=1.0, seed=0, lengths=Fixed(prompt=512, output=128))
    found = {(request.prompt_tokens, request.output_tokens) for request in workload.requests}
    assert found == {(512, 128)}
    assert workload.name == "custom"


def test_rounds_add_to_the_prompt_only() -> None:
    """The present round is the one that `sharegpt_lengths` draws from the same stream."""
    single, many = draw(sharegpt_lengths, 2_000), draw(MultiRound(), 2_000)
    assert (many[:, 1] == single[:, 1]).all()
    earlier = many[:, 0] - single[:, 0]
    assert (earlier >= 0).all()
    assert (earlier == 0).mean() == pytest.approx(1 / 3.51, abs=0.03)  # first rounds
    assert (draw(MultiRound(rounds=1), 2_000) == single).all()


@pytest.mark.parametrize("rounds", [2.0, 3.51, 10.0])
def test_the_mean_prompt_has_the_rounds_asked_for(rounds: float) -> None:
    lengths, single = draw(MultiRound(rounds), 20_000), draw(sharegpt_lengths, 20_000)
    expected = single[:, 0].mean() + (rounds - 1) * single.sum(axis=1).mean()
    assert lengths[:, 0].mean() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("lengths", [ShareGPT(), MultiRound(), MultiRound(8.0), Fixed(3, 4)])
def test_more_requests_begin_with_the_fewer(lengths: Lengths) -> None:
    assert draw(lengths, 20).tolist() == draw(lengths, 200)[:20].tolist()


def test_a_text_names_lengths(tmp_path: Path) -> None:
    assert lengths_of("sharegpt") == ShareGPT()
    assert lengths_of("multiround") == MultiRound(3.51)
    assert lengths_of("multiround:rounds=8") == MultiRound(8.0)
    assert lengths_of("fixed:prompt=512,output=128") == Fixed(512, 128)
    assert (draw(ShareGPT(), 9) == draw(sharegpt_lengths, 9)).all()
    file = tmp_path / "mine.csv"
    file.write_text("prompt_tokens,output_tokens\n5,7\n")
    assert draw(lengths_of(str(file)), 2).tolist() == [[5, 7], [5, 7]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sharegtp", "unknown lengths 'sharegtp'; choose from: sharegpt, multiround[:rounds="),
        ("sharegpt:mean=3", "sharegpt: 'mean=3' is unknown; it has no parameters"),
        ("multiround:rounds=0.5", "multiround: rounds must be 1 to 100, not 0.5"),
        ("multiround:rounds=nan", "multiround: rounds must be 1 to 100, not nan"),
        ("fixed", "fixed needs prompt and output: fixed:prompt=...,output=..."),
        ("fixed:prompt=512", "fixed needs output"),
        ("fixed:prompt=0,output=1", "fixed: prompt must be 1 to 10000000 tokens, not 0"),
        ("fixed:prompt=1,output=2.5", "fixed: output must be a whole number, not '2.5'"),
    ],
)
def test_what_names_no_lengths_is_explained(text: str, message: str) -> None:
    with pytest.raises(WorkloadError, match=re.escape(message)):
        lengths_of(text)


def test_a_missing_file_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        lengths_of(str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        lengths_of("none.csv")


@pytest.mark.parametrize("value", ["9" * 30, "10000001", "1_0", "٣"])
def test_numbers_that_are_none_are_refused(tmp_path: Path, value: str) -> None:
    file = tmp_path / "lengths.csv"
    file.write_text(f"prompt_tokens,output_tokens\n{value},7\n", encoding="utf-8")
    with pytest.raises(WorkloadError, match=rf"lengths\.csv, line 2: prompt_tokens is '{value}'"):
        file_lengths(file)
