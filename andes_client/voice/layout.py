"""Where the words of an utterance lie in its audio."""

import copy
import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

from andes_client.voice.silences import Silence
from andes_client.voice.tempo import Cost, Tempo

__all__ = ["Known", "Layout"]

# A silence is the pause of which the estimate is no further off than this, seconds, and this share
# of the time since the last one.
_NEAR_S: Final = 0.2
_NEAR_SHARE: Final = 0.25
_NOTHING: Final = Cost(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the audio, beside named words. Times are in seconds from its beginning."""

    seconds: float
    """So much has come."""
    has_ended: bool
    """And that is all of it."""
    silences: Sequence[Silence] = ()
    """Where it is silent, as far as that was listened for, and over. It only grows."""
    last_silence: Silence | None = None
    """At the end of what has come."""


@dataclass(slots=True)
class _Anchors:
    """Words whose moments are fixed, in their order."""

    numbers: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    latest: list[float] = field(default_factory=list)
    """The same, but none is before the one before it."""

    def add(self, number: int, seconds: float) -> None:
        place = bisect_left(self.numbers, number)
        self.numbers.insert(place, number)
        self.seconds.insert(place, seconds)
        del self.latest[place:]
        for each in self.seconds[place:]:
            self.latest.append(max(each, self.latest[-1] if self.latest else 0.0))


class Layout:
    """Lays words out between what is known: each takes its share by what it costs aloud.

    Each word is asked for by itself, and found without a look at the others: an answer of an hour
    may be one utterance, and every word of it may be named while it is spoken.

    Args:
        costs: of each word.
        tempo: the voice's.
    """

    def __init__(self, costs: Sequence[Cost], tempo: Tempo) -> None:
        self._costs = costs
        self._tempo = tempo
        self._is_settled = False
        self._sound = list(accumulate((cost.sound for cost in costs), initial=0.0))
        self._pause = list(accumulate((cost.pause for cost in costs), initial=0.0))
        self._sounding = [number for number, cost in enumerate(costs) if cost.sound > 0]
        # What makes no sound comes with one of these.
        self._said = list(self._sounding)
        self._named = _Anchors()
        last = costs[self._sounding[-1]] if self._sounding else _NOTHING
        self.cost = Cost(self._sound[-1], max(0.0, self._pause[-1] - last.pause))
        """Of all words, without the pause after the last."""
        self._pauses = _Pauses(self)

    def name(self, number: int, seconds: float) -> None:
        """The voice has told when a word begins, seconds from the beginning of the audio; once."""
        self._named.add(number, seconds)
        if not self._costs[number].sound:
            insort(self._said, number)

    @property
    def named_until(self) -> float:
        """The last moment that the voice has told; 0 without any."""
        return self._named.latest[-1] if self._named.latest else 0.0

    def span(self, number: int, known: Known) -> tuple[float, float]:
        """When a word begins and ends, seconds from the beginning of the audio."""
        if known.has_ended and not self._is_settled:
            # What the voice does later moves no word of an utterance that is being heard.
            self._tempo, self._is_settled = copy.copy(self._tempo), True
        if not self._said:
            return self._between(number, known)
        said = self._said[min(bisect_left(self._said, number), len(self._said) - 1)]
        start, end = self._between(said, known)
        return (start, end) if said == number else (start, start)

    def place(self, number: int) -> float:
        """When a word would begin by what all before it cost, and nothing else."""
        return self._tempo.seconds(Cost(self._sound[number], self._pause[number]))

    def rest_s(self, number: int) -> float:
        """How long a word and all after it take by what they cost."""
        sound = self._sound[-1] - self._sound[number]
        return self._tempo.seconds(Cost(sound, self._pause[-1] - self._pause[number]))

    def pauses(self) -> list[tuple[int, int]]:
        """The words with a pause behind them, and the next that make a sound."""
        return [
            (number, after)
            for number, after in pairwise(self._sounding)
            if self._pause[after] > self._pause[number]
        ]

    def sound_end(self, number: int) -> float:
        """When a word would end, as `place`."""
        return self.place(number) + self._tempo.sound * self._costs[number].sound

    @property
    def first(self) -> int | None:
        """The first word that makes a sound."""
        return self._sounding[0] if self._sounding else None

    @property
    def speed(self) -> tuple[float, float]:
        """What places go by."""
        return self._tempo.sound, self._tempo.pause

    @property
    def whole_s(self) -> float:
        """How long all of it takes by what it costs, with the silence around."""
        return self._tempo.seconds(self.cost) + self._tempo.around_s

    def _between(self, number: int, known: Known) -> tuple[float, float]:
        anchors = self._named
        if not anchors.numbers and known.silences:
            anchors = self._pauses.heard(known)
        # A voice may name a moment after the end of its audio, which is never played.
        most = known.seconds if known.has_ended else math.inf
        from_place = from_s = 0.0
        at = bisect_right(anchors.numbers, number)
        if at:
            from_place = self.place(anchors.numbers[at - 1])
            from_s = min(most, anchors.latest[at - 1])
        if at < len(anchors.numbers):
            to_place, to_s = self.place(anchors.numbers[at]), min(most, anchors.latest[at])
        else:
            to_place, to_s = self._end(from_place, from_s, known, is_anchored=at > 0)
        scale = (to_s - from_s) / (to_place - from_place) if to_place > from_place else 0.0
        start = min(to_s, from_s + scale * (self.place(number) - from_place))
        return start, min(to_s, start + scale * self._tempo.sound * self._costs[number].sound)

    def _end(
        self, last_place: float, last_s: float, known: Known, *, is_anchored: bool
    ) -> tuple[float, float]:
        """Where all words end by what they cost, and when, the last anchor being there."""
        end = self.whole_s
        if known.has_ended:
            until = known.seconds
            if known.last_silence is not None:
                until, end = known.last_silence[0], end - self._tempo.around_s
        else:
            until = last_s + max(0.0, end - last_place)
            if not is_anchored:
                until = max(until, known.seconds)
        return max(end, last_place), max(until, last_s)


class _Pauses:
    """Which words begin after the silences that are heard.

    A silence is taken for the pause that is expected nearest to it, if that is near enough.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._pauses: list[tuple[int, int]] | None = None
        self._basis: tuple[float, ...] = ()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._anchors = _Anchors()
        self._seen = 0  # silences
        self._next = 0  # the pause that may be next
        self._place = self._at = 0.0  # of the last word that is fixed

    def heard(self, known: Known) -> _Anchors:
        """When words begin after pauses."""
        layout = self._layout
        whole = layout.whole_s
        scale = known.seconds / whole if known.has_ended and whole > 0 else 1.0
        basis = (*layout.speed, scale)
        if basis != self._basis:
            self._basis = basis
            self._begin_anew()
        if self._pauses is None:
            self._pauses = layout.pauses()
        for begin, end in known.silences[self._seen :]:
            if begin == 0.0:
                if layout.first is not None:
                    self._fix(layout.first, end)
            elif (nearest := self._nearest(begin, scale, self._pauses)) is not None:
                self._fix(self._pauses[nearest][1], end)
                self._next = nearest + 1
        self._seen = len(known.silences)
        return self._anchors

    def _fix(self, number: int, seconds: float) -> None:
        self._anchors.add(number, seconds)
        self._at, self._place = seconds, self._layout.place(number)

    def _nearest(self, begin: float, scale: float, pauses: list[tuple[int, int]]) -> int | None:
        """The pause that is this silence, if any is."""

        def expected(pause: tuple[int, int]) -> float:
            return self._at + scale * (self._layout.sound_end(pause[0]) - self._place)

        after = bisect_left(pauses, begin, self._next, key=expected)
        near = [
            (abs(expected(pauses[each]) - begin), each)
            for each in (after - 1, after)
            if self._next <= each < len(pauses)
        ]
        if not near:
            return None
        least, nearest = min(near)
        return nearest if least <= _NEAR_S + _NEAR_SHARE * (begin - self._at) else None
