"""Draw runs side by side: QoE in order of arrival, and how QoE and TTFT are distributed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from andes_backend.report.run import SERVED_WELL, Run

__all__ = ["plot"]


def plot(runs: Sequence[Run], path: str | Path) -> None:
    """Write a PNG with three panels, one line or colour for each run.

    Args:
        runs: one or more, each with a label of its own.
        path: the file; overwritten, its directory is made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(15, 4.5), layout="constrained")
    FigureCanvasAgg(figure)  # draws to memory: no window system needed
    by_arrival, qoe, ttft = figure.subplots(1, 3)
    for run in runs:
        _draw_by_arrival(by_arrival, run)
        _draw_cdf(qoe, [outcome.qoe for outcome in run.outcomes], run.label)
        _draw_cdf(ttft, [o.ttft for o in run.outcomes if o.ttft is not None], run.label)
    by_arrival.axhline(SERVED_WELL, color="grey", linewidth=0.8, linestyle=":")
    _label(by_arrival, "QoE of each request", "submitted, s", "QoE")
    _label(qoe, "QoE", "QoE", "share of requests at or below")
    _label(ttft, "Time to first token", "TTFT, s", "share of requests at or below")
    if any(outcome.times for run in runs for outcome in run.outcomes):
        _scale_in_decades(ttft)  # refuses to draw nothing
    qoe.set_xlim(-0.03, 1.03)
    figure.savefig(path, dpi=110)


def _draw_by_arrival(axes: Any, run: Run) -> None:
    x = [outcome.submitted_s for outcome in run.outcomes]
    y = [outcome.qoe for outcome in run.outcomes]
    axes.scatter(x, y, s=12, alpha=0.7, label=run.label)


def _draw_cdf(axes: Any, values: Sequence[float], label: str) -> None:
    ordered = sorted(values)
    shares = [(i + 1) / len(ordered) for i in range(len(ordered))]
    # From no request at all, just below the smallest value.
    axes.step([*ordered[:1], *ordered], [0.0, *shares] if shares else [], where="post", label=label)


def _scale_in_decades(axes: Any) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _label(axes: Any, title: str, x: str, y: str) -> None:
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.set_ylim(-0.03, 1.03)
    axes.grid(alpha=0.3)
    axes.legend()
