"""Several rates in one table: each policy's figures at each rate, and the load it can take."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from andes_backend.lab.report.run import ATTAINED_QOE, Run, Summary, summarise

__all__ = ["Capacity", "capacity", "rates_table"]

# What the table shows at each rate: the row's name, the field, and the format of its value.
_ROWS: Final = (
    ("failed", "failed", "d"),
    ("tokens lost", "tokens_lost", "d"),
    ("tokens in excess", "tokens_excess", "d"),
    ("QoE, mean", "qoe_mean", ".3f"),
    ("QoE, p10", "qoe_p10", ".3f"),
    ("attainment (QoE >= 0.9)", "attainment", ".1%"),
    ("TTFT p50, s", "ttft_p50", ".2f"),
    ("TTFT p99, s", "ttft_p99", ".2f"),
    ("stalled a request, s", "stalled_s_mean", ".2f"),
    ("longest wait p99, s", "longest_wait_p99", ".2f"),
    ("longest wait of all, s", "longest_wait_max", ".2f"),
    ("tokens/s, the whole run", "tokens_per_s", ".0f"),
    ("duration, s", "duration_s", ".0f"),
    ("preemptions", "preemptions", "d"),
)


@dataclass(frozen=True, slots=True)
class Capacity:
    """The rate at which the mean QoE falls to a bound, as closely as the measurements tell.

    Both ends are the same if it lies between two measured rates.
    """

    at_least: float
    """Requests/s; 0 if the QoE is too low already at the lowest rate."""
    at_most: float
    """Requests/s; infinite if the QoE is high enough still at the highest rate."""

    def __str__(self) -> str:
        return _between(self.at_least, self.at_most)

    def ratio(self, other: "Capacity") -> str:
        """How many times the other's it is: "2.31", "> 3.04"; "-" if nothing can be said."""
        least = self.at_least / other.at_most
        return _between(least, self.at_most / other.at_least if other.at_least else math.inf)


def capacity(qoe: Mapping[float, float], bound: float = ATTAINED_QOE) -> Capacity:
    """Where the mean QoE falls to `bound`: linear between the rates that were measured.

    With more than one such place, the lowest.

    Args:
        qoe: requests/s -> mean QoE; one rate or more.
        bound: the QoE.

    Raises:
        ValueError: no rate.
    """
    if not qoe:
        raise ValueError("a capacity needs at least one rate")
    before: float | None = None
    for rate in sorted(qoe):
        if qoe[rate] < bound:
            if before is None:
                return Capacity(0.0, rate)
            share = (qoe[before] - bound) / (qoe[before] - qoe[rate])
            found = before + share * (rate - before)
            return Capacity(found, found)
        before = rate
    return Capacity(max(qoe), math.inf)


def rates_table(labels: Sequence[str], runs: Mapping[float, Sequence[Run]]) -> Table:
    """A section for each rate, policies side by side, each compared with the first.

    Args:
        labels: of the policies, in the order of their columns; the first is what the
            others are compared with.
        runs: requests/s -> the runs that there are; a missing one leaves its cells empty.

    Raises:
        ValueError: no policies, or no rates.
    """
    if not labels or not runs:
        raise ValueError("a table of rates needs at least one policy and one rate")
    shown = Table("requests/s", "")
    for label in labels:
        shown.add_column(label, justify="right", no_wrap=True)
    for label in labels[1:]:
        shown.add_column(f"{label}\n/ {labels[0]}", justify="right", no_wrap=True)
    found = {rate: {run.label: run for run in done} for rate, done in runs.items()}
    for rate, done in found.items():
        _add_rate(shown, labels, rate, done)
    _add_capacities(shown, labels, found)
    return shown


def _add_rate(table: Table, labels: Sequence[str], rate: float, runs: Mapping[str, Run]) -> None:
    counts = [_count(runs[label]) if label in runs else "-" for label in labels]
    table.add_row(f"{rate:g}", "requests", *counts)
    summaries = [summarise(runs[label]) if label in runs else None for label in labels]
    for name, field, form in _ROWS:
        values = [_value(summary, field) for summary in summaries]
        cells = ["-" if value is None else format(value, form) for value in values]
        ratios = ["-" if v is None or not values[0] else f"{v / values[0]:.2f}" for v in values[1:]]
        table.add_row("", name, *cells, *ratios)
    table.add_section()


def _add_capacities(
    table: Table, labels: Sequence[str], runs: Mapping[float, Mapping[str, Run]]
) -> None:
    capacities = [_capacity(label, runs) for label in labels]
    cells = ["-" if one is None else str(one) for one in capacities]
    first = capacities[0]
    ratios = ["-" if one is None or first is None else one.ratio(first) for one in capacities[1:]]
    table.add_row("all", f"requests/s at QoE {ATTAINED_QOE:g}", *cells, *ratios)


def _capacity(label: str, runs: Mapping[float, Mapping[str, Run]]) -> Capacity | None:
    """None without a complete run: one cut short has served the lucky ones only."""
    qoe: dict[float, float] = {}
    for rate, done in runs.items():
        run = done.get(label)
        mean = None if run is None or run.interrupted else summarise(run).qoe_mean
        if mean is not None:
            qoe[rate] = mean
    return capacity(qoe) if qoe else None


def _count(run: Run) -> str:
    return f"{len(run.outcomes)} of {run.planned}" if run.interrupted else str(run.planned)


def _value(summary: Summary | None, field: str) -> float | None:
    value: float | None = None if summary is None else getattr(summary, field)
    return value


def _between(least: float, most: float) -> str:
    if least == most:
        return f"{least:.2f}"
    if math.isinf(most):
        return f"> {least:.2f}" if least else "-"
    return f"{least:.2f} to {most:.2f}" if least else f"< {most:.2f}"
