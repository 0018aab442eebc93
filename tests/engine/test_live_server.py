"""The real vLLM server with our scheduler, over HTTP, read through the pacer."""

import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import pytest

from andes_backend.lab.bench.server import Server
from andes_client import Expectation, pace, reading, wire
from andes_client.qoe import Meter

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

TIMEOUT = httpx2.Timeout(60.0)

READERS = 75  # of whose requests a third fit the memory: they compete, and some are preempted


@pytest.fixture
def server(qoe_server: Server) -> Server:
    return qoe_server


def tokens_of(index: int) -> int:
    """How long the answer to a reader is."""
    return 40 + 3 * (index % 16)


@dataclass
class Completion:
    """One streamed completion; its text can be iterated by one reader."""

    server: Server
    body: dict[str, Any]
    token_ids: list[int] = field(default_factory=list)
    finish_reason: str | None = None
    prompt_echo: list[int] | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        body = {
            "model": self.server.model,
            "stream": True,
            "ignore_eos": True,
            "temperature": 1.0,
            "return_token_ids": True,
            "skip_special_tokens": False,
            **self.body,
        }
        async with (
            httpx2.AsyncClient(base_url=self.server.url, timeout=TIMEOUT) as client,
            client.sse("/v1/completions", method="POST", json=body) as events,
        ):
            async for event in events:
                if event.data == "[DONE]":
                    return
                (choice,) = json.loads(event.data)["choices"]
                self.token_ids += choice["token_ids"] or []
                self.finish_reason = choice["finish_reason"]
                yield choice["text"]


def prompt(index: int, tokens: int = 60) -> list[int]:
    return [5 + (37 * index + 11 * i) % 900 for i in range(tokens)]


async def detokenized(server: Server, token_ids: list[int]) -> str:
    async with httpx2.AsyncClient(base_url=server.url, timeout=TIMEOUT) as client:
        response = await client.post(
            "/detokenize", json={"model": server.model, "tokens": token_ids}
        )
        return str(response.raise_for_status().json()["prompt"])


def failures(server: Server) -> dict[str, float]:
    """What the server itself counts as gone wrong."""
    log = server.log.read_text(errors="replace")
    return {
        "planning": log.count("andes: planning failed"),
        "tracebacks": log.count("Traceback (most recent call last)"),
    }


async def test_readers_of_all_speeds_get_every_token_once_and_in_order(server: Server) -> None:
    expectations = [
        [reading(), reading(wpm=600), Expectation(0.2, 60.0), Expectation.program()][i % 4]
        for i in range(READERS)
    ]
    completions = [
        Completion(
            server,
            {
                "prompt": prompt(i),
                "max_tokens": tokens_of(i),
                wire.FIELD: wire.encode(expectation, stream=f"reader-{i}"),
            },
        )
        for i, expectation in enumerate(expectations)
    ]
    before = server.metrics()
    texts = [""] * len(completions)
    meters = [Meter(expectation) for expectation in expectations]

    async def read(index: int) -> None:
        start = anyio.current_time()
        # Reading speeds are the server's business here; the test shows the text at a
        # program's pace, so as not to take minutes.
        async with pace(completions[index], Expectation.program()) as paced:
            async for word in paced:
                texts[index] += word
                meters[index].add(anyio.current_time() - start)

    async with anyio.create_task_group() as readers:
        for index in range(len(completions)):
            readers.start_soon(read, index)

    for index, completion in enumerate(completions):
        assert len(completion.token_ids) == tokens_of(index)
        assert completion.finish_reason == "length"
        assert texts[index] == await detokenized(server, completion.token_ids)
        assert 0.0 < meters[index].qoe <= 1.0
    metrics = server.metrics()
    preemptions, tokens = "vllm:num_preemptions_total", "vllm:generation_tokens_total"
    assert metrics[preemptions] > before[preemptions], "memory was meant to be scarce"
    assert metrics["vllm:num_requests_running"] == metrics["vllm:num_requests_waiting"] == 0
    assert metrics["vllm:kv_cache_usage_perc"] == 0.0
    came = sum(len(completion.token_ids) for completion in completions)
    assert metrics[tokens] - before[tokens] >= came
    assert failures(server) == {"planning": 0, "tracebacks": 0}


async def test_a_reader_who_leaves_ends_the_request_on_the_server(server: Server) -> None:
    endless = Completion(server, {"prompt": prompt(1), "max_tokens": 500})
    async with pace(endless, reading()) as paced:
        await anext(paced)
    with anyio.fail_after(20):
        while server.metrics()["vllm:num_requests_running"]:  # noqa: ASYNC110 - over HTTP
            await anyio.sleep(0.05)
    assert len(endless.token_ids) < 500


async def test_paced_text_comes_at_the_readers_speed(server: Server) -> None:
    """End to end: the server is far faster than the reader, who still reads at their pace."""
    quick = Expectation(ttft=1.0, tds=60.0)
    completion = Completion(
        server, {"prompt": prompt(2), "max_tokens": 60, wire.FIELD: wire.encode(quick)}
    )
    start, words = anyio.current_time(), 0
    async with pace(completion, quick) as paced:
        async for _ in paced:
            words += 1
        snapshot = paced.statistics()
    assert anyio.current_time() - start >= (words - 2) * (4 / 3) / 60.0
    assert snapshot.shown == words
    assert snapshot.ttft is not None


@pytest.mark.parametrize(
    "hints",
    [
        {"andes_tds": "fast"},
        {"andes_tds": True},
        {"andes_tds": [4.8]},
        {"andes_tds": -1, "andes_ttft": -1},
        {"andes_tds": 1e308, "andes_user": ""},
        {"andes_ttft": "soon", "andes_stream": 5},
    ],
)
async def test_bad_hints_are_served_with_the_default(server: Server, hints: dict[str, Any]) -> None:
    completion = Completion(server, {"prompt": prompt(3), "max_tokens": 5, wire.FIELD: hints})
    assert "".join([text async for text in completion])
    assert len(completion.token_ids) == 5
    assert failures(server) == {"planning": 0, "tracebacks": 0}


@pytest.mark.parametrize("hints", [{"andes_tds": None}, {"andes_tds": {"a": 1}}, "fast", [1]])
async def test_hints_that_vllm_itself_refuses_are_a_400(server: Server, hints: Any) -> None:
    async with httpx2.AsyncClient(base_url=server.url, timeout=TIMEOUT) as client:
        response = await client.post(
            "/v1/completions",
            json={"model": server.model, "prompt": "a", "max_tokens": 1, wire.FIELD: hints},
        )
    assert response.status_code == 400
    assert "vllm_xargs" in response.text


async def test_a_hint_of_nan_is_refused_or_ignored(server: Server) -> None:
    """NaN is no JSON, but Python writes and reads it."""
    body = json.dumps(
        {
            "model": server.model,
            "prompt": prompt(4),
            "max_tokens": 3,
            wire.FIELD: {"andes_tds": math.nan},
        }
    )
    async with httpx2.AsyncClient(base_url=server.url, timeout=TIMEOUT) as client:
        response = await client.post(
            "/v1/completions", content=body, headers={"content-type": "application/json"}
        )
    assert response.status_code in (200, 400)
    assert failures(server) == {"planning": 0, "tracebacks": 0}
