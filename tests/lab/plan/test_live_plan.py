"""`andes plan --url` on the real vLLM server: calibrated, then planned with; no word on speed."""

import importlib.util
from pathlib import Path

import pytest

from andes_backend.lab.bench.server import Server
from andes_backend.profile import load_profile
from tests.lab.plan.test_plan_command import SMALL, ended, start

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: nothing ran live"
    ),
]


@pytest.fixture
def server(stock_server: Server) -> Server:
    return stock_server


def test_a_server_is_calibrated_and_planned_with(server: Server, tmp_path: Path) -> None:
    served = ("--url", server.url, "--model", server.model, "--gpus-per-server", "1")
    # So many that no machine could serve them all at once without anybody noticing.
    load = ("--demand", "100", "--seeds", "1", "--requests", "400")
    words = (*served, *load)
    program = start(tmp_path, *words)
    out, err = program.communicate(timeout=600)
    (directory,) = tmp_path.glob("plan-*")
    profile = load_profile(directory / "profile.json")
    # Those of the command line go before what the server says; see `SMALL`.
    assert profile.kv_tokens == 2000
    if program.returncode == 2:  # a busy machine: a bad fit is no ground to plan on
        assert "no profile fits the times of the server's steps well enough to plan with" in err
        return
    assert program.returncode == 0, err
    assert "For 100 requests/s that is" in out
    # What was measured is measured once.
    again = ended(start(tmp_path, *words, "--resume", str(directory)), 0)
    assert "prefill" not in again
    assert "For 100 requests/s that is" in again
    assert "--kv-tokens" in SMALL
