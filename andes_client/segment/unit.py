"""What a splitter of text takes and gives: units, and whoever makes them."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, runtime_checkable

__all__ = ["PATIENCE_S", "Detector", "Segmenter", "Unit"]

PATIENCE_S: Final = 0.25
"""How long a unit that the reader is due may stay hidden because its end has not come yet; a
splitter may say otherwise (`Pieces.patience`)."""

Detector = Callable[[str], int | None]
"""Given the pending text, never empty: the length of its first unit, or None if incomplete."""


class Unit(NamedTuple):
    """A piece of text that is shown at once."""

    text: str
    cost: float
    """Tokens of reading; 0 for what shows nothing, such as white space alone."""
    continues: bool = False
    """It is the rest of a unit whose beginning was given out before: not to be kept waiting,
    and it costs only what the whole costs more than the beginning."""


@runtime_checkable
class Segmenter(Protocol):
    """Splits one stream; a new one is needed for each."""

    def decode(self, text: str) -> list[Unit]:
        """Take in the next piece of the stream; return the units that it completes."""
        ...

    def fragment(self) -> Unit | None:
        """Give up the pending text, unfinished as it is, or None if there is none to show."""
        ...

    def flush(self) -> list[Unit]:
        """The stream has ended: return what is left."""
        ...
