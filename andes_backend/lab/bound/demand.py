"""What every token of a workload asks for: engine time, not before one time, until another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.bound.charges import Charges, charges_for, token_charges
from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Profile

__all__ = ["Batch", "Demand", "batches", "demands"]


@dataclass(frozen=True, slots=True)
class Demand:
    """One request; arrays of shape (output_tokens,), times in seconds since the start."""

    charge_s: NDArray[np.float64]
    """Engine time that a token is charged, seconds."""
    start_s: NDArray[np.float64]
    """The work on a token cannot begin earlier."""
    due_s: NDArray[np.float64]
    """The work on a token must end by then so that its reader has it when it is expected."""
    late_s: NDArray[np.float64]
    """The least by which it is late, whatever the server does; never falls."""
    scale_s: float
    """(n - 1) / (2 tds): lateness as long as this, of the whole response, halves the QoE."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests side by side, their tokens in units: arrays of shape (requests, units).

    The last unit is the last token alone. Rows of fewer units are filled up at their front
    with units of no tokens.
    """

    count: NDArray[np.float64]
    """Tokens in a unit."""
    charge_s: NDArray[np.float64]
    start_s: NDArray[np.float64]
    due_s: NDArray[np.float64]
    late_s: NDArray[np.float64]
    scale_s: NDArray[np.float64]
    """Shape (requests,), as is `tokens`."""
    tokens: NDArray[np.float64]


def demands(workload: Workload, profile: Profile) -> list[Demand]:
    """What each request asks for, in the order of the workload."""
    charges = charges_for(workload, profile)
    return [_demand(request, profile, charges) for request in workload.requests]


def batches(demands: Sequence[Demand], units: int | None, size: int) -> list[Batch]:
    """Requests of about the same length together.

    Args:
        demands: of the requests; their order is that of the rows.
        units: most units a request; None: a unit is a token.
        size: most requests in a batch.
    """
    return [
        _batch([_in_units(one, units) for one in demands[i : i + size]])
        for i in range(0, len(demands), size)
    ]


def _demand(request: Request, profile: Profile, charges: Charges) -> Demand:
    expectation, count = request.expectation, request.output_tokens
    charge_s, steps_s = token_charges(request, profile, charges), _least_steps(request, profile)
    prompt_s = _least_prompt_s(request.prompt_tokens, profile)
    ends = request.arrival_s + np.cumsum(np.append(prompt_s, steps_s))
    first_due = request.arrival_s + expectation.ttft - profile.outside_s
    due = first_due + np.arange(count, dtype=np.float64) * expectation.seconds_per_token
    return Demand(
        charge_s=charge_s,
        start_s=np.append(request.arrival_s, ends[:-1]),
        due_s=due,
        late_s=np.maximum.accumulate(np.maximum(0.0, ends - due)),
        scale_s=(count - 1) * expectation.seconds_per_token / 2,
    )


def _least_prompt_s(tokens: int, profile: Profile) -> float:
    """A prompt takes this long if the server does nothing else."""
    prefill, position = profile.prefill, np.arange(1, tokens + 1)
    each = prefill.per_token_ms + prefill.per_square_token_ms * (2 * position - 1)
    base = prefill.base_ms
    for part in profile.decode:  # a chunk of one token counts as a decoded one
        row = part.per_sequence_ms + part.per_context_token_ms * position
        each, base = np.minimum(each, row), min(base, part.base_ms)
    steps = -(-tokens // max(profile.max_step_tokens, profile.max_sequences))
    return float(base * steps + np.sum(each)) / 1e3


def _least_steps(request: Request, profile: Profile) -> NDArray[np.float64]:
    """Every token but the first takes a step of at least this length; seconds."""
    prompt, prefill = request.prompt_tokens, profile.prefill
    context = np.arange(prompt + 1, prompt + request.output_tokens)
    # A resumed request computes two tokens or more to go on, if not only one.
    least = np.full(len(context), prefill.base_ms + 2 * prefill.per_token_ms)
    rows = 1
    for part in profile.decode:
        alone = part.base_ms + part.per_sequence_ms * rows + part.per_context_token_ms * context
        least = np.minimum(least, alone)
        rows = part.below_sequences or rows
    return least / 1e3


def _in_units(one: Demand, units: int | None) -> tuple[NDArray[np.float64], float]:
    """Rows of count, charge, start, due, late: a unit's tokens added up, or their mean."""
    others = len(one.charge_s) - 1
    marks = np.arange(others + 1)
    if units is not None and others > units - 1:
        marks = np.linspace(0, others, units).astype(np.intp)
    count = np.append(np.diff(marks), 1.0)
    each = np.vstack([one.charge_s, one.start_s, one.due_s, one.late_s])
    sums = np.add.reduceat(each, np.append(marks[:-1], others), axis=1)
    sums[1:] /= count
    return np.vstack([count, sums]), one.scale_s


def _batch(rows: Sequence[tuple[NDArray[np.float64], float]]) -> Batch:
    width = max(columns.shape[1] for columns, _ in rows)
    full = np.zeros((5, len(rows), width))
    for i, (columns, _) in enumerate(rows):
        full[:, i, width - columns.shape[1] :] = columns
    scale = np.array([scale for _, scale in rows])
    count, charge, start, due, late = full
    return Batch(count, charge, start, due, late, scale, count.sum(axis=1))
