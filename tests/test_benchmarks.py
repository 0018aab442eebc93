"""The benchmarks run, at a tiny size, and print their tables; how fast is nobody's claim here."""

import importlib.util
import json
import re
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # whole benchmarks, in small

HAS_VLLM = importlib.util.find_spec("vllm") is not None
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def run(script: str, *options: str) -> str:
    """What a benchmark prints."""
    command = [sys.executable, str(BENCHMARKS / script), *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def run_with_vllm(script: str, *options: str) -> str:
    """What a benchmark prints that imports vLLM, where it is installed: see tests/forked.py."""
    if not HAS_VLLM:
        return run(script, *options)
    from tests import forked

    done = forked.run([sys.executable, str(BENCHMARKS / script), *options])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pacing_prints_figures_beside_their_targets() -> None:
    table = run("pacing.py", "--streams=20", "--runs=1", "--seconds=0.3", "--words=100")
    for text in ("bare", "paced", "target", "20 streams", "<= 2 x", "<= +6 KiB"):
        assert text in table


def test_flashes_are_counted_with_the_guard_and_without() -> None:
    table = run("flashes.py", "--texts=3")
    for text in ("3 texts", "fast", "slow", "no guard", "the guard", "longest hold"):
        assert text in table


def test_smoothing_is_measured_beside_what_could_be_had() -> None:
    table = run("smoothing.py", "--patterns=2", "--window=0.4")
    for text in ("smooth(0.4)", "5-15 tokens", "of raw", "hindsight", "lag p50", "first"):
        assert text in table


@pytest.mark.skipif(not find_library("espeak-ng"), reason="espeak-ng is not installed")
def test_text_by_a_clock_is_near_a_voice_when_it_takes_what_it_costs_aloud() -> None:
    table = run("speech.py", "de", "tr")
    rows = [row for row in re.findall(r"espeak-ng(.*)", table) if row]
    assert len(rows) == 4
    for row in rows:
        _, letters, _, _, aloud, _ = map(float, re.findall(r"[\d.]+", row))
        assert aloud < letters / 3


def test_anti_stall_gives_the_same_figures_every_time() -> None:
    tables = [run("anti_stall.py", "--responses=2", "--tokens=40") for _ in range(2)]
    assert tables[0] == tables[1]
    for text in ("on/off", "gamma", "bursty 5", "bursty 16", "1.25", "stalled", "QoE"):
        assert text in tables[0]


def test_the_chat_is_measured_in_two_terminals() -> None:
    table = run("chat.py", "--words=100", "--keys=1", "--seconds=0.5")
    for text in ("80 x 24", "200 x 60", "key to screen", "processor", "<= 15", "<= 100"):
        assert text in table


@pytest.mark.skipif(not HAS_VLLM, reason="vLLM is not installed")
def test_what_reports_cost_is_measured_at_both_ends() -> None:
    table = run("report_cost.py", "--streams=20", "--runs=1", "--seconds=1", "--steps=5")
    for text in ("20 streams", "<= 0.2", "not reported", "<= 1.05 x", "front end", "<= 50", "p99"):
        assert text in table


@pytest.mark.skipif(not HAS_VLLM, reason="vLLM is not installed")
@pytest.mark.parametrize("load", [("--groups=2",), ("--overload", "--requests=30")])
def test_questions_behind_long_prompts_are_measured_with_a_threshold_and_without(
    load: tuple[str, ...],
) -> None:
    table = run_with_vllm("short_behind_long.py", "--seeds=1", "--slower=4", *load)
    for text in ("stock", "qoe", "none", "256", "QoE: short", "longest wait", "4 times slower"):
        assert text in table


@pytest.mark.skipif(not HAS_VLLM, reason="vLLM is not installed")
@pytest.mark.parametrize("load", [("--prompts=1",), ("--all-long", "--requests=20")])
def test_long_prompts_are_measured_with_the_step_budget_and_without(load: tuple[str, ...]) -> None:
    table = run_with_vllm("long_prompts.py", "--seeds=1", *load)
    for text in ("stock", "plain", "qoe", "longest", "1.00 x", "llama-3"):
        assert text in table


@pytest.mark.skipif(not HAS_VLLM, reason="vLLM is not installed")
def test_the_panel_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    rows = ("--rows=small 3/s,mooncake", "--variants=off", "--seeds=1", "--requests=8")
    out = run_with_vllm("panel.py", *rows, "--policies=stock,margin none", f"--out={tmp_path}")
    (directory,) = tmp_path.iterdir()
    assert "below" in out
    results = directory / "results.jsonl"
    before = results.read_text().splitlines()
    assert len(before) == 4
    out = run_with_vllm("panel.py", *rows, "--policies=stock,qoe,bound", f"--resume={directory}")
    after = results.read_text().splitlines()
    assert after[:4] == before
    assert {json.loads(line)["policy"] for line in after[4:]} == {"qoe", "bound"}
    assert len(after) == 8
    figures = [json.loads(line)["figures"] for line in after]
    assert all(0 < one["qoe"] <= 1 for one in figures)
    assert "small 3/s" in (directory / "panel.txt").read_text()


SCRIPTS = sorted(path.name for path in BENCHMARKS.glob("*.py") if path.name != "table.py")


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_benchmark_explains_itself(script: str) -> None:
    assert "--help" in run_with_vllm(script, "--help")


@pytest.mark.skipif(not HAS_VLLM, reason="vLLM is not installed")
def test_the_same_workload_runs_on_the_vllm_that_is_installed() -> None:
    """What is run for every release, on the one that is here."""
    figures = json.loads(
        run_with_vllm("vllm_versions.py", "--figures", "--requests=20").splitlines()[-1]
    )
    assert {"stock", "priority", "qoe"} <= figures.keys()
    for one in figures.values():
        assert 0 < one["qoe"] <= 1
        assert one["ttft"] > 0


def test_tables_are_printed_without_rich_as_well() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['rich'] = None; "
        "from table import print_table; "
        "print_table('Title', ('what', 'ms'), [('first', '1.25'), ('2nd', '10')])"
    )
    command = [sys.executable, "-c", program, str(BENCHMARKS)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert out == "Title\nwhat     ms\nfirst  1.25\n2nd      10\n"


def test_first_audio_is_measured_also_without_its_peers() -> None:
    table = run("first_audio.py", "--runs=1", "--kind=list")
    for text in ("First audio", "list, slow", "list, usual", "list, bursty", "ours p95", "between"):
        assert text in table
