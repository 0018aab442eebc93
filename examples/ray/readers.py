"""Readers of a model on Ray Serve, what is found, and how it is shown: what our programs share."""

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from app import MODEL
from cluster import URL, cluster

from andes_backend.lab.bench.load import Target, described
from andes_backend.lab.bench.load import stream as read_stream
from andes_backend.lab.bench.tally import Tally
from andes_client import wire
from andes_client.expectation import Expectation

__all__ = [
    "TARGET",
    "Check",
    "Streamed",
    "options_of",
    "read",
    "replicas",
    "shown",
    "until",
]

TARGET = Target(url=URL, model=MODEL)
"""Where requests go."""

_READER = Expectation(1.0, 4.8)
_PATIENCE_S = 120.0  # for what has to come, on a machine of any speed


@dataclass
class Check:
    """Something that is promised, and what was found."""

    promised: str
    found: str
    holds: bool


@dataclass
class Streamed:
    """What a reader got."""

    tally: Tally
    error: str | None = None


def _asked_for(tokens: int, reader: Expectation, name: str) -> bytes:
    """The body of a request for so many tokens."""
    return json.dumps(
        {
            "model": MODEL,
            "prompt": list(range(100, 116)),
            "max_tokens": tokens,
            "ignore_eos": True,
            "temperature": 0.0,
            "stream": True,
            "return_token_ids": True,
            wire.FIELD: wire.encode(reader, stream=name),
        }
    ).encode()


async def read(
    client: httpx2.AsyncClient,
    streamed: Streamed,
    tokens: int,
    *,
    reader: Expectation = _READER,
    stream: str,
) -> None:
    """Read a response to its end.

    Args:
        client: see `andes_backend.lab.bench.load.connection`.
        streamed: is told what comes.
        tokens: the length of the response.
        reader: what is expected.
        stream: the id of the stream, for reports.
    """
    started = asyncio.get_running_loop().time()
    try:
        await read_stream(client, _asked_for(tokens, reader, stream), streamed.tally, started)
    except (httpx2.HTTPError, ValueError) as failure:
        streamed.error = described(failure)


async def until(
    true: Callable[[], Awaitable[bool]], what: str, patience_s: float = _PATIENCE_S
) -> float:
    """Wait for something; returns how long it took, seconds.

    Raises:
        TimeoutError: it has not come.
    """
    began = time.monotonic()
    while not await true():
        if time.monotonic() - began > patience_s:
            raise TimeoutError(f"waited {patience_s:g} s for {what}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def replicas(client: httpx2.AsyncClient) -> dict[str, dict[str, float]]:
    """How the replicas are: their figures by name."""
    said = (await client.get("/v1/andes/replicas")).raise_for_status().json()["replicas"]
    return {one["replica"]: one["figures"] for one in said if one["figures"] is not None}


def options_of(about: str) -> argparse.ArgumentParser:
    """The options that all programs have; about: a program's docstring."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="a directory, empty and short")
    parser.add_argument("--json", type=Path, help="write what was found here, too")
    return parser


def shown(options: argparse.Namespace, checks: Coroutine[Any, Any, list[Check]]) -> int:
    """Run the checks on a cluster of their own, and print what was found.

    Args:
        options: see `options_of`.
        checks: they are awaited.

    Returns:
        0 if all that is promised is so, else 1.
    """
    for talkative in ("httpx2", "ray", "vllm"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    with cluster(options.work / "ray"):
        found = asyncio.run(checks)
    for check in found:
        print(f"{'ok    ' if check.holds else 'NOT SO'} {check.promised}\n       {check.found}")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(check) for check in found], indent=2))
    return 0 if all(check.holds for check in found) else 1
