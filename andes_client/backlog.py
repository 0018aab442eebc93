"""The line in which units wait, flat in memory."""

from array import array

from andes_client.segment import Unit

__all__ = ["Backlog"]


class Backlog:
    """Units with their arrivals, first in, first out.

    Two flat arrays and an index, for thousands of streams in a process: 16 bytes a unit
    beside the unit itself, and nothing that the garbage collector has to walk over. (A deque
    of pairs takes 80, and half a KiB when it is empty.)
    """

    __slots__ = ("_arrivals", "_head", "_units")

    def __init__(self) -> None:
        self._arrivals = array("d")
        self._units: list[Unit] = []
        self._head = 0  # what is before it has left

    def __len__(self) -> int:
        return len(self._units) - self._head

    def extend(self, units: list[Unit], arrival: float) -> None:
        """Units have arrived, all at that moment."""
        self._units += units
        self._arrivals.extend([arrival] * len(units))

    def backdate(self, count: int, arrival: float) -> None:
        """The first of the last `count` units arrived at that moment."""
        self._arrivals[-count] = arrival

    def first(self) -> tuple[float, Unit]:
        """The arrival and the unit at the head; IndexError if none waits."""
        return self._arrivals[self._head], self._units[self._head]

    def remove_first(self) -> None:
        """Take the head out."""
        self._head += 1
        if self._head >= 32 and 2 * self._head >= len(self._units):
            # Moves no more than has left since the last time: constant time on the whole.
            del self._units[: self._head], self._arrivals[: self._head]
            self._head = 0
