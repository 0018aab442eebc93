"""Populations of readers: the paper's speeds, shares of listeners and programs, names."""

import math
import re

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from andes_backend.lab.workload import (
    Mix,
    Readers,
    Reading,
    Speaking,
    WorkloadError,
    make_workload,
    readers_of,
)
from andes_client.expectation import SPEAKING_TDS, Expectation

READING_SPEEDS = {5.1, 4.35, 4.17, 4.02, 3.79}


def draw(readers: Readers, count: int, seed: int = 0, ttft: float = 1.0) -> list[Expectation]:
    return readers.draw(Generator(PCG64(seed)), count, ttft)


def test_people_who_listen_have_the_papers_mean_speed() -> None:
    speeds = np.array([reader.tds for reader in draw(Speaking(), 50_000)])
    assert speeds.mean() == pytest.approx(SPEAKING_TDS, rel=0.01)
    assert len(set(speeds.tolist())) == 16  # Polish and Turkish are spoken at the same speed
    # Within the speeds at which people speak: 110 to 185 words/min at 4/3 tokens a word.
    assert speeds.min() > 110 / 60 * 4 / 3
    assert speeds.max() < 185 / 60 * 4 / 3


@pytest.mark.parametrize(
    ("readers", "listening", "programs"),
    [
        (Reading(), 0.0, 0.0),
        (Reading(programs=0.2), 0.0, 0.2),
        (Reading(programs=1.0), 0.0, 1.0),
        (Speaking(), 1.0, 0.0),
        (Speaking(programs=0.25), 0.75, 0.25),
        (Mix(), 0.0, 0.0),
        (Mix(speaking=0.3, programs=0.1), 0.3, 0.1),
        (Mix(speaking=0.57, programs=0.43), 0.57, 0.43),
    ],
    ids=str,
)
def test_the_shares_are_those_asked_for(
    readers: Readers, listening: float, programs: float
) -> None:
    drawn = draw(readers, 20_000)
    are_programs = [math.isinf(reader.tds) for reader in drawn]
    read = [reader.tds in READING_SPEEDS for reader in drawn]
    assert np.mean(are_programs) == pytest.approx(programs, abs=0.01)
    assert np.mean(read) == pytest.approx(1 - listening - programs, abs=0.01)


def test_mixes_with_the_same_seed_differ_no_more_than_they_must() -> None:
    plain, mixed = draw(Reading(), 500), draw(Mix(speaking=0.3, programs=0.1), 500)
    listeners = draw(Speaking(), 500)
    for reader, listener, found in zip(plain, listeners, mixed, strict=True):
        assert found in (reader, listener, Expectation.program())


@pytest.mark.parametrize("readers", [Reading(), Speaking(0.5), Mix(0.3, 0.1)], ids=str)
def test_more_readers_begin_with_the_fewer(readers: Readers) -> None:
    assert draw(readers, 30) == draw(readers, 300)[:30]
    assert draw(readers, 30) != draw(readers, 30, seed=1)


def test_all_of_them_expect_the_first_token_at_the_same_time() -> None:
    assert {reader.ttft for reader in draw(Mix(0.4, 0.4), 200, ttft=0.3)} == {0.3}


def test_readers_of_a_workload() -> None:
    workload = make_workload(20, rate=1.0, seed=0, readers=Speaking(programs=1.0))
    assert {request.expectation for request in workload.requests} == {Expectation.program()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reading", Reading()),
        ("speaking", Speaking()),
        ("reading:programs=0.2", Reading(programs=0.2)),
        ("speaking:programs=0.2", Speaking(programs=0.2)),
        ("mix:speaking=0.3,programs=0.1", Mix(speaking=0.3, programs=0.1)),
    ],
)
def test_a_text_names_readers(text: str, expected: Readers) -> None:
    assert readers_of(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("listening", "unknown readers 'listening'; choose from: reading[:programs=...]"),
        ("reading:speaking=1", "reading: 'speaking=1' is unknown; its parameters are programs"),
        ("reading:programs=20", "reading: programs must be a share, 0 to 1, not 20.0"),
        ("speaking:programs=-1", "speaking: programs must be a share, 0 to 1, not -1.0"),
        ("mix:speaking=nan", "mix: speaking must be a share, 0 to 1, not nan"),
        ("mix:speaking=0.9,programs=0.2", "programs must be at most what speaking=0.9 leaves of 1"),
    ],
)
def test_what_names_no_readers_is_explained(text: str, message: str) -> None:
    with pytest.raises(WorkloadError, match=re.escape(message)):
        readers_of(text)
