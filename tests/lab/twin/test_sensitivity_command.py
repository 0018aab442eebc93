"""The command line of `andes sensitivity`: errors before anything runs, and the real thing."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from andes_backend.lab.campaign import command as campaign_command
from andes_backend.lab.campaign.files import read_lines
from andes_backend.lab.twin.saturation import saturation
from andes_backend.lab.twin.sensitivity import command, session
from andes_backend.lab.twin.sensitivity.spec import SensitivitySpec
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Fixed, make_workload
from andes_backend.profile import load_profile


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["sensitivity", *words])


def status(*words: str) -> int:
    arguments = parse(*words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[SensitivitySpec]:
    """What would have been run, on a machine that has vLLM."""
    seen: list[SensitivitySpec] = []

    def note(spec: SensitivitySpec) -> int:
        seen.append(spec)
        return 0

    monkeypatch.setattr(session, "run", note)
    monkeypatch.setattr(campaign_command, "has_vllm", lambda: True)
    return seen


def test_by_default_the_server_has_a_fifth_too_much_to_do(specs: list[SensitivitySpec]) -> None:
    assert status() == 0
    (spec,) = specs
    assert list(spec.policies) == ["stock", "andes", "qoe"]
    assert list(spec.seeds) == [0, 1, 2, 3, 4]
    workload = make_workload(1000, rate=1.0, seed=0)
    assert spec.rate == 1.2 * saturation(load_profile("opt-66b-4xa100"), workload)
    assert len(spec.make(spec.rate, None, 0).requests) == 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--jitter-ms 50", "'50' must be FROM-TO in milliseconds, as in 50-500"),
        ("--jitter-ms a-b", "'a' must be a number"),
        ("--faster much", "'much' must be a number"),
        ("--policies best", "unknown policy 'best'"),
    ],
)
def test_wrong_words_are_explained(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(*words.split())
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--policies qoe", "give two policies or more"),
        ("--missing 2", "--missing must be a share"),
        ("--profile gpt-9", "unknown profile 'gpt-9'"),
        ("--kv-tokens 100", "it could never be served"),
    ],
)
def test_what_cannot_be_run_is_found_before_anything_runs(
    words: str, message: str, specs: list[SensitivitySpec], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(*words.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("andes sensitivity: ")
    assert message in error
    assert not specs


# The real thing


@pytest.fixture(scope="module")
def vllm() -> None:
    """Skips, or fails if vLLM is required, without it."""
    if campaign_command.has_vllm():
        return
    assert os.environ.get("ANDES_REQUIRE_VLLM") != "1", "vLLM is not installed"
    pytest.skip("vLLM is not installed: nothing was simulated")


@pytest.mark.slow
@pytest.mark.usefixtures("vllm")
def test_every_scenario_under_every_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = ("--kv-tokens", "3000", "--lengths", "fixed:prompt=64,output=128")
    load = ("--requests", "60", "--rate", "6", "--seeds", "1")
    run = ("--policies", "stock,qoe", "--jobs", "1", "--out", str(tmp_path))
    assert status(*machine, *load, *run) == 0
    said = capsys.readouterr().out
    (directory,) = tmp_path.iterdir()
    assert {path.name for path in directory.iterdir()} == {
        *("results.jsonl", "sensitivity.json", "sensitivity.png", "table.txt", "worker.log")
    }
    assert (directory / "table.txt").read_text() in said
    about = json.loads((directory / "sensitivity.json").read_text(), parse_constant=pytest.fail)
    lines = read_lines(directory / "results.jsonl")
    assert {line["scenario"] for line in lines} == about["scenarios"].keys()
    qoe = {(x["scenario"], x["policy"]): x["summary"]["qoe_mean"] for x in lines}
    assert len(qoe) == 9 * 2
    assert qoe["as told", "qoe"] > qoe["as told", "stock"]
    # Stock hears nothing of readers: what they say changes nothing.
    assert qoe["30% faster than told", "stock"] == qoe["30% faster, and say so", "stock"]
    assert qoe["50% without hints", "stock"] == qoe["as told", "stock"]
    assert qoe["restless, unheard", "stock"] == qoe["restless, and say so", "stock"]
    assert qoe["jitter 50-500 ms", "stock"] < qoe["as told", "stock"]


@pytest.mark.usefixtures("vllm")
def test_jitter_comes_after_the_server_and_keeps_the_order() -> None:
    from andes_backend.lab.twin.engine import simulate

    workload = make_workload(20, rate=2.0, seed=1, lengths=Fixed(50, 60))
    profile = load_profile("opt-66b-4xa100")
    plain = simulate(workload, Setup(profile=profile, policy="qoe")).outcomes
    uneven = Setup(profile=profile, policy="qoe", jitter_s=(0.05, 0.5))
    late = simulate(workload, uneven).outcomes
    assert late == simulate(workload, uneven).outcomes
    extra = []
    for one, other in zip(plain, late, strict=True):
        assert list(other.times) == sorted(other.times)
        extra += [b - a for a, b in zip(one.times, other.times, strict=True)]
    assert min(extra) >= 0.05
    # In order, a token waits for the slowest before it; the mean is above that of the draws.
    assert 0.275 < sum(extra) / len(extra) < max(extra) <= 0.5
