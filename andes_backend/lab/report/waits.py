"""Who waited: by when they came, by how long their text was, and the few who waited longest.

An average does not say who pays for it. Readers are put into thirds twice, by the order in which
they came and by the length of their answers, and each of the nine groups has its own figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.report.outcome import Outcome

__all__ = ["CAME", "TEXT", "Group", "Waiter", "Waits", "over_seeds", "waits"]

CAME: Final = ("first", "middle", "last")
"""When a request came: in which third of all requests, in the order of their arrival."""

TEXT: Final = ("short", "middle", "long")
"""How long its answer was: in which third of all, the shortest first."""

_LONGEST: Final = 5  # readers who are named

_Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Requests that came in the same third and whose answers are in the same third.

    A wait is one for text that was due, as everywhere (`Outcome.longest_wait_s`). None stands for
    "no request to take it from".
    """

    came: str
    """One of CAME."""
    text: str
    """One of TEXT."""
    requests: int
    first_p50_s: float | None
    """Median wait for the first text beyond the expected time, seconds; of those that got any and
    did not fail."""
    first_p95_s: float | None
    """Its 95th percentile."""
    longest_stall_s: float | None
    """The longest wait of any of them in the middle of the text, seconds."""
    qoe_mean: float
    """Of all of them, a failed one as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """One of those who waited longest."""

    index: int
    """The request's place in the workload, from 0."""
    came_s: float
    """When it was sent, seconds since the run began."""
    prompt_tokens: int
    output_tokens: int
    waited_s: float
    """The longest wait, seconds."""
    in_the_middle: bool
    """Whether that was after the first text."""
    qoe: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Who waited in a run."""

    came_s: Mapping[str, _Range]
    """Of CAME, those that there are -> when the first and the last of them came, seconds."""
    text_tokens: Mapping[str, _Range]
    """Of TEXT, those that there are -> the shortest and the longest of these answers, tokens."""
    groups: tuple[Group, ...]
    """Those that there are, in the order of CAME, and then of TEXT."""
    longest: tuple[Waiter, ...]
    """Up to five who waited longest, the longest first; of those who waited at all."""


def waits(outcomes: Sequence[Outcome]) -> Waits:
    """Group the requests of a run, and find who waited longest.

    Requests of equal length, or that came at once, stay together: they are in the third where the
    middle of them is. So a group may be missing, and with answers of one length all are "middle".

    Args:
        outcomes: of one run, in any order; none gives no groups.
    """
    arrivals = np.array([one.submitted_s for one in outcomes], dtype=np.float64)
    lengths = np.array([one.request.output_tokens for one in outcomes], dtype=np.float64)
    came, text = _thirds(arrivals), _thirds(lengths)
    members: dict[tuple[int, int], list[Outcome]] = {}
    for one, when, how_long in zip(outcomes, came.tolist(), text.tolist(), strict=True):
        members.setdefault((when, how_long), []).append(one)
    return Waits(
        came_s=_ranges(CAME, came, arrivals),
        text_tokens=_ranges(TEXT, text, lengths),
        groups=tuple(_group(CAME[w], TEXT[t], members[w, t]) for w, t in sorted(members)),
        longest=_longest([_waiter(one) for one in outcomes if one.longest_wait_s]),
    )


def over_seeds(found: Sequence[Waits]) -> Waits:
    """Several runs in one: requests together, other figures as means over the runs.

    Of the longest stall and of those who waited longest, the longest of all runs.

    Args:
        found: of runs of the same kind with other seeds; none gives no groups.
    """
    members: dict[tuple[str, str], list[Group]] = {}
    for group in (group for one in found for group in one.groups):
        members.setdefault((group.came, group.text), []).append(group)
    return Waits(
        came_s=_mean_ranges(CAME, [one.came_s for one in found]),
        text_tokens=_mean_ranges(TEXT, [one.text_tokens for one in found]),
        groups=tuple(
            _together(members[came, text])
            for came in CAME
            for text in TEXT
            if (came, text) in members
        ),
        longest=_longest([waiter for one in found for waiter in one.longest]),
    )


def _thirds(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """In which third of all each value is, 0 to 2, shape (n,); equal values are in one."""
    if not len(values):
        return np.zeros(0, np.intp)
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    # Six times the middle of a value's places, in whole numbers: no third hangs on rounding.
    middle = 3 * (2 * np.cumsum(count) - count)
    thirds: NDArray[np.intp] = (middle // (2 * len(values)))[place].astype(np.intp)
    return thirds


def _ranges(
    names: Sequence[str], thirds: NDArray[np.intp], values: NDArray[np.float64]
) -> dict[str, _Range]:
    found = {name: values[thirds == third] for third, name in enumerate(names)}
    return {name: (float(v.min()), float(v.max())) for name, v in found.items() if len(v)}


def _mean_ranges(names: Sequence[str], found: Sequence[Mapping[str, _Range]]) -> dict[str, _Range]:
    by_name = {name: [one[name] for one in found if name in one] for name in names}
    return {
        name: (fmean(low for low, _ in ranges), fmean(high for _, high in ranges))
        for name, ranges in by_name.items()
        if ranges
    }


def _group(came: str, text: str, members: Sequence[Outcome]) -> Group:
    good = [one for one in members if one.error is None]
    first = [one.first_wait_s for one in good if one.first_wait_s is not None]
    return Group(
        came=came,
        text=text,
        requests=len(members),
        first_p50_s=float(np.percentile(first, 50)) if first else None,
        first_p95_s=float(np.percentile(first, 95)) if first else None,
        longest_stall_s=max((one.longest_stall_s for one in good if one.times), default=None),
        qoe_mean=fmean(one.qoe for one in members),
    )


def _together(groups: Sequence[Group]) -> Group:
    stalls = [group.longest_stall_s for group in groups if group.longest_stall_s is not None]
    return replace(
        groups[0],
        requests=sum(group.requests for group in groups),
        first_p50_s=_mean([group.first_p50_s for group in groups]),
        first_p95_s=_mean([group.first_p95_s for group in groups]),
        longest_stall_s=max(stalls, default=None),
        qoe_mean=fmean(group.qoe_mean for group in groups),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _waiter(outcome: Outcome) -> Waiter:
    waited, first = outcome.longest_wait_s or 0.0, outcome.first_wait_s or 0.0
    return Waiter(
        index=outcome.index,
        came_s=outcome.submitted_s,
        prompt_tokens=outcome.request.prompt_tokens,
        output_tokens=outcome.request.output_tokens,
        waited_s=waited,
        in_the_middle=waited > first,
        qoe=outcome.qoe,
    )


def _longest(waiters: Sequence[Waiter]) -> tuple[Waiter, ...]:
    return tuple(sorted(waiters, key=lambda one: (-one.waited_s, one.index))[:_LONGEST])
