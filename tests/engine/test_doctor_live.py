"""The doctor and a real server: what it reads there is what the server has."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding
from andes_backend.doctor.running import check_running
from andes_backend.lab.bench.server import Server, serve_tiny
from andes_client import Expectation

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("doctor") / "server.log"
    with serve_tiny(tiny_model, policy="qoe", log=log, kv_blocks=40) as running:
        yield running


def looked_at(server: Server) -> dict[str, Finding]:
    return {finding.topic: finding for finding in check_running(server.url)}


def ask(server: Server, hints: Mapping[str, object]) -> None:
    body = {"model": server.model, "prompt": [1] * 20, "max_tokens": 20, "ignore_eos": True}
    answer = httpx2.post(f"{server.url}/v1/completions", json={**body, **hints}, timeout=60.0)
    answer.raise_for_status()


def test_a_server_is_seen_as_it_is(server: Server) -> None:
    fresh = looked_at(server)
    assert {finding.level for finding in fresh.values()} == {OK}
    assert fresh["scheduler"].what.startswith("ours")
    assert fresh["KV memory"].what.startswith("1,280 tokens, 0% full")
    assert fresh["QoE"].what == "no response to a person has finished yet"

    for hints in ({}, {}, Expectation(1.0, 5.0).extra_body()):
        ask(server, hints)
    served = looked_at(server)
    assert served["preemptions"].what.startswith("0 for 3 finished requests")
    assert "over 3 responses to people" in served["QoE"].what
    assert served["hints"].level == BETTER
    assert served["hints"].what == "33% of 3 requests say who reads them."
    assert served["planning"].level == OK


def test_the_same_server_without_our_scheduler_is_told_apart(
    tiny_model: Path, tmp_path: Path
) -> None:
    with serve_tiny(tiny_model, log=tmp_path / "stock.log", kv_blocks=40) as stock:
        found = looked_at(stock)
    assert found["scheduler"].level == PROBLEM
    assert "QoE" not in found
