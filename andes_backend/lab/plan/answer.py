"""The answer: a sentence, and the table that it stands on."""

import math
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.table import Table

from andes_backend.lab.plan.estimate import (
    Reach,
    gpus,
    gpus_saved,
    ratio,
    share,
)
from andes_backend.lab.plan.spec import PlanSpec
from andes_backend.lab.report.interval import CONFIDENCE, Interval

__all__ = ["sentence", "table"]

_HOURS: Final = 730  # of a month


def sentence(spec: PlanSpec, reaches: Sequence[Reach]) -> str:
    """What the best policy is worth, in words.

    Args:
        spec: what was asked.
        reaches: how far each policy gets; the first is what the others are compared with.
    """
    first = reaches[0]
    known = [reach for reach in reaches if reach.capacity is not None]
    if not known:
        return _unknown(spec, reaches)
    best = max(known, key=lambda reach: reach.capacity.mean if reach.capacity else 0.0)
    assert best.capacity is not None
    words = [
        f"With {best.policy}, a server ({spec.profile.name}) keeps {spec.goal} up to "
        f"{best.capacity.text('.2f')} requests/s"
    ]
    times = ratio(best, first)
    if best is first:
        words.append(", and no other policy gets further" if len(known) == len(reaches) else "")
    elif times is not None and first.capacity is not None:
        words.append(f", {times.text('.2f')} times what {first.policy} does")
    else:
        words.append(f"; {first.policy}: {_cell(first)}")
    return "".join([*words, ".", _demand(spec, first, best), _certainty(reaches)])


def table(spec: PlanSpec, reaches: Sequence[Reach]) -> Table:
    """A row for each policy.

    Args:
        spec: what was asked; without a demand there are no GPUs, without a price no money.
        reaches: as `sentence` has them.
    """
    first = reaches[0].policy
    title = f"{spec.profile_name}: {spec.goal}"
    shown = Table(title=title, title_justify="left", box=box.HORIZONTALS, padding=(0, 1, 0, 0))
    shown.add_column("policy", no_wrap=True)
    headings = ["requests\n/s", f"times\n{first}", "GPUs\nless"]
    if spec.demand is not None:
        headings += [f"GPUs for\n{spec.demand:g} /s", "GPUs\nsaved"]
    if spec.price is not None:
        headings += ["costs\n/hour", "saved\n/month"]
    for heading in [*headings, "runs"]:
        shown.add_column(heading, justify="right", no_wrap=True)
    for reach in reaches:
        shown.add_row(reach.policy, *_row(spec, reach, reaches[0]), str(reach.simulations))
    return shown


def _row(spec: PlanSpec, reach: Reach, first: Reach) -> list[str]:
    compared = reach is not first
    cells = [_cell(reach)]
    cells.append(_text(ratio(reach, first), ".2f") if compared else "")
    cells.append(_text(share(reach, first), ".0%") if compared else "")
    if spec.demand is None:
        return cells
    saved = gpus_saved(reach, first, spec.demand, spec.gpus) if compared else None
    cells += [_gpus(spec, reach), _text(saved, ",.0f") if compared else ""]
    if spec.price is None:
        return cells
    needed = None if reach.capacity is None else gpus(spec.demand, reach.capacity.mean, spec.gpus)
    cells.append("-" if needed is None else f"{needed * spec.price:,.0f}")
    return [*cells, "" if not compared else _month(spec, saved)]


def _cell(reach: Reach) -> str:
    """The rate, or why there is none."""
    if reach.capacity is not None:
        return reach.capacity.text(".2f", cell=True)
    out = [found for found in reach.capacities.values() if found.at_least != found.at_most]
    if not out:
        so_far = str(reach.so_far)
        return "not known yet" if so_far == "-" else f"{so_far} so far"
    what = f"more than {out[0].at_least:.3g}" if math.isinf(out[0].at_most) else "not reached"
    some = "" if len(out) == len(reach.capacities) else f" with {len(out)} of the seeds"
    return what + some


def _gpus(spec: PlanSpec, reach: Reach) -> str:
    """The other way round: the interval's low end is for the high rate."""
    if reach.capacity is None or spec.demand is None:
        return "-"
    rates = (reach.capacity.mean, reach.capacity.high, reach.capacity.low)
    if rates[1] is None or rates[2] is None or rates[2] <= 0:
        return f"{gpus(spec.demand, rates[0], spec.gpus):,}"
    needed = [gpus(spec.demand, rate, spec.gpus) for rate in rates if rate is not None]
    return Interval(*needed).text(",.0f", cell=True)


def _month(spec: PlanSpec, saved: Interval | None) -> str:
    if saved is None or spec.price is None:
        return "-"
    return f"{saved.mean * spec.price * _HOURS:,.0f}"


def _demand(spec: PlanSpec, first: Reach, best: Reach) -> str:
    """The GPUs and the money, in a sentence of their own."""
    if spec.demand is None or best.capacity is None:
        return ""
    needed = gpus(spec.demand, best.capacity.mean, spec.gpus)
    said = f" For {spec.demand:g} requests/s that is {needed:,} GPUs"
    saved = None if best is first else gpus_saved(best, first, spec.demand, spec.gpus)
    if saved is not None:
        said += f" instead of {needed + int(saved.mean):,}: {saved.text(',.0f')} saved"
    if spec.price is None:
        return f"{said}."
    if saved is None:
        return f"{said}, which cost {needed * spec.price:,.0f} an hour."
    return f"{said}, {saved.mean * spec.price:,.0f} an hour, {_month(spec, saved)} a month."


def _certainty(reaches: Sequence[Reach]) -> str:
    seeds = min((len(reach.capacities) for reach in reaches if reach.is_known), default=0)
    if seeds < 2:
        return " From one seed, so there is no interval."
    return f" In brackets: {CONFIDENCE:.0%} confidence, over {seeds} seeds."


def _unknown(spec: PlanSpec, reaches: Sequence[Reach]) -> str:
    """No policy has a rate: is the goal too high, too low, or the run too short?"""
    names = ", ".join(reach.policy for reach in reaches)
    found = [one for reach in reaches for one in reach.capacities.values()]
    if len(found) < len(reaches) or any(one.at_least == one.at_most for one in found):
        return f"It is not known yet at which rates {names} keep {spec.goal}."
    if all(math.isinf(one.at_most) for one in found):
        most = min(one.at_least for one in found)
        return f"All of {names} keep {spec.goal} even at {most:.3g} requests/s: set a higher goal."
    least = min(one.at_most for one in found)
    return (
        f"None of {names} keeps {spec.goal}, even at {least:.3g} requests/s: the server "
        f"({spec.profile.name}) is too slow for these readers, or the goal is too high."
    )


def _text(value: Interval | None, form: str) -> str:
    return "-" if value is None else value.text(form, cell=True)
