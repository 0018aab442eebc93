"""The command line of `andes twin`: errors before anything runs, and the real thing."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from andes_backend.lab.campaign import command as campaign_command
from andes_backend.lab.campaign.files import read_lines
from andes_backend.lab.twin.results import NOT_REPEATABLE
from andes_backend.lab.twin.setup import POLICIES
from andes_backend.lab.twin.sweep import command, session
from andes_backend.lab.twin.sweep.spec import SweepSpec
from tests import forked

ANDES = [sys.executable, "-m", "andes_client", "twin"]


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["twin", *words])


def status(*words: str) -> int:
    arguments = parse(*words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[SweepSpec]:
    """What would have been run, on a machine that has vLLM."""
    seen: list[SweepSpec] = []

    def note(spec: SweepSpec) -> int:
        seen.append(spec)
        return 0

    monkeypatch.setattr(session, "run", note)
    monkeypatch.setattr(campaign_command, "has_vllm", lambda: True)
    return seen


def test_adding_the_command_imports_nothing_heavy() -> None:
    """Every `andes` command pays for what is imported here."""
    program = "import sys, andes_backend.lab.twin.sweep.command; print('\\n'.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    heavy = {"numpy", "rich", "matplotlib", "multiprocessing", "vllm", "torch"}
    assert not heavy & {name.partition(".")[0] for name in out.split()}


def test_stock_against_qoe_is_what_is_run_by_default(specs: list[SweepSpec]) -> None:
    assert status() == 0
    (spec,) = specs
    points = spec.sweep.points()
    assert [(p.policy, p.cell.profile, p.cell.rate, p.cell.arrivals, p.seed) for p in points] == [
        (policy, "opt-66b-4xa100", 3.0, "poisson", 0) for policy in ("stock", "qoe")
    ]
    assert len(points[0].workload().requests) == 250
    assert spec.jobs == len(os.sched_getaffinity(0))
    assert spec.out == Path("results")
    assert spec.workload["requests"] == 250
    assert not {"rate", "seed", "arrivals"} & spec.workload.keys()


def test_every_list_is_an_axis(specs: list[SweepSpec]) -> None:
    words = (
        ("--profile", "opt-66b-4xa100, llama-3-8b-a40"),
        ("--policies", "stock,qoe,round-robin"),
        ("--rate", "2.8,3.3"),
        ("--arrivals", "gamma:cv=1", "--arrivals", "duty:intensity=2,duration=0.35,period=60"),
        ("--seeds", "3", "--seed", "10"),
        ("--kv-tokens", "40000,59000"),
        ("--set", "horizon_s=2,4", "--set", "decode_headroom=0,0.1"),
        ("--prefix-caching", "on,off"),
        ("--kv-restore-gb-s", "off,20"),
        ("--async-scheduling", "on,off"),
        ("--max-num-active-seqs", "8,64"),
        ("--watermark", "0,0.1"),
        ("--long-prefill-token-threshold", "0,256"),
    )
    assert status(*(word for some in words for word in some), "--requests", "5") == 0
    sweep = specs[0].sweep
    assert list(sweep.profiles) == ["opt-66b-4xa100", "llama-3-8b-a40"]
    assert sweep.rates == (2.8, 3.3)
    assert list(sweep.arrivals) == ["gamma:cv=1", "duty:intensity=2,duration=0.35,period=60"]
    assert list(sweep.seeds) == [10, 11, 12]
    assert sweep.kv_tokens == (40_000, 59_000)
    assert sweep.settings == {"horizon_s": (2, 4), "decode_headroom": (0, 0.1)}
    assert (sweep.prefix_caching, sweep.async_scheduling) == ((True, False), (True, False))
    assert sweep.kv_restore_gb_s == (None, 20.0)
    assert (sweep.max_num_active_seqs, sweep.watermark) == ((8, 64), (0.0, 0.1))
    assert sweep.long_prefill_token_threshold == (0, 256)
    cells = 2 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 2
    assert len(sweep.points()) == cells * 3 * (1 + 2 * 4)


def test_readers_may_do_more_than_read_on(specs: list[SweepSpec]) -> None:
    text = "restless:pausing=0.2,leaving=0.25"
    assert status("--behaviour", text, "--jitter-ms", "50-500", "--requests", "40") == 0
    (spec,) = specs
    point = spec.sweep.points()[0]
    assert point.setup.jitter_s == (0.05, 0.5)
    assert spec.workload["behaviour"] == text
    assert spec.workload["jitter_s"] == [0.05, 0.5]
    restless = {request.behaviour for request in point.workload().requests}
    assert len(restless) > 5


def test_readers_who_read_on_are_not_mentioned(specs: list[SweepSpec]) -> None:
    """The same command as ever writes the same lines as ever."""
    assert status() == 0
    assert not {"behaviour", "jitter_s"} & specs[0].workload.keys()


def test_the_names_of_before_are_accepted(
    specs: list[SweepSpec], caplog: pytest.LogCaptureFixture
) -> None:
    assert status("--set", "growth_reserve=0,0.1", "--reload-gb-s", "off,20") == 0
    sweep = specs[0].sweep
    assert sweep.settings == {"decode_headroom": (0, 0.1)}
    assert sweep.kv_restore_gb_s == (None, 20.0)
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "the setting growth_reserve is now called decode_headroom" in warning


def test_a_setting_under_both_of_its_names_is_refused(
    specs: list[SweepSpec], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status("--set", "max_wait_s=9", "--set", "overdue_after_s=9") == 2
    assert not specs
    said = capsys.readouterr().err
    assert "andes.max_wait_s is the old name of andes.overdue_after_s, and you give both" in said


def test_a_trace_comes_as_it_came_unless_a_rate_is_given(
    tmp_path: Path, specs: list[SweepSpec]
) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:46.6805900,374,44\n"
        "2023-11-16 18:15:50.9951690,396,109\n"
    )
    words = ("--trace", str(trace), "--requests", "2")
    assert status(*words) == 0
    assert status(*words, "--rate", "1,2") == 0
    first, second = specs
    assert [(cell.rate, cell.arrivals) for cell in first.sweep.cells()] == [(None, None)]
    assert [cell.rate for cell in second.sweep.cells()] == [1.0, 2.0]
    assert [r.prompt_tokens for r in first.sweep.points()[0].workload().requests] == [374, 396]


@pytest.mark.parametrize(
    ("words", "bounds"),
    [((), ()), (("--bound",), (inf,)), (("--bound", "any,300"), (inf, 300.0))],
)
def test_bounds_are_made_if_asked_for(
    words: tuple[str, ...], bounds: tuple[float, ...], specs: list[SweepSpec]
) -> None:
    assert status(*words) == 0
    assert tuple(specs[0].bounds) == bounds


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--policies best", "unknown policy 'best'; the policies are: stock, priority"),
        ("--policies stock,,qoe", "unknown policy ''"),
        ("--policies qoe,qoe", "qoe is given twice in 'qoe,qoe'"),
        ("--rate 3,fast", "'fast' must be a number of requests/s above 0"),
        ("--rate 3,3.0", "3 is given twice in '3,3.0'"),
        ("--arrivals gamma:cv=no", "gamma: cv must be a number, not 'no'"),
        ("--seeds 0", "'0' must be a whole number, 1 or more"),
        ("--seed -1", "'-1' must be a whole number, 0 or more"),
        ("--requests many", "'many' must be a whole number, 1 or more"),
        ("--kv-tokens 0", "'0' must be a whole number, 1 or more"),
        ("--set horizon_s", "'horizon_s' must be NAME=VALUE with one of the settings default_ttft"),
        ("--set speed=1", "'speed=1' must be NAME=VALUE with one of the settings default_ttft"),
        ("--set policy=qoe", "'policy=qoe' must be NAME=VALUE with one of the settings"),
        ("--set horizon_s=4,0", "andes.horizon_s must be finite and at least 0.001, not 0"),
        ("--set horizon_s=4,four", "andes.horizon_s must be a number, not 'four'"),
        ("--prefix-caching yes", "'yes' must be on or off"),
        ("--async-scheduling on,on", "on is given twice in 'on,on'"),
        ("--kv-restore-gb-s fast", "'fast' must be a number of GB/s above 0, or off"),
        ("--kv-restore-gb-s 0", "'0' must be a number of GB/s above 0, or off"),
        ("--long-prefill-token-threshold 2.5", "'2.5' must be a whole number of tokens, 0 or more"),
        ("--long-prefill-token-threshold -1", "'-1' must be a whole number of tokens"),
        ("--bound late", "'late' must be a number of seconds above 0, or any"),
        ("--bound 0", "'0' must be a number of seconds above 0, or any"),
        ("--bound any,any", "is given twice in 'any,any'"),
        ("--behaviour calm", "unknown behaviour 'calm'; choose from: restless"),
        ("--behaviour restless:pausing=2", "restless: pausing must be a share, 0 to 1, not 2.0"),
        ("--jitter-ms 50", "'50' must be FROM-TO in milliseconds, as in 50-500"),
        ("--jitter-ms 500-50", "'500-50' must rise, from 0 to 60000 at most"),
        ("--jitter-ms 0-60001", "'0-60001' must rise, from 0 to 60000 at most"),
        ("--jitter-ms nan-5", "'nan' must be a number"),
        ("--jobs 0", "'0' must be a whole number, 1 or more"),
        ("--detail high", "'high' must be a number of requests/s above 0"),
        ("--request -1", "'-1' must be a whole number, 0 or more"),
        ("--profile opt-66b-4xa100,", "there is a comma with no name before or after it"),
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
        ("--profile gpt-9", "unknown profile 'gpt-9': give the path of a .json file, or one"),
        ("--profile missing.json", "missing.json"),
        ("--set horizon_s=2 --set horizon_s=4", "--set horizon_s is given twice"),
        ("--arrivals poisson --arrivals poisson", "--arrivals poisson is given twice"),
        ("--policies stock --set horizon_s=2", "stock have no settings: drop horizon_s, or add"),
        ("--lengths missing.csv", "missing.csv"),
        ("--trace missing.csv", "missing.csv"),
        ("--kv-tokens 59000,100", "output tokens, but the KV cache holds 84: it could never"),
        ("--rate 2,3 --detail 4", "--detail 4 is not one of the rates of --rate"),
        ("--rate 2,3 --request 1", "--request needs a single workload"),
        ("--behaviour restless --bound", "--bound is of readers who read on to the end"),
        ("--request 250", "--request 250: the requests are 0 to 249"),
    ],
)
def test_what_cannot_be_run_is_found_before_anything_runs(
    words: str,
    message: str,
    tmp_path: Path,
    specs: list[SweepSpec],
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert status(*words.split(), "--out", str(out)) == 2
    error = capsys.readouterr().err
    assert error.startswith("andes twin: ")
    assert message in error
    assert not specs
    assert not out.exists()


def test_without_vllm_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(campaign_command, "has_vllm", lambda: False)
    assert status() == 1
    error = capsys.readouterr().err
    assert error.startswith("andes twin: vLLM is not installed")
    assert "pip install 'andes-streaming[server]'" in error
    assert "docs/installing-vllm.md" in error


@pytest.mark.parametrize("words", [["--list-profiles"], ["--profile", "list"]])
def test_the_profiles_can_be_listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert status(*words) == 0
    out = capsys.readouterr().out
    assert "opt-66b-4xa100" in out
    assert "59,000" in out


def test_the_help_names_all_policies(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--help")
    text = "".join(capsys.readouterr().out.split())  # it is wrapped, at hyphens too
    assert all(policy in text for policy in POLICIES)


# The real thing


@pytest.fixture(scope="module")
def vllm() -> None:
    """Skips, or fails if vLLM is required, without it."""
    if campaign_command.has_vllm():
        return
    assert os.environ.get("ANDES_REQUIRE_VLLM") != "1", "vLLM is not installed"
    pytest.skip("vLLM is not installed: the twin was not run")


def only(folder: Path) -> Path:
    (directory,) = folder.iterdir()
    return directory


def repeatable(directory: Path) -> list[dict[str, Any]]:
    lines = read_lines(directory / "results.jsonl")
    return [{k: v for k, v in line.items() if k not in NOT_REPEATABLE} for line in lines]


@pytest.mark.slow
@pytest.mark.usefixtures("vllm")
def test_two_policies_side_by_side(tmp_path: Path) -> None:
    """30 requests at once for little memory, twice; in the second run one after the other.

    The first is the command as users run it, from an interpreter of its own on. It sorts sets
    otherwise than the second does, as their order hangs on the hash seed.
    """
    words = ("--requests", "30", "--rate", "20", "--kv-tokens", "4000", "--max-length", "800")
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    first, second = tmp_path / "first", tmp_path / "second"
    command = [*ANDES, *words, "--jobs", "2", "--keep-requests", "--out", str(first)]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    again = forked.run([*ANDES, *words, "--jobs", "1", "--out", str(second)])
    assert (again.returncode, again.stderr) == (0, "")

    lines = repeatable(only(first))
    assert lines == repeatable(only(second))
    assert [line["policy"] for line in lines] == ["stock", "qoe"]
    for line in lines:
        assert line["error"] is None
        assert line["summary"]["requests"] == 30
        assert line["summary"]["failed"] == line["summary"]["tokens_lost"] == 0
    assert lines[0]["summary"]["qoe_mean"] < lines[1]["summary"]["qoe_mean"]

    directory = only(first)
    assert {path.name for path in directory.iterdir()} == {
        "distributions.png",
        "request.png",
        "requests",
        "results.jsonl",
        "state.png",
        "sweep.json",
        "table.txt",
        "worker.log",
    }
    assert "qoe / stock" in ran.stdout
    assert "Who waited; s beyond the expected time" in ran.stdout
    assert (directory / "table.txt").read_text() in ran.stdout
    about = json.loads((directory / "sweep.json").read_text(), parse_constant=pytest.fail)
    assert about["profiles"]["opt-66b-4xa100"]["kv_tokens"] == 59_000
    kept = json.loads((directory / "requests" / "0001-qoe.json").read_text())
    assert kept["summary"]["qoe_mean"] == lines[1]["summary"]["qoe_mean"]
    assert len(kept["requests"]) == 30


@pytest.mark.slow
@pytest.mark.usefixtures("vllm")
def test_ctrl_c_reports_what_is_done_and_a_killed_process_only_its_point(tmp_path: Path) -> None:
    """Far more points than anybody waits for: a process is killed, then Ctrl-C."""
    rates = ",".join(f"{4 + i / 100:g}" for i in range(200))
    words = ("--rate", rates, "--requests", "100", "--jobs", "1", "--out", str(tmp_path))
    with forked.start([*ANDES, *words]) as program:
        results = wait_for_lines(program, tmp_path, 1)
        (worker,) = workers(program.pid)
        os.kill(worker, signal.SIGKILL)
        wait_for_lines(program, tmp_path, 3)
        os.killpg(program.pid, signal.SIGINT)
        ended = program.communicate()
    assert (ended.returncode, ended.stderr) == (130, "")
    assert "failed: its process was killed by SIGKILL" in ended.stdout
    assert "interrupted; reporting the results so far" in ended.stdout
    lines = read_lines(results)
    assert [line["point"] for line in lines] == list(range(len(lines)))
    assert sum(line["error"] is not None for line in lines) == 1
    assert (results.parent / "table.txt").exists()
    assert "Who waited (requests/s 4" in (results.parent / "waits.txt").read_text()


def wait_for_lines(program: forked.Program, out: Path, count: int) -> Path:
    """Wait until so many points have ended; the file of results."""
    while program.poll() is None:
        found = list(out.glob("*/results.jsonl"))
        if found and found[0].read_text().count("\n") >= count:
            return found[0]
        time.sleep(0.05)  # another program's time, not ours
    pytest.fail(f"it ended too early: {program.communicate()}")


def workers(program: int) -> list[int]:
    """The processes of its pool: forked from its fork server, which is a child of its own."""
    return [worker for child in children(program) for worker in children(child)]


def children(parent: int) -> list[int]:
    return list(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))
