"""The command line of `andes plan`: errors before anything runs, and the real thing."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from andes_backend.lab.campaign import command as campaign_command
from andes_backend.lab.campaign.files import read_lines
from andes_backend.lab.plan import command, session
from andes_backend.lab.plan.spec import PlanSpec
from andes_backend.lab.plan.store import Store
from tests import forked

# What `andes` runs, whichever subcommands are installed.
PROGRAM = """
import argparse, sys
from andes_backend.lab.plan import command

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    arguments = parser.parse_args()
    sys.exit(arguments.run(arguments))
"""
# Little memory, short requests: a simulation takes a fraction of a second.
SMALL = (
    *("--kv-tokens", "2000", "--lengths", "fixed:prompt=64,output=64", "--requests", "40"),
    *("--policies", "stock,qoe", "--seeds", "2"),
)


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["plan", *words])


def status(*words: str) -> int:
    arguments = parse(*words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[PlanSpec]:
    """What would have been run, on a machine that has vLLM."""
    seen: list[PlanSpec] = []

    def note(store: Store) -> int:
        seen.append(store.spec)
        return 0

    monkeypatch.chdir(tmp_path)  # the results' directory is made
    monkeypatch.setattr(session, "run", note)
    monkeypatch.setattr(campaign_command, "has_vllm", lambda: True)
    return seen


def test_adding_the_command_imports_nothing_heavy() -> None:
    """Every `andes` command pays for what is imported here."""
    program = "import sys, andes_backend.lab.plan.command; print('\\n'.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    heavy = {"numpy", "scipy", "rich", "matplotlib", "multiprocessing", "vllm", "torch", "httpx2"}
    assert not heavy & {name.partition(".")[0] for name in out.split()}


def test_the_paper_s_server_three_policies_and_five_seeds_are_the_default(
    specs: list[PlanSpec],
) -> None:
    assert status() == 0
    (spec,) = specs
    assert spec.profile_name == "opt-66b-4xa100"
    assert list(spec.policies) == ["stock", "andes", "qoe"]
    assert list(spec.seeds) == [0, 1, 2, 3, 4]
    assert (spec.goal.qoe, spec.goal.p10, spec.demand, spec.price) == (0.9, None, None, None)
    assert spec.jobs == len(os.sched_getaffinity(0))


def test_requests_come_for_as_long_at_every_rate(specs: list[PlanSpec]) -> None:
    assert status("--minutes", "2") == 0
    assert status("--requests", "70") == 0
    by_time, by_count = specs
    slow, fast = (by_time.make(rate, "poisson", 3).requests for rate in (1.0, 4.0))
    assert (len(slow), len(fast)) == (120, 480)
    # The very same requests, at four times the rate, and then more.
    same = [(r.prompt_tokens, r.output_tokens, r.expectation) for r in fast[:120]]
    assert same == [(r.prompt_tokens, r.output_tokens, r.expectation) for r in slow]
    assert [len(by_count.make(rate, "poisson", 0).requests) for rate in (1.0, 4.0)] == [70, 70]


def test_limits_replace_those_of_the_profile(specs: list[PlanSpec]) -> None:
    assert status("--kv-tokens", "30000", "--max-step-tokens", "4096") == 0
    profile = specs[0].profile
    assert (profile.kv_tokens, profile.max_step_tokens, profile.gpus) == (30_000, 4096, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--policies best", "unknown policy 'best'; the policies are: stock, priority"),
        ("--qoe high", "'high' must be a number"),
        ("--demand nan", "'nan' must be a number"),
        ("--minutes 0", "'0' must be above 0"),
        ("--seeds 0", "'0' must be a whole number, 1 or more"),
        ("--gpus-per-server 0", "'0' must be a whole number, 1 or more"),
        ("--url here", "'here' is not a URL such as http://127.0.0.1:8000"),
        ("--url http://a --profile b", "not allowed with argument"),
        ("--rate 3", "unrecognized arguments: --rate 3"),
    ],
)
def test_wrong_words_are_explained(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(*words.split())
    assert left.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--demand 0", "--demand must be above 0, not 0"),
        ("--qoe 0.8 --p10 0.9", "--p10 0.9 is above --qoe 0.8"),
        ("--qoe 1.5", "--qoe must be above 0 and at most 1, not 1.5"),
        ("--price 2", "give --demand as well"),
        ("--profile gpt-9", "unknown profile 'gpt-9': give the path of a .json file, or one"),
        ("--kv-tokens 100", "it could never be served"),
        ("--trace missing.csv", "missing.csv"),
        ("--resume nowhere", "--resume nowhere: it has no plan.json of an earlier run"),
        ("--model tiny", "--model names the model of a live server: give its --url as well"),
        ("--repetitions 2", "--repetitions is of a live server's experiments: give its --url"),
        ("--url http://127.0.0.1:1", "--url needs --model, the model's name at that server"),
        ("--url http://127.0.0.1:1 --model tiny", "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_run_is_found_before_anything_runs(
    words: str,
    message: str,
    tmp_path: Path,
    specs: list[PlanSpec],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status(*words.split(), "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert error.startswith("andes plan: ")
    assert message in error
    assert not specs


def test_without_vllm_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(campaign_command, "has_vllm", lambda: False)
    assert status() == 1
    assert "docs/installing-vllm.md" in capsys.readouterr().err


# The real thing


@pytest.fixture(scope="module")
def vllm() -> None:
    """Skips, or fails if vLLM is required, without it."""
    if campaign_command.has_vllm():
        return
    assert os.environ.get("ANDES_REQUIRE_VLLM") != "1", "vLLM is not installed"
    pytest.skip("vLLM is not installed: nothing was planned")


def plan(folder: Path, *words: str) -> list[str]:
    """The command, whose results go into this folder."""
    program = folder / "andes.py"
    program.write_text(PROGRAM)
    return [sys.executable, str(program), "plan", *SMALL, *words, "--out", str(folder)]


def said(ran: subprocess.CompletedProcess[str], code: int) -> str:
    """What it printed, if it ended like this and without a word on standard error."""
    assert (ran.returncode, ran.stderr) == (code, ""), ran.stdout
    return ran.stdout


def settled_rates(out: str) -> dict[tuple[str, str], str]:
    """(policy, seed) -> requests/s, from what was said as searches ended."""
    found = re.findall(r"^(\S+), seed (\d+): (\S+) requests/s", out, re.MULTILINE)
    return {(policy, seed): rate for policy, seed, rate in found}


@pytest.mark.slow
@pytest.mark.usefixtures("vllm")
def test_a_plan_is_interrupted_and_goes_on_to_the_same_answer(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    out = said(forked.run(plan(whole, "--demand", "50", "--price", "2", "--jobs", "1")), 0)
    rates = settled_rates(out)
    assert rates.keys() == {(policy, seed) for policy in ("stock", "qoe") for seed in "01"}
    (results,) = whole.glob("plan-*/results.jsonl")
    directory = results.parent
    assert {path.name for path in directory.iterdir()} == {
        *("answer.txt", "plan.json", "plan.png", "results.jsonl", "worker.log")
    }
    assert (directory / "answer.txt").read_text() in out
    check_brackets(results, rates)

    with forked.start(plan(cut, "--jobs", "1")) as program:
        found = wait_for_lines(program, cut, 3)
        os.killpg(program.pid, signal.SIGINT)
        out = said(program.communicate(), 130)
    assert "interrupted; reporting the results so far" in out
    assert f"--resume {found.parent}" in out
    kept = len(read_lines(found))
    again = said(forked.run(plan(cut, "--jobs", "1", "--resume", str(found.parent))), 0)
    assert settled_rates(again) == rates
    lines = read_lines(found)
    assert len(lines) == len(read_lines(results)) > kept
    assert [line["point"] for line in lines[:kept]] == list(range(kept))
    assert list(cut.glob("plan-*")) == [found.parent]


def check_brackets(results: Path, rates: dict[tuple[str, str], str]) -> None:
    """What is said to be the rate lies where the simulations pass QoE 0.9."""
    for (policy, seed), rate in rates.items():
        points = [
            (line["rate"], line["summary"]["qoe_mean"])
            for line in read_lines(results)
            if (line["policy"], line["seed"]) == (policy, int(seed))
        ]
        for at, qoe in points:
            if at < 0.9 * float(rate):
                assert qoe > 0.9
            if at > 1.1 * float(rate):
                assert qoe < 0.9


def wait_for_lines(program: forked.Program, out: Path, count: int) -> Path:
    """Wait until so many points have ended; the file of results."""
    while program.poll() is None:
        found = list(out.glob("plan-*/results.jsonl"))
        if found and found[0].read_text().count("\n") >= count:
            return found[0]
        time.sleep(0.05)  # another program's time, not ours
    pytest.fail(f"it ended too early: {program.communicate()}")


@pytest.mark.slow
@pytest.mark.usefixtures("vllm")
def test_a_target_that_nobody_reaches(tmp_path: Path) -> None:
    """The first token takes 50 ms at least, and readers expect it at once."""
    out = said(forked.run(plan(tmp_path, "--qoe", "1", "--ttft", "0", "--seeds", "1")), 0)
    assert out.count("None of stock, qoe keeps the mean QoE at 1, even at") == 1
