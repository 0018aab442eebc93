"""Lines over time, drawn with characters: two dots a cell upwards are told apart."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.text import Text

__all__ = ["chart"]

_MARKS: Final = ("▄", "▀", "█")  # the lower half of a cell, the upper half, both
_GUTTER: Final = 5  # cells for the scale


def chart(lines: Mapping[str, Sequence[float]], *, width: int, height: int) -> Text:
    """Draw values from 0 to 1, the latest at the right.

    Args:
        lines: by colour, values in the order of time; all of the same length. If there are more
            than fit, they are thinned out: the whole time is shown.
        width, height: cells, with the scale at the left.

    Returns:
        `height` lines of at most `width` cells.
    """
    across = max(1, width - _GUTTER)
    cells: dict[tuple[int, int], tuple[int, str]] = {}
    for colour, values in lines.items():
        for column, value in enumerate(_thinned(values, across)):
            dot = min(2 * height - 1, int(max(0.0, min(1.0, value)) * 2 * height))
            place, half = (height - 1 - dot // 2, column), dot % 2
            there = cells.get(place)
            mark = half if there is None or there[0] == half else 2
            cells[place] = (mark, colour)
    picture = Text(no_wrap=True)
    for row in range(height):
        picture.append(_scale(row, height), "dim")
        for column in range(across):
            cell = cells.get((row, column))
            picture.append(*((" ",) if cell is None else (_MARKS[cell[0]], cell[1])))
        if row < height - 1:
            picture.append("\n")
    return picture


def _thinned(values: Sequence[float], count: int) -> list[float]:
    if len(values) <= count:
        return list(values)
    return [values[(i + 1) * len(values) // count - 1] for i in range(count)]


def _scale(row: int, height: int) -> str:
    if row == 0:
        return " 1.0 "
    return " 0.0 " if row == height - 1 else " " * _GUTTER
