"""What it costs that readers report: the client, the front end and the engine in one run.

    python benchmarks/report_cost.py             1,000 streams that read on, about a minute

The streams of the client are those of pacing.py: all text is there, the upstream stays open, and
nothing arrives any more, so that each asks now and then when more will come. Two processes run at
once, with a reporter and without, so that what else the machine does slows both alike; the ratio
is the median of several such pairs. As many reports as the client has sent, the front end and the
engine then get (report_cost_measures.py).

All times are CPU time, of the process or the thread that does the work.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

from table import print_table

__all__ = ["main"]

Figures = dict[str, float]

_HERE: Final = Path(__file__).parent
_MOST_REPORTS: Final = 0.2  # a second and stream
_CALLS: Final = (1, 20)  # a second: of one process of an app, of twenty


def main() -> None:
    """Measure, and print the table; whatever the figures, that is no failure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, default=1_000, metavar="N")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="pairs of the client's")
    parser.add_argument("--seconds", type=float, default=7.0, help="length of each (7)")
    parser.add_argument("--steps", type=int, default=300, metavar="N", help="of the engine")
    chosen = parser.parse_args()
    size = [f"--streams={chosen.streams}"]
    window = [*size, f"--seconds={chosen.seconds}", f"--buffered={chosen.seconds}"]
    pairs = [
        _together("pacing_measures.py", ["open", *window], ["reported", *window])
        for _ in range(chosen.runs)
    ]
    told = statistics.median(pair[1]["reports"] for pair in pairs)
    rate = told / chosen.streams / chosen.seconds
    calls = [f"--calls={each}" for each in _CALLS]
    of_all = [*size, f"--rate={min(rate, _MOST_REPORTS)}"]
    front, engine = _together(
        "report_cost_measures.py",
        ["front", *of_all, *calls],
        ["engine", *of_all, f"--steps={chosen.steps}"],
    )
    print_table(
        f"What reports cost, {chosen.streams:,} streams that read on",
        ("", "measured", "target"),
        [
            ("reports a second and stream", f"{rate:.3f}", f"<= {_MOST_REPORTS:g}"),
            *_of_client(pairs),
            *(
                (
                    f"front end, {each} calls a second, of a core",
                    f"{front[str(each)]:.2%}",
                    "<= 1 %",
                )
                for each in _CALLS
            ),
            ("engine, a step in which reports come, median", f"{engine['p50']:.1f} µs", ""),
            ("engine, p99 of all steps", f"{engine['p99']:.1f} µs", "<= 50 µs"),
            ("engine, all reports of a second at once", f"{engine['at once']:.0f} µs", ""),
        ],
    )


def _of_client(pairs: list[list[Figures]]) -> list[tuple[str, str, str]]:
    without, reported = (
        [figures["cpu"] / max(1.0, figures["releases"]) * 1e6 for figures in kind]
        for kind in zip(*pairs, strict=True)
    )
    ratio = statistics.median(b / a if a else 0.0 for a, b in zip(without, reported, strict=True))
    return [
        ("a paced release, not reported", f"{statistics.median(without):.1f} µs", ""),
        ("a paced release, reported", f"{statistics.median(reported):.1f} µs", ""),
        ("reported against not, median of the pairs", f"{ratio:.3f} x", "<= 1.05 x"),
    ]


def _together(script: str, *options: list[str]) -> list[Figures]:
    """Run these at the same time, each in a process of its own; their figures."""
    print(f"{script}: {' and '.join(each[0] for each in options)}", file=sys.stderr, flush=True)
    running = [
        subprocess.Popen(
            [sys.executable, str(_HERE / script), *each], stdout=subprocess.PIPE, text=True
        )
        for each in options
    ]
    said = [process.communicate()[0] for process in running]
    for process in running:
        if process.returncode:
            raise SystemExit(f"{script} has failed")
    return [json.loads(one.splitlines()[-1]) for one in said]


if __name__ == "__main__":
    main()
