"""A sweep as tables that fit a terminal: QoE by policy side by side, then the rest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from rich import box
from rich.table import Table

from andes_backend.lab.report.interval import CONFIDENCE, interval
from andes_backend.lab.twin.measure import Measured
from andes_backend.lab.twin.point import Cell, Point, Value
from andes_backend.lab.twin.sweep.points import Sweep

__all__ = [
    "Group",
    "axis_cells",
    "axis_name",
    "axis_table",
    "axis_value",
    "groups",
    "label",
    "tables",
]

_NAMES: Final = {
    "kv_tokens": "KV tokens",
    "prefix_caching": "prefix caching",
    "kv_restore_gb_s": "KV restore, GB/s",
    "async_scheduling": "async scheduling",
    "max_num_active_seqs": "active sequences",
    "long_prefill_token_threshold": "prompt tokens a step",
    "rate": "requests/s",
}
_NOTHING: Final = {"kv_restore_gb_s": "off", "max_num_active_seqs": "the profile's"}
"""What is shown where a value is None."""
_SIDE_BY_SIDE: Final = 3
"""More policies than this: the ratios get a table of their own, an interval its own line."""
_SURE: Final = f", ± half of its {CONFIDENCE:.0%} interval over seeds"

_Figure = tuple[str, str, str]
"""Of the second table: heading, field of the summary, format."""

_FIGURES: Final[tuple[_Figure, ...]] = (
    ("QoE\np10", "qoe_p10", ".3f"),
    ("TTFT\np50, s", "ttft_p50", ".2f"),
    ("TTFT\np90, s", "ttft_p90", ".2f"),
    ("stalls", "stalls_mean", ".2f"),
    ("stalled\ns", "stalled_s_mean", ".1f"),
    ("tokens\n/s", "tokens_per_s", ".0f"),
)
# The same of readers who do more than read on.
_OF_RESTLESS: Final[tuple[_Figure, ...]] = (
    ("tokens\nread", "read_share", ".1%"),
    ("effective\ntokens/s", "effective_tokens_per_s", ".0f"),
    ("waits in\nforecast", "forecasts_held", ".1%"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One row of a table: what its policies have in common, and their points by seed."""

    cell: Cell
    settings: Mapping[str, Value]
    """Of our scheduler; a policy without settings is the same in all of them."""
    points: Mapping[str, tuple[Point, ...]]
    """Policy -> its points, one a seed."""

    def value(self, axis: str) -> Value:
        """The value on an axis of the sweep.

        Raises:
            AttributeError: there is no such axis.
        """
        if axis in self.settings:
            return self.settings[axis]
        value: Value = getattr(self.cell, axis)
        return value


def groups(sweep: Sweep) -> tuple[Group, ...]:
    """The rows of a sweep's table, in the order of the sweep."""
    seeds: dict[tuple[Cell, str, tuple[object, ...]], list[Point]] = defaultdict(list)
    for point in sweep.points():
        seeds[point.cell, point.policy, tuple(point.settings.items())].append(point)
    return tuple(
        Group(
            cell=cell,
            settings=settings,
            points={
                policy: tuple(
                    seeds[cell, policy, tuple(settings.items())] or seeds[cell, policy, ()]
                )
                for policy in sweep.policies
            },
        )
        for cell in sweep.cells()
        for settings in sweep.combinations()
    )


def tables(sweep: Sweep, results: Mapping[int, Measured]) -> list[Table]:
    """The tables of a sweep.

    Args:
        sweep: what was asked for.
        results: point's index -> its result; points that failed are missing.

    Returns:
        QoE by policy and as a ratio to the first one, then the other figures.
    """
    rows = groups(sweep)
    shown = [_qoe(sweep, rows, results)]
    if len(sweep.policies) > _SIDE_BY_SIDE:
        shown.append(_ratios(sweep, rows, results))
    return [*shown, _figures(sweep, rows, results)]


def axis_name(axis: str) -> str:
    """What a table or a picture calls an axis, with its unit."""
    return _NAMES.get(axis, axis)


def axis_value(axis: str, value: Value) -> str:
    """How a table or a picture shows a value."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return _NOTHING.get(axis, "the trace's")
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(axes: Sequence[str], group: Group) -> str:
    """The group's values on these axes in a line; empty without axes."""
    return ", ".join(f"{axis_name(a)} {axis_value(a, group.value(a))}" for a in axes)


def _qoe(sweep: Sweep, rows: Sequence[Group], results: Mapping[int, Measured]) -> Table:
    table = axis_table(sweep, "Mean QoE" + _SURE * (len(sweep.seeds) > 1))
    with_ratios = len(sweep.policies) <= _SIDE_BY_SIDE
    between = " " if with_ratios else "\n"
    for policy in sweep.policies:
        table.add_column(policy, justify="right", no_wrap=True)
    if with_ratios:
        _add_ratio_columns(table, sweep)
    for group in rows:
        cells = [between.join(_spread(points, results)) for points in group.points.values()]
        ratios = _ratio_cells(group, results) if with_ratios else []
        table.add_row(*axis_cells(sweep, group), *cells, *ratios)
    return table


def _ratios(sweep: Sweep, rows: Sequence[Group], results: Mapping[int, Measured]) -> Table:
    table = axis_table(sweep, "Mean QoE, ratio" + _SURE * (len(sweep.seeds) > 1))
    _add_ratio_columns(table, sweep)
    for group in rows:
        table.add_row(*axis_cells(sweep, group), *_ratio_cells(group, results))
    return table


def _figures(sweep: Sweep, rows: Sequence[Group], results: Mapping[int, Measured]) -> Table:
    seeds = "; means over seeds" if len(sweep.seeds) > 1 else ""
    table = axis_table(sweep, f"More (stalls, stalled seconds, preemptions: a request{seeds})")
    table.add_column("policy", no_wrap=True)
    figures = _shown(results)
    for name, _, _ in figures:
        table.add_column(name, justify="right")
    table.add_column("preemp-\ntions", justify="right")
    for group in rows:
        for i, (policy, points) in enumerate(group.points.items()):
            # What the rows of a group have in common is said once.
            axes = axis_cells(sweep, group) if i == 0 else [""] * len(sweep.varying())
            last = i == len(group.points) - 1
            table.add_row(*axes, policy, *_figure_cells(points, results, figures), end_section=last)
    return table


def axis_table(sweep: Sweep, title: str) -> Table:
    """A table that has a column for each axis that varies, and no rows yet."""
    # Nothing between columns but space: there are many.
    table = Table(
        title=title,
        title_justify="left",
        box=box.HORIZONTALS,
        padding=(0, 1, 0, 0),
        min_width=len(title) + 1,  # a title is as wide as its table at most
    )
    for axis in sweep.varying():
        table.add_column(axis_name(axis).replace(" ", "\n").replace("/s", "\n/s"))
    return table


def axis_cells(sweep: Sweep, group: Group) -> list[str]:
    """A row's cells in these columns."""
    return [axis_value(axis, group.value(axis)) for axis in sweep.varying()]


def _add_ratio_columns(table: Table, sweep: Sweep) -> None:
    for policy in sweep.policies[1:]:
        table.add_column(f"{policy}\n/ {sweep.policies[0]}", justify="right")


def _ratio_cells(group: Group, results: Mapping[int, Measured]) -> list[str]:
    first, *others = (_by_seed(points, results) for points in group.points.values())
    return [
        # Seed by seed: both had the same requests at the same times.
        " ".join(_sure([qoe / first[seed] for seed, qoe in other.items() if first.get(seed)], 2))
        for other in others
    ]


def _shown(results: Mapping[int, Measured]) -> tuple[_Figure, ...]:
    """The figures that there are."""
    restless = any(one.summary.read_share is not None for one in results.values())
    return (*_FIGURES, *(_OF_RESTLESS if restless else ()))


def _figure_cells(
    points: Sequence[Point], results: Mapping[int, Measured], figures: Sequence[_Figure]
) -> list[str]:
    cells = []
    for _, field, form in figures:
        mean = _mean(points, results, field)
        cells.append("-" if mean is None else format(mean, form))
    done = [results[point.index] for point in points if point.index in results]
    rates = [one.preemptions / one.summary.planned for one in done]
    return [*cells, f"{fmean(rates):.2f}" if rates else "-"]


def _spread(points: Sequence[Point], results: Mapping[int, Measured]) -> list[str]:
    """Mean and interval over seeds, and how many of them there are if not all."""
    values = list(_by_seed(points, results).values())
    missing = 0 < len(values) < len(points)
    return [*_sure(values, 3), *[f"({len(values)} of {len(points)})"] * missing]


def _sure(values: Sequence[float], digits: int) -> list[str]:
    """A mean over seeds, and half of its interval if there is more than one."""
    if not values:
        return ["-"]
    over = interval(values)
    half = [] if over.high is None else [f"±{over.high - over.mean:.{digits}f}"]
    return [f"{over.mean:.{digits}f}", *half]


def _by_seed(points: Sequence[Point], results: Mapping[int, Measured]) -> dict[int, float]:
    found = {p.seed: results[p.index].summary.qoe_mean for p in points if p.index in results}
    return {seed: value for seed, value in found.items() if value is not None}


def _mean(points: Sequence[Point], results: Mapping[int, Measured], field: str) -> float | None:
    found = [getattr(results[p.index].summary, field) for p in points if p.index in results]
    values = [value for value in found if value is not None]
    return fmean(values) if values else None
