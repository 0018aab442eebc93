"""The doctor and a real server: what it reads there is what the server has."""

import httpx2
import pytest

from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding
from andes_backend.doctor.running import check_running
from andes_backend.lab.bench.server import Server
from andes_client import Expectation
from tests.live import our_figures

pytestmark = pytest.mark.live

READ = "andes:request_qoe_count:person"
HINTS = ("reader", "program", "none", "bad")


def looked_at(server: Server) -> dict[str, Finding]:
    return {finding.topic: finding for finding in check_running(server.url)}


def ask(server: Server, hints: dict[str, object]) -> None:
    body = {"model": server.model, "prompt": [1] * 20, "max_tokens": 20, "ignore_eos": True}
    answer = httpx2.post(f"{server.url}/v1/completions", json={**body, **hints}, timeout=60.0)
    answer.raise_for_status()


def test_a_server_is_seen_as_it_is(qoe_server: Server) -> None:
    found = looked_at(qoe_server)
    assert {finding.level for finding in found.values()} <= {OK, BETTER}
    assert found["scheduler"].what.startswith("ours")
    assert found["KV memory"].what.startswith("3,584 tokens, 0% full")
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
    assert f"of {asked:,.0f} requests describe their reader" in served["hints"].what
    assert served["planning"].level == OK


def test_a_server_without_our_scheduler_is_told_apart(stock_server: Server) -> None:
    found = looked_at(stock_server)
    assert found["scheduler"].level == PROBLEM
    assert "QoE" not in found
