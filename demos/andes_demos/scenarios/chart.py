"""Words against time: what was expected, what came raw, what was shown paced.

Lines are drawn in Braille characters, two dots across and four up to a cell. Between what was
expected and what was read, the cells are tinted: that area is what QoE takes off.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from andes_demos.scenarios.measures import Comparison

__all__ = ["DARK", "LIGHT", "Colours", "timeline"]

_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # column, row from the top
_GUTTER: Final = 4  # cells for the scale of words
_BLANK: Final = 0x2800


@dataclass(frozen=True, slots=True)
class Colours:
    """Okabe and Ito's, as in all our pictures: told apart by the colour-blind."""

    raw: str
    paced: str
    expected: str
    wait: str
    """A background."""
    alarm: str
    """Of figures that a reader suffers from."""


DARK: Final = Colours(
    raw="#e69f00", paced="#56b4e9", expected="#9a9a9a", wait="#54283a", alarm="#ff7b8e"
)
LIGHT: Final = Colours(
    raw="#b36200", paced="#0072b2", expected="#707070", wait="#f7cbd5", alarm="#c01036"
)


def timeline(
    comparison: Comparison,
    now: float,
    colours: Colours,
    *,
    width: int,
    height: int,
    horizon_s: float,
    most: float,
) -> Text:
    """Draw the three timelines up to now, and what is expected to the end.

    Args:
        comparison: whose.
        now: seconds since submission.
        colours: of the lines.
        width, height: cells, with the scales.
        horizon_s: the time at the right edge, seconds.
        most: words at the top.

    Returns:
        `height` lines of at most `width` cells, the last of them the scale of time; nothing
        where there is no room.
    """
    across, up = width - _GUTTER, height - 1
    if across < 8 or up < 2:
        return Text()
    canvas = _Canvas(across, up, horizon_s, most)
    expected, raw, paced = (
        comparison.expected,
        comparison.raw.reader,
        comparison.paced.reader,
    )
    canvas.tint(paced.words, expected.words, now)
    canvas.line(expected.words, horizon_s, colours.expected, every=2)
    canvas.line(raw.words, now, colours.raw)
    canvas.line(paced.words, now, colours.paced)
    picture = canvas.draw(colours.wait)
    return picture.append(_time_scale(across, horizon_s), "dim")


class _Canvas:
    def __init__(self, across: int, up: int, horizon_s: float, most: float) -> None:
        self._across, self._up, self._horizon_s, self._most = across, up, horizon_s, most
        self._cells: dict[tuple[int, int], tuple[int, str]] = {}  # (row, column): dots, colour
        self._tinted: set[tuple[int, int]] = set()

    def line(
        self, words: Callable[[float], float], until: float, colour: str, *, every: int = 1
    ) -> None:
        """Draw what `words` gives for each moment; every so many dots, unless it jumps."""
        before: int | None = None
        for x in range(2 * self._across):
            time = (x + 0.5) * self._horizon_s / (2 * self._across)
            if time > until:
                return
            y = self._dot(words(time))
            lowest = y if before is None or every > 1 else min(y, before + 1)
            before = y
            if words(time) <= 0 or x % every:
                continue
            if every > 1 and words(time) > self._most:
                return  # all that there is
            # Two dots thick, but for the dotted line: in a picture one alone is hardly seen.
            for dot in range(lowest, y + 1 + (every == 1)):
                self._set(x, dot, colour)

    def tint(
        self, low: Callable[[float], float], high: Callable[[float], float], until: float
    ) -> None:
        """Tint the cells whose middle lies between the two."""
        for column in range(self._across):
            time = (column + 0.5) * self._horizon_s / self._across
            if time > until:
                return
            bottom, top = low(time), min(self._most, high(time))
            for row in range(self._up):
                words = (self._up - row - 0.5) * self._most / self._up
                if bottom < words < top:
                    self._tinted.add((row, column))

    def draw(self, tint: str) -> Text:
        picture = Text(no_wrap=True)
        for row in range(self._up):
            picture.append(self._scale(row), "dim")
            cells = (self._cell(row, column, tint) for column in range(self._across))
            for style, run in itertools.groupby(cells, lambda cell: cell[1]):
                picture.append("".join(character for character, _ in run), style)
            picture.append("\n")
        return picture

    def _cell(self, row: int, column: int, tint: str) -> tuple[str, str]:
        """Its character and its style."""
        dots, colour = self._cells.get((row, column), (0, ""))
        background = f"on {tint}" if (row, column) in self._tinted else ""
        return (chr(_BLANK + dots) if dots else " "), f"{colour} {background}".strip()

    def _dot(self, words: float) -> int:
        """From 0, at the bottom."""
        dots = 4 * self._up
        return max(0, min(dots - 1, int(words / self._most * dots)))

    def _set(self, x: int, y: int, colour: str) -> None:
        if y >= 4 * self._up:
            return
        place = (self._up - 1 - y // 4, x // 2)
        dots, there = self._cells.get(place, (0, colour))
        # Where two lines run together, every other cell shows the one below.
        shown = there if there != colour and (x // 2) % 2 else colour
        self._cells[place] = (dots | _DOTS[x % 2][3 - y % 4], shown)

    def _scale(self, row: int) -> str:
        if row == 0:
            return f"{self._most:{_GUTTER - 1}.0f} "
        return f"{0:{_GUTTER - 1}} " if row == self._up - 1 else " " * _GUTTER


def _time_scale(across: int, horizon_s: float) -> str:
    """The seconds, a mark at each 5 or 10 that fit."""
    step = 5 if across * 5 / horizon_s >= 7 else 10 if across * 10 / horizon_s >= 7 else 30
    scale = [" "] * across
    for second in range(0, int(horizon_s) + 1, step):
        mark = f"{second} s" if not second else str(second)
        at = round(second * across / horizon_s)
        if at + len(mark) <= across:
            scale[at : at + len(mark)] = mark
    return " " * _GUTTER + "".join(scale)
