"""The words and tables of a calibration: how good it is comes first, and is true."""

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from andes_backend.lab.calibrate.design import Limits
from andes_backend.lab.calibrate.fit import Fit, fit
from andes_backend.lab.calibrate.observation import Kind, Observation, predicted_s
from andes_backend.lab.calibrate.verdict import (
    comparison,
    costs,
    is_good,
    qualities,
    verdict,
    write_points,
)
from andes_backend.profile import load_profile
from tests.lab.calibrate.profiles_for_tests import TINY

LIMITS = Limits(
    kv_tokens=5120, block_size=32, max_model_len=1024, max_sequences=64, max_step_tokens=2048
)
SIZES: tuple[tuple[Kind, int, int, int], ...] = (
    *(("prefill", 8 << i, 0, 0) for i in range(8)),
    *(("decode", 0, 1 << i, c << i) for i in range(7) for c in (20, 60)),
    *(("mixed", 8 << i, 4, 200) for i in range(7)),
)


def fitted(*, off: float = 0.0, worst: float = 0.0) -> Fit:
    """Times that alternate by +-`off`; the one of 16 sequences with 960 tokens is `worst` off."""
    found = []
    for i, size in enumerate(SIZES):
        one = Observation(*size, 1.0)
        seconds = predicted_s(TINY, one) * (1 + (off if i % 2 else -off))
        seconds *= 1 + worst * (size == ("decode", 0, 16, 960))
        found.append(replace(one, seconds=seconds, spread=0.02))
    return fit(found, LIMITS, name="found", source="a test", outside_s=TINY.outside_s)


def printed(table: Table) -> str:
    console = Console(file=StringIO(), width=150)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_good_fit_is_told_in_one_sentence_with_its_worst_point() -> None:
    found = fitted(worst=0.5)
    assert is_good(found)
    told = verdict(found)
    least = min(quality.r2 or 0.0 for quality in found.quality.values())
    assert least == found.quality["decode"].r2
    assert told.startswith(f"A good fit: it explains {least:.1%} or more of the variation of each")
    assert f"; median error {found.overall.median_error:.1%}, worst 30% at 16 sequences" in told
    assert "with 960 tokens of context (measured 27.6 ms, fitted 19.2 ms)." in told


@pytest.mark.parametrize(
    ("off", "begins", "good"),
    [(0.02, "A good fit", True), (0.08, "A usable fit", True), (0.5, "A BAD FIT, do not", False)],
)
def test_the_grade_follows_the_errors(off: float, begins: str, good: bool) -> None:
    found = fitted(off=off)
    assert verdict(found).startswith(begins)
    assert is_good(found) == good


def test_the_costs_are_spelled_out() -> None:
    lines = costs(fitted()).splitlines()
    assert lines[0].startswith("prompts: ")
    assert lines[0].endswith("a token; outside the engine 4 ms")
    assert lines[1] == "decoding: 8 ms a step + 0.45 a sequence + 0.0033 a token of context"
    found = fitted()
    distserve = replace(found, profile=load_profile("opt-66b-4xa100-distserve"))
    told = costs(distserve)
    assert "0.21287 a token + 4.601e-05 a token squared; outside the engine 0 ms" in told
    assert "a token of context (below 95 sequences)\ndecoding: 40.86" in told


def test_the_tables_have_every_kind_and_mark_the_worst() -> None:
    found = fitted(worst=0.5)
    errors = printed(qualities(found))
    for name in ("prefill", "decode", "mixed", "all"):
        assert name in errors
    assert "2.0%" in errors, "how far repetitions differ"
    rows = printed(comparison(found)).splitlines()
    (worst,) = [row for row in rows if "960" in row]
    assert "27.6" in worst
    assert worst.rstrip("│ ").endswith("%*")
    assert sum("*" in row for row in rows) == 3, "one of each kind"


def test_all_measurements_are_written(tmp_path: Path) -> None:
    found = fitted(off=0.02)
    write_points(found, tmp_path / "new" / "points.csv")
    with (tmp_path / "new" / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(SIZES)
    row, one = rows[10], found.observations[10]
    assert (row["kind"], int(row["sequences"])) == (one.kind, one.sequences)
    assert int(row["context_tokens"]) == one.context_tokens
    assert float(row["measured_ms"]) == pytest.approx(1e3 * one.seconds, abs=1e-3)
    fitted_ms = 1e3 * predicted_s(found.profile, one)
    assert float(row["fitted_ms"]) == pytest.approx(fitted_ms, abs=1e-3)
