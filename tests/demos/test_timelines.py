"""The picture of Figure 1: its numbers are those of the formula, and it is drawn."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from andes_demos.timelines import Timeline, draw, main, timelines

from andes_client import Expectation
from andes_client.qoe import digest, qoe

ROOT = Path(__file__).parent.parent.parent
READER = Expectation(ttft=1.0, tds=2.0)


@pytest.fixture(scope="module")
def cases() -> list[Timeline]:
    return timelines(READER, tokens=20)


def test_text_is_released_exactly_when_the_formula_has_it_read(cases: list[Timeline]) -> None:
    for case in cases:
        assert case.released == pytest.approx(digest(case.arrived, READER))
        assert case.qoe == pytest.approx(qoe(case.released, READER))


def test_the_cases_are_told_apart_by_qoe_and_not_by_ttft_or_speed(cases: list[Timeline]) -> None:
    right, wait, tortoise = cases
    assert (right.qoe, wait.qoe) == pytest.approx((1.0, 0.5))
    assert 0.5 < tortoise.qoe < 0.9
    assert right.arrived[0] == tortoise.arrived[0] == right.expected[0]
    assert right.arrived[-1] == pytest.approx(tortoise.arrived[-1])
    assert wait.arrived[-1] < right.arrived[-1], "the long wait's server is even faster"


def test_nobody_is_shown_more_than_they_can_read(cases: list[Timeline]) -> None:
    for case in cases:
        steps = [later - earlier for earlier, later in itertools.pairwise(case.released)]
        assert min(steps) >= 1 / READER.tds - 1e-6


def test_the_picture_is_small_and_has_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "timelines.svg"
    assert main(["--out", str(file)]) == 0
    assert 10_000 < file.stat().st_size < 80_000
    assert file.read_text().count('<g id="axes_') == 3
    printed = capsys.readouterr().out.splitlines()
    for line, case in zip(printed[:3], timelines(), strict=True):
        assert f"QoE {case.qoe:.2f}" in line
        assert f"{case.released[-1]:.1f} s" in line


def test_the_same_run_draws_the_same_file(tmp_path: Path, cases: list[Timeline]) -> None:
    """So that the picture in docs/ changes only when what it shows does."""
    one, two = tmp_path / "1.svg", tmp_path / "2.svg"
    draw(cases, one)
    draw(cases, two)
    assert one.read_bytes() == two.read_bytes()


def test_a_place_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No such file or directory"):
        main(["--out", str(tmp_path / "nowhere" / "timelines.png")])


def test_it_is_one_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "andes_demos.timelines", "--out", "timelines.png"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (tmp_path / "timelines.png").read_bytes().startswith(b"\x89PNG")
