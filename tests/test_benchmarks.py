"""The benchmarks run, at a tiny size, and print their tables; how fast is nobody's claim here."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def run(script: str, *options: str) -> str:
    """What a benchmark prints."""
    command = [sys.executable, str(BENCHMARKS / script), *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_pacing_prints_figures_beside_their_targets() -> None:
    table = run("pacing.py", "--streams=20", "--runs=1", "--seconds=0.3", "--words=100")
    for text in ("bare", "paced", "target", "20 streams", "<= 2 x", "<= +6 KiB"):
        assert text in table


def test_anti_stall_gives_the_same_figures_every_time() -> None:
    tables = [run("anti_stall.py", "--responses=2", "--tokens=40") for _ in range(2)]
    assert tables[0] == tables[1]
    for text in ("on/off", "gamma", "bursty 5", "bursty 16", "1.25", "stalled", "QoE"):
        assert text in tables[0]


@pytest.mark.parametrize("script", ["pacing.py", "pacing_measures.py", "anti_stall.py"])
def test_every_benchmark_explains_itself(script: str) -> None:
    assert "--help" in run(script, "--help")


def test_tables_are_printed_without_rich_as_well() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['rich'] = None; "
        "from table import print_table; "
        "print_table('Title', ('what', 'ms'), [('first', '1.25'), ('2nd', '10')])"
    )
    command = [sys.executable, "-c", program, str(BENCHMARKS)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert out == "Title\nwhat     ms\nfirst  1.25\n2nd      10\n"
