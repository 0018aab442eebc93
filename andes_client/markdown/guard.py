"""The segmenter that holds back what is still in doubt."""

import itertools
import re
from collections import deque
from typing import Final

import regex

from andes_client.markdown.blocks import Reading
from andes_client.markdown.inline import Range
from andes_client.segment import PATIENCE_S, Pieces, Segmenter, Unit

__all__ = ["MarkdownGuard"]

# Text with none of these in it changes nothing in the middle of a paragraph; nor does a stop
# between words, or a colon.
_MARKS: Final = re.compile(r"[\\`*_~\[\]<&$!(){}|#\r\n@]")
_DOMAIN: Final = re.compile(r"\w\.\w|www\.")
_LONGEST_CHAIN: Final = 1000  # characters of constructs that reach into one another
_GAP: Final = 32  # characters after such a chain, so that a unit ends in them
_LONGEST_PLAIN: Final = 1000  # characters that are held and not looked at
_DEEPEST: Final = 16  # marks in marks that are given up at once
_LETTERS: Final = regex.compile(r"\s*+[\p{L}\p{M}\p{N}'\u2019-]++")


class MarkdownGuard:
    """A segmenter around another: joins its units, and holds them back while they are in doubt.

    What is whole comes out as soon as what follows can no longer change how it looks, however
    the text was cut on its way. If the reader is through and the rest is in doubt still, whoever
    drives the guard says so with `overdue`, and it gives up as much as the wait is worth.

    A unit costs what is seen of it: a link its text, an image what stands for it, marks nothing.

    Args:
        inner: splits the text into units.
        half_words: whether half a unit is worth showing; it is not to a program.
    """

    LIKELY_S: Final = 0.0
    """Seconds for which an unlikely doubt is respected once text is due."""
    TITLE_S: Final = 0.5
    """Seconds for which one or two words are held back, as a line below may make them a heading."""
    LONGEST_S: Final = 1.0
    """Seconds for which anything is held back."""

    def __init__(self, inner: Segmenter, *, half_words: bool = True) -> None:
        self._inner = inner
        self._half_words = half_words
        self._half_word_s: float = getattr(inner, "patience", (PATIENCE_S,))[0]
        self._reading = Reading()
        self._held: list[Unit] = []
        self._start = 0  # where the pending text begins in the reading's
        self._held_cost = 0.0
        self._is_plain = False  # text without marks and line ends goes through as it comes

    @property
    def patience(self) -> tuple[float, ...]:
        """Seconds past due after which it gives something up."""
        waits = {self.LIKELY_S, self._half_word_s, self.TITLE_S, self.LONGEST_S}
        return tuple(sorted(waits))

    @property
    def held_cost(self) -> float:
        """Tokens of whole units that are held back."""
        return self._held_cost

    def decode(self, text: str) -> list[Unit]:
        units, reading = self._inner.decode(text), self._reading
        if self._is_plain:
            pending = reading.text + text
            if self._held:  # until it is clear that the paragraph is no heading
                if len(pending) < _LONGEST_PLAIN and not _may_matter(text, 0):
                    self._hold(units)
                    reading.text = pending
                    return []
            elif not _may_matter(pending, self._start):
                shown = sum([len(unit.text) for unit in units])
                by = max(0, self._start + shown - reading.KEPT) if shown else 0
                self._start += shown - by
                reading.pass_by(pending[by:], self._start, by)
                return units
        self._hold(units)
        reading.feed(text)
        ready = self._emit(reading.frontiers()[0])
        self._is_plain = reading.is_plain(holding=bool(self._held))
        return ready

    def overdue(self, waited: float) -> list[Unit]:
        """What is to be shown of the pending text, as the reader has waited for it so long.

        Args:
            waited: seconds since it was due.
        """
        ready = self._overdue(waited)
        self._is_plain = self._reading.is_plain(holding=bool(self._held))
        return ready

    def _overdue(self, waited: float) -> list[Unit]:
        reading = self._reading
        reading.catch_up()
        if ready := self._emit(reading.frontiers()[1]):
            return ready
        if waited >= self.TITLE_S:
            reading.no_title()
            if ready := self._emit(reading.frontiers()[0]):
                return ready
        if waited >= self._half_word_s and (ready := self._half_word()):
            return ready
        return self._give_up() if waited >= self.LONGEST_S else []

    def fragment(self) -> Unit | None:
        ready = self.overdue(self._half_word_s)
        for unit in ready[1:]:
            ready[0] = Unit(
                ready[0].text + unit.text, ready[0].cost + unit.cost, ready[0].continues
            )
        return ready[0] if ready else None

    def flush(self) -> list[Unit]:
        self._is_plain = False
        self._hold(self._inner.flush())
        self._reading.end()
        return self._emit(len(self._reading.text), last=True)

    def _hold(self, units: list[Unit]) -> None:
        self._held += units
        for unit in units:
            self._held_cost += unit.cost

    def _half_word(self) -> list[Unit]:
        """The beginning of a word that nothing makes a mark."""
        pending = self._reading.text[self._start :]
        if (
            not self._half_words
            or self._held
            or self._reading.frontiers()[0] < len(self._reading.text)
        ):
            return []
        if not _LETTERS.fullmatch(pending):
            return []
        return self._cut(len(self._reading.text))

    def _give_up(self) -> list[Unit]:
        """Show what was held back too long, up to the next thing that is in doubt."""
        reading = self._reading
        if not any(map(str.isalnum, reading.text[self._start :])):
            return []  # there is nothing to read
        for _ in range(_DEEPEST):
            reading.give_up()
            to = reading.frontiers()[0]
            if ready := self._emit(to) or self._cut(to):
                return ready
        return self._cut(len(reading.text))

    def _cut(self, to: int) -> list[Unit]:
        """Half a unit, up to there."""
        readable = any(map(str.isalnum, self._reading.text[self._start : to]))
        if not (readable and self._half_words):
            return []
        if self._start + sum(len(unit.text) for unit in self._held) < to:
            fragment = self._inner.fragment()
            self._hold([] if fragment is None else [fragment])
        at = self._start
        for index, unit in enumerate(self._held):
            size = min(len(unit.text), to - at)
            if 0 < size < len(unit.text):
                share = unit.cost * size / len(unit.text)
                self._held[index : index + 1] = [
                    Unit(unit.text[:size], share, unit.continues),
                    Unit(unit.text[size:], unit.cost - share, continues=True),
                ]
            at += size
            if at >= to:
                break
        return self._emit(at, last=True)

    def _emit(self, to: int, *, last: bool = False) -> list[Unit]:
        """The units up to there, each joined with what must not be parted from it."""
        if not self._held or self._start + len(self._held[0].text) > to:
            return []
        reading = self._reading
        joins, marks = _merged(reading.joins), deque(sorted(reading.marks))
        reading.joins[:] = joins
        ready, taken, since, join, begin, at = list[Unit](), 0, 0, 0, self._start, self._start
        blind = False  # nothing is seen of what is joined so far
        for index, unit in enumerate(self._held):
            at += len(unit.text)
            if at > to:
                break
            while join < len(joins) and joins[join][1] <= at:
                join += 1
            covered = join < len(joins) and joins[join][0] < at
            if covered and at - begin > _LONGEST_CHAIN:  # of short ones, as nobody writes it
                covered = joins[join][1] - joins[join][0] > _GAP
            if covered and not (last and at == to):
                continue
            more = at - begin <= _LONGEST_CHAIN and not (last and at == to)
            if blind and more and unit.text.isspace():
                continue
            group = self._held[since : index + 1]
            while marks and marks[0][1] <= begin:
                marks.popleft()
            one = self._unit(group, begin, at, marks)
            blind = one is None
            if blind and more:
                continue
            ready.append(one or Unit("".join(u.text for u in group), 0.0, group[0].continues))
            since, begin, taken = index + 1, at, at
        if taken:
            for unit in self._held[:since]:
                self._held_cost -= unit.cost
            del self._held[:since]
            self._held_cost = self._held_cost if self._held else 0.0
            self._forget(taken - self._start)
        return ready

    def _forget(self, size: int) -> None:
        """So many characters are shown."""
        to = self._start + size
        self._reading.released(to)
        self._start = min(self._reading.KEPT, to)

    def _unit(self, group: list[Unit], begin: int, end: int, marks: deque[Range]) -> Unit | None:
        """Joined units as one; None if nothing is seen of it but marks."""
        within = itertools.takewhile(lambda mark: mark[0] < end, marks)
        hidden = [(max(a, begin), min(b, end)) for a, b in within if b > begin]
        if not hidden:
            if len(group) == 1:
                return group[0]
            return Unit(
                "".join(unit.text for unit in group),
                sum(unit.cost for unit in group),
                group[0].continues,
            )
        text = "".join(unit.text for unit in group)
        seen, at = [], begin
        for a, b in hidden:
            seen.append(text[max(at, begin) - begin : max(a, at) - begin])
            at = max(at, b)
        seen.append(text[at - begin :])
        visible = "".join(seen)
        if not visible.strip() and not any(map(str.isalnum, text)):
            return None
        return Unit(
            text, self._cost(visible, text, sum(unit.cost for unit in group)), group[0].continues
        )

    def _cost(self, visible: str, text: str, whole: float) -> float:
        """What the visible part costs, in the measure of the inner segmenter."""
        if isinstance(self._inner, Pieces):
            return sum(self._inner.cost(piece) for piece in self._inner.split(visible) if piece)
        return whole * len("".join(visible.split())) / max(1, len("".join(text.split())))


def _merged(ranges: list[Range]) -> list[Range]:
    """The same without overlaps, in order; a chain of them ends somewhere."""
    merged = list[Range]()
    for start, end in sorted(ranges):
        last = merged[-1] if merged else (start, start)
        if start >= last[1]:
            merged.append((start, end))
        elif last[1] < last[0] + _LONGEST_CHAIN:
            merged[-1] = (last[0], max(last[1], end))
        elif end > last[1] + _GAP:
            merged.append((last[1] + _GAP, end))
    return merged


def _may_matter(text: str, at: int) -> bool:
    """Whether there is anything in it from there on that the reading has to look at."""
    if _MARKS.search(text, at) or "://" in text:
        return True
    return "." in text and _DOMAIN.search(text, max(0, at - 1)) is not None
