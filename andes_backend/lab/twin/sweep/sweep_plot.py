"""A sweep as one picture: mean QoE by policy, with what the seeds say of how sure it is."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from andes_backend.lab.report.interval import interval
from andes_backend.lab.report.run import ATTAINED_QOE
from andes_backend.lab.report.style import add_legend, make_figure, save, style
from andes_backend.lab.twin.measure import Measured
from andes_backend.lab.twin.point import Value
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.tables import Group, axis_name, axis_value, groups, label

__all__ = ["plot_sweep"]

_PANELS: Final = 12
_TICKS: Final = 8  # more values than this, and matplotlib chooses where to have ticks


def plot_sweep(sweep: Sweep, results: Mapping[int, Measured], path: Path) -> str:
    """QoE against the rate, or against the first axis that varies; a line for each policy.

    Where none varies, but there are several seeds, the policies stand side by side.

    A dot is a seed, the line their mean, the band its 95 % interval (Student's). Every
    combination of the other axes that vary has a panel, up to 12 of them.

    Args:
        sweep: what was asked for; nothing is drawn of a single workload.
        results: point's index -> its result; points that failed are missing.
        path: the file; overwritten.

    Returns:
        A remark on what the picture leaves out; empty if nothing.
    """
    varying = sweep.varying()
    if not varying:
        if len(sweep.seeds) > 1:
            _plot_policies(sweep, results, path)
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
    axes.axhline(
        ATTAINED_QOE, color="grey", linewidth=1, linestyle=":", label=f"QoE {ATTAINED_QOE:g}"
    )
    axes.set_ylim(0, 1.03)


def _plot_policies(sweep: Sweep, results: Mapping[int, Measured], path: Path) -> None:
    figure, (axes,) = make_figure(1, width=5.0, height=4.2)
    (group,) = groups(sweep)
    for place, policy in enumerate(sweep.policies):
        colour, _, marker = style(policy)
        values = _qoe(group, policy, results)
        if values:
            sure = interval(values)
            low, high = (sure.mean if end is None else end for end in (sure.low, sure.high))
            axes.plot([place, place], [low, high], color=colour, linewidth=10, alpha=0.2)
            axes.plot([place], [sure.mean], marker, color=colour, markersize=8)
            axes.plot([place + 0.15] * len(values), values, ".", color=colour, markersize=4)
    axes.set_xticks(range(len(sweep.policies)), sweep.policies)
    axes.axhline(ATTAINED_QOE, color="grey", linewidth=1, linestyle=":")
    axes.set(ylabel="mean QoE", ylim=(0, 1.03), xlim=(-0.5, len(sweep.policies) - 0.5))
    save(figure, path, _fixed(sweep))


def _qoe(group: Group, policy: str, results: Mapping[int, Measured]) -> list[float]:
    """Mean QoE of every seed that is there."""
    found = [results[p.index].summary.qoe_mean for p in group.points[policy] if p.index in results]
    return [value for value in found if value is not None]


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
