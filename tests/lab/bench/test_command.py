"""The command line of `andes bench`: defaults, and errors that say what to do."""

import argparse
import dataclasses
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from andes_backend.lab.bench import command, session
from andes_backend.lab.bench import compare as compare_module
from andes_backend.lab.bench.compare import Comparison
from andes_backend.lab.bench.kept import write_options
from andes_backend.lab.bench.load import Target
from andes_backend.lab.bench.measure import Plan
from tests.lab.bench.fake_server import FakeServer


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["bench", *words])


def status(*words: str) -> int:
    arguments = parse(*words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


RUN = ("run", "--url", "http://127.0.0.1:8000", "--model", "m")


def test_adding_the_command_imports_nothing_heavy() -> None:
    """Every `andes` command pays for what is imported here."""
    program = "import sys, andes_backend.lab.bench.command; print('\\n'.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    heavy = {"numpy", "httpx2", "rich", "matplotlib", "tokenizers", "asyncio", "vllm", "torch"}
    assert not heavy & {name.partition(".")[0] for name in out.split()}


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Comparison, Path | None]]:
    """What would be compared, and the directory to resume; nothing is started."""
    seen: list[tuple[Comparison, Path | None]] = []

    def note(comparison: Comparison, *, resume: Path | None = None) -> int:
        seen.append((comparison, resume))
        return 0

    monkeypatch.setattr(compare_module, "compare", note)
    return seen


def test_compare_is_the_overload_run_by_default(
    compared: list[tuple[Comparison, Path | None]],
) -> None:
    """3 requests/s for 160 blocks of 32 tokens, stock vLLM against the qoe policy."""
    assert status("compare") == 0
    ((comparison, resume),) = compared
    assert resume is None
    assert comparison.policies == {"stock": None, "qoe": "qoe"}
    assert list(comparison.policies) == ["stock", "qoe"]
    assert comparison.kv_blocks == 160
    assert comparison.layers is None
    (plan,) = comparison.plans
    requests = plan.workload.requests
    assert len(requests) == 250
    assert max(r.prompt_tokens + r.output_tokens for r in requests) == 800
    assert requests[-1].arrival_s == pytest.approx(250 / 3, rel=0.1)
    assert plan.out == Path("results")
    assert plan.settings == {
        "workload": "sharegpt",
        "rate": 3.0,
        "requests": 250,
        "seed": 0,
        "arrivals": "poisson",
        "readers": "reading",
        "ttft": 1.0,
        "lengths": "sharegpt",
        "users": None,
        "trace": None,
        "max_length": 800,
    }


def test_several_rates_are_as_many_workloads(
    compared: list[tuple[Comparison, Path | None]],
) -> None:
    words = ("--rate", "1.6,3,5", "--requests", "15,25,45", "--policies", "stock,fcfs,qoe")
    assert status("compare", *words) == 0
    ((comparison, _),) = compared
    assert list(comparison.policies) == ["stock", "fcfs", "qoe"]
    rates = [(plan.settings["rate"], plan.settings["requests"]) for plan in comparison.plans]
    assert rates == [(1.6, 15), (3.0, 25), (5.0, 45)]
    assert [len(plan.workload.requests) for plan in comparison.plans] == [15, 25, 45]


def test_one_number_of_requests_is_for_all_rates(
    compared: list[tuple[Comparison, Path | None]],
) -> None:
    assert status("compare", "--rate", "2, 4", "--requests", "7") == 0
    ((comparison, _),) = compared
    assert [len(plan.workload.requests) for plan in comparison.plans] == [7, 7]


def test_settings_of_our_scheduler_are_for_all_of_our_policies(
    compared: list[tuple[Comparison, Path | None]],
) -> None:
    words = ("--set", "admission_headroom=2", "--set", "andes_packing=exact")
    assert status("compare", *words) == 0
    ((comparison, _),) = compared
    assert comparison.settings == {"admission_headroom": 2, "andes_packing": "exact"}


def test_a_setting_may_have_its_old_name(
    compared: list[tuple[Comparison, Path | None]], caplog: pytest.LogCaptureFixture
) -> None:
    assert status("compare", "--set", "calm_reserve=2") == 0
    ((comparison, _),) = compared
    assert comparison.settings == {"admission_headroom": 2}
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "the setting calm_reserve is now called admission_headroom" in warning


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "admission_headroom"), "must be NAME=VALUE"),
        (("--set", "policy=qoe"), "must be NAME=VALUE with one of the settings default_ttft"),
        (("--set", "admission_headroom=-1"), "admission_headroom must be finite and at least 0"),
        (("--set", "admission_headroom=1,2"), "admission_headroom must be a number"),
        (("--set", "fairness=1", "--set", "fairness=0"), "--set fairness is given twice"),
        (
            ("--set", "calm_reserve=1", "--set", "admission_headroom=2"),
            "--set: andes.calm_reserve is the old name of andes.admission_headroom, and you give",
        ),
        (("--set", "fairness=1", "--policies", "stock"), "stock has no settings"),
    ],
)
def test_settings_that_cannot_be_set_are_refused(
    compared: list[tuple[Comparison, Path | None]],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    try:
        ended: object = status("compare", *words)
    except SystemExit as stop:
        ended = stop.code
    assert ended in (1, 2)
    assert said in capsys.readouterr().err
    assert not compared


def test_a_comparison_is_resumed_with_its_own_options(
    compared: list[tuple[Comparison, Path | None]], tmp_path: Path
) -> None:
    """Whatever options there were, the directory has them all."""
    words = ("--rate", "1.6,3", "--requests", "5,9", "--policies", "qoe,stock", "--seed", "4")
    more = ("--readers", "mix:speaking=0.4,programs=0.4", "--arrivals", "gamma:cv=3")
    other = ("--kv-blocks", "99", "--max-length", "50", "--ttft", "2", "--out", str(tmp_path))
    settings = ("--set", "fairness=0.25", "--set", "vtc_forecast=average")
    assert status("compare", *words, *more, *other, *settings, "--lengths", "multiround") == 0
    ((first, _),) = compared
    write_options(tmp_path, [*first.words, "--layers", "3"])
    assert status("compare", "--resume", str(tmp_path)) == 0
    again, resume = compared[1]
    assert again == dataclasses.replace(first, layers=3)
    assert resume == tmp_path


def test_a_trace_is_resumed_too(
    compared: list[tuple[Comparison, Path | None]], tmp_path: Path
) -> None:
    """At its own times: without a rate."""
    trace = tmp_path / "burst.csv"
    trace.write_text("Timestamp,Request tokens,Response tokens\n5,6,7\n9,10,11\n")
    assert status("compare", "--trace", str(trace), "--requests", "2") == 0
    ((first, _),) = compared
    assert first.plans[0].settings["rate"] is None
    write_options(tmp_path, first.words)
    assert status("compare", "--resume", str(tmp_path)) == 0
    assert compared[1][0] == first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rate", "1,2,3", "--requests", "4,5"), "--requests has 2 numbers, but --rate has 3"),
        (("--requests", "4,5"), "--requests has 2 numbers, but --rate has 1"),
        (("--policies", "stock,best"), "unknown policy 'best'; the policies are: stock, "),
        (("--resume", "nowhere"), "comparison.json does not describe a comparison (FileNotFound"),
        (("--resume", "x", "--seed", "3"), "the options of its directory: leave out --seed"),
        (("--resume", "x", "--kv-blocks", "3"), "directory: leave out --kv-blocks"),
        (("--resume", "x", "--rate", "3"), "directory: leave out --rate"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_explained(
    compared: list[tuple[Comparison, Path | None]],
    words: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status("compare", *words) == 1
    assert message in capsys.readouterr().err
    assert not compared


def test_make_bench_is_the_whole_comparison(
    compared: list[tuple[Comparison, Path | None]],
) -> None:
    """What the Makefile runs is understood, and is the paper's policy and ours at three rates."""
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()
    (line,) = re.findall(r"andes bench compare (--policies .*)$", makefile, re.MULTILINE)
    arguments = parse("compare", *line.split())
    assert arguments.policies == ("stock", "andes", "qoe")
    assert (arguments.rate, arguments.requests) == ((1.6, 3.0, 5.0), (150, 250, 450))
    assert not compared


def test_run_goes_to_the_server_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[Plan, Target]] = []

    def note(plan: Plan, target: Target) -> int:
        seen.append((plan, target))
        return 0

    monkeypatch.setattr(session, "run", note)
    lengths = tmp_path / "mine.csv"
    lengths.write_text("prompt_tokens,output_tokens\n5,7\n")
    words = ("--url", "https://host:1/v1/", "--requests", "3", "--lengths", str(lengths))
    assert status("run", "--model", "m", *words) == 0
    ((plan, target),) = seen
    assert (target.url, target.model) == ("https://host:1", "m")
    assert [(r.prompt_tokens, r.output_tokens) for r in plan.workload.requests] == [(5, 7)] * 3
    assert plan.settings["workload"] == plan.workload.name == "mine"


def test_run_can_send_a_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failed requests of the trace are left out, and one is told so."""
    seen: list[Plan] = []

    def note(plan: Plan, _target: Target) -> int:
        seen.append(plan)
        return 0

    monkeypatch.setattr(session, "run", note)
    trace = tmp_path / "burst.csv"
    trace.write_text("Timestamp,Request tokens,Response tokens\n5,6,7\n6,8,0\n9,10,11\n")
    words = ("--trace", str(trace), "--requests", "2", "--readers", "reading:programs=1")
    assert status(*RUN, *words) == 0
    (plan,) = seen
    assert [(r.arrival_s, r.prompt_tokens) for r in plan.workload.requests] == [(0, 6), (4, 10)]
    assert all(math.isinf(r.expectation.tds) for r in plan.workload.requests)
    assert plan.settings["trace"] == str(trace)
    assert plan.settings["readers"] == "reading:programs=1"
    error = capsys.readouterr().err
    assert error == f"andes bench: {trace}: skipped 1 line without an answer\n"


def test_a_trace_that_is_too_short_stops_before_the_server_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "burst.csv"
    trace.write_text("Timestamp,Request tokens,Response tokens\n5,6,7\n")
    assert status(*RUN, "--trace", str(trace), "--out", str(tmp_path / "results")) == 1
    assert "burst.csv has 1 request, but 250 were asked for" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_what_the_kv_cache_can_never_hold_stops_before_a_server_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--kv-blocks", "20", "--lengths", "fixed:prompt=400,output=300")
    assert status("compare", *words, "--out", str(tmp_path / "results")) == 1
    error = capsys.readouterr().err
    assert error.startswith("andes bench: request 0 has 400 prompt and 300 output tokens, but the ")
    assert "KV cache holds 608: it could never be served" in error
    assert not (tmp_path / "results").exists()


def test_readers_of_every_kind_are_served_and_recorded(
    fake_server: FakeServer, tmp_path: Path
) -> None:
    words = ("--requests", "30", "--rate", "500", "--lengths", "fixed:prompt=4,output=6")
    more = ("--readers", "mix:speaking=0.4,programs=0.4", "--arrivals", "gamma:cv=3")
    where = ("--url", fake_server.url, "--model", "m", "--out", str(tmp_path))
    assert status("run", *where, *words, *more) == 0
    (file,) = tmp_path.glob("*/run.json")
    record = json.loads(file.read_text())
    assert record["settings"]["readers"] == "mix:speaking=0.4,programs=0.4"
    assert record["settings"]["arrivals"] == "gamma:cv=3"
    speeds = [request["expected_tds"] for request in record["requests"]]
    assert "inf" in speeds
    assert len({speed for speed in speeds if speed != "inf"}) > 3
    assert record["summary"]["failed"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*RUN, "--arrivals", "gamma"), "gamma needs cv: gamma:cv=..."),
        ((*RUN, "--rate", "0"), "'0' must be a number of requests/s above 0"),
        ((*RUN, "--rate", "inf"), "'inf' must be a number of requests/s above 0"),
        ((*RUN, "--rate", "fast"), "'fast' must be a number of requests/s above 0"),
        ((*RUN, "--requests", "0"), "'0' must be a whole number, 1 or more"),
        ((*RUN, "--requests", "2.5"), "'2.5' must be a whole number, 1 or more"),
        ((*RUN, "--seed", "-1"), "'-1' must be a whole number, 0 or more"),
        ((*RUN, "--max-length", "1"), "'1' must be a whole number, 2 or more"),
        (("run", "--model", "m"), "--url"),
        (("run", "--model", "m", "--url", "host:8000"), "'host:8000' is not a URL such as http://"),
        (
            ("compare", "--policies", "stock,,qoe"),
            "'' is not the name of a policy (in 'stock,,qoe')",
        ),
        (("compare", "--policies", "../x"), "'../x' is not the name of a policy"),
        (("compare", "--policies", "qoe,qoe"), "a policy is named twice in 'qoe,qoe'"),
        (("compare", "--kv-blocks", "none"), "'none' must be a whole number, 1 or more"),
        (("compare", "--layers", "0"), "'0' must be a whole number, 1 or more"),
        (("compare", "--layers", "few"), "'few' must be a whole number, 1 or more"),
        (("compare", "--rate", "1,,2"), "'' must be a number of requests/s above 0"),
        (("compare", "--rate", "2,3,2.0"), "2 is given twice in '2,3,2.0'"),
        (("compare", "--requests", "20,0"), "'0' must be a whole number, 1 or more"),
        ((), "COMMAND"),
    ],
)
def test_wrong_words_are_explained(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(*words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(*RUN, "--lengths", str(tmp_path / "none.csv"), "--out", str(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("andes bench: ")
    assert "none.csv" in error


def test_a_bad_line_of_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lengths = tmp_path / "lengths.csv"
    lengths.write_text("prompt_tokens,output_tokens\n5,7\n5,0\n")
    assert status(*RUN, "--lengths", str(lengths), "--out", str(tmp_path)) == 1
    assert "lengths.csv, line 3: output_tokens is '0'" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("run", "--url", "http://127.0.0.1:1", "--model", "m", "--out", str(tmp_path))
    assert status(*words) == 1
    assert "http://127.0.0.1:1 did not serve the first request (ConnectError" in (
        capsys.readouterr().err
    )


def test_a_measurement_from_the_command_line(
    fake_server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--requests", "5", "--rate", "500", "--max-length", "20", "--out", str(tmp_path))
    assert status("run", "--url", fake_server.url + "/v1", "--model", "m", *words) == 0
    assert "QoE, mean" in capsys.readouterr().out
    assert [path.name for path in tmp_path.glob("*/run.json")] == ["run.json"]
