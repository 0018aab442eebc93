"""`andes plan --url`, as far as that goes without a server: what its calibration is told."""

import argparse
import dataclasses
from pathlib import Path

import pytest

from andes_backend.lab.calibrate import session
from andes_backend.lab.plan import command
from andes_backend.lab.plan.live import calibrated
from andes_backend.profile import load_profile


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[session.Options]:
    """What was to be calibrated; each time it comes to the profile of another server."""
    seen: list[session.Options] = []

    def calibrate(options: session.Options) -> int:
        seen.append(options)
        options.out.write_text(load_profile("llama-3-8b-a40").to_json())
        return 0

    monkeypatch.setattr(session, "calibrate", calibrate)
    return seen


def plan(folder: Path, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    served = ("--url", "http://127.0.0.1:1", "--model", "tiny", "--out", str(folder))
    return parser.parse_args(["plan", *served, *words])


def test_limits_of_the_command_line_go_before_what_the_server_says(
    asked: list[session.Options], tmp_path: Path
) -> None:
    calibrated(plan(tmp_path, "--kv-tokens", "2000", "--block-size", "8"))
    limits = ("--max-sequences", "7", "--max-step-tokens", "99")
    calibrated(plan(tmp_path, *limits, "--repetitions", "2"))
    calibrated(plan(tmp_path))
    unsaid = {field.name: field.default for field in dataclasses.fields(session.Options)}
    names = ("kv_tokens", "block_size", "max_sequences", "max_step_tokens", "repetitions")
    said = [{name: getattr(options, name) for name in names} for options in asked]
    plain = {name: unsaid[name] for name in names}
    assert said == [
        {**plain, "kv_tokens": 2000, "block_size": 8},
        {**plain, "max_sequences": 7, "max_step_tokens": 99, "repetitions": 2},
        plain,
    ]


def test_what_was_measured_is_not_measured_again(
    asked: list[session.Options], tmp_path: Path
) -> None:
    name, profile, directory = calibrated(plan(tmp_path))
    assert (name, profile) == ("tiny", load_profile("llama-3-8b-a40"))
    assert (directory / "profile.json").exists()
    assert calibrated(plan(tmp_path, "--resume", str(directory))) == (name, profile, directory)
    assert len(asked) == 1
