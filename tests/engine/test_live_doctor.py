"""The doctor and a real server: what it reads there is what the server has."""

from collections.abc import Mapping

import httpx2
import pytest

from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding
from andes_backend.doctor.running import check_running
from andes_backend.lab.bench.server import Server
from andes_client import Expectation
from tests.live import our_figures, said_since

pytestmark = pytest.mark.live

READ = "andes:request_qoe_count:person"
HINTS = ("reader", "program", "none", "bad")


def looked_at(server: Server) -> dict[str, Finding]:
    return {finding.topic: finding for finding in check_running(server.url)}


def ask(server: Server, hints: Mapping[str, object]) -> None:
    body = {"model": server.model, "prompt": [1] * 20, "max_tokens": 20, "ignore_eos": True}
    answer = httpx2.post(f"{server.url}/v1/completions", json={**body, **hints}, timeout=60.0)
    answer.raise_for_status()


def test_a_server_is_seen_as_it_is(qoe_server: Server) -> None:
    found = looked_at(qoe_server)
    assert {finding.level for finding in found.values()} <= {OK, BETTER}
    assert found["scheduler"].what.startswith("ours")
    assert found["KV memory"].what.startswith("3,616 tokens, 0% full")
    before = our_figures(qoe_server)
    for hints in ({}, {}, Expectation(1.0, 5.0).extra_body()):
        ask(qoe_server, hints)
    ours, stock = our_figures(qoe_server), qoe_server.metrics()
    assert ours[READ] - before[READ] == 3

    served = looked_at(qoe_server)
    preempted, finished = stock["vllm:num_preemptions_total"], stock["vllm:request_success_total"]
    assert served["preemptions"].what.startswith(f"{preempted:,.0f} for {finished:,.0f} finished")
    assert f"over {ours[READ]:,.0f} responses to people" in served["QoE"].what
    asked = sum(ours[f"andes:requests_total:{hint}"] for hint in HINTS)
    hints_found = [one.what for one in check_running(qoe_server.url) if one.topic == "hints"]
    assert any(f"of {asked:,.0f} requests" in what for what in hints_found)
    assert served["planning"].level == OK


def test_a_server_without_our_scheduler_is_told_apart(stock_server: Server) -> None:
    found = looked_at(stock_server)
    assert found["scheduler"].level == PROBLEM
    assert "QoE" not in found


def test_a_server_without_our_scheduler_hears_no_reports(stock_server: Server) -> None:
    """Though it has loaded the route: it answers as one that has not, and says so once."""
    for _ in range(2):
        answer = httpx2.post(f"{stock_server.url}/v1/andes/reports", json={"v": 1, "reports": []})
        assert answer.status_code == 404
    log = said_since(stock_server, 0)
    assert log.count("readers' reports are not heard: the scheduler is not ours") == 1
