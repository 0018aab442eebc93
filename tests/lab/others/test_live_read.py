"""`andes bench read` against our own measure of the same answers of a real server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from andes_backend.lab.bench.server import Server

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[3]
INSTALLED = os.environ.get("ANDES_OTHER_BENCHMARKS") == "1"
WHY = "LOUD: AIPerf and GuideLLM: ANDES_OTHER_BENCHMARKS=1 installs (minutes) and runs them"


def compared(server: Server, *options: str) -> str:
    """The table, of few requests: what is compared is what each of them says."""
    command = [sys.executable, str(ROOT / "benchmarks" / "other_benchmarks.py")]
    command += [f"--url={server.url}", "--requests=12", "--prompt=30", "--answer=40", *options]
    # On a busy machine a client sees an event later than the proxy does: a digit less than what
    # the benchmark asks for tells seconds from milliseconds, and tokens from chunks.
    done = subprocess.run([*command, "--within=0.1"], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_file_of_vllm_bench_says_what_passed(qoe_server: Server) -> None:
    table = compared(qoe_server, "--tools=vllm")
    assert table.count("12 of 12") == 2
    assert table.count("40.0 / 40.0") == 2


@pytest.mark.skipif(not INSTALLED, reason=WHY)
def test_the_file_of_aiperf_says_what_passed(qoe_server: Server) -> None:
    table = compared(qoe_server, "--tools=aiperf")
    assert table.count("12 of 12") == 2
    assert table.count("40.0 / 40.0") == 2


@pytest.mark.skipif(not INSTALLED, reason=WHY)
def test_guidellm_sends_our_fields(qoe_server: Server) -> None:
    assert compared(qoe_server, "--tools=guidellm").count("12 of 12") == 2
