"""What pacing costs: CPU, lateness and memory a stream, beside a bare sleeping loop.

    python benchmarks/pacing.py                  5,000 and 10,000 streams, about twelve minutes
    python benchmarks/pacing.py --streams 5000 --runs 1

The row "not reported and reported" compares two paced ones, of which one has a reporter and a
server that answers at once, while the upstream is open.

Every measurement runs in a fresh process (pacing_measures.py), bare and paced in turn, and
the table shows medians. Seconds drift between machines and with what else runs on them;
ratios hold better.

CPU is the process's own, of releases in a window in which nothing arrives. Lateness is
that of a release against the moment at which it is due. Memory is what the resident set
has grown by since before there were any streams, after a full garbage collection, with that
many seconds of text buffered in each; a bare stream holds the same text as one string, so
the difference is what pacing takes beyond a task and the text itself. (The resident set
counts what the system really gives, allocator waste included; tracemalloc would slow
thousands of streams down by far more than they cost.)
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pacing_measures import RELEASES_A_SECOND
from table import print_table

__all__ = ["main"]

Figures = dict[str, float]

_MEASURES: Final = Path(__file__).with_name("pacing_measures.py")
_FURTHER_S: Final = 20.0  # of text, to see what buffered words take


def main() -> None:
    """Measure, and print the table; whatever the figures, that is no failure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, nargs="+", default=[5_000, 10_000], metavar="N")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="medians of so many")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a measurement")
    parser.add_argument("--words", type=int, default=200_000, help="for the run without delay")
    parser.add_argument("--markdown", action="store_true", help="pace with the Markdown guard")
    parser.add_argument(
        "--gc", nargs=3, default=[], metavar="N", help="gc.set_threshold: see docs/client.md"
    )
    arguments = parser.parse_args()
    rows = [row for streams in arguments.streams for row in _crowd(streams, arguments)]
    print_table(
        f"Pacing beside a bare anyio.sleep_until loop, medians of {arguments.runs}",
        ("", "bare", "paced", "paced against bare", "target"),
        [*rows, *_without_delay(arguments)],
    )


def _crowd(streams: int, arguments: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """The rows for so many streams at once."""
    seconds = arguments.seconds
    options = [f"--streams={streams}", f"--seconds={seconds}", f"--buffered={seconds}"]
    options += ["--gc", *arguments.gc] if arguments.gc else []
    options += ["--markdown"] if arguments.markdown else []
    bare, paced = _medians(("bare", "paced"), options, arguments.runs)
    expected = streams * RELEASES_A_SECOND * seconds
    name = f"{streams:,} streams: "
    yield (
        f"{name}releases made, of those due",
        *(f"{100 * figures['releases'] / expected:.1f} %" for figures in (bare, paced)),
        "",
        "all",
    )
    cpu = [figures["cpu"] / max(1.0, figures["releases"]) * 1e6 for figures in (bare, paced)]
    yield (
        f"{name}CPU a release",
        *(f"{each:.1f} µs" for each in cpu),
        f"{cpu[1] / cpu[0] if cpu[0] else 0.0:.2f} x",
        "<= 2 x",
    )
    for key in ("p50", "p99"):
        late = [figures[key] * 1e3 for figures in (bare, paced)]
        more = f"{late[1] - late[0]:+.2f} ms"
        target = "<= +2 ms" if key == "p99" else ""
        yield (f"{name}lateness, {key}", *(f"{each:.2f} ms" for each in late), more, target)
    yield _reported(name, options, arguments.runs)
    yield from _memory(name, streams, arguments)


def _reported(name: str, options: list[str], runs: int) -> tuple[str, ...]:
    """What it costs that a server is told of the readers, while it may send more."""
    untold, told = (
        figures["cpu"] / max(1.0, figures["releases"]) * 1e6
        for figures in _medians(("open", "reported"), options, runs)
    )
    return (
        f"{name}CPU a release, not reported and reported",
        *(f"{each:.1f} µs" for each in (untold, told)),
        f"{told / untold if untold else 0.0:.2f} x",
        "<= 1.05 x",
    )


def _memory(name: str, streams: int, arguments: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    seconds, guard = arguments.seconds, ["--markdown"] if arguments.markdown else []
    some, more = (
        _medians(
            ("bare", "paced"),
            [f"--streams={streams}", "--seconds=0", f"--buffered={buffered}", *guard],
            1,
        )
        for buffered in (seconds, seconds + _FURTHER_S)
    )
    size = [figures["resident"] / streams / 1024 for figures in some]
    yield (
        f"{name}memory a stream, {seconds:g} s of text",
        *(f"{each:.2f} KiB" for each in size),
        f"{size[1] - size[0]:+.2f} KiB",
        "<= +6 KiB",
    )
    each = [
        (after["resident"] - before["resident"]) / streams / (_FURTHER_S * RELEASES_A_SECOND)
        for before, after in zip(some, more, strict=True)
    ]
    difference = f"{each[1] - each[0]:+.0f} B"
    yield (f"{name}memory a buffered word", *(f"{size:.0f} B" for size in each), difference, "")


def _without_delay(arguments: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    options = [f"--words={arguments.words}", *(["--markdown"] if arguments.markdown else [])]
    plain, program = (
        figures["cpu"] / arguments.words * 1e6
        for figures in _medians(("iteration", "program"), options, arguments.runs)
    )
    yield (
        "a program reads without delay, CPU a word",
        f"{plain:.2f} µs",
        f"{program:.2f} µs",
        f"{program - plain:+.2f} µs",
        "<= +3 µs",
    )


def _medians(kinds: tuple[str, str], options: list[str], runs: int) -> tuple[Figures, Figures]:
    """Measure both kinds in turn; for each, the median of every figure."""
    results: dict[str, list[Figures]] = {kind: [] for kind in kinds}
    for run in range(runs):
        for kind in kinds:
            print(f"{kind} {' '.join(options)}: {run + 1} of {runs}", file=sys.stderr, flush=True)
            results[kind].append(_measure(kind, options))
    return _median(results[kinds[0]]), _median(results[kinds[1]])


def _median(results: list[Figures]) -> Figures:
    return {key: statistics.median(each[key] for each in results) for key in results[0]}


def _measure(kind: str, options: list[str]) -> Figures:
    command = [sys.executable, str(_MEASURES), kind, *options]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: Figures = json.loads(out)
    return figures


if __name__ == "__main__":
    main()
