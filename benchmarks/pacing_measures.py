"""One measurement of the pacer or of what it is compared with, in a process of its own.

Prints its figures as JSON on one line; benchmarks/pacing.py runs these and compares.

The streams of "bare" and "paced" release 4.8 words a second each. A stream begins at a
random moment of a ramp, so that releases spread evenly, and all of its text arrives there
in four bursts; CPU and lateness are counted in a window after the ramp, in which nothing
arrives any more. A bare stream is a loop over `anyio.sleep_until` that holds its text, too.
"open" is "paced" with upstreams that do not end, and "reported" is "open" with a reporter.
"""

import argparse
import gc
import itertools
import json
import os
import random
import statistics
import time
from array import array
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import anyio

from andes_client import Expectation, pace
from andes_client.reporter import Answer, Reporter
from andes_client.segment import Words

__all__ = ["MEASURES", "RELEASES_A_SECOND", "Crowd", "iterate", "main", "watch"]

RELEASES_A_SECOND: Final = 4.8
_INTERVAL_S: Final = 1 / RELEASES_A_SECOND
_SETTLE_S: Final = 1.0
_SPARE_S: Final = 1.0  # of text after the window, so that no stream ends in it
_BURSTS: Final = 4
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_VOCABULARY: Final = 50_000  # different words, as frequent as in a language (Zipf's law)
# All words have four letters, so all take the same time: the reader's pace is set to it.
_EXPECTATION: Final = Expectation(1.0, RELEASES_A_SECOND * Words().cost(" word"))


class Crowd:
    """Many streams at once.

    Args:
        streams: how many.
        buffered: seconds of text that each holds when the window begins, about.
        seconds: length of the window, not above `buffered`; 0 to see only the memory.
        markdown: pace with the Markdown guard.
        ends: the upstreams end with the text; else the server may send more.
        reported: a server is told of the readers; it answers at once.
    """

    def __init__(
        self,
        streams: int,
        buffered: float,
        seconds: float,
        *,
        markdown: bool = False,
        ends: bool = True,
        reported: bool = False,
    ) -> None:
        self.late: list[array[float]] = []
        """Of each stream, the lateness of its releases since the window began, seconds."""
        self.reports = 0
        """That have reached the server since then."""
        self._random = random.Random(1)
        self._seconds = seconds
        self._markdown = markdown
        self._ends = ends
        self._reporter = Reporter(self._hear) if reported else None
        self._ramp = max(0.2, streams / 500)
        self._buffered = buffered
        self._vocabulary = [
            "".join(self._random.choices(_LETTERS, k=4)) + " " for _ in range(_VOCABULARY)
        ]
        self._weights = list(itertools.accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))
        self._resident_before = _resident()
        self._streams = [self._stream() for _ in range(streams)]

    async def bare(self, start: float, text: str) -> None:
        """The floor: sleep until each word is due."""
        due, late = start, self._lateness_of_one()
        for _ in range(len(text) // 5):
            await anyio.sleep_until(due)
            late.append(time.monotonic() - due)
            due += _INTERVAL_S

    async def paced(self, start: float, text: str) -> None:
        """The same text through the pacer."""
        await anyio.sleep_until(start)
        length, late = len(text) // _BURSTS + 1, self._lateness_of_one()
        parts = [text[at : at + length] for at in range(0, len(text), length)]
        bursts = _in_bursts(parts, ends=self._ends)
        del text  # the buffer is all that holds it now
        report = self._reporter.line() if self._reporter else None
        async with pace(bursts, _EXPECTATION, markdown=self._markdown, report=report) as words:
            due = time.monotonic()  # the first is due when it arrives
            async for _ in words:
                late.append(time.monotonic() - due)
                due += _INTERVAL_S

    async def run(
        self, stream: Callable[[float, str], Coroutine[Any, Any, None]]
    ) -> dict[str, float]:
        """Run all streams up to the end of the window; returns the figures."""
        begin = time.monotonic() + 0.1
        async with anyio.create_task_group() as tasks:
            while self._streams:
                phase, text = self._streams.pop()
                tasks.start_soon(stream, begin + phase, text)
            await anyio.sleep_until(begin + self._ramp + _SETTLE_S)
            if not self._seconds:
                gc.collect()  # which holds everything up: not before a window
            resident = _resident() - self._resident_before
            for late in self.late:
                del late[:]
            self.reports = 0
            cpu = time.process_time()
            await anyio.sleep(self._seconds)
            cpu = time.process_time() - cpu
            figures = {"resident": float(resident), "cpu": cpu, **_lateness(self.late)}
            figures["reports"] = float(self.reports)
            tasks.cancel_scope.cancel()
        return figures

    async def _hear(self, body: bytes) -> Answer:
        """A server; what it costs is not counted, and so it answers nothing of length."""
        self.reports += body.count(b'"stream"')
        return Answer(200, b'{"v": 1, "streams": {}}')

    def _lateness_of_one(self) -> "array[float]":
        self.late.append(array("d"))
        return self.late[-1]

    def _stream(self) -> tuple[float, str]:
        """When in the ramp a stream begins, and its text."""
        phase = self._random.random() * self._ramp
        seconds = self._ramp - phase + _SETTLE_S + self._buffered
        seconds += _SPARE_S if self._seconds else 0.0
        words = self._random.choices(
            self._vocabulary, cum_weights=self._weights, k=int(RELEASES_A_SECOND * seconds)
        )
        return phase, "".join(words)


async def watch(kind: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Many streams: CPU seconds, releases, lateness in seconds, resident bytes, reports."""
    crowd = Crowd(
        arguments.streams,
        arguments.buffered,
        arguments.seconds,
        markdown=arguments.markdown,
        ends=kind not in ("open", "reported"),
        reported=kind == "reported",
    )
    return await crowd.run(crowd.bare if kind == "bare" else crowd.paced)


async def iterate(kind: str, arguments: argparse.Namespace) -> dict[str, float]:
    """One stream without any delay, all of it there: CPU seconds for all words."""
    words = _in_bursts(["word "] * arguments.words)
    count = 0
    cpu = time.process_time()
    if kind == "iteration":
        async for _ in words:
            count += 1
    else:
        async with pace(words, Expectation.program(), markdown=arguments.markdown) as paced:
            async for _ in paced:
                count += 1
    return {"cpu": time.process_time() - cpu, "releases": count}


MEASURES: Final = {
    "bare": watch,
    "paced": watch,
    "open": watch,
    "reported": watch,
    "iteration": iterate,
    "program": iterate,
}
"""What there is to measure, by name."""


async def _in_bursts(bursts: list[str], *, ends: bool = True) -> AsyncIterator[str]:
    for burst in bursts:
        yield burst
    if not ends:
        await anyio.sleep_forever()


def _lateness(streams: "list[array[float]]") -> dict[str, float]:
    """Releases, and quantiles of their lateness.

    An even schedule runs through the earliest release of each stream: where a schedule was
    shifted before the window, it is measured from there; a shift within the window counts.
    """
    late = [each - min(stream) for stream in streams if stream for each in stream]
    hundredths = statistics.quantiles(late, n=100) if len(late) > 1 else [0.0] * 99
    return {"releases": len(late), "p50": hundredths[49], "p99": hundredths[98]}


def _resident() -> int:
    """Bytes of memory that the process really takes; 0 where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=MEASURES)
    parser.add_argument("--streams", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of measuring")
    parser.add_argument("--buffered", type=float, default=10.0, help="seconds of text")
    parser.add_argument("--words", type=int, default=200_000, help="without delay")
    parser.add_argument("--markdown", action="store_true", help="pace with the guard")
    parser.add_argument("--gc", type=int, nargs=3, help="arguments of gc.set_threshold")
    arguments = parser.parse_args()
    if arguments.gc:
        gc.set_threshold(*arguments.gc)
    print(json.dumps(anyio.run(MEASURES[arguments.kind], arguments.kind, arguments)))


if __name__ == "__main__":
    main()
