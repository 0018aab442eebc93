"""Send a workload to a live server over HTTP and note when every token came back.

    load = Load(workload, Target(url="http://127.0.0.1:8000", model="tiny"))
    await load.run()
    load.outcomes[0].qoe

Any server with OpenAI's `/v1/completions` will do. Each request is a task and a connection
of its own, submitted at its arrival time whatever became of those before (an open loop), and
carries its reader's expectation as hints, which other servers ignore.

Output lengths are fixed by `max_tokens` with `ignore_eos`, so that every server does the
same work. A server could read the true length off `max_tokens` and schedule by it; ours does
not, and a comparison with one that does is not fair.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2
from numpy.random import PCG64, Generator, SeedSequence

from andes_backend.lab.bench.bounded import refusal
from andes_backend.lab.bench.tally import Tally, server_message
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Request, Workload
from andes_client import wire

__all__ = ["Load", "LoadStatistics", "Target", "connection", "described", "stream"]

_CONNECT_S: Final = 30.0
_PROMPTS: Final = 99  # apart from the workload's own random streams, 0 to 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The server and how to ask it."""

    url: str
    """Without `/v1`: http://127.0.0.1:8000."""
    model: str
    token_ids: tuple[int, int] = (100, 900)
    """Prompts are random token ids in this range, the last included. Nearly every vocabulary
    has ordinary text there; the tiny model's has."""
    temperature: float = 0.0
    patience_s: float = 900.0
    """Longest silence before a request counts as failed. HTTP clients give up after
    seconds, which is when an overloaded server has just begun."""


@dataclass(frozen=True, slots=True)
class LoadStatistics:
    """How far a run is."""

    total: int
    sent: int
    finished: int
    """Failed ones included."""
    failed: int
    tokens: int
    """Received so far."""
    qoe: float | None
    """Mean QoE of the finished; None before the first."""


class Load:
    """One run of a workload against a target.

    `outcomes` fills while `run` is under way, in the order in which requests end. After a
    cancellation it holds those that had ended: the others have no outcome.
    """

    def __init__(self, workload: Workload, target: Target) -> None:
        self.workload = workload
        self.target = target
        self.outcomes: list[Outcome] = []
        self._sent = 0
        self._open: dict[int, Tally] = {}
        self._began = 0.0

    async def run(self) -> None:
        """Send every request at its time and wait for all of them. Failures are outcomes."""
        bodies = [self._body(i, request) for i, request in enumerate(self.workload.requests)]
        now = asyncio.get_running_loop().time
        async with connection(self.target) as client, asyncio.TaskGroup() as tasks:
            self._began = now()
            for index, request in enumerate(self.workload.requests):
                await asyncio.sleep(self._began + request.arrival_s - now())
                tasks.create_task(self._serve(client, index, request, bodies[index]))

    def statistics(self) -> LoadStatistics:
        """How far it is now."""
        done = self.outcomes
        received = sum(len(outcome.times) for outcome in done)
        return LoadStatistics(
            total=len(self.workload.requests),
            sent=self._sent,
            finished=len(done),
            failed=sum(outcome.error is not None for outcome in done),
            tokens=received + sum(len(tally.times) for tally in self._open.values()),
            qoe=sum(outcome.qoe for outcome in done) / len(done) if done else None,
        )

    async def _serve(
        self, client: httpx2.AsyncClient, index: int, request: Request, body: bytes
    ) -> None:
        submitted = asyncio.get_running_loop().time()
        self._sent += 1
        tally = self._open[index] = Tally()
        error: str | None
        try:
            await stream(client, body, tally, submitted)
            times, error = tally.result(request.output_tokens)
        except (httpx2.HTTPError, ValueError) as failure:
            times, error = tuple(tally.times), described(failure)
        finally:
            del self._open[index]
        self.outcomes.append(Outcome(index, request, submitted - self._began, times, error))

    def stream_id(self, index: int) -> str:
        """The name of a request's stream in its hints."""
        return f"{self.workload.name}-{self.workload.seed}-{index}"

    def _body(self, index: int, request: Request) -> bytes:
        """The request as JSON: made before the run, which has better things to do."""
        lowest, highest = self.target.token_ids
        # Every prompt is random and different, so that no server finds it in a cache.
        stream_of_its_own = SeedSequence(self.workload.seed, spawn_key=(_PROMPTS, index))
        draw = Generator(PCG64(stream_of_its_own)).integers
        prompt = draw(lowest, highest, size=request.prompt_tokens, endpoint=True).tolist()
        return json.dumps(
            {
                "model": self.target.model,
                "prompt": prompt,
                "max_tokens": request.output_tokens,
                "ignore_eos": True,
                "temperature": self.target.temperature,
                "stream": True,
                "stream_options": {"include_usage": True},
                "return_token_ids": True,
                wire.FIELD: wire.encode(
                    request.hint, stream=self.stream_id(index), user=request.user
                ),
            }
        ).encode()


def connection(target: Target) -> httpx2.AsyncClient:
    """A client for a load: patient, without a bound on connections."""
    return httpx2.AsyncClient(
        base_url=target.url,
        headers={"Content-Type": "application/json"},
        timeout=httpx2.Timeout(target.patience_s, connect=_CONNECT_S, pool=None),
        # No bound on streams, and a fresh connection for each: one kept alive may be closed
        # by the server at the moment it is used again.
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        trust_env=False,  # a proxy in between would be measured too
    )


async def stream(
    client: httpx2.AsyncClient,
    body: bytes,
    tally: Tally,
    submitted: float,
    came: Callable[[float], None] | None = None,
) -> None:
    """Send a request and count what comes.

    Args:
        client: see `connection`.
        body: of the request.
        tally: counts.
        submitted: the event loop's time.
        came: is called with the seconds since then after each event.

    Raises:
        HTTPError: the connection failed.
        ValueError: the server refuses, or sends what it should not.
    """
    now = asyncio.get_running_loop().time
    async with client.sse("/v1/completions", method="POST", content=body) as events:
        if events.response.status_code != 200:
            said = server_message(await refusal(events.response))
            raise ValueError(f"HTTP {events.response.status_code}: {said}")
        async for event in events:
            if event.data != "[DONE]":
                time = now() - submitted
                tally.add(event.data, time)
                if came is not None:
                    came(time)


def described(failure: Exception) -> str:
    if isinstance(failure, ValueError):
        return str(failure)
    return f"{type(failure).__name__}: {failure}".removesuffix(": ")
