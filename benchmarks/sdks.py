"""How soon a server hears that the reader has left, by SDK: the rows of docs/sdks.md.

    .venv-sdks/bin/python benchmarks/sdks.py

Each SDK reads a real HTTP server on loopback that speaks its wire format, through its source
and `pace` or `pace_blocking`. After the first word the reader leaves the block; the time is that
from there until the server sees the connection end. `flows`: the server sends 100 words a second.
`floods`: as fast as the client takes them. `silent`: it has sent three words and sends no more. The
figure is the median of the runs; standard error has the longest.

It prints rows of Markdown: the first columns are what tests/client/sdk/test_sdks.py tests.
"""

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from andes_client import pace, pace_blocking  # noqa: E402
from tests.client.scripted_server import DEADLINE_S, QUICK, Gate, ScriptedServer, serving  # noqa: E402
from tests.client.sdk.case import Case  # noqa: E402
from tests.client.sdk.cases import CASES  # noqa: E402
from tests.client.sdk.moves import Flows, Move, Says  # noqa: E402

__all__ = ["HEAD", "described", "main", "measured", "pinned"]

HEAD: Final = (
    "| SDK | source | event loops | reasoning apart | an error in mid-stream "
    "| a body that ends early | left, async: flows, floods, silent "
    "| left, blocking: flows, floods, silent |\n"
    "|---|---|---|---|---|---|---|---|"
)


def pinned(case: Case) -> str:
    """The version that the environment of its tests pins."""
    name = "constraints" if case.extra == "dev" else case.extra
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return str(pins[case.distribution.replace("_", "-")])


def described(case: Case) -> str:
    """The columns of a case that its tests hold."""
    loops = ", ".join(case.backends) or "none"
    thinks = "yes" if case.thinks else "no"
    fails = f"`{case.failure[0]}`" if case.failure else "not told"
    early = {
        "cut off": "`StreamError`",
        "failed": "the SDK's error",
        "unsaid": "not told",
        "complete": "not told",
    }[case.early]
    name = f"{case.name} {pinned(case)}"
    return f"| {name} | `{case.source}` | {loops} | {thinks} | {fails} | {early} |"


def measured(case: Case, server: ScriptedServer, runs: int) -> str:
    """The columns of latencies."""
    cells = []
    for leave in (_leave, _leave_blocking):
        there = case.backends if leave is _leave else case.plain
        if not there or (leave is _leave_blocking and not case.flowing_plain):
            cells.append("goes on" if there else "none")
            continue
        figures = []
        for then in (lambda: Flows("word ", 0.01), lambda: Flows("word "), Gate):
            seconds = [leave(case, server, then) for _ in range(runs)]
            figures.append(f"{1000 * statistics.median(seconds):.0f}")
            print(f"{case}: at most {1000 * max(seconds):.0f} ms", file=sys.stderr)
        cells.append(f"{', '.join(figures)} ms")
    return " " + " | ".join(cells) + " |"


def _play(case: Case, server: ScriptedServer, then: Callable[[], Move]) -> None:
    server.forget()
    case.play(server, Says("One "), Says("two "), Says("three "), then())


class _Watch:
    """Waits, in a thread, for the server to hear that its client is gone."""

    def __init__(self, server: ScriptedServer) -> None:
        self._left = server.left
        self._at: float | None = None
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        if self._left.wait(DEADLINE_S):
            self._at = time.perf_counter()

    def since(self, start: float) -> float:
        self._thread.join()
        return float("inf") if self._at is None else self._at - start


def _leave(case: Case, server: ScriptedServer, then: Callable[[], Move]) -> float:
    async def run() -> float:
        _play(case, server, then)
        watch = _Watch(server)
        async with case.stream(server) as stream:
            async with pace(case.ours.text(stream), QUICK) as paced:
                await anext(aiter(paced))
                start = time.perf_counter()
            return await anyio.to_thread.run_sync(watch.since, start)

    return anyio.run(run, backend=case.backends[0])


def _leave_blocking(case: Case, server: ScriptedServer, then: Callable[[], Move]) -> float:
    assert case.plain is not None
    _play(case, server, then)
    watch = _Watch(server)
    with case.plain(server) as stream:
        with pace_blocking(case.ours.text_blocking(stream), QUICK) as paced:
            next(paced)
            start = time.perf_counter()
        return watch.since(start)


def main() -> None:
    """Measure every SDK that is here, and print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="of each (default: %(default)s)")
    parser.add_argument("--only", default="", help="SDKs whose name has this in it")
    args = parser.parse_args()
    print(HEAD)
    with serving() as server:
        for case in CASES:
            if args.only in case.name and case.is_here and case.version == pinned(case):
                print(described(case) + measured(case, server, args.runs), flush=True)


if __name__ == "__main__":
    main()
