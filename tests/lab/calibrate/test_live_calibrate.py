"""`andes calibrate` and `andes plan --url` on the real vLLM server: no word on speed.

A plan calibrates its server as `andes calibrate` does, which takes most of a minute: one such run
serves both.
"""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import pytest

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.server import Server
from andes_backend.lab.calibrate.facts import FactsError, ask
from andes_backend.lab.calibrate.session import Options, calibrate
from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Profile, load_profile
from andes_client.expectation import Expectation
from tests import forked

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: nothing ran live"
    ),
]


@pytest.fixture
def server(stock_server: Server) -> Server:
    return stock_server


def running_requests(server: Server) -> float:
    found = server.metrics()
    return found["vllm:num_requests_running"] + found["vllm:num_requests_waiting"]


def test_vllm_says_what_is_needed(server: Server) -> None:
    facts = ask(Target(url=server.url, model=server.model))
    assert (facts.kv_tokens, facts.block_size, facts.max_model_len) == (64 * 32, 32, 320)
    assert facts.busy == 0
    assert facts.version


@dataclass(frozen=True)
class Planned:
    """A plan for the server, which was calibrated for it."""

    words: tuple[str, ...]
    """Of the command."""
    directory: Path
    """The results'."""
    ran: "subprocess.CompletedProcess[str]"
    before: Mapping[str, float]
    """The server's metrics."""
    after: Mapping[str, float]

    @property
    def profile(self) -> Profile:
        return load_profile(self.directory / "profile.json")


def andes(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "andes_client", *words]
    return forked.run(command, env={**os.environ, "COLUMNS": "120"})


@pytest.fixture(scope="module")
def planned(stock_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    folder = tmp_path_factory.mktemp("planned")
    served = ("--url", stock_server.url, "--model", stock_server.model, "--gpus-per-server", "1")
    # So many that no machine could serve them all at once without anybody noticing.
    load = ("--demand", "100", "--seeds", "1", "--requests", "400")
    short = ("--lengths", "fixed:prompt=64,output=64", "--policies", "stock,qoe")
    words = (
        "plan",
        *served,
        "--max-step-tokens",
        "1024",
        "--repetitions",
        "1",
        *load,
        *short,
        "--out",
        str(folder),
    )
    before = stock_server.metrics()
    ran = andes(*words)
    after = stock_server.metrics()
    (directory,) = folder.glob("plan-*")
    return Planned(words, directory, ran, before, after)


def test_a_profile_is_fitted_and_its_errors_reported(server: Server, planned: Planned) -> None:
    profile = planned.profile
    assert profile.prefill.per_token_ms > 0
    assert all(part.base_ms > 0 for part in profile.decode)
    assert profile.step_s([100], 8, 1000) > profile.step_s([], 8, 1000)
    # In what a busy machine measures it may be lost that more sequences take longer: a bad fit.
    is_bad = planned.ran.returncode == 2
    assert is_bad or profile.step_s([], 8, 1000) > profile.step_s([], 1, 50)
    assert (profile.kv_tokens, profile.block_size) == (2048, 32)
    assert 10 <= profile.max_sequences <= 14, "12, as it admits, by its own behaviour"
    assert profile.max_step_tokens == 1024, "as the command line has it"
    assert f"model tiny at {server.url} (vLLM" in profile.source
    assert "median error" in profile.source

    printed = planned.ran.stdout
    for kind in ("prefill", "decode", "mixed"):
        assert f"{kind} " in printed
    assert f"the server admits {profile.max_sequences} sequences at a time" in printed
    assert "other requests" not in printed, "it has counted its own"
    rows = (planned.directory / "profile.csv").read_text().splitlines()
    assert {row.partition(",")[0] for row in rows} == {"kind", "prefill", "decode", "mixed"}

    hits, preemptions = "vllm:prefix_cache_hits_total", "vllm:num_preemptions_total"
    assert planned.after[hits] == planned.before[hits], "a prompt was in the cache"
    assert planned.after[preemptions] == planned.before[preemptions], "an experiment was too large"


def test_a_server_is_planned_with_and_measured_only_once(planned: Planned) -> None:
    ran = planned.ran
    if ran.returncode == 2:  # a busy machine: a bad fit is no ground to plan on
        assert "no profile fits the times of the server's steps well enough to plan with" in (
            ran.stderr
        )
        return
    assert ran.returncode == 0, ran.stderr
    answer = (planned.directory / "answer.txt").read_text()
    # How far it gets, or that such a server is too slow for any: both are the machine's matter.
    assert "For 100 requests/s that is" in answer or "None of stock, qoe keeps" in answer
    again = andes(*planned.words, "--resume", str(planned.directory))
    assert (again.returncode, again.stderr) == (0, "")
    assert "prefill" not in again.stdout
    assert (planned.directory / "answer.txt").read_text() == answer


@pytest.mark.asyncio
async def test_a_busy_server_is_refused(server: Server, tmp_path: Path) -> None:
    target = Target(url=server.url, model=server.model)
    long = Request(0.0, 16, 300, Expectation.program())
    load = Load(Workload("others", 1, (long,) * 12), target)
    options = Options(target=target, out=tmp_path / "profile.json")
    async with anyio.create_task_group() as others:
        others.start_soon(load.run)
        with anyio.fail_after(60):
            while not load.statistics().tokens:  # noqa: ASYNC110 - it has no event
                await anyio.sleep(0.01)
        with pytest.raises(FactsError, match="the server is busy with"):
            await anyio.to_thread.run_sync(partial(calibrate, options))
        others.cancel_scope.cancel()
    await idle(server)


def test_ctrl_c_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "profile.json"
    program = "from andes_client.cli import main; main()"
    words = ["calibrate", "--url", server.url, "--model", server.model, "--out", str(out)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        while "prefill" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted: wrote nothing" in rest
    assert list(tmp_path.iterdir()) == []
    anyio.run(idle, server)


async def idle(server: Server) -> None:
    with anyio.fail_after(20):
        while running_requests(server):  # noqa: ASYNC110 - over HTTP
            await anyio.sleep(0.05)
