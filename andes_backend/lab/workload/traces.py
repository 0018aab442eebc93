"""Traces: requests that somebody's users have really sent, with their lengths and times."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.workload.formats import FORMATS, TraceRow, recognise
from andes_backend.lab.workload.requests import Source, WorkloadError, counted

__all__ = ["Trace", "read_trace"]


@dataclass(frozen=True, eq=False)
class Trace:
    """The requests of a trace, in their order."""

    source: Source
    lengths: NDArray[np.int64]
    """Prompt and output tokens, a row for each request."""
    times: NDArray[np.float64] | None
    """When each arrived, seconds since the first; None if the format has no times."""

    def times_at(self, rate: float | None) -> NDArray[np.float64] | None:
        """The times, stretched so that their mean rate is `rate`; as they are if it is None.

        The mean rate is that of the gaps: with the first at 0, n requests have n - 1 gaps.

        Raises:
            WorkloadError: all come at the same moment, which no stretching changes.
        """
        if self.times is None or rate is None or len(self.times) == 1:
            return self.times
        if not self.times[-1] > 1e-9:
            raise WorkloadError(
                f"{self.source}: its {len(self.times)} requests all come at the same time, so "
                "they have no rate to change: take more of them, or draw other arrivals"
            )
        mean_rate = (len(self.times) - 1) / float(self.times[-1])
        return self.times * (mean_rate / rate)


def read_trace(
    path: str | Path, *, count: int | None = None, trace_format: str | None = None
) -> Trace:
    """Read a trace.

    Requests that got no answer are skipped: BurstGPT's failed ones, and ShareGPT's
    conversations without a question and its answer. `source.skipped` says how many.

    Args:
        path: the file.
        count: the first so many requests; all of them if None.
        trace_format: azure, burstgpt, mooncake, sharegpt or sharegpt-multiround (see
            docs/workloads.md); recognised by how the file starts if None.

    Raises:
        OSError: the file cannot be read.
        WorkloadError: it is not a trace, or has fewer requests; or a line is wrong, or earlier
            than the line before it. The message says which line and what to do.
    """
    path = Path(path)
    if trace_format is not None and trace_format not in FORMATS:
        raise WorkloadError(
            f"unknown trace format {trace_format!r}; the formats are: {', '.join(FORMATS)}"
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            name = trace_format or recognise(path, file.read(4096))
            file.seek(0)
            kept, skipped = _kept(path, FORMATS[name].rows(path, file), count)
    except UnicodeDecodeError:
        raise WorkloadError(f"{path}: not UTF-8 text") from None
    unit = FORMATS[name].unit
    _check_enough(path, len(kept), count, skipped, unit)
    times = np.array([row.time_s for row in kept])
    return Trace(
        Source(str(path), tuple(row.line for row in kept), unit, skipped),
        np.array([(row.prompt_tokens, row.output_tokens) for row in kept], dtype=np.int64),
        times - times[0] if FORMATS[name].has_times else None,
    )


def _kept(path: Path, rows: Iterator[TraceRow], count: int | None) -> tuple[list[TraceRow], int]:
    """The first `count` rows with an answer, and how many before them have none."""
    kept: list[TraceRow] = []
    skipped = 0
    before: TraceRow | None = None
    for row in rows:
        if before is not None and row.time_s < before.time_s:
            raise WorkloadError(
                f"{path}, line {row.line}: its time is before that of line {before.line}: sort "
                "the file by time; it is not done silently, as a file out of order may be "
                "two put together"
            )
        before = row
        if row.output_tokens == 0:
            skipped += 1
            continue
        kept.append(row)
        if len(kept) == count:
            break
    return kept, skipped


def _check_enough(path: Path, found: int, count: int | None, skipped: int, unit: str) -> None:
    besides = f" besides {counted(skipped, unit)} without an answer" if skipped else ""
    if not found:
        raise WorkloadError(f"{path} has no requests{besides}: is the file complete?")
    if count is not None and found < count:
        raise WorkloadError(
            f"{path} has {counted(found, 'request')}{besides}, but {count} were asked for: ask for "
            f"{found} (--requests {found}), or give a longer trace"
        )
