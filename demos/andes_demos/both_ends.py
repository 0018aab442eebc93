"""Draw one stream of a busy server twice: its reader pauses, unheard and heard.

    python -m andes_demos.both_ends [--out docs/both-ends.svg]

The servers are the twin's: vLLM's own scheduler with our policy on a virtual clock, in an overload.
Both get the same requests, whose readers pause, skim and leave. On one server the readers' clients
report that, on the other they do not. Of the streams whose reader pauses, the one is drawn in which
it makes most difference how many tokens the server makes in the pause. It needs vLLM, and
matplotlib, which the extra `bench` brings.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from andes_backend.lab.report.outcome import Outcome
    from andes_backend.lab.workload import Workload

__all__ = ["Stream", "draw", "main", "streams"]

# Okabe and Ito's palette: told apart by the colour-blind, and by grey value.
_SERVED, _READ, _PAUSE = "#E69F00", "#0072B2", "#999999"
_RATE: Final = 4.2  # requests/s, a quarter more than the server completes


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream at one server; times in seconds since submission."""

    heard: bool
    served: list[float]
    """When each token left the server."""
    read: list[float]
    """When the reader was through with each."""
    pause: tuple[float, float]
    """From when to when the reader paused."""
    ahead: int
    """How many tokens the server was ahead of the reader when the pause ended."""
    qoe: float
    """Mean over all readers of this server."""


def streams(requests: int = 600, seed: int = 0) -> list[Stream]:
    """Serve the same requests unheard and heard; the stream that is drawn, at both servers.

    Args:
        requests: how many are sent.
        seed: of the workload.
    """
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.sensitivity.scenarios import RESTLESS
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import behaving, make_workload
    from andes_backend.profile import load_profile

    workload = behaving(make_workload(requests, rate=_RATE, seed=seed), RESTLESS)
    profile = load_profile("opt-66b-4xa100")
    unheard, heard = (
        simulate(workload, Setup(profile=profile, policy="qoe", reports=reports)).outcomes
        for reports in (False, True)
    )
    pairs = [
        (_stream(unheard[i], False, unheard), _stream(heard[i], True, heard))
        for i in _who_pause(workload)
    ]
    drawn = max(pairs, key=_difference)
    return [*drawn]


def draw(panels: Sequence[Stream], path: Path) -> None:
    """Write the picture, a panel for each server; SVG or PNG, by the name of the file."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # With a salt of our own and without a date, the same run gives the same file.
    with mpl.rc_context({"svg.hashsalt": "andes", "font.size": 10}):
        figure = Figure(figsize=(9, 3.9), layout="constrained")
        FigureCanvasAgg(figure)  # draws to memory: no window system needed
        places = figure.subplots(1, len(panels), sharex=True, sharey=True)
        for axes, panel in zip(places, panels, strict=True):
            _panel(axes, panel)
            axes.set_xlabel("seconds since submission")
        places[0].set_ylabel("tokens")
        places[0].set_xlim(left=0)
        places[0].set_ylim(bottom=0)
        handles = places[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, draw, print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m andes_demos.both_ends",
        description="Draw one stream of a busy server, unheard and heard.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("docs/both-ends.svg"),
        metavar="FILE",
        help="where to write the picture, .svg or .png (docs/both-ends.svg)",
    )
    parser.add_argument("--requests", type=int, default=600, help="at each server (600)")
    arguments = parser.parse_args(argv)
    try:
        panels = streams(arguments.requests)
        draw(panels, arguments.out)
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Install it with: pip install 'andes-streaming[server,bench]'")
    except OSError as error:
        sys.exit(f"{arguments.out}: {error.strerror}")
    for panel in panels:
        print(f"{_title(panel)}; mean QoE of all readers {panel.qoe:.3f}")
    print(f"drawn: {arguments.out}")
    return 0


def _difference(pair: tuple[Stream, Stream]) -> int:
    """How many tokens fewer are served in the pause where it is heard."""
    unheard, heard = (
        sum(stream.pause[0] < time < stream.pause[1] for time in stream.served) for stream in pair
    )
    return unheard - heard


def _who_pause(workload: "Workload") -> list[int]:
    """Readers who pause for half a minute or more, and do nothing else."""
    return [
        index
        for index, request in enumerate(workload.requests)
        if (does := request.behaviour).pause_at is not None
        and does.pause_s >= 30
        and (does.speed, does.reveal_at, does.leave_at) == (1.0, None, None)
    ]


def _stream(outcome: "Outcome", heard: bool, everybody: "Sequence[Outcome]") -> Stream:
    from andes_backend.lab.workload import Attention

    attention = Attention(outcome.request.expectation, outcome.request.behaviour)
    read, pause = [], (0.0, 0.0)
    for time in outcome.times:
        for act in attention.add(time):
            if act.state == "paused":
                pause = act.time_s, act.time_s + outcome.request.behaviour.pause_s
        read.append(attention.free_at)
    ahead = sum(time <= pause[1] for time in outcome.times) - sum(time <= pause[1] for time in read)
    qoe = fmean(one.qoe for one in everybody)
    return Stream(heard, list(outcome.times), read, pause, ahead, qoe)


def _title(panel: Stream) -> str:
    return f"{'heard' if panel.heard else 'unheard'}: {panel.ahead} tokens ahead after the pause"


def _panel(axes: Any, panel: Stream) -> None:
    counts = list(range(1, len(panel.served) + 1))
    axes.axvspan(*panel.pause, color=_PAUSE, alpha=0.25, linewidth=0, label="the reader pauses")
    for times, label, style in (
        (panel.served, "served", {"color": _SERVED, "linewidth": 3.5}),
        (panel.read, "read", {"color": _READ, "linewidth": 2}),
    ):
        axes.plot(times, counts, label=label, **style)
    axes.set_title(_title(panel))
    axes.grid(alpha=0.3)


if __name__ == "__main__":
    # Before anything imports vLLM; not in a process that has other uses for its log.
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    sys.exit(main())
