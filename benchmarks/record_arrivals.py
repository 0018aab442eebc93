"""Record when a real vLLM server's text arrives, for benchmarks/smoothing.py.

    python benchmarks/record_arrivals.py

One stream of a stock vLLM server on the CPU (a tiny model with random weights) is recorded over
HTTP while the server answers four others, and long prompts come in between. With
`--stream-interval` the server collects tokens before it sends them. Moments and numbers of
tokens go to tests/client/arrivals.json; the words are nobody's.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2

from andes_backend.lab.bench.server import serve_tiny
from andes_backend.lab.bench.tiny_model import make_tiny_model

__all__ = ["ARRIVALS", "main"]

ARRIVALS: Final = Path(__file__).parent.parent / "tests" / "client" / "arrivals.json"
"""Where the recordings are: of each name, pairs of a moment in seconds and a number of tokens."""

_INTERVALS: Final = (1, 10, 50)  # --stream-interval
_TOKENS: Final = 400  # of the stream that is recorded
_OTHERS: Final = 4
_PROMPT: Final = 300  # tokens of those that come in between
_SIZE: Final = (256, 2)  # of the model: a step is short even on a machine that does other things
_EVERY_S: Final = 1.5


async def record(url: str) -> list[tuple[float, int]]:
    """One stream among others: when how many tokens came, seconds since the request."""
    limits = httpx2.Limits(max_connections=None)
    async with (
        httpx2.AsyncClient(base_url=url, timeout=None, limits=limits, trust_env=False) as client,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(_OTHERS):
            tasks.start_soon(_keep_busy, client)
        tasks.start_soon(_interrupt, client)
        await anyio.sleep(2.0)
        arrivals = await _stream(client, 8, _TOKENS)
        tasks.cancel_scope.cancel()
    return arrivals


async def _keep_busy(client: httpx2.AsyncClient) -> None:
    while True:
        await _stream(client, 8, random.randint(50, 400))


async def _interrupt(client: httpx2.AsyncClient) -> None:
    while True:
        await anyio.sleep(random.expovariate(1 / _EVERY_S))
        await _stream(client, _PROMPT, 1)


async def _stream(client: httpx2.AsyncClient, prompt: int, tokens: int) -> list[tuple[float, int]]:
    body: dict[str, Any] = {
        "model": "tiny",
        "prompt": [random.randint(10, 200) for _ in range(prompt)],
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
        "return_token_ids": True,
    }
    began, arrivals = time.monotonic(), []
    async with client.stream("POST", "/v1/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                ids = json.loads(line[len("data: ") :])["choices"][0].get("token_ids") or []
                if ids:
                    arrivals.append((round(time.monotonic() - began, 4), len(ids)))
    return arrivals


def main() -> None:
    """Record, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ARRIVALS, help="the file")
    arguments = parser.parse_args()
    recorded = {}
    with tempfile.TemporaryDirectory() as folder:
        model = make_tiny_model(Path(folder) / "model", hidden_size=_SIZE[0], layers=_SIZE[1])
        for interval in _INTERVALS:
            options = ("--stream-interval", str(interval))
            log = Path(folder) / "log"
            with serve_tiny(model, log=log, kv_blocks=640, extra=options) as server:
                recorded[f"vLLM, --stream-interval {interval}"] = anyio.run(record, server.url)
    lines = (f"{json.dumps(name)}: {json.dumps(one)}" for name, one in recorded.items())
    arguments.out.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
