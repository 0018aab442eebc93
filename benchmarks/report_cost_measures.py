"""One measurement of what reports cost a server, in a process of its own.

Prints its figures as JSON on its last line; benchmarks/report_cost.py runs these.

"front" is the route in an application of FastAPI under uvicorn, as vLLM has it, called over
loopback. Its reports are packed for the engine as vLLM packs them, but not sent. "engine" is vLLM's
real scheduler with all streams running and no model behind it: it takes a step, and then hears what
has come in the hundred milliseconds that a step takes, a number drawn from Poisson's distribution.
So its caches are as cold as those of a server.
"""

import argparse
import asyncio
import dataclasses
import gc
import http.client
import itertools
import json
import logging
import os
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from andes_client import wire

__all__ = ["MEASURES", "main"]

_STEP_S: Final = 0.1
_ROUNDS: Final = 20
_WARM_UP: Final = 30  # steps
_RUSHES: Final = 30


def engine(arguments: argparse.Namespace) -> dict[str, float]:
    """CPU µs in which the engine hears: at p50 and p99 of the steps, and of a second's reports."""
    from andes_backend.engine import listener

    server = _crowd(arguments.streams, _WARM_UP + arguments.steps + _RUSHES + 1)
    scheduler: Any = server.scheduler
    random, count = np.random.default_rng(0), itertools.count()

    class Core:
        """What of vLLM's engine core is asked."""

    core: Any = Core()
    core.scheduler = scheduler

    def hear(reports: int) -> float:
        server.step(float("inf"))
        batch = _batch(scheduler, random, next(count), reports)
        began = time.thread_time()
        listener._hear(core, batch)
        return (time.thread_time() - began) * 1e6

    hear(arguments.streams)  # everybody has said something before
    gc.collect()
    gc.freeze()  # as vLLM does when a server has started
    came = random.poisson(arguments.streams * arguments.rate * _STEP_S, _WARM_UP + arguments.steps)
    took = np.array([hear(reports) for reports in came.tolist()])[_WARM_UP:]
    rush = [hear(max(1, round(arguments.streams * arguments.rate))) for _ in range(_RUSHES)]
    return {
        "p50": float(np.median(took[came[_WARM_UP:] > 0])) if came[_WARM_UP:].any() else 0.0,
        "p99": float(np.percentile(took, 99)),
        "at once": float(np.median(rush)),
    }


def _crowd(streams: int, tokens: int) -> Any:
    """A server on a virtual clock that serves so many streams, each for so many steps and more."""
    from andes_backend.lab.twin.engine import Engine
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import Request
    from andes_backend.profile import load_profile
    from andes_client import Expectation

    profile = dataclasses.replace(
        load_profile("opt-66b-4xa100"),
        kv_tokens=(streams + 1) * (2 * tokens + 100),
        max_sequences=streams,
        max_step_tokens=max(8192, streams),
    )
    server = Engine(Setup(profile=profile, policy="qoe"), 2 * tokens + 100)
    request = Request(0.0, 50, 2 * tokens, Expectation(1.0, 4.8))
    for _ in range(streams):
        server.admit(wire.new_stream_id(), request)
    while server.state()[1] < streams:
        server.step(float("inf"))
    return server


def _batch(scheduler: Any, random: Any, number: int, reports: int) -> Any:
    """Reports of readers who go on, as they come from another process."""
    streams = sorted(scheduler.andes_streams())
    chosen = random.choice(len(streams), min(reports, len(streams)), replace=False)
    rows = scheduler.andes_ledger.reports.rows([streams[index] for index in chosen])
    delivered = scheduler.andes_ledger.table.data["delivered"]
    return [
        [stream, number, 0.9 * float(delivered[row]), 2.0 * random.random(), 1.0, "reading", 0.05]
        for stream, row in rows.items()
    ]


def front(arguments: argparse.Namespace) -> dict[str, float]:
    """Share of a core that the front end takes, by how many calls a second bring the reports."""
    server = _Server()
    reports = max(1, round(arguments.streams * arguments.rate))
    shares = {str(calls): server.share(reports, calls) for calls in arguments.calls}
    server.end()
    return shares


def _calls(reports: int, calls: int) -> list[bytes]:
    """The bodies of a second's calls."""
    each = min(wire.MAX_REPORTS, -(-reports // calls))
    return [
        json.dumps(
            wire.encode_reports(
                wire.Report(
                    stream=wire.new_stream_id(), number=7, units=41, tokens=57.5, buffer_s=2.5
                )
                for _ in range(each)
            )
        ).encode()
        for _ in range(calls)
    ]


class _Server:
    """The route on loopback, in a thread."""

    def __init__(self) -> None:
        import uvicorn
        from fastapi import FastAPI
        from vllm.v1.serial_utils import MsgpackEncoder

        from andes_backend.engine.ear import Answers, Ear
        from andes_backend.engine.endpoint import PATH, ReportsEndpoint

        encoder = MsgpackEncoder()

        async def tell(reports: Sequence[Any]) -> Sequence[Answers]:
            encoder.encode((0, 0, "andes_hear", (reports,)))
            await asyncio.sleep(0)
            return [{report.stream: None for report in reports}]

        app, route = FastAPI(), ReportsEndpoint()
        route.attach_router(app)
        route.listen(Ear(tell), 1e6)
        access = logging.getLogger("uvicorn.access")  # its lines are made, and left out
        access.setLevel(logging.INFO)
        access.propagate = False
        self._path = PATH
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self._client = http.client.HTTPConnection("127.0.0.1", port)

    def share(self, reports: int, calls: int) -> float:
        """Of a core: CPU seconds for a second's reports in so many calls."""
        for body in _calls(reports, calls):
            self._post(body)
        seconds = [_calls(reports, calls) for _ in range(_ROUNDS)]
        began = self._cpu_s()
        for body in itertools.chain(*seconds):
            self._post(body)
        return (self._cpu_s() - began) / _ROUNDS

    def end(self) -> None:
        """Stop."""
        self._client.close()
        self._server.should_exit = True
        self._thread.join()

    def _post(self, body: bytes) -> None:
        self._client.request("POST", self._path, body, {"content-type": "application/json"})
        response = self._client.getresponse()
        if response.status != 200:
            raise SystemExit(f"the route has answered {response.status}")
        response.read()

    def _cpu_s(self) -> float:
        assert self._thread.ident is not None  # started
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))


MEASURES: Final = {"engine": engine, "front": front}
"""What there is to measure, by name."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=MEASURES)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=0.15, help="reports a second and stream")
    parser.add_argument("--steps", type=int, default=300, help="of the engine")
    parser.add_argument("--calls", type=int, action="append", help="a second; several times")
    arguments = parser.parse_args()
    arguments.calls = arguments.calls or [1]
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    print(json.dumps(MEASURES[arguments.kind](arguments)))


if __name__ == "__main__":
    main()
