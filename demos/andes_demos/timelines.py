"""Draw how text arrives and how it is released, in the three cases of the paper's Figure 1.

    python -m andes_demos.timelines [--out docs/timelines.svg]

Each panel is a real run of `pace()` on a virtual clock: the stream is scripted
(`andes_client.testing.FIGURE_1`), the release times are the pacer's. It needs matplotlib,
which the extra `bench` brings.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from andes_client import Expectation, reading
from andes_client.qoe import qoe
from andes_client.testing import FIGURE_1, Pattern, run_virtual, trace

__all__ = ["Timeline", "draw", "main", "timelines"]

_TOKENS: Final = 48
# Okabe and Ito's palette: told apart by the colour-blind, and by grey value.
_EXPECTED, _ARRIVED, _RELEASED = "#000000", "#E69F00", "#0072B2"


@dataclass(frozen=True, slots=True)
class Timeline:
    """One case: when each token was expected, came, and was released; seconds."""

    name: str
    expected: list[float]
    arrived: list[float]
    released: list[float]
    qoe: float
    """Of the arrivals; that of the releases is the same."""


def timelines(expectation: Expectation | None = None, tokens: int = _TOKENS) -> list[Timeline]:
    """Run the three cases for one reader, in no time.

    Args:
        expectation: the reader's; the mean reader's if not given.
        tokens: how many the response has.
    """
    reader = reading() if expectation is None else expectation
    return [_run(name, pattern, reader, tokens) for name, pattern in FIGURE_1.items()]


def draw(cases: Sequence[Timeline], path: Path) -> None:
    """Write the picture, a panel for each case; SVG or PNG, by the name of the file."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # With a salt of our own and without a date, the same run gives the same file.
    with mpl.rc_context({"svg.hashsalt": "andes", "font.size": 10}):
        figure = Figure(figsize=(11, 3.9), layout="constrained")
        FigureCanvasAgg(figure)  # draws to memory: no window system needed
        panels = figure.subplots(1, len(cases), sharex=True, sharey=True)
        for axes, case in zip(panels, cases, strict=True):
            _panel(axes, case)
        panels[0].set_xlim(0, 1.04 * max(case.released[-1] for case in cases))
        panels[0].set_ylim(0, 1.05 * len(cases[0].expected))
        panels[0].locator_params(axis="both", nbins=6)
        panels[0].set_ylabel("tokens")
        panels[len(panels) // 2].set_xlabel("seconds since submission")
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=4,
            frameon=False,
        )
        figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases, draw them, print their figures; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m andes_demos.timelines",
        description="Draw how text arrives and how it is released, in three cases.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("docs/timelines.svg"),
        metavar="FILE",
        help="where to write the picture, .svg or .png (docs/timelines.svg)",
    )
    arguments = parser.parse_args(argv)
    cases = timelines()
    try:
        draw(cases, arguments.out)
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Install it with: pip install 'andes-streaming[bench]'")
    except OSError as error:
        sys.exit(f"{arguments.out}: {error.strerror}")
    for case in cases:
        print(f"{case.name:28} QoE {case.qoe:.2f}, read by {case.released[-1]:.1f} s")
    print(f"drawn: {arguments.out}")
    return 0


def _run(name: str, pattern: Pattern, reader: Expectation, tokens: int) -> Timeline:
    run = run_virtual(lambda: trace(pattern(reader, tokens), reader, unit="token"))
    expected = [reader.ttft + i * reader.seconds_per_token for i in range(tokens)]
    return Timeline(name, expected, run.arrivals, run.releases, qoe(run.arrivals, reader))


def _panel(axes: Any, case: Timeline) -> None:
    counts = list(range(1, len(case.expected) + 1))
    axes.fill_betweenx(
        counts,
        case.expected,
        case.released,
        color=_RELEASED,
        alpha=0.15,
        linewidth=0,
        label="the reader's delay",
    )
    for times, label, style in (
        (case.arrived, "arrived", {"color": _ARRIVED, "linewidth": 3.5}),
        (case.released, "released by pace() = read", {"color": _RELEASED, "linewidth": 2}),
        (case.expected, "expected", {"color": _EXPECTED, "linewidth": 1.5, "linestyle": ":"}),
    ):
        axes.plot(times, counts, label=label, **style)
    axes.set_title(f"{case.name}\nQoE {case.qoe:.2f}")
    axes.grid(alpha=0.3)


if __name__ == "__main__":
    sys.exit(main())
