"""A sweep and its simulations as pictures: PNG files, no window system needed."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median_low
from typing import Any, Final

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from andes_backend.report.interval import interval
from andes_backend.report.run import SERVED_WELL
from andes_backend.report.style import add_legend, make_figure, save, style
from andes_backend.twin.sweep.measure import Detail, Measured
from andes_backend.twin.sweep.points import Sweep, Value
from andes_backend.twin.sweep.tables import Group, axis_name, axis_value, groups, label
from andes_client.qoe import digest

__all__ = [
    "plot_distributions",
    "plot_request",
    "plot_state",
    "plot_sweep",
    "telling_request",
]

_PANELS: Final = 12
_TICKS: Final = 8  # more values than this, and matplotlib chooses where to have ticks


def plot_sweep(sweep: Sweep, results: Mapping[int, Measured], path: Path) -> str:
    """QoE against the rate, or against the first axis that varies; a line for each policy.

    A dot is a seed, the line their mean, the band its 95 % interval (Student's). Every
    combination of the other axes that vary has a panel, up to 12 of them.

    Args:
        sweep: what was asked for; nothing is drawn if none of its axes varies.
        results: point's index -> what it came to; those that failed are missing.
        path: the file; overwritten.

    Returns:
        A remark on what the picture leaves out; empty if nothing.
    """
    varying = sweep.varying()
    if not varying:
        return ""
    axis = "rate" if "rate" in varying else varying[0]
    others = [name for name in varying if name != axis]
    panels: dict[str, list[Group]] = {}
    for group in groups(sweep):
        panels.setdefault(label(others, group), []).append(group)
    figure, drawn = make_figure(min(len(panels), _PANELS), width=6.5, height=4.2)
    for axes, (title, members) in zip(drawn, panels.items(), strict=False):
        _draw_qoe(axes, sweep, axis, members, results)
        axes.set(title=title, xlabel=axis_name(axis), ylabel="mean QoE")
    add_legend(figure, drawn[0])
    save(figure, path, _fixed(sweep))
    left = len(panels) - _PANELS
    return f"{path.name} shows the first {_PANELS} combinations, not {left} more" * (left > 0)


def plot_distributions(details: Mapping[str, Detail], title: str, path: Path) -> None:
    """How QoE and TTFT are distributed over the requests of a workload, by policy.

    Args:
        details: policy -> every request.
        title: the workload's.
        path: the file; overwritten.
    """
    figure, (qoe, ttft) = make_figure(2, width=6.0, height=4.2)
    for policy, detail in details.items():
        _draw_cdf(qoe, policy, [outcome.qoe for outcome in detail.outcomes])
        _draw_cdf(ttft, policy, [o.ttft for o in detail.outcomes if o.ttft is not None])
    qoe.axvline(SERVED_WELL, color="grey", linewidth=1, linestyle=":")
    qoe.set(title="QoE", xlabel="QoE", ylabel="share of requests at or below", xlim=(-0.02, 1.02))
    ttft.set(title="Time to first token", xlabel="TTFT, s", ylabel="share of requests at or below")
    if any(outcome.times for detail in details.values() for outcome in detail.outcomes):
        _scale_in_decades(ttft)  # refuses to draw nothing
    for axes in (qoe, ttft):
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    add_legend(figure, qoe)
    save(figure, path, title)


def plot_request(details: Mapping[str, Detail], index: int, title: str, path: Path) -> None:
    """One request's tokens against time: expected, delivered, and taken in by its reader.

    Args:
        details: policy -> every request; a panel each.
        index: the request's place in the workload.
        title: the workload's.
        path: the file; overwritten.
    """
    figure, panels = make_figure(len(details), width=5.0, height=3.8, share=True)
    for axes, (policy, detail) in zip(panels, details.items(), strict=True):
        outcome = detail.outcomes[index]
        reader = outcome.request.expectation
        tokens = np.arange(1, len(outcome.times) + 1)
        expected = reader.ttft + (tokens - 1) * reader.seconds_per_token
        taken_in = digest(outcome.times, reader)
        colour = style(policy)[0]
        late = np.maximum(taken_in, expected) if outcome.times else expected
        axes.fill_betweenx(tokens, expected, late, color=colour, alpha=0.12, linewidth=0)
        axes.plot(
            expected, tokens, color="black", linestyle="--", linewidth=1.4, zorder=3,
            label="expected",
        )  # fmt: skip
        axes.plot(
            outcome.times, tokens, color="grey", linewidth=1.2, drawstyle="steps-post",
            label="delivered",
        )  # fmt: skip
        axes.plot(taken_in, tokens, color=colour, linewidth=2.2, label="taken in")
        axes.set(
            title=f"{policy}: QoE {outcome.qoe:.3f}",
            xlabel="seconds since submission",
            ylabel="tokens",
        )
        axes.legend(loc="lower right")
    # All panels have the same limits; only now is it known how far the last one reaches.
    panels[0].set_xlim(left=0)
    panels[0].set_ylim(bottom=0)
    save(figure, path, f"Request {index} of {title}")


def plot_state(details: Mapping[str, Detail], title: str, path: Path) -> None:
    """Requests that wait and KV memory in use over time, by policy.

    Args:
        details: policy -> the state over time.
        title: the workload's.
        path: the file; overwritten.
    """
    figure, (waiting, use) = make_figure(2, width=11.0, height=2.9, columns=1, share_x=True)
    for policy, detail in details.items():
        colour, line, _ = style(policy)
        how: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 1.3, "alpha": 0.85}
        how |= {"label": policy, "drawstyle": "steps-post"}
        waiting.plot(detail.time_s, detail.waiting, **how)
        use.plot(detail.time_s, detail.kv_use, **how)
    waiting.set(ylabel="requests waiting")
    waiting.set_ylim(bottom=0)
    use.set(ylabel="KV memory in use", xlabel="seconds since the start", ylim=(0, 1.04))
    use.yaxis.set_major_formatter(PercentFormatter(1.0))
    add_legend(figure, waiting)
    save(figure, path, title)


def telling_request(details: Mapping[str, Detail]) -> int:
    """A request to look at: of those that policies serve differently well, the middle one.

    What counts is the gap between the best and the worst QoE that it gets; with one policy,
    or if there is no gap at all, its place is the middle of all by QoE.
    """
    served = [
        [outcome.qoe for outcome in outcomes]
        for outcomes in zip(*(detail.outcomes for detail in details.values()), strict=True)
    ]
    gaps = [(max(qoe) - min(qoe), index) for index, qoe in enumerate(served)]
    differing = [gap for gap in gaps if gap[0] > 1e-9]
    return median_low(differing or [(qoe[0], index) for index, qoe in enumerate(served)])[1]


def _draw_qoe(
    axes: Any,
    sweep: Sweep,
    axis: str,
    members: Sequence[Group],
    results: Mapping[int, Measured],
) -> None:
    place = _places(axes, axis, [group.value(axis) for group in members])
    for policy in sweep.policies:
        colour, line, marker = style(policy)
        seen = [(place(group.value(axis)), _qoe(group, policy, results)) for group in members]
        seen = sorted((x, values) for x, values in seen if values)
        x = [x for x, _ in seen]
        axes.plot(
            x, [fmean(values) for _, values in seen],
            color=colour, linestyle=line, marker=marker, markersize=6, linewidth=2, label=policy,
        )  # fmt: skip
        if all(len(values) > 1 for _, values in seen):
            sure = [interval(values) for _, values in seen]
            low, high = [one.low or 0.0 for one in sure], [one.high or 0.0 for one in sure]
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        for place_x, values in seen:
            if len(values) > 1:
                axes.plot([place_x] * len(values), values, ".", color=colour, markersize=4)
    axes.axhline(SERVED_WELL, color="grey", linewidth=1, linestyle=":", label="served well: 0.9")
    axes.set_ylim(0, 1.03)


def _fixed(sweep: Sweep) -> str:
    """What is the same in all panels of a sweep, for the title."""
    cell, varying = next(sweep.cells()), sweep.varying()
    rate = None if cell.rate is None else f"{cell.rate:g} requests/s"
    said = {"profile": Path(cell.profile).stem, "rate": rate, "arrivals": cell.arrivals}
    return ", ".join(text for axis, text in said.items() if axis not in varying and text)


def _places(axes: Any, axis: str, values: Sequence[Value]) -> Callable[[Value], float]:
    """Where on the x axis a value is: numbers at their own place, others one by one."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = {float(value) for value in values if isinstance(value, int | float)}
        if len(numbers) <= _TICKS:
            axes.set_xticks(sorted(numbers))
            axes.xaxis.set_major_formatter("{x:g}")
        return lambda value: float(value or 0)
    distinct = list(dict.fromkeys(values))
    names = [axis_value(axis, value) for value in distinct]
    size = 7.0 if any("=" in name for name in names) else None
    axes.set_xticks(range(len(distinct)), _telling(names), fontsize=size)
    return lambda value: float(distinct.index(value))


def _telling(names: Sequence[str]) -> list[str]:
    """What tells them apart, line by line: all of duty:intensity=2,duration=0.35 is too wide."""
    parts = [re.split("[:,]", name) for name in names]
    columns = list(itertools.zip_longest(*parts, fillvalue=""))
    telling = [column for column in columns if len(set(column)) > 1]
    return ["\n".join(filter(None, one)) for one in zip(*telling, strict=True)] or list(names)


def _qoe(group: Group, policy: str, results: Mapping[int, Measured]) -> list[float]:
    """Mean QoE of every seed that is there."""
    found = [results[p.index].summary.qoe_mean for p in group.points[policy] if p.index in results]
    return [value for value in found if value is not None]


def _draw_cdf(axes: Any, policy: str, values: Sequence[float]) -> None:
    colour, line, _ = style(policy)
    draw = axes.ecdf if values else axes.plot  # the first refuses to draw nothing
    draw(values, color=colour, linestyle=line, linewidth=2, label=policy)


def _scale_in_decades(axes: Any) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
