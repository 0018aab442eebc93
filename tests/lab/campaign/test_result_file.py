"""The file of results: strict JSON, there at once, and sorted at the end."""

import json
from pathlib import Path

import pytest

from andes_backend.lab.campaign.files import ResultFile, read_lines


def test_lines_are_there_at_once_and_sorted_at_the_end(tmp_path: Path) -> None:
    file = ResultFile(tmp_path / "results.jsonl")
    for point in (2, 10, 0):
        file.add({"point": point, "figure": 0.1})
        assert read_lines(file.path)[-1] == {"point": point, "figure": 0.1}
    file.sort()
    lines = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert lines == [{"point": point, "figure": 0.1} for point in (0, 2, 10)]
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_what_is_there_stays_if_a_run_goes_on(tmp_path: Path) -> None:
    for point in (0, 1):
        ResultFile(tmp_path / "results.jsonl", go_on=True).add({"point": point})
    assert read_lines(tmp_path / "results.jsonl") == [{"point": 0}, {"point": 1}]


def test_json_is_strict(tmp_path: Path) -> None:
    file = ResultFile(tmp_path / "results.jsonl")
    with pytest.raises(ValueError, match="not JSON compliant"):
        file.add({"point": 0, "figure": float("nan")})
    assert file.path.read_text() == ""


def test_results_are_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").touch()
    with pytest.raises(FileExistsError):
        ResultFile(tmp_path / "results.jsonl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"point": 0}\n{"point": ', "results.jsonl, line 2: not valid JSON"),
        ("[1]\n", r"results.jsonl, line 1: it must be a JSON object, not \[1\]"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_lines(path)
