"""Says in words and tables how far a fitted profile can be trusted."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.table import Table

from andes_backend.lab.calibrate.fit import Fit, Quality
from andes_backend.lab.calibrate.observation import KINDS, Observation, predicted_s

__all__ = ["comparison", "costs", "is_good", "qualities", "verdict", "write_points"]

_GOOD: Final = (0.05, 0.15)  # median and p90 of the relative errors, at most
_USABLE: Final = (0.10, 0.30)
_SHOWN: Final = 4  # measurements of each kind, besides the worst


def is_good(fit: Fit) -> bool:
    """Whether to rely on a profile: of no kind is the median error above 10 %, p90 above 30 %."""
    return _within(fit, _USABLE)


def verdict(fit: Fit) -> str:
    """One sentence: what the fit explains, how far it is off, and where most."""
    grade = (
        "A good fit"
        if _within(fit, _GOOD)
        else "A usable fit"
        if _within(fit, _USABLE)
        else "A BAD FIT, do not rely on this profile"
    )
    whole = fit.overall
    # Of all measurements together, a few long prompts are nearly all of the variation.
    r2 = [max(0.0, one.r2) for one in fit.quality.values() if one.r2 is not None]
    explained = f"{min(r2):.1%} or more" if r2 else "nothing"
    worst = whole.worst
    return (
        f"{grade}: it explains {explained} of the variation of each kind; median error "
        f"{whole.median_error:.1%}, worst {whole.worst_error:.0%} at {worst} "
        f"(measured {_ms(worst.seconds)} ms, fitted {_ms(predicted_s(fit.profile, worst))} ms)."
    )


def costs(fit: Fit) -> str:
    """The fitted costs, a line for each kind of step."""
    prefill, profile = fit.profile.prefill, fit.profile
    square = f" + {prefill.per_square_token_ms:g} a token squared"
    lines = [
        f"prompts: {prefill.base_ms:g} ms a step + {prefill.per_token_ms:g} a token"
        + (square if prefill.per_square_token_ms else "")
        + f"; outside the engine {profile.outside_ms:g} ms"
    ]
    for part in profile.decode:
        below = f" (below {part.below_sequences} sequences)" if part.below_sequences else ""
        lines.append(
            f"decoding: {part.base_ms:g} ms a step + {part.per_sequence_ms:g} a sequence + "
            f"{part.per_context_token_ms:g} a token of context{below}"
        )
    return "\n".join(lines)


def qualities(fit: Fit) -> Table:
    """How well each kind of measurement is explained."""
    shown = Table("kind", title="errors of the fit")
    for column in ("points", "R2", "median", "p90", "worst", "repetitions differ by"):
        shown.add_column(column, justify="right")
    rows: list[tuple[str, Quality]] = [(kind, fit.quality[kind]) for kind in fit.quality]
    for name, quality in [*rows, ("all", fit.overall)]:
        shown.add_row(
            name,
            str(quality.points),
            "-" if quality.r2 is None else f"{quality.r2:.4f}",
            *(f"{e:.1%}" for e in (quality.median_error, quality.p90_error, quality.worst_error)),
            f"{quality.spread:.1%}",
        )
    return shown


def comparison(fit: Fit) -> Table:
    """A handful of the measurements beside what the profile says; the worst of a kind has a *."""
    shown = Table("kind", title="measured and fitted")
    for column in ("prompt", "sequences", "context", "measured, ms", "fitted, ms", "error"):
        shown.add_column(column, justify="right")
    for kind in fit.quality:
        worst = fit.quality[kind].worst
        for one in _some([o for o in fit.observations if o.kind == kind], worst):
            fitted = predicted_s(fit.profile, one)
            mark = "*" if one == worst else " "
            shown.add_row(
                kind,
                *(f"{n:,}" if n else "" for n in _sizes(one)),
                _ms(one.seconds),
                _ms(fitted),
                f"{fitted / one.seconds - 1:+.1%}{mark}",
            )
    return shown


def write_points(fit: Fit, path: str | Path) -> None:
    """Write all measurements beside what the profile says, as CSV; times in milliseconds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        names = ("kind", "prompt_tokens", "sequences", "context_tokens", "measured_ms", "fitted_ms")
        rows.writerow(names)
        for one in fit.observations:
            times = (one.seconds, predicted_s(fit.profile, one))
            rows.writerow([one.kind, *_sizes(one), *(f"{1e3 * t:.4f}" for t in times)])


def _within(fit: Fit, bounds: tuple[float, float]) -> bool:
    median, p90 = bounds
    kinds = [fit.quality[kind] for kind in KINDS if kind in fit.quality]
    return all(one.median_error <= median and one.p90_error <= p90 for one in kinds)


def _some(observations: Sequence[Observation], worst: Observation) -> list[Observation]:
    """From the quickest to the slowest, evenly, with the worst in its place."""
    ordered = sorted(observations, key=lambda one: one.seconds)
    last = len(ordered) - 1
    chosen = {round(i * last / (_SHOWN - 1)) for i in range(_SHOWN)} | {ordered.index(worst)}
    return [ordered[i] for i in sorted(chosen)]


def _sizes(one: Observation) -> tuple[int, int, int]:
    return one.prompt_tokens, one.sequences, one.context_tokens


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.1f}"
