"""Requests that compete for the KV memory of a live server, and who of them was preempted.

PYTHONPATH=. ... --scheduler-cls tests.engine.competing.NamingScheduler
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from vllm.v1.core.sched.interface import PauseState

from andes_backend import AndesConfig, AndesScheduler
from andes_backend.lab.bench.server import Server
from andes_backend.policy import Policy
from andes_client import Expectation, wire
from tests.engine.preempting import ONCE_TDS, AtMoments, OnceAtLeast
from tests.live import serving

__all__ = [
    "Answer",
    "NamingScheduler",
    "Request",
    "alone",
    "greedy",
    "prompt",
    "serve",
    "still_at",
    "together",
    "under_way",
]

WAIT_S = 120.0
"""More than anything here takes; on a busy machine, too."""

READER = {wire.FIELD: wire.encode(Expectation(ttft=0.1, tds=4.8))}
"""Impatient: waiting requests soon take the place of those that are ahead of their readers."""

MARKED = {wire.FIELD: wire.encode(Expectation(ttft=0.1, tds=ONCE_TDS))}
"""As impatient, and preempted once at least, see tests/engine/preempting.py."""

PAUSED = "paused-"
"""In the name of a request: with it the scheduler pauses by itself."""

SOME = 20
"""Tokens, of all requests together, when it does so."""

GENERATED = "vllm:generation_tokens_total"

_PREEMPTED = re.compile(r"preempted: \d*_?cmpl-([a-z]+)")


class NamingScheduler(AndesScheduler):
    """Ours, that also prints whom it preempts.

    It pauses by itself, once for each request that under_way() names so, when the requests that
    are there have SOME tokens together: from outside, a pause may come after all have ended.
    Marked requests it preempts at their moments, or once at least: see tests/engine/preempting.py.
    """

    _paused_for: frozenset[str] = frozenset()

    def make_policy(self, config: AndesConfig) -> Policy:
        return AtMoments(OnceAtLeast(super().make_policy(config)))

    def schedule(self, *args: Any, **kwargs: Any) -> Any:
        tokens = sum(request.num_output_tokens for request in self.requests.values())
        named = {name for name in self.requests if PAUSED in name}
        if tokens >= SOME and named - self._paused_for:
            self._paused_for |= named
            self.set_pause_state(PauseState.PAUSED_ALL)
        return super().schedule(*args, **kwargs)

    def _preempt_request(self, request: Any, *args: Any, **kwargs: Any) -> None:
        print(f"preempted: {request.request_id}", flush=True)
        super()._preempt_request(request, *args, **kwargs)


@contextmanager
def serve(model: Path, log: Path, *extra: str) -> Iterator[Server]:
    """A server with policy qoe and memory for some three of the requests below at a time.

    In float32, see test_live_preemption.py. With vLLM's endpoints for developers. No plan is too
    slow: the machine may stop for a while in the middle of one.
    """
    # fmt: off
    options = (
        "--scheduler-cls", "tests.engine.competing.NamingScheduler",
        "--load-format", "safetensors", "--dtype", "float32",
        *extra,
    )
    # fmt: on
    with serving(
        model,
        log=log,
        variables={"VLLM_SERVER_DEV_MODE": "1"},
        policy="qoe",
        settings={"slow_plan_s": WAIT_S},
        kv_blocks=18,
        max_sequences=16,
        max_model_len=544,
        extra=options,
    ) as running:
        yield running


@dataclass
class Answer:
    """One choice of an answer, as far as it has come."""

    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    finish_reason: str | None = None


@dataclass
class Request:
    """A streamed completion. Its name begins with its kind: letters, then a hyphen."""

    name: str
    body: dict[str, Any]
    is_marked: bool = False
    answers: list[Answer] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def kind(self) -> str:
        return self.name.partition("-")[0]

    async def send(self, client: httpx2.AsyncClient) -> None:
        self.arrived.clear()
        self.answers = [Answer() for _ in range(self.body.get("n", 1))]
        reader = MARKED if self.is_marked else READER
        body = {"model": "tiny", "stream": True, "return_token_ids": True, **reader, **self.body}
        name = {"X-Request-Id": self.name}
        async with client.sse("/v1/completions", method="POST", json=body, headers=name) as events:
            self.arrived.set()
            async for event in events:
                if event.data == "[DONE]":
                    return
                self._hear(json.loads(event.data))
        raise AssertionError(f"the stream of {self.name} broke off")

    def _hear(self, event: dict[str, Any]) -> None:
        assert "error" not in event, event
        for choice in event["choices"]:
            answer = self.answers[choice["index"]]
            assert answer.finish_reason is None, "nothing comes after the end"
            answer.text += choice["text"]
            answer.token_ids += choice["token_ids"] or []
            answer.finish_reason = choice["finish_reason"]


def connect(server: Server) -> httpx2.AsyncClient:
    # Without the certificates, whose loading would keep requests from being there at once.
    return httpx2.AsyncClient(base_url=server.url, timeout=WAIT_S, verify=False)


def prompt(index: int, tokens: int = 60) -> list[int]:
    """Token ids, others for each index."""
    return [5 + (37 * index + 11 * i * i) % 900 for i in range(tokens)]


def greedy(index: int, tokens: int = 120) -> dict[str, Any]:
    """The body of a request whose answer is always the same, and does not repeat itself."""
    return {
        "prompt": prompt(index, 30 + 7 * (index % 9)),
        "max_tokens": tokens,
        "ignore_eos": True,
        "temperature": 0.0,
        "presence_penalty": 2.0,
    }


async def alone(server: Server, bodies: Iterable[dict[str, Any]]) -> list[list[Answer]]:
    """What is answered when nobody else is there."""
    answers = []
    async with asyncio.timeout(WAIT_S), connect(server) as client:
        for body in bodies:
            request = Request("alone-0", body)
            await request.send(client)
            answers.append(request.answers)
    return answers


async def together(server: Server, requests: list[Request]) -> None:
    """Send all at once. Of each kind somebody is preempted, and the server is idle in the end.

    Whom the policy meets is a matter of timing: the first of each kind is preempted in any case.
    """
    before, log_before = server.metrics(), len(server.log.read_text(errors="replace"))
    firsts = {request.kind: request for request in reversed(requests)}
    for request in firsts.values():
        request.is_marked = True
    await send_all(server, requests)
    log = server.log.read_text(errors="replace")[log_before:]
    assert "Traceback" not in log
    preempted = _PREEMPTED.findall(log)
    assert set(preempted) == set(firsts)
    after = server.metrics()
    for name in ("andes:preemptions_total", "vllm:num_preemptions_total"):
        assert after[name] - before[name] == len(preempted), name
    assert after["andes:planning_fallbacks_total"] == 0


async def send_all(server: Server, requests: list[Request]) -> None:
    """However slow this program is: they are all there before the first of them begins."""
    async with asyncio.timeout(WAIT_S), connect(server) as client, asyncio.TaskGroup() as tasks:
        await order(client, "/pause?mode=keep")
        for request in requests:
            tasks.create_task(request.send(client))
        for request in requests:
            await request.arrived.wait()
        await order(client, "/resume")
    await idle(server)


async def order(client: httpx2.AsyncClient, path: str) -> Any:
    """Have the server do something; returns what it says."""
    return (await client.post(path)).raise_for_status().json()


async def idle(server: Server) -> None:
    """Wait until nothing is left of any request."""
    names = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")
    async with asyncio.timeout(WAIT_S):
        while any(server.metrics()["vllm:" + name] for name in names):  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.05)


def heard(requests: list[Request]) -> int:
    """Tokens that have come so far."""
    return sum(len(answer.token_ids) for request in requests for answer in request.answers)


@asynccontextmanager
async def under_way(
    server: Server, requests: list[Request], stop: str = "/pause?mode=keep", go_on: str = "/resume"
) -> AsyncIterator[tuple[httpx2.AsyncClient, asyncio.TaskGroup]]:
    """Inside of the block the server is paused amidst of them, however slow this program is.

    After the block, in which the pause must end, everything has come.
    """
    requests[0].name = PAUSED + requests[0].name
    before = server.metrics()[GENERATED]
    async with asyncio.timeout(WAIT_S), connect(server) as client, asyncio.TaskGroup() as tasks:
        await order(client, stop)
        try:
            for request in requests:
                tasks.create_task(request.send(client))
            for request in requests:
                await request.arrived.wait()
            await order(client, go_on)
            while server.metrics()[GENERATED] < before + SOME:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.01)
            await order(client, stop)  # the scheduler has done so; now vLLM does, and knows of it
            # In a pause the numbers of requests in /metrics are those of the last step.
            ended = [answer.finish_reason for request in requests for answer in request.answers]
            assert None in ended, "all had come before the pause did"
            yield client, tasks
        finally:
            await order(client, go_on)


async def still_at(client: httpx2.AsyncClient, requests: list[Request]) -> int:
    """Tokens that have come in a pause, those among them that were under way at its start."""
    before = -1
    while (now := heard(requests)) != before:
        before = now
        for _ in range(20):
            assert (await client.get("/is_paused")).json() == {"is_paused": True}
    return now
