"""How a campaign's command begins: its options, its spec's errors, vLLM, its directory."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from andes_backend.lab.campaign import command, files
from andes_backend.lab.campaign.command import (
    add_jobs,
    add_out,
    add_seeds,
    run_command,
    running_of,
    seeds_of,
)
from andes_backend.lab.campaign.files import new_directory, write_about
from andes_backend.lab.campaign.spec import Spec, SpecError


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_seeds(parser, default=3)
    add_jobs(parser)
    add_out(parser, Path("results/fair"))
    return parser.parse_args(words)


@pytest.fixture
def has_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "has_vllm", lambda: True)


def test_seeds_follow_each_other() -> None:
    assert seeds_of(parse()) == range(3)
    assert seeds_of(parse("--seed", "5", "--seeds", "2")) == range(5, 7)


def test_a_spec_has_the_command_line_and_as_many_processes_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/andes", "twin", "--seeds", "2"])
    cores = len(os.sched_getaffinity(0))
    spec = Spec(**running_of(parse()))
    assert spec == Spec(
        command=["andes", "twin", "--seeds", "2"], out=Path("results/fair"), jobs=cores
    )
    given = Spec(**running_of(parse("--jobs", "7", "--out", "here")))
    assert (given.out, given.jobs) == (Path("here"), 7)


@pytest.mark.parametrize("words", ["--jobs 0", "--seeds 0", "--seed -1"])
def test_numbers_that_cannot_be_are_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse(*words.split())
    assert left.value.code == 2
    assert "must be a whole number" in capsys.readouterr().err


@pytest.mark.usefixtures("has_vllm")
def test_a_command_ends_as_its_run_does() -> None:
    assert run_command("twin", lambda: lambda: 130) == 130


@pytest.mark.usefixtures("has_vllm")
@pytest.mark.parametrize("error", [SpecError("--seeds are few"), OSError("no such trace")])
def test_what_is_wrong_with_a_spec_is_said_in_a_line(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare() -> Callable[[], int]:
        raise error

    assert run_command("plan", prepare) == 2
    assert capsys.readouterr().err == f"andes plan: {error}\n"


@pytest.mark.usefixtures("has_vllm")
def test_what_goes_wrong_later_keeps_its_traceback() -> None:
    def run() -> int:
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        run_command("fair", lambda: run)


def test_without_vllm_nothing_is_prepared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "has_vllm", lambda: False)
    assert run_command("fair", lambda: pytest.fail("it was prepared")) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "andes fair: vLLM is not installed, and this command runs vLLM's scheduler"
    )
    assert "docs/installing-vllm.md" in error
    assert run_command("fair", lambda: pytest.fail("it was"), without_vllm="get vLLM") == 1
    assert capsys.readouterr().err == "andes fair: get vLLM\n"


def test_directories_of_the_same_second_have_different_names(tmp_path: Path) -> None:
    made = [new_directory(tmp_path / "results", "twin") for _ in range(20)]
    assert len(set(made)) == 20
    assert all(one.is_dir() and one.name.startswith("twin-") for one in made)


def test_the_file_about_a_campaign_has_command_date_versions_and_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "now", lambda: "today")
    monkeypatch.setattr(files, "versions", lambda: {"python": "3"})
    path = tmp_path / "sweep.json"
    write_about(path, Spec(command=["andes", "twin"]), {"rates": [2.0]})
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {
        "command": ["andes", "twin"],
        "date": "today",
        "versions": {"python": "3"},
        "rates": [2.0],
    }
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_about(path, Spec(), {"rates": [float("nan")]})
