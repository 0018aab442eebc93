"""What a preempted request says is what it would have said: greedy, alone, on the real server."""

import json
import urllib.request
from typing import Any

import pytest

from andes_backend.lab.bench.server import Server
from andes_client import Expectation, wire
from tests.engine.preempting import MARK_TDS, MOMENTS
from tests.live import said_since

pytestmark = pytest.mark.live

TOKENS = 200
PREEMPTIONS = "vllm:num_preemptions_total"
HITS = "vllm:prefix_cache_hits_total"


@pytest.fixture(params=["prefix caching", "no prefix caching"])
def server(request: pytest.FixtureRequest) -> Server:
    """In float32: a token that was decoded is computed again as a piece of a prompt, by another
    kernel; in bfloat16 the two differ by more than some of the best tokens do.
    """
    caching = request.param == "prefix caching"
    running: Server = request.getfixturevalue(
        "speculating_server" if caching else "misbehaving_server"
    )
    return running


def said(server: Server, prompt: list[int], tds: float) -> list[int]:
    """The token ids of a greedy answer that streams alone."""
    body = {
        "model": server.model,
        "prompt": prompt,
        "max_tokens": TOKENS,
        "ignore_eos": True,
        "temperature": 0.0,
        "presence_penalty": 2.0,  # left to itself, it may repeat itself for ever
        "stream": True,
        "return_token_ids": True,
        wire.FIELD: wire.encode(Expectation(1.0, tds)),
    }
    sent = urllib.request.Request(
        f"{server.url}/v1/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    ids: list[int] = []
    with urllib.request.urlopen(sent, timeout=120) as response:
        for line in response:
            data = line.decode().strip().removeprefix("data: ")
            if data and data != "[DONE]":
                ids += choice(json.loads(data))["token_ids"] or []
    return ids


def choice(event: dict[str, Any]) -> dict[str, Any]:
    assert "error" not in event, event
    (only,) = event["choices"]
    return dict(only)


@pytest.mark.parametrize("prompt_tokens", [5, 200, 333])
def test_preemption_changes_no_token(server: Server, prompt_tokens: int) -> None:
    prompt = [5 + (37 * prompt_tokens + 11 * i * i) % 900 for i in range(prompt_tokens)]
    undisturbed = said(server, prompt, tds=5.0)
    assert len(undisturbed) == TOKENS
    assert len(set(undisturbed)) > TOKENS / 4, "a model that repeats itself shows little"
    assert said(server, [prompt[0] + 1, *prompt[1:]], tds=5.0) != undisturbed, (
        "what is far back must matter, or a KV cache that is wrong would not show"
    )
    before, log = server.metrics(), len(said_since(server, 0))
    preempted = said(server, prompt, tds=MARK_TDS)
    after = server.metrics()
    assert preempted == undisturbed
    assert after[PREEMPTIONS] - before[PREEMPTIONS] == len(MOMENTS)
    assert "Traceback" not in said_since(server, log)


def test_prefix_caching_is_what_it_is_said_to_be(
    server: Server, request: pytest.FixtureRequest
) -> None:
    """After the tests above: a preempted request has found its blocks again, or none."""
    with_caching = "[prefix caching]" in request.node.name
    assert (server.metrics().get(HITS, 0.0) > 0) is with_caching
