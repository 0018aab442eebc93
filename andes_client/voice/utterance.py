"""When each word of a chunk is said, from what is known of its audio."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final

from andes_client.voice.aloud import aloud
from andes_client.voice.chunk import Chunk
from andes_client.voice.layout import Known, Layout
from andes_client.voice.silences import Silences
from andes_client.voice.tempo import Cost, Tempo

__all__ = ["Mark", "Utterance", "check_length", "marks_of"]

Mark = tuple[float, int | str]
"""When the voice begins a word: seconds from the utterance's beginning, and where in
`Chunk.spoken` the word begins, or the word itself."""

# A word that the voice names is looked for in so many characters that come next.
_NEAR: Final = 120
# Thirty years: no sum of lengths is infinite, and no speed is 0.
_LONGEST_S: Final = 1e9


class Utterance:
    """A chunk and its audio, as far as it is known. `Spoken.add` makes it.

    Its words are laid out between what is known of the audio: its beginning, marks, its end. In
    between each takes its share by what it costs aloud.
    """

    __slots__ = (
        "_anchors",
        "_changed",
        "_found",
        "_layout",
        "_lock",
        "_silences",
        "_spoken",
        "_tempo",
        "begins_s",
        "chunk",
        "cost",
        "has_ended",
        "seconds",
        "text",
    )

    def __init__(
        self,
        chunk: Chunk,
        begins_s: float,
        language: str,
        tempo: Tempo,
        changed: Callable[[], None],
        lock: AbstractContextManager[Any],
    ) -> None:
        self.chunk = chunk
        self.text = chunk.text
        self.begins_s = begins_s
        """Where it begins, seconds on the clock of the audio's position."""
        self.seconds = 0.0
        """Its audio so far."""
        self.has_ended = False
        """Whether that is all of its audio."""
        self._changed = changed
        self._lock = lock
        self._tempo = tempo
        self._spoken = chunk.spoken
        of = aloud(language)
        pieces = [self._spoken[word.begin : word.end] for word in chunk.words]
        costs = [
            Cost(of.sound(piece), of.pause(piece)) if piece else Cost(0.0, 0.0) for piece in pieces
        ]
        self._layout = Layout(costs, tempo)
        self.cost = self._layout.cost
        self._anchors: dict[int, float] = {}  # seconds by the number of the word
        self._silences: Silences | None = None
        self._found = 0  # how far in the spoken text the voice has named words

    @property
    def is_heard_of(self) -> bool:
        """Whether there is any audio of it."""
        return self.has_ended or self.seconds > 0 or bool(self._anchors)

    @property
    def ends_s(self) -> float:
        """Where its audio ends, as far as there is any; seconds, as `begins_s`."""
        return self.begins_s + self.seconds

    def grow(self, seconds: float) -> None:
        """More of its audio has come.

        Args:
            seconds: the length of what has come; 0 or more.

        Raises:
            RuntimeError: its audio has ended.
            ValueError: it is no length.
        """
        check_length(seconds)
        with self._lock:
            self._check_open("grow")
            self.seconds += seconds
            self._changed()

    def hear(self, pcm: bytes, rate: int) -> None:
        """More of its audio has come, itself: where it is silent tells where its clauses end.

        Args:
            pcm: 16-bit samples, one channel, in this machine's byte order.
            rate: samples a second.

        Raises:
            RuntimeError: its audio has ended.
            ValueError: the rate is not above 0, or half a sample is there.
        """
        if len(pcm) % 2:
            raise ValueError(f"16-bit samples have an even number of bytes, not {len(pcm)}")
        if not rate > 0:
            raise ValueError(f"audio has a number of samples a second above 0, not {rate!r}")
        with self._lock:
            self._check_open("hear")
            if self._silences is None:
                self._silences = Silences(rate)
            self._silences.feed(pcm)
            self.seconds += len(pcm) / 2 / rate
            self._changed()

    def mark(self, seconds: float, word: int | str) -> None:
        """The voice begins a word there.

        Args:
            seconds: from the beginning of the utterance.
            word: where it begins in `Chunk.spoken`, or itself. What is said in other words than
                it is written ("nineteen" for 1984) is left out, and found by what is around it.

        Raises:
            ValueError: it is no moment, or no place in the text.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"a word begins at a number of seconds, 0 or more, not {seconds!r}")
        if not isinstance(word, str) and not 0 <= word <= len(self._spoken):
            raise ValueError(
                f"a word begins at 0 to {len(self._spoken)} in the spoken text, not at {word!r}"
            )
        with self._lock:
            offset = self._find(word) if isinstance(word, str) else word
            if offset is not None:
                self._anchor(offset, seconds)
                self._changed()

    def end(self, seconds: float | None = None) -> None:
        """Its audio is complete.

        Args:
            seconds: its length; what has come of it, if not given.

        Raises:
            RuntimeError: its audio has ended already.
            ValueError: it is no length.
        """
        if seconds is not None:
            check_length(seconds)
        with self._lock:
            self._check_open("end")
            if seconds is not None:
                self.seconds = seconds
            elif self._anchors and not self.seconds:  # the marks are all that is known
                last = max(self._anchors)
                self.seconds = self._anchors[last] + self._layout.rest_s(last)
            self.has_ended = True
            self._tempo.learn(self.cost, self.seconds)
            self._changed()

    def start_of(self, word: int) -> float:
        """When a word begins, seconds on the position's clock; infinite if its audio is to come."""
        start, _ = self._layout.span(word, self._known())
        known_s = max(self.seconds, self._layout.named_until)
        if not self.has_ended and start >= known_s and word not in self._anchors:
            return math.inf
        return self.begins_s + start

    def heard(self, position: float) -> int:
        """How many of its words have been heard: more than half of each. What makes no sound
        counts with the word after it, or at the end with the one before."""
        if not self.is_heard_of:
            return 0
        at, known = position - self.begins_s, self._known()
        heard = 0
        for number in range(len(self.chunk.words)):
            start, end = self._layout.span(number, known)
            if end > start:
                if (start + end) / 2 > at:
                    return heard
                heard = number + 1
        return len(self.chunk.words) if self.has_ended or heard else 0

    def _check_open(self, what: str) -> None:
        if self.has_ended:
            raise RuntimeError(
                f"{what}() came after the end of the utterance's audio; it ends with end(), with "
                "the next add(), or at once if add() is given its length"
            )

    def _find(self, word: str) -> int | None:
        """Where the voice's next word is in the text; None if it is not there as it is written."""
        near = self._spoken[self._found : self._found + _NEAR]
        window, sought = near.casefold(), word.strip().casefold()
        if not sought or len(window) != len(near):
            return None
        at = _find_word(window, sought)
        if at < 0:
            return None
        found = self._found + at
        self._found = found + len(sought)
        return found

    def _anchor(self, offset: int, seconds: float) -> None:
        """The word that holds this place begins then; its first mark counts."""
        words = self.chunk.words
        number = bisect_left(words, offset + 1, key=lambda word: word.end)
        if number == len(words):
            return
        begin = words[number].begin + _space_before(self._spoken[words[number].begin :])
        if number not in self._anchors and not _is_word(self._spoken[begin:offset]):
            self._anchors[number] = seconds
            self._layout.name(number, seconds)

    def _known(self) -> Known:
        silences = self._silences
        if silences is None:
            return Known(self.seconds, self.has_ended)
        return Known(self.seconds, self.has_ended, silences.found, silences.last())


def marks_of(words: Iterable[Mark]) -> list[Mark]:
    """The marks in the order of their times.

    Raises:
        TypeError: one is no pair of seconds and a word or its place.
    """
    marks = []
    for mark in words:
        if not isinstance(mark, tuple) or len(mark) != 2 or not isinstance(mark[1], int | str):
            raise TypeError(
                "words takes pairs: the second at which a word begins, and the word or where it "
                f"begins in the spoken text; not {mark!r}"
            )
        marks.append(mark)
    return sorted(marks, key=lambda mark: mark[0])


def check_length(seconds: float) -> None:
    """Raises ValueError if that is no length of audio."""
    if not 0 <= seconds <= _LONGEST_S:
        raise ValueError(
            f"audio has a length in seconds, 0 or more (and no {_LONGEST_S:g}), not {seconds!r}"
        )


def _find_word(text: str, word: str) -> int:
    """Where a word stands by itself, or else in another (a voice may name a part of one); or -1."""
    first = at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at] + word[0], word[-1] + text[at + len(word) :][:1]
        if not any(len(pair) == 2 and pair.isalnum() for pair in (before, after)):
            return at
        at = text.find(word, at + 1)
    return first


def _space_before(text: str) -> int:
    return len(text) - len(text.lstrip())


def _is_word(text: str) -> bool:
    return any(map(str.isalnum, text))
