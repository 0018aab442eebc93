"""From measured times to a latency profile, and how well it explains them.

    found = fit(observations, limits, name="mine", source="...")
    found.profile, found.quality["decode"].median_error

Every error counts in proportion to the time it is an error of: a step of 10 ms that is off
by one weighs as much as a prompt of 10 s that is off by a second. Costs are never negative.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.calibrate.design import Limits
from andes_backend.lab.calibrate.least_squares import nonnegative
from andes_backend.lab.calibrate.observation import KINDS, Kind, Observation, predicted_s
from andes_backend.profile import Decode, Prefill, Profile

__all__ = ["Fit", "FitError", "Quality", "fit"]

_NOTICED: Final = 0.005  # a relative error below which a closer fit is of no interest
_DIGITS: Final = 5
_LEAST_MS: Final = 1e-6
_PRIOR: Final = 0.05  # how much "both bases are the same" counts where nothing says otherwise
_OUTSIDE: Final = 2.0  # what the server itself says counts as so many short prompts


class FitError(ValueError):
    """The measurements allow no profile; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a profile explains the measurements of a kind. Errors are fractions, 0.03 for 3 %.

    Without measurements there is no quality.
    """

    points: int
    r2: float | None
    """Explained share of the variance of the times; None if they do not vary."""
    median_error: float
    p90_error: float
    worst_error: float
    worst: Observation
    spread: float
    """How far repetitions of the same experiment lie apart, as the median of
    `Observation.spread`: no fit can be much better than that."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A profile and what it was fitted to."""

    profile: Profile
    observations: tuple[Observation, ...]
    quality: Mapping[Kind, Quality]
    """Of every kind that was measured."""
    overall: Quality
    """Of all measurements together."""


def fit(
    observations: Sequence[Observation],
    limits: Limits,
    *,
    name: str,
    source: str,
    outside_s: float | None = None,
) -> Fit:
    """Fit a profile to measured times.

    The quadratic cost of prompts, and a second set of costs for large batches, are there
    only if the errors clearly shrink with them.

    Args:
        observations: prefill and decode, and mixed ones if there are any.
        limits: what the server can hold; goes into the profile.
        name: the profile's.
        source: the profile's.
        outside_s: time outside the engine as the server itself tells; otherwise it is what a
            first token takes beyond the step that computes it. Then only mixed steps can
            tell a large base of prompts from a long way outside, and where they do not, the
            base of prompts is taken to be that of decoding, if the times allow it.

    Raises:
        FitError: fewer than three prompts or decode steps were measured.
    """
    prompts = [one for one in observations if one.kind != "decode"]
    steps = [one for one in observations if one.kind == "decode"]
    alone = sum(one.kind == "prefill" for one in prompts)
    if alone < 3 or len(steps) < 3:
        raise FitError(
            f"{alone} prompts and {len(steps)} decode steps were measured: too few to fit costs; "
            "it takes three of each"
        )

    def profile(prefill: Prefill, outside_ms: float, decode: tuple[Decode, ...]) -> Profile:
        return Profile(
            name=name,
            source=source,
            kv_tokens=limits.kv_tokens,
            prefill=prefill,
            decode=decode,
            block_size=limits.block_size,
            max_sequences=limits.max_sequences,
            max_step_tokens=limits.max_step_tokens,
            outside_ms=outside_ms,
        )

    decode = _fit_decode(steps)
    found = _fit_prompts(prompts, decode, profile, limits.max_step_tokens, outside_s)
    return _judge(found, observations)


def _judge(profile: Profile, observations: Sequence[Observation]) -> Fit:
    """Compare a profile with measurements, one or more."""
    kinds = {kind: [one for one in observations if one.kind == kind] for kind in KINDS}
    return Fit(
        profile,
        tuple(observations),
        {kind: _quality(profile, found) for kind, found in kinds.items() if found},
        _quality(profile, observations),
    )


def _quality(profile: Profile, observations: Sequence[Observation]) -> Quality:
    measured = np.array([one.seconds for one in observations])
    predicted = np.array([predicted_s(profile, one) for one in observations])
    errors = np.abs(predicted / measured - 1)
    variance = float(((measured - measured.mean()) ** 2).sum())
    left = float(((measured - predicted) ** 2).sum())
    return Quality(
        len(observations),
        1 - left / variance if variance > 0 else None,
        float(np.median(errors)),
        float(np.percentile(errors, 90)),
        float(errors.max()),
        observations[int(errors.argmax())],
        float(np.median([one.spread for one in observations])),
    )


def _fit_decode(steps: Sequence[Observation]) -> tuple[Decode, ...]:
    """One set of costs; or two, split at the batch size that explains most, if clearly better."""
    sizes = sorted({one.sequences for one in steps})
    whole, cost = _decode_piece(steps)
    best: tuple[Decode, ...] = (whole,)
    least = cost
    for size in sizes[2:-1]:  # two sizes or more on either side, or slopes would be free
        below = [one for one in steps if one.sequences < size]
        above = [one for one in steps if one.sequences >= size]
        if min(len(below), len(above)) < 4:
            continue
        (low, low_cost), (high, high_cost) = _decode_piece(below, size), _decode_piece(above)
        if low_cost + high_cost < least:
            best, least = (low, high), low_cost + high_cost
    # Three costs and the place of the split.
    return best if _clearly_better(least, cost, len(steps), 4) else (whole,)


def _decode_piece(steps: Sequence[Observation], below: int | None = None) -> tuple[Decode, float]:
    """Costs for some batches, and the sum of the squared relative errors that they leave."""
    ms = np.array([one.seconds for one in steps]) * 1e3
    rows = np.array([[1.0, one.sequences, one.context_tokens] for one in steps])
    base, sequence, context = _rounded(nonnegative(rows / ms[:, None], np.ones(len(steps))))
    errors = rows @ [base, sequence, context] / ms - 1
    piece = Decode(
        base_ms=base,
        per_sequence_ms=sequence,
        per_context_token_ms=context,
        below_sequences=below,
    )
    return piece, float(errors @ errors)


def _fit_prompts(
    prompts: Sequence[Observation],
    decode: tuple[Decode, ...],
    profile: Callable[[Prefill, float, tuple[Decode, ...]], Profile],
    step_tokens: int,
    outside_s: float | None,
) -> Profile:
    """Costs of prompts and the time outside the engine, by all that had a prompt in it."""
    costs: list[tuple[float, Profile]] = []
    for quadratic in (False, True):
        tried = []
        # In a mixed step the larger base counts. Which one that is, is tried: for no batch the
        # prompts', for those with a small base, for all.
        for bound in (-1.0, *sorted(part.base_ms for part in decode)):
            rows, wanted = _equations(prompts, decode, bound, step_tokens, outside_s)
            if not quadratic:
                rows[:, 2] = 0.0
            base, token, square, outside = _rounded(nonnegative(rows, wanted))
            # Prompts that seem to cost nothing are a bad fit, and still a profile.
            token = token if base + token + square else _LEAST_MS
            prefill = Prefill(base_ms=base, per_token_ms=token, per_square_token_ms=square)
            candidate = profile(prefill, outside, decode)
            tried.append((_cost(candidate, prompts, outside_s), candidate))
        costs.append(min(tried, key=lambda one: one[0]))
    (straight_cost, straight), (bent_cost, bent) = costs
    return bent if _clearly_better(bent_cost, straight_cost, len(prompts), 1) else straight


def _equations(
    prompts: Sequence[Observation],
    decode: tuple[Decode, ...],
    bound: float,
    step_tokens: int,
    outside_s: float | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Base, token, square and outside costs: what each measurement says of their sum, in ms."""
    rows, wanted = [], []
    for one in prompts:
        tokens, ms = one.prompt_tokens, one.seconds * 1e3
        if one.kind == "prefill":
            row, known = [float(-(-tokens // step_tokens)), tokens, tokens**2, 1.0], 0.0
        else:
            part = _part(decode, one.sequences)
            own = part.base_ms <= bound
            known = 0.0 if own else part.base_ms
            known += part.per_sequence_ms * one.sequences
            known += part.per_context_token_ms * one.context_tokens
            row = [float(own), tokens, tokens**2, 0.0]
        rows.append([value / ms for value in row])
        wanted.append((ms - known) / ms)
    if outside_s is not None:
        weight = _OUTSIDE / (min(one.seconds for one in prompts) * 1e3)
        rows.append([0.0, 0.0, 0.0, weight])
        wanted.append(weight * outside_s * 1e3)
    elif (base := decode[0].base_ms) > 0:
        rows.append([_PRIOR / base, 0.0, 0.0, 0.0])
        wanted.append(_PRIOR)
    return np.array(rows), np.array(wanted)


def _cost(profile: Profile, prompts: Sequence[Observation], outside_s: float | None) -> float:
    errors = [predicted_s(profile, one) / one.seconds - 1 for one in prompts]
    if outside_s is not None:
        shortest = min(one.seconds for one in prompts)
        errors.append(_OUTSIDE * (profile.outside_s - outside_s) / shortest)
    return sum(error**2 for error in errors)


def _clearly_better(cost: float, than: float, points: int, more: int) -> bool:
    """Whether `more` coefficients earn their place: twice what Bayes' criterion asks for."""
    gain = np.log((than / points + _NOTICED**2) / (cost / points + _NOTICED**2))
    return bool(points * gain > 2 * more * np.log(points))


def _part(decode: tuple[Decode, ...], sequences: int) -> Decode:
    limits = (part.below_sequences for part in decode)
    return decode[next(i for i, limit in enumerate(limits) if limit is None or sequences < limit)]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    """Coefficients as a person would write them down."""
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]
