"""The line in which units wait, flat in memory."""

from array import array

from andes_client.segment import Unit

__all__ = ["Backlog"]


class Backlog:
    """Units with their arrivals, first in, first out.

    For thousands of streams in a process: a list of the texts, and their figures in one array, 24
    bytes a unit beside the text itself, and no objects that the garbage collector has to follow.
    (A deque of pairs takes 80, and half a KiB when it is empty; a `Unit` takes 90.)
    """

    __slots__ = ("_figures", "_head", "_texts", "arrival", "continues", "waiting")

    def __init__(self) -> None:
        self._texts: list[str] = []
        # Of each the arrival, then the cost: of what continues a unit it is -1 less the cost.
        self._figures = array("d")
        self._head = 0  # what is before it has left
        self.waiting = 0
        """Units in line."""
        self.arrival = 0.0
        """Of the first, if one waits."""
        self.continues = False
        """So does the first, if one waits (`Unit.continues`)."""

    def extend(self, units: list[Unit], arrival: float) -> float:
        """Units have arrived, all at that moment; returns what they cost together."""
        total = 0.0
        texts, figures = self._texts, self._figures
        for unit in units:
            cost = unit.cost if unit.cost > 0.0 else 0.0
            total += cost
            texts.append(unit.text)
            figures.append(arrival)
            figures.append(-1.0 - cost if unit.continues else cost)
        if not self.waiting and units:
            self.arrival, self.continues = arrival, units[0].continues
        self.waiting += len(units)
        return total

    def backdate(self, count: int, arrival: float) -> None:
        """The first of the last `count` units arrived at that moment."""
        self._figures[-2 * count] = arrival
        if count == self.waiting:
            self.arrival = arrival

    def take(self) -> tuple[str, float]:
        """Take the first out: its text and its cost. IndexError if none waits."""
        head = self._head
        text, cost = self._texts[head], self._figures[2 * head + 1]
        self._head = head = head + 1
        self.waiting -= 1
        if head >= 32 and head >= self.waiting:
            # Moves no more than has left since the last time: constant time on the whole.
            del self._texts[:head], self._figures[: 2 * head]
            self._head = head = 0
        if self.waiting:
            if (arrival := self._figures[2 * head]) != self.arrival:
                self.arrival = arrival
            self.continues = self._figures[2 * head + 1] < 0.0
        return text, cost if cost >= 0.0 else -1.0 - cost
