"""What all pictures have in common: how a policy looks, panels, a legend."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["add_legend", "make_figure", "save", "style"]

# Okabe and Ito's palette, told apart with any colour vision: policy -> colour, line, marker.
# The same in every picture; stock and qoe, mostly side by side, are the farthest apart.
_STYLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "stock": ("#D55E00", "-", "o"),
    "qoe": ("#0072B2", "-", "s"),
    "andes": ("#56B4E9", "-.", "X"),
    "priority": ("#E69F00", "--", "v"),
    "fcfs": ("#CC79A7", "--", "^"),
    "round-robin": ("#009E73", "-.", "D"),
    "shortest-first": ("#000000", ":", "P"),
    "vtc": ("#000000", "-", "h"),
    "least-counter": ("#882255", "--", "<"),
    "rpm": ("#777777", ":", "*"),
    "mlfq": ("#E69F00", ":", "<"),
    "predicted-shortest": ("#009E73", ":", "p"),
    "tokenflow": ("#882255", "-", ">"),
    "qoe-unfair": ("#56B4E9", "--", "d"),
}
_LETTERS_AN_INCH: Final = 9  # of a title
_OTHERS: Final = (("#882255", "-.", "<"), ("#777777", "--", "*"), ("#A6761D", ":", "h"))


def style(policy: str) -> tuple[str, str, str]:
    """A policy's colour, line style and marker; the same in every picture."""
    # One that is not named above goes by its name, so that it, too, is the same everywhere.
    return _STYLES.get(policy, _OTHERS[sum(policy.encode()) % len(_OTHERS)])


def make_figure(
    count: int,
    *,
    width: float,
    height: float,
    columns: int | None = None,
    share: bool = False,
    share_x: bool = False,
) -> tuple[Figure, list[Any]]:
    """A figure with panels from left to right and downwards.

    Args:
        count: panels.
        width, height: of a panel, inches.
        columns: most panels beside each other; if not given 3, or 2 for 4 panels.
        share: all panels have the same axes.
        share_x: all panels have the same x axis.
    """
    across = min(count, columns or (2 if count == 4 else 3))
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    FigureCanvasAgg(figure)  # draws to memory
    made = figure.subplots(down, across, squeeze=False, sharex=share or share_x, sharey=share)
    panels = list(made.flat)
    for spare in panels[count:]:
        spare.remove()
    for place, panel in enumerate(panels[:count]):
        panel.grid(alpha=0.3)
        if place + across >= count:  # nothing below it that has the labels they share
            panel.tick_params(labelbottom=True)
    return figure, panels[:count]


def add_legend(figure: Figure, axes: Any) -> None:
    """One for all panels, beside them: it covers nothing."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")


def save(figure: Figure, path: Path, title: str = "") -> None:
    """Write a PNG; its directory is made, and a long title is put on several lines."""
    if title:
        most = int(figure.get_figwidth() * _LETTERS_AN_INCH)
        shown = figure.suptitle(textwrap.fill(title, most, break_on_hyphens=False))
        shown.set_parse_math(False)  # a name from a file may have dollars in it
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
