"""One server as a panel: what it is doing, and its requests as rows."""

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from andes_demos.board.view import Doing, Row, View

__all__ = ["COLOURS", "panel"]

COLOURS: Final = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
"""Of the servers from left to right: told apart with any colour vision."""

_FULL_S: Final = 20.0  # of slack or of waiting: the bar is full
_BAR: Final = 10  # cells
_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": ("· waiting  ", "dim"),
    "running": ("▶ running  ", "bold"),
    "preempted": ("‖ preempted", "magenta"),
    "done": ("✓ done     ", "dim"),
}
# Beside the number: what a reader does who does not just read.
_READERS: Final[Mapping[Doing, tuple[str, str]]] = {
    "reading": (" ", ""),
    "paused": ("z", "bold cyan"),
    "skimming": ("»", "bold yellow"),
    "gone": ("×", "dim"),
}
_WIDE: Final = 52  # cells from which everything is shown
_ATTAINED: Final = 0.9  # QoE from which a reader counts for attainment, as in the reports


def panel(view: View, colour: str, *, width: int, height: int, by_need: bool = True) -> Text:
    """Draw it.

    Args:
        view: the server.
        colour: of its name and its figure.
        width, height: cells; what does not fit is counted in the last line.
        by_need: whoever has least text in hand is the first row; else in the order of arrival.

    Returns:
        At most `height` lines of at most `width` cells.
    """
    is_wide = width >= _WIDE
    lines = _head(view, colour, is_wide)
    room = max(0, height - len(lines))
    rows = sorted(view.rows, key=_need) if by_need else list(view.rows)
    if len(rows) > room:
        rows = rows[: max(0, room - 1)]
    lines += [_row(row, is_wide) for row in rows]
    if room and len(rows) < len(view.rows):
        lines.append(Text(f"… and {len(view.rows) - len(rows)} more", "dim"))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n").join(lines[:height])


def _need(row: Row) -> tuple[bool, float]:
    return row.state == "done", row.slack_s


def _head(view: View, colour: str, is_wide: bool) -> list[Text]:
    name = Text()
    name.append(f"{view.label}  ", f"bold {colour}")
    name.append("QoE ").append(f"{view.qoe:.3f}", f"bold {colour}")
    name.append(f"  of {view.arrived}", "dim")
    counts = Text(f"{view.running} running, {view.waiting} waiting, {view.finished} done")
    if is_wide:
        counts.append(f", {view.preemptions} preemptions")
    memory = Text("KV memory ").append(_bar(view.memory, 20), colour).append(f" {view.memory:.0%}")
    titles = f"  nr {'state' if is_wide else '':{_states(is_wide)}} text in hand, s   QoE"
    return [name, counts, memory, Text(f"{titles}  tokens" if is_wide else titles, "dim")]


def _row(row: Row, is_wide: bool) -> Text:
    name, style = _STATES[row.state]
    sign, colour_of_it = _READERS[row.reader]
    line = (
        Text(f"{row.number:4}")
        .append(sign, colour_of_it)
        .append(name[: _states(is_wide)], style)
        .append(" ")
    )
    if row.state == "done":
        line.append(" " * (_BAR + 8))
    else:
        colour = "red" if row.slack_s < 0 else "green"
        line.append(_bar(abs(row.slack_s) / _FULL_S, _BAR), colour)
        line.append(f" {max(-9999.9, min(999.9, row.slack_s)):+7.1f}", colour)
    line.append(f"  {row.qoe:.2f}", "red" if row.qoe < _ATTAINED else "")
    return line.append(f"  {row.delivered}/{row.total}", "dim") if is_wide else line


def _states(is_wide: bool) -> int:
    """Cells for a state: its name, or its sign alone."""
    return 11 if is_wide else 1


def _bar(share: float, width: int) -> str:
    filled = round(max(0.0, min(1.0, share)) * width)
    return "█" * filled + "░" * (width - filled)
