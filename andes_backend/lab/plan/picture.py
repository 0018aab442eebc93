"""The answer as a picture: QoE against the rate by policy, and how far each gets."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from andes_backend.lab.plan.estimate import Reach
from andes_backend.lab.plan.spec import PlanSpec
from andes_backend.lab.plan.store import Store
from andes_backend.lab.report.run import Summary
from andes_backend.lab.report.style import add_legend, make_figure, save, style

__all__ = ["draw"]


def draw(spec: PlanSpec, store: Store, reaches: Sequence[Reach], path: Path) -> None:
    """Write a PNG: every simulation as a dot, and each policy's rate with its interval.

    Args:
        spec: what was asked.
        store: all points.
        reaches: how far each policy gets.
        path: the file; overwritten.
    """
    floors = [("mean QoE", "qoe_mean", spec.goal.qoe)]
    if spec.goal.p10 is not None:
        floors.append(("10th percentile of QoE", "qoe_p10", spec.goal.p10))
    figure, panels = make_figure(len(floors), width=7.5, height=4.6)
    for axes, (title, field, floor) in zip(panels, floors, strict=True):
        for reach in reaches:
            _draw_points(axes, spec, store, reach, field)
            _draw_rate(axes, reach)
        axes.axhline(floor, color="grey", linewidth=1, linestyle=":", label="asked for")
        axes.set(xlabel="requests/s a server", ylabel=title)
        axes.set_ylim(top=1.02)
    add_legend(figure, panels[0])
    save(figure, path, _title(spec))


def _draw_points(axes: Any, spec: PlanSpec, store: Store, reach: Reach, field: str) -> None:
    colour, line, marker = style(reach.policy)
    for seed in spec.seeds:
        known = sorted(store.summaries(reach.policy, seed).items())
        x, y = [rate for rate, _ in known], [_value(summary, field) for _, summary in known]
        axes.plot(
            x, y, color=colour, linestyle=line, linewidth=0.9, alpha=0.7, marker=marker,
            markersize=4, label=reach.policy if seed == spec.seeds[0] else None,
        )  # fmt: skip


def _draw_rate(axes: Any, reach: Reach) -> None:
    if (found := reach.capacity) is None:
        return
    colour = style(reach.policy)[0]
    axes.axvline(found.mean, color=colour, linewidth=1.6)
    if found.low is not None and found.high is not None:
        axes.axvspan(found.low, found.high, color=colour, alpha=0.18, linewidth=0)
    axes.annotate(
        f"{found.mean:.2f}", (found.mean, 0.03), xycoords=axes.get_xaxis_transform(),
        xytext=(4, 0), textcoords="offset points", color=colour, fontweight="bold",
    )  # fmt: skip


def _value(summary: Summary, field: str) -> float:
    value: float | None = getattr(summary, field)
    return math.nan if value is None else value


def _title(spec: PlanSpec) -> str:
    how = f", {spec.arrivals}" if spec.arrivals else ""
    return f"{spec.profile.name}{how}"
