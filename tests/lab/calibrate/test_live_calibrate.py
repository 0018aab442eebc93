"""`andes calibrate` on the real vLLM server: a reduced design, no word on speed."""

import importlib.util
import os
import signal
import subprocess
import sys
from functools import partial
from io import StringIO
from pathlib import Path

import anyio
import pytest
from rich.console import Console

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.server import Server
from andes_backend.lab.calibrate.facts import FactsError, ask
from andes_backend.lab.calibrate.session import Options, calibrate
from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import load_profile
from andes_client.expectation import Expectation

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


def test_a_profile_is_fitted_and_its_errors_reported(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "profile.json"
    console = Console(file=StringIO(), width=120)
    target = Target(url=server.url, model=server.model)
    before = server.metrics()
    # Several, of which the calibration takes medians: the machine may be busy now and then.
    calibrate(Options(target=target, out=out, repetitions=3), console=console)

    profile = load_profile(out)
    assert profile.prefill.per_token_ms > 0
    assert all(part.base_ms > 0 for part in profile.decode)
    assert profile.step_s([100], 8, 1000) > profile.step_s([], 8, 1000) > profile.step_s([], 1, 50)
    assert (profile.kv_tokens, profile.block_size) == (2048, 32)
    assert 10 <= profile.max_sequences <= 14, "12, as it admits, by its own behaviour"
    assert f"model tiny at {server.url} (vLLM" in profile.source
    assert "median error" in profile.source

    assert isinstance(console.file, StringIO)
    printed = console.file.getvalue()
    for kind in ("prefill", "decode", "mixed"):
        assert f"{kind} " in printed
    assert f"the server admits {profile.max_sequences} sequences at a time" in printed
    assert "other requests" not in printed, "it has counted its own"
    rows = out.with_suffix(".csv").read_text().splitlines()
    assert {row.partition(",")[0] for row in rows} == {"kind", "prefill", "decode", "mixed"}

    after = server.metrics()
    hits, preemptions = "vllm:prefix_cache_hits_total", "vllm:num_preemptions_total"
    assert after[hits] == before[hits], "a prompt was in the cache"
    assert after[preemptions] == before[preemptions], "an experiment was too large"


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
