"""The line that shows the pace: the speed, the buffer in seconds, stalls, QoE."""

import math
from collections import deque
from collections.abc import Iterable
from typing import Final

from rich.text import Text
from textual.widgets import Static

from andes_client import Statistics
from andes_demos.chat.reader import Reader

__all__ = ["FULL_S", "Gauge", "gauge_line"]

FULL_S: Final = 20.0
"""Seconds of text in the buffer at which the bar is full."""

STALL: Final = "×"
_BARS: Final = "▁▂▃▄▅▆▇█"
_BAR: Final = 10  # cells
_SHORTEST_BAR: Final = 3
_LONG_S: Final = 100  # from here on in minutes
_NARROW: Final = 100  # cells below which there is no history


def gauge_line(
    reader: Reader,
    statistics: Statistics | None,
    history: Iterable[float | None] = (),
    width: int = 80,
    doing: str = "",
) -> Text:
    """The line, at most `width` cells.

    Args:
        reader: whose speed it is.
        statistics: of the answer that is under way, if one is.
        history: seconds in the buffer at the moments before, None for a stall.
        width: of the screen, cells.
        doing: what is going on, where the statistics do not tell.
    """
    state, style = (doing, "green") if doing else _state(statistics)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f" {state} ", style)
    line.append(f" {reader.pace}", "bold")
    if statistics is not None:
        figures = _figures(statistics)
        line.append("  buffer ")
        # In a narrow terminal the bar gives way, and no figure.
        size = max(_SHORTEST_BAR, min(_BAR, width - line.cell_len - figures.cell_len))
        line.append(_bar(statistics.buffered_seconds, size), "cyan").append_text(figures)
        if width >= _NARROW:
            line.append("  ").append_text(_trace(history, width - line.cell_len - 3))
    line.truncate(width, overflow="ellipsis")
    return line


def _figures(statistics: Statistics) -> Text:
    figures = Text(f" {statistics.buffered_seconds:4.1f} s")
    figures.append(f"  QoE {statistics.qoe:.2f}" if statistics.ttft is not None else "  QoE –")
    figures.append(f"  stalls {statistics.stalls}", "red" if statistics.stalls else "")
    if statistics.stalled_seconds:
        figures.append(f" ({statistics.stalled_seconds:.1f} s)", "red")
    return figures


def _state(statistics: Statistics | None) -> tuple[str, str]:
    if statistics is None:
        return "■ idle", "dim"
    if statistics.paused:
        return "⏸ paused", "reverse yellow"
    if statistics.ttft is None:
        return f"… waiting{_about(statistics.expected_s)}", "yellow"
    if math.isinf(statistics.speed):
        return "⏩ all", "green"
    if not statistics.buffered_seconds and not statistics.upstream_ended:
        return f"{STALL} stalled{_about(statistics.expected_s)}", "reverse red"
    return "▶ playing", "green"


def _about(seconds: float | None) -> str:
    """How long still, as a person says it; "" if nobody knows, or it should be over."""
    if not seconds:
        return ""
    if seconds < _LONG_S:
        return f", about {math.ceil(seconds)} s"
    return f", about {math.ceil(seconds / 60)} min"


def _bar(seconds: float, size: int) -> str:
    filled = min(size, math.ceil(seconds / FULL_S * size))
    return "█" * filled + "░" * (size - filled)


def _trace(history: Iterable[float | None], width: int) -> Text:
    """One cell for each moment, the last ones."""
    trace = Text()
    for seconds in list(history)[-max(0, width) :] if width > 0 else []:
        if seconds is None:
            trace.append(STALL, "red")
        else:
            trace.append(_BARS[min(len(_BARS) - 1, int(seconds / FULL_S * len(_BARS)))], "cyan")
    return trace


class Gauge(Static):
    """The line on the screen; `watch` is called a few times a second."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(markup=False)
        self._reader = reader
        self._history: deque[float | None] = deque(maxlen=300)
        self._stalled_before = 0.0

    def begin(self) -> None:
        """Another answer begins."""
        self._history.clear()
        self._stalled_before = 0.0

    def watch_answer(self, statistics: Statistics | None, doing: str = "") -> None:
        """Note how it is now, and show it."""
        if statistics is not None and statistics.ttft is not None and not statistics.paused:
            stalled = statistics.stalled_seconds > self._stalled_before
            self._history.append(None if stalled else statistics.buffered_seconds)
            self._stalled_before = statistics.stalled_seconds
        line = gauge_line(self._reader, statistics, self._history, self.size.width or 80, doing)
        self.update(line, layout=False)  # its place stays
