"""How evenly `smooth()` releases text, and how late, beside Vercel's smoothStream.

    python benchmarks/smoothing.py                   ours alone
    python benchmarks/smoothing.py --smooth-stream   beside smoothStream: needs npm and node

The patterns are those of tests/client/clumps.py: scripted, and recorded from a real vLLM server.
Variation is the coefficient of variation of the gaps between words (standard deviation over mean);
a word's lag is from the arrival of its last letter to its release. "Raw" shows every word as soon
as it is whole, and the first one even before. "Hindsight" is the evenest release within the
window of somebody who knows what is to come: nobody can do better.

smoothStream waits for a set time after each word, 10 ms by default. It runs in Node, on mock
timers, with that and with the mean gap between the words of the pattern ("fitted"), which nobody
knows beforehand. Beside each stands ours with a window as long as its lag. All moments are
computed, so the figures are the same on every machine.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from table import print_table

_ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(_ROOT))

from tests.client.clumps import (  # noqa: E402, found through the line above
    PATTERNS,
    Arrivals,
    Release,
    as_it_comes,
    hindsight,
    lag,
    releases,
    smoothed,
    variation,
)

__all__ = ["main"]

_PACKAGE: Final = "ai@7.0.173"
_DEFAULT_MS: Final = 10
_SCRIPT: Final = Path(__file__).with_name("smooth_stream.mjs")
_SHORTEST_S: Final = 0.001  # of a window


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--window", type=float, default=0.5, metavar="SECONDS")
    parser.add_argument("--patterns", type=int, metavar="N", help="only the first so many")
    parser.add_argument(
        "--smooth-stream",
        nargs="?",
        type=Path,
        const=Path(),
        metavar="DIR",
        help=f"compare with {_PACKAGE}, which npm installs into DIR (a temporary folder)",
    )
    arguments = parser.parse_args()
    names = list(PATTERNS)[: arguments.patterns]
    print_table(
        f"smooth({arguments.window:g}): variation of the gaps between words, and lag",
        ("pattern", "raw", "smooth", "of raw", "hindsight", "lag p50", "p95", "longest", "first"),
        [_row(name, arguments.window) for name in names],
    )
    if arguments.smooth_stream is not None:
        print_table(
            f"Beside smoothStream ({_PACKAGE}): variation, and lag p95 in ms",
            (
                "pattern",
                *("10 ms", "lag", "ours", "lag", "hindsight"),
                *("fitted", "lag", "ours", "lag"),
            ),
            _beside(names, arguments.smooth_stream),
        )


def _row(name: str, window: float) -> tuple[str, ...]:
    arrivals = PATTERNS[name]
    raw, ours = as_it_comes(arrivals), smoothed(arrivals, window)
    return (
        name,
        f"{variation(raw):.2f}",
        f"{variation(ours):.2f}",
        f"{variation(ours) / variation(raw):.2f}",
        f"{variation(hindsight(raw, window)) / variation(raw):.2f}",
        *(f"{1000 * lag(ours, share):.0f} ms" for share in (0.5, 0.95, 1.0)),
        f"{1000 * (ours[0].at - arrivals[0][0]):+.0f} ms",
    )


def _beside(names: Sequence[str], folder: Path) -> list[tuple[str, ...]]:
    fitted = [round(1000 * _mean_gap(as_it_comes(PATTERNS[name]))) for name in names]
    runs = [
        {"arrivals": [(round(1000 * at), text) for at, text in PATTERNS[name]], "delay": delay}
        for name, delays in zip(names, zip(itertools.repeat(_DEFAULT_MS), fitted), strict=False)
        for delay in delays
    ]
    if folder != Path():
        found = _smooth_stream(runs, folder)
    else:
        with tempfile.TemporaryDirectory() as made:
            found = _smooth_stream(runs, Path(made))
    rows = []
    for number, (name, fit) in enumerate(zip(names, fitted, strict=True)):
        default, best = (
            releases(PATTERNS[name], [(at / 1000, text) for at, text in one])
            for one in found[2 * number : 2 * number + 2]
        )
        raw = as_it_comes(PATTERNS[name])
        bound = max(_SHORTEST_S, lag(default))
        most = f"{variation(hindsight(raw, bound)):.2f}"
        cells = (*_against(PATTERNS[name], default), most, *_against(PATTERNS[name], best))
        rows.append((f"{name} ({fit} ms)", *cells))
    return rows


def _against(arrivals: Arrivals, theirs: Sequence[Release]) -> tuple[str, ...]:
    """Theirs, and ours within the same lag."""
    ours = smoothed(arrivals, max(_SHORTEST_S, lag(theirs)))
    return tuple(
        cell
        for one in (theirs, ours)
        for cell in (f"{variation(one):.2f}", f"{1000 * lag(one):.0f}")
    )


def _mean_gap(released: Sequence[Release]) -> float:
    return statistics.mean(b.at - a.at for a, b in itertools.pairwise(released))


def _smooth_stream(runs: object, folder: Path) -> list[list[tuple[float, str]]]:
    """What smoothStream releases of each, in milliseconds."""
    if not (folder / "node_modules" / "ai").exists():
        options = ("--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run(["npm", "install", *options, f"--prefix={folder}", _PACKAGE], check=True)
    script = folder / _SCRIPT.name  # a module finds packages from where it lies
    script.write_text(_SCRIPT.read_text())
    out = subprocess.run(
        ["node", str(script)], input=json.dumps(runs), check=True, stdout=subprocess.PIPE, text=True
    )
    found: list[list[tuple[float, str]]] = json.loads(out.stdout)
    return found


if __name__ == "__main__":
    main()
