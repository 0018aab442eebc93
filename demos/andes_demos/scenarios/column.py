"""One scenario on the screen: its two panels, and its timelines below."""

import io
from typing import Final

from rich.console import Console
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from andes_demos.scenarios.chart import Colours, timeline
from andes_demos.scenarios.panel import doing, figures, page
from andes_demos.scenarios.run import Run

__all__ = ["Column"]

_FIGURE_ROWS: Final = 2
_PAPER: Final = Console(file=io.StringIO(), width=80)


class Column(Vertical):
    """A scenario, raw above paced (or beside it, with the class `single`), and a chart.

    Args:
        number: the key that shows it alone.
        name: what it is called.
        about: what its server does.
    """

    def __init__(self, number: int, name: str, about: str) -> None:
        super().__init__(id=f"column-{number}", classes="column")
        self._heading = Text.assemble((f" {number} ", "reverse"), (f" {name}  ", "bold"), about)
        self._raw = Static(classes="panel raw")
        self._paced = Static(classes="panel paced")
        self._chart = Static(classes="chart")

    def compose(self) -> ComposeResult:
        yield Static(self._heading, classes="heading")
        self._raw.border_title = "raw: as it arrives"
        self._paced.border_title = "paced: as you read"
        yield Container(self._raw, self._paced, classes="panels")
        yield self._chart

    def show(self, run: Run, colours: Colours, *, horizon_s: float, most: float) -> None:
        """Show how it stands.

        Args:
            run: the scenario's.
            colours: for this theme.
            horizon_s: seconds across the chart.
            most: words up the chart.
        """
        now, both = run.now, run.comparison
        ahead_s = both.ahead_s(now)
        for side, panel, colour, where in (
            (both.raw, self._raw, colours.raw, "unread"),
            (both.paced, self._paced, colours.paced, "buffer"),
        ):
            width, height = panel.content_size
            below = figures(
                side,
                now,
                colour,
                alarm=colours.alarm,
                where=where,
                ahead_s=ahead_s,
                width=width,
            )
            text = Text(run.trouble, "bold")
            if not run.trouble:
                text = page(side, now, colour, width=width, height=height - _FIGURE_ROWS)
            panel.update(_bottom(text, below, width, height), layout=False)
            panel.border_subtitle = doing(side, now)
        size = self._chart.content_size
        self._chart.update(
            timeline(
                both,
                now,
                colours,
                width=size.width,
                height=size.height,
                horizon_s=horizon_s,
                most=most,
            ),
            layout=False,
        )


def _bottom(text: Text, below: Text, width: int, height: int) -> Text:
    """A text, and another at the bottom of what has so many cells."""
    lines = list(text.wrap(_PAPER, max(1, width)))[: max(1, height - _FIGURE_ROWS)]
    missing = max(0, height - _FIGURE_ROWS - len(lines))
    return Text("\n").join([*lines, *[Text()] * missing, below])
