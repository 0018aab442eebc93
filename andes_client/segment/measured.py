"""Characters and deltas that cost what is measured of the words that they are part of."""

from collections.abc import Callable
from typing import Final

import regex

from andes_client.segment.scripts import ATOM, shows
from andes_client.segment.unit import Unit
from andes_client.segment.words import Words

__all__ = ["Letters", "MeasuredTokens"]

_ATOMS: Final = regex.compile(ATOM)
_MARKS_AFTER: Final = regex.compile(r"\p{P}{1,100}+\Z")


class Letters(Words):
    """The characters of words as units: what a word costs goes evenly over them.

    What its last marks cost, a pause, comes after the last of them. What a word costs is known
    when it is whole, so its characters wait for its end.

    Args:
        language_code: ISO 639-1 code.
        cost: tokens of a word.
    """

    def __init__(self, language_code: str, cost: Callable[[str], float]) -> None:
        super().__init__(language_code, cost=cost)

    def decode(self, text: str) -> list[Unit]:
        return [letter for unit in super().decode(text) for letter in self._letters(unit)]

    def flush(self) -> list[Unit]:
        return [letter for unit in super().flush() for letter in self._letters(unit)]

    def _letters(self, unit: Unit) -> list[Unit]:
        atoms = _ATOMS.findall(unit.text)
        seen = [shows(atom) for atom in atoms]
        if sum(seen) < 2:
            return [unit]
        spread = unit.cost
        if bare := _MARKS_AFTER.sub("", unit.text):
            spread *= self.cost(bare) / (self.cost(unit.text) or 1.0)
        each = min(spread, unit.cost) / sum(seen)
        letters = [
            Unit(atom, each if visible else 0.0, unit.continues)
            for atom, visible in zip(atoms, seen, strict=True)
        ]
        rest = unit.cost - each * sum(seen)
        return [*letters[:-1], letters[-1]._replace(cost=letters[-1].cost + rest)]


class MeasuredTokens:
    """Each delta, as the server sent it, is one unit that costs what its words do.

    Args:
        language_code: ISO 639-1 code.
        cost: tokens of a word.
    """

    def __init__(self, language_code: str, cost: Callable[[str], float]) -> None:
        self._words = Words(language_code, cost=cost)

    def decode(self, text: str) -> list[Unit]:
        if not text:
            return []
        return [Unit(text, sum(map(self._words.cost, filter(None, self._words.split(text)))))]

    def fragment(self) -> Unit | None:
        return None

    def flush(self) -> list[Unit]:
        return []
