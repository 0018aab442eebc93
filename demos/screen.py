"""The demo's picture: two texts side by side, and the figures under them."""

import bisect
from typing import Final

from rich.align import Align
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.containers import Lines
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from andes_client.expectation import TOKENS_PER_WORD
from demos.measures import Comparison, Side

__all__ = ["Picture"]

_WIDEST: Final = 112  # lines of text get hard to read beyond
_TALLEST: Final = 40
_STRIP_ROWS: Final = 2
_ROWS_UNDER_TEXT: Final = 1 + _STRIP_ROWS + 1 + 5  # caption, strip, blank, figures
_ROWS_AROUND_PANELS: Final = 4
_RAW, _PACED, _BUFFER = "dark_orange", "spring_green2", "deep_sky_blue1"
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_NEW_S: Final = 1.0  # text as young as this stands out


class Picture:
    """The comparison as it stands at `now`, seconds since submission; fits its console."""

    def __init__(self, comparison: Comparison, now: float) -> None:
        self._comparison = comparison
        self._now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, _WIDEST)
        height = min(options.height or console.height, _TALLEST)
        raw, paced = self._comparison.raw, self._comparison.paced
        top = max([10, *raw.words_each_second(self._now), *paced.words_each_second(self._now)])
        panels = Table.grid(expand=True)
        panels.add_column(ratio=1)
        panels.add_column(ratio=1)
        panels.add_row(
            self._panel(raw, _RAW, "raw: as it arrives", top, height),
            self._panel(paced, _PACED, "paced: as you read", top, height),
        )
        yield Align.center(
            Group(self._heading(), panels, self._buffer(), self._theorem()), width=width
        )

    def _heading(self) -> RenderableType:
        speed = self._comparison.expectation.tds / TOKENS_PER_WORD
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column()
        line.add_column(justify="right")
        line.add_row(
            Text(" An overloaded server's answer", style="bold", overflow="ellipsis"),
            Text(
                f"reader: {60 * speed:.0f} words/min = {speed:.3g} words/s   {self._now:4.1f} s",
                no_wrap=True,
            ),
        )
        return line

    def _panel(self, side: Side, color: str, title: str, top: int, height: int) -> Panel:
        rows = max(3, height - _ROWS_AROUND_PANELS - 2 - _ROWS_UNDER_TEXT)
        body = Group(
            _Tail(self._text(side, color), rows),
            Text("words each second", style="dim"),
            _Strip(side.words_each_second(self._now), top, color),
            Text(),
            self._figures(side),
        )
        return Panel(body, title=f"[bold]{title}", border_style=color)

    def _text(self, side: Side, color: str) -> Text:
        if not side.pieces:
            return Text("waiting for the first word …", style="dim italic")
        new_since = bisect.bisect_right(side.pieces, self._now - _NEW_S, key=lambda p: p[0])
        old = "".join(piece for _, piece in side.pieces[:new_since])
        new = "".join(piece for _, piece in side.pieces[new_since:])
        return Text.assemble(old, (new, "" if side.ended else f"bold {color}"))

    def _figures(self, side: Side) -> RenderableType:
        now, comparison = self._now, self._comparison
        qoe = comparison.qoe_raw(now) if side is comparison.raw else comparison.qoe_paced()
        figures = Table.grid(padding=(0, 2))
        for label, value in (
            ("now", self._doing(side)),
            ("fastest", f"{side.fastest:.0f} words/s" if side.fastest else "–"),
            ("longest silence", f"{side.longest_silence(now):.1f} s"),
            ("words shown", f"{len(side.words)}"),
            ("QoE so far", f"{qoe:.2f}" if side.words else "–"),
        ):
            figures.add_row(Text(label, style="dim"), Text(value, style="bold"))
        return figures

    def _doing(self, side: Side) -> str:
        if side.ended:
            return "finished"
        silence = side.silence(self._now)
        return f"silent for {silence:.1f} s" if silence >= 1 else f"{side.speed(self._now)} words/s"

    def _buffer(self) -> RenderableType:
        seconds = self._comparison.buffered_seconds(self._now)
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column()
        line.add_column(ratio=1)
        line.add_column(justify="right", min_width=18)
        line.add_row(
            " buffer",
            ProgressBar(20.0, seconds, complete_style=_BUFFER, finished_style=_BUFFER),
            f"{seconds:4.1f} s of reading ",
        )
        return line

    def _theorem(self) -> RenderableType:
        return Align.center(
            Text("Pacing costs no QoE: no word is shown later than its reader gets to it.", "dim")
        )


class _Tail:
    """A text in a fixed number of rows; when there is more of it, the end is in view."""

    def __init__(self, text: Text, rows: int) -> None:
        self._text = text
        self._rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = list(self._text.wrap(console, options.max_width))[-self._rows :]
        yield Lines(lines + [Text()] * (self._rows - len(lines)))


class _Strip:
    """A bar a second, the latest at the right; when there are too many, the first drop out."""

    def __init__(self, counts: list[int], top: int, color: str) -> None:
        self._counts = counts
        self._top = top
        self._color = color

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heights = [
            # A word is never rounded away.
            max(bool(count), round(count / self._top * 8 * _STRIP_ROWS))
            for count in self._counts[-options.max_width :]
        ]
        for row in reversed(range(_STRIP_ROWS)):
            bars = "".join(_BLOCKS[min(8, max(0, h - 8 * row))] for h in heights)
            yield Text(bars, style=self._color, no_wrap=True)
