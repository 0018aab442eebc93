"""What survives: a sentence for each policy, the table, and the picture."""

from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table

from andes_backend.lab.report.interval import CONFIDENCE, Interval
from andes_backend.lab.report.style import add_legend, make_figure, save, style
from andes_backend.lab.twin.sensitivity.gains import Results
from andes_backend.lab.twin.sensitivity.scenarios import AS_TOLD

__all__ = ["draw", "sentences", "table"]

_APART: Final = 0.22  # of one row's policies in a picture


def sentences(results: Results) -> str:
    """How much of each policy's gain survives at least, and when.

    Args:
        results: as far as they are there.
    """
    return "\n".join(_sentence(results, policy) for policy in results.spec.policies[1:])


def table(results: Results) -> Table:
    """A row for each scenario: mean QoE, what is recovered of the first policy's loss, and what of
    that survives."""
    spec = results.spec
    others = spec.policies[1:]
    seeds = f"; below shares: {CONFIDENCE:.0%} intervals" if len(spec.seeds) > 1 else ""
    title = f"{spec.profile_name} at {spec.rate:.3g} requests/s: mean QoE{seeds}"
    shown = Table(title=title, title_justify="left", box=box.HORIZONTALS, padding=(0, 1, 0, 0))
    shown.add_column("scenario")
    for policy in spec.policies:
        shown.add_column(policy, justify="right", no_wrap=True)
    for policy in others:
        shown.add_column(f"{policy}\nrecovers", justify="right", no_wrap=True)
        shown.add_column("survives", justify="right", no_wrap=True)
    for name in spec.scenarios:
        means = [results.mean(name, policy) for policy in spec.policies]
        cells = ["" if mean is None else f"{mean.mean:.3f}" for mean in means]
        for policy in others:
            cells.append(_text(results.recovers(name, policy), ".0%"))
            cells.append(_text(_survival(results, name, policy), ".0%"))
        shown.add_row(name, *cells)
    return shown


def draw(results: Results, path: Path) -> None:
    """Write a PNG: mean QoE in each scenario, and the share of the gain that survives.

    Args:
        results: as far as they are there.
        path: the file; overwritten.
    """
    spec = results.spec
    figure, (qoe, left) = make_figure(2, width=6.5, height=0.55 * len(spec.scenarios) + 1.2)
    for place, policy in enumerate(spec.policies):
        shift = _APART * (place - (len(spec.policies) - 1) / 2)
        for row, name in enumerate(spec.scenarios):
            label = policy if row == 0 else None
            _draw(qoe, results.mean(name, policy), row + shift, policy, label)
            if policy != spec.policies[0]:
                _draw(left, _survival(results, name, policy), row + shift, policy, None)
    for axes in (qoe, left):
        axes.set_yticks(range(len(spec.scenarios)), list(spec.scenarios))
        axes.set_ylim(len(spec.scenarios) - 0.5, -0.5)
    left.set_yticklabels([])
    left.axvline(1.0, color="grey", linewidth=1, linestyle=":")
    qoe.set(xlabel="mean QoE", xlim=(0, 1.03))
    left.set(xlabel="share of the gain that survives")
    left.set_xlim(left=0)
    add_legend(figure, qoe)
    save(figure, path, f"{spec.profile.name}, {spec.rate:.3g} requests/s")


def _sentence(results: Results, policy: str) -> str:
    spec, first = results.spec, results.spec.policies[0]
    share = results.recovers(AS_TOLD, policy)
    if share is None:
        return f"No result for {policy} yet, or {first} loses nothing: choose a higher --rate."
    if share.mean <= 0:
        return (
            f"{policy} has no gain over {first} at {spec.rate:.3g} requests/s that could be "
            "lost: choose a higher --rate."
        )
    found = [(_survival(results, name, policy), one) for name, one in spec.scenarios.items()]
    known = [(left, one) for left, one in found if left is not None]
    if not known:
        return f"{policy} recovers {share.text('.0%')}; how much of it survives is not known yet."
    worst, scenario = min(known, key=lambda one: one[0].mean)
    others = min((left.mean for left, one in known if one is not scenario), default=None)
    rest = "" if others is None else f", and {others:.0%} or more in the other scenarios"
    return (
        f"At {spec.rate:.3g} requests/s {policy} recovers {share.text('.0%')} of the QoE that "
        f"{first} loses; {worst.text('.0%')} of that survives when {scenario.about}{rest}."
    )


def _survival(results: Results, name: str, policy: str) -> Interval | None:
    """None for scenarios that are compared with themselves, or are there to be compared with."""
    compared = {one.against for one in results.spec.scenarios.values()}
    return None if name in compared else results.survives(name, policy)


def _draw(axes: Any, value: Interval | None, y: float, policy: str, label: str | None) -> None:
    if value is None:
        return
    colour, _, marker = style(policy)
    low, high = (value.mean if one is None else one for one in (value.low, value.high))
    error = [[value.mean - low], [high - value.mean]]
    axes.errorbar(
        value.mean, y, xerr=error, color=colour, marker=marker, markersize=6, capsize=3,
        linestyle="", label=label,
    )  # fmt: skip


def _text(value: Interval | None, form: str) -> str:
    return "" if value is None else value.text(form, cell=True)
