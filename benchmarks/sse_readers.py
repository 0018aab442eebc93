"""What pacing adds to a web server that sends words to thousands of readers.

    python benchmarks/sse_readers.py                       2,000 readers, about three minutes
    python benchmarks/sse_readers.py --readers 500 --runs 1

One app behind uvicorn, in a process of its own. At one address a model writes a word whenever its
reader is due, and the app sends it as an event; at the other the model writes bursts, and
`sse(pace(...))` sends the same words at the same speed. So what is sent is the same, and the
difference in CPU is that of the buffer. The readers are plain sockets of this process.

Measured in turn, in fresh processes; the table has medians, and the ratios are of pairs. Late is a
word against the moment at which it is due, counted from the first of its reader.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from table import print_table

__all__ = ["app", "main"]

_WORDS_A_SECOND: Final = 4.8
_WORD: Final = "word "
_BURST: Final = 24  # words: five seconds of reading
_KINDS: Final = ("bare", "paced")
_SETTLE_S: Final = 3.0


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Two addresses that send words, and one that says how much CPU that took."""
    from starlette.responses import PlainTextResponse, StreamingResponse

    from andes_client import Expectation, pace
    from andes_client.segment import Words
    from andes_client.web import HEADERS, sse

    if scope["type"] != "http":
        return
    if scope["path"] == "/cpu":
        response: Any = PlainTextResponse(str(time.process_time()))
    elif scope["path"] == "/bare":
        response = StreamingResponse(_bare(), headers=HEADERS)
    else:
        expectation = Expectation(1.0, _WORDS_A_SECOND * Words().cost(" word"))
        response = StreamingResponse(sse(pace(_bursts(), expectation)), headers=HEADERS)
    await response(scope, receive, send)


async def _bare() -> AsyncIterator[bytes]:
    """Written as a model would that is just as fast as its reader."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        yield f"data: {json.dumps({'text': _WORD})}\n\n".encode()
        due += 1 / _WORDS_A_SECOND
        await asyncio.sleep(due - loop.time())


async def _bursts() -> AsyncIterator[str]:
    while True:
        yield _WORD * _BURST
        await asyncio.sleep(_BURST / _WORDS_A_SECOND)


def main() -> None:
    """Measure, and print the table; whatever the figures, that is no failure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", type=int, default=2_000, metavar="N")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="medians of so many")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a measurement")
    asked = parser.parse_args()
    figures: dict[str, list[dict[str, float]]] = {kind: [] for kind in _KINDS}
    for run in range(asked.runs):
        for kind in _KINDS:
            print(f"run {run + 1} of {asked.runs}: {kind}", file=sys.stderr, flush=True)
            figures[kind].append(_measure(kind, asked.readers, asked.seconds))
    bare, paced = figures["bare"], figures["paced"]
    rows = [
        ("CPU a word, µs", *(_median(one, "cpu_us") for one in (bare, paced)), _ratio(bare, paced)),
        ("words sent in time", *(_median(one, "share", 3) for one in (bare, paced)), ""),
        ("late p99, ms", *(_median(one, "late_p99_ms") for one in (bare, paced)), ""),
    ]
    print_table(
        f"{asked.readers:,} readers of server-sent events, medians of {asked.runs}",
        ("", "bare", "paced", "paced against bare"),
        rows,
    )


def _median(figures: list[dict[str, float]], name: str, places: int = 1) -> str:
    return f"{statistics.median(one[name] for one in figures):.{places}f}"


def _ratio(bare: list[dict[str, float]], paced: list[dict[str, float]]) -> str:
    pairs = zip(bare, paced, strict=True)
    return f"{statistics.median(ours['cpu_us'] / floor['cpu_us'] for floor, ours in pairs):.2f}"


def _measure(kind: str, readers: int, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "uvicorn", "sse_readers:app", "--port", "0"]
    command += ["--log-level", "info", "--no-access-log", "--backlog", "4096"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        command, cwd=Path(__file__).parent, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            return asyncio.run(_read(_port(server), kind, readers, seconds))
        finally:
            server.kill()


def _port(server: "subprocess.Popen[str]") -> int:
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise SystemExit("the server did not start: is uvicorn installed (the dev extra)?")


async def _read(port: int, kind: str, readers: int, seconds: float) -> dict[str, float]:
    """What a crowd gets in a window that begins when all are there."""
    crowd = [_Reader() for _ in range(readers)]
    loop = asyncio.get_running_loop()
    for number, one in enumerate(crowd):
        await loop.create_connection(lambda one=one: one, "127.0.0.1", port)  # type: ignore[misc]
        one.ask(f"/{kind}")
        if number % 20 == 0:
            await asyncio.sleep(0.02)  # they come one after another, not in step
    await asyncio.sleep(_SETTLE_S)
    for one in crowd:
        one.late.clear()
    before, begin = await _cpu(port), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, spent = await _cpu(port) - before, time.monotonic() - begin
    late = sorted(moment for one in crowd for moment in one.late)
    return {
        "cpu_us": 1e6 * cpu / max(1, len(late)),
        "share": len(late) / (readers * _WORDS_A_SECOND * spent),
        "late_p99_ms": 1e3 * late[int(0.99 * len(late))] if late else 0.0,
    }


async def _cpu(port: int) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /cpu HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return float(answer.rpartition(b"\r\n\r\n")[2])


class _Reader(asyncio.Protocol):
    """Counts events, and how late each is."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._first: float | None = None
        self._count = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, path: str) -> None:
        assert self._transport is not None
        self._transport.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        for _ in range(data.count(b"data: ")):
            if self._first is None:
                self._first = now
            self.late.append(now - self._first - self._count / _WORDS_A_SECOND)
            self._count += 1


if __name__ == "__main__":
    main()
