"""Draw runs side by side: QoE in order of arrival, and how QoE and TTFT are distributed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from andes_backend.lab.report.run import ATTAINED_QOE, Run

__all__ = ["plot"]


def plot(rows: Mapping[str, Sequence[Run]], path: str | Path) -> None:
    """Write a PNG with three panels a row, one colour for each label.

    Args:
        rows: one or more: the row's title, such as its rate (may be empty) -> its runs, each
            with a label of its own.
        path: the file; overwritten, its directory is made.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("a picture needs at least one row of runs")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(15, 4.5 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)  # draws to memory: no window system needed
    colours = _colours(rows)
    panels = figure.subplots(len(rows), 3, squeeze=False)
    for row, (title, runs) in zip(panels, rows.items(), strict=True):
        _draw_row(row, title, runs, colours)
    figure.savefig(path, dpi=110)


def _colours(rows: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """The same in every row, also where a run is missing."""
    labels = dict.fromkeys(run.label for runs in rows.values() for run in runs)
    return {label: f"C{i % 10}" for i, label in enumerate(labels)}


def _draw_row(
    row: Sequence[Any], title: str, runs: Sequence[Run], colours: Mapping[str, str]
) -> None:
    by_arrival, qoe, ttft = row
    for run in runs:
        style = {"label": run.label, "color": colours[run.label]}
        _draw_by_arrival(by_arrival, run, style)
        _draw_cdf(qoe, [outcome.qoe for outcome in run.outcomes], style)
        _draw_cdf(ttft, [o.ttft for o in run.outcomes if o.ttft is not None], style)
    by_arrival.axhline(ATTAINED_QOE, color="grey", linewidth=0.8, linestyle=":")
    where = f"{title}: " if title else ""
    _label(by_arrival, f"{where}QoE of each request", "submitted, s", "QoE")
    _label(qoe, f"{where}QoE", "QoE", "share of requests at or below")
    _label(ttft, f"{where}TTFT", "TTFT, s", "share of requests at or below")
    if any(outcome.times for run in runs for outcome in run.outcomes):
        _scale_in_decades(ttft)  # refuses to draw nothing
    qoe.set_xlim(-0.03, 1.03)


def _draw_by_arrival(axes: Any, run: Run, style: Mapping[str, str]) -> None:
    x = [outcome.submitted_s for outcome in run.outcomes]
    y = [outcome.qoe for outcome in run.outcomes]
    axes.scatter(x, y, s=12, alpha=0.7, **style)


def _draw_cdf(axes: Any, values: Sequence[float], style: Mapping[str, str]) -> None:
    ordered = sorted(values)
    shares = [(i + 1) / len(ordered) for i in range(len(ordered))]
    # From no request at all, just below the smallest value.
    axes.step([*ordered[:1], *ordered], [0.0, *shares] if shares else [], where="post", **style)


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
