"""Text split as the pacer splits it, with a note of each unit."""

from collections import deque
from collections.abc import Callable

from andes_client import Unit
from andes_client.segment import Words

__all__ = ["RecordedWords"]


class RecordedWords(Words):
    """The pacer's own words, noted as it makes them.

    Args:
        arrived: called with each complete unit as it arrives.
    """

    def __init__(self, arrived: Callable[[Unit], None]) -> None:
        super().__init__()
        self.coming: deque[Unit] = deque()
        """Units that the pacer has not released yet, in the order in which it will."""
        self._arrived = arrived

    def decode(self, text: str) -> list[Unit]:
        return self._noted(super().decode(text))

    def fragment(self) -> Unit | None:
        unit = super().fragment()
        return None if unit is None else self._noted([unit])[0]

    def flush(self) -> list[Unit]:
        return self._noted(super().flush())

    def _noted(self, units: list[Unit]) -> list[Unit]:
        self.coming.extend(units)
        for unit in units:
            self._arrived(unit)
        return units
