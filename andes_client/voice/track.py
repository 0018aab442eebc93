"""What of a text is heard at which position of its audio. No I/O, no waiting."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final

from andes_client.expectation import Expectation, speaking
from andes_client.languages import language as language_of
from andes_client.segment.cost import words_of
from andes_client.voice.chunk import Chunk
from andes_client.voice.tempo import Tempo
from andes_client.voice.utterance import Mark, Utterance, check_length, marks_of

__all__ = ["Track"]

# A speed that was measured on less audio says little, seconds.
_ENOUGH_S: Final = 3.0
# A player may stop this far before the end of its audio: it counts in samples or in whole
# milliseconds, and sums of lengths are not exact. The words of the end are due all the same.
_SHORT_S: Final = 0.01


class Track:
    """The utterances of one answer, one after the other, and how far they have been shown.

    A position is in seconds of audio that has been played, on the clock on which utterances begin.

    Args:
        language: ISO 639-1 code of the text.
        changed: called when more is known: look again.
        lock: whoever calls a method holds it; utterances take it themselves.
    """

    def __init__(
        self,
        language: str,
        changed: Callable[[], None],
        lock: AbstractContextManager[Any],
    ) -> None:
        self._code = language_of(language).code
        self._changed = changed
        self._lock = lock
        self._tempo = Tempo()
        self._units = words_of(self._code)
        self._utterances: list[Utterance] = []
        self._tokens: list[float] = []  # of each
        self._measured = 0  # utterances, all of whose audio is known, and together:
        self._measured_s = self._measured_tokens = 0.0
        self._at = self._word = 0  # the next word to be shown: its utterance, its number there
        self._is_whole = False  # nothing more is added
        self.shown = 0
        """Words shown."""
        self.shown_tokens = 0.0
        """The same in tokens."""
        self.added_tokens = 0.0
        """Of all chunks."""

    def add(
        self,
        chunk: Chunk | str,
        seconds: float | None,
        words: Iterable[Mark] | None,
        at: float | None,
    ) -> Utterance:
        """`Spoken.add`."""
        if self._is_whole:
            raise RuntimeError("add() came after end(): nothing more was to come")
        if isinstance(chunk, str):
            chunk = Chunk.plain(chunk, self._code)
        elif not isinstance(chunk, Chunk):
            raise TypeError(f"add() takes a Chunk or a str, not {type(chunk).__name__}")
        marks = [] if words is None else marks_of(words)
        last = self._utterances[-1] if self._utterances else None
        if at is not None and not (math.isfinite(at) and (last is None or at >= last.begins_s)):
            raise ValueError(f"add(at=...) is a moment after the last chunk's, not {at!r}")
        if seconds is not None:
            check_length(seconds)
        utterance = Utterance(chunk, 0.0, self._code, self._tempo, self._changed, self._lock)
        for mark in marks:
            utterance.mark(*mark)
        # Only now: an argument that was refused leaves everything as it was.
        if last is not None and not last.has_ended:
            last.end()
        utterance.begins_s = at if at is not None else 0.0 if last is None else last.ends_s
        if seconds is not None:
            utterance.end(seconds)
        self._utterances.append(utterance)
        self._tokens.append(sum(self._units(word.text).cost for word in chunk.words))
        self.added_tokens += self._tokens[-1]
        self._changed()
        return utterance

    def end(self) -> None:
        """Nothing more is added."""
        if self._utterances and not self._utterances[-1].has_ended:
            self._utterances[-1].end()
        self._is_whole = True
        self._changed()

    def poll(self, position: float) -> str | float | None:
        """What is to be shown at that position.

        Returns:
            A word to show now; or the position at which the next one is said, infinite if that is
            not known yet; or None: all has been shown.
        """
        while self._at < len(self._utterances):
            utterance = self._utterances[self._at]
            if self._word < len(utterance.chunk.words):
                due = utterance.start_of(self._word) if utterance.is_heard_of else math.inf
                if due > position + (_SHORT_S if self._is_the_end(due) else 0.0):
                    return due
                return self._show(utterance.chunk.words[self._word].text)
            if not utterance.has_ended and self._at == len(self._utterances) - 1:
                return math.inf
            self._at, self._word = self._at + 1, 0
        return None if self._is_whole else math.inf

    def said(self, position: float) -> str:
        """What has been heard by then."""
        utterances = self._utterances
        past = bisect_right(utterances, position + _SHORT_S, key=lambda each: each.begins_s)
        texts = [each.text for each in utterances[: max(0, past - 1)]]
        if past:
            last = utterances[past - 1]
            texts += [word.text for word in last.chunk.words[: last.heard(position)]]
        return "".join(texts)

    def ahead(self, position: float) -> float:
        """Seconds of audio after that position."""
        seconds, end_s = 0.0, math.inf
        for each in reversed(self._utterances):
            begins_s = max(position, each.begins_s)
            seconds += max(0.0, min(each.ends_s, end_s) - begins_s)
            end_s = each.begins_s  # what is before it is cut off there
            if end_s <= position:
                break
        return seconds

    def expectation(self, ttft: float) -> Expectation:
        """The listener's, at the speed of the voice."""
        while self._measured < len(self._utterances):
            utterance = self._utterances[self._measured]
            if not utterance.has_ended:
                break
            self._measured_s += utterance.seconds
            self._measured_tokens += self._tokens[self._measured]
            self._measured += 1
        if self._measured_s < _ENOUGH_S or not self._measured_tokens:
            return speaking(language=self._code, ttft=ttft)
        return Expectation(ttft, self._measured_tokens / self._measured_s)

    def _is_the_end(self, due: float) -> bool:
        """Whether there is no audio behind that position."""
        return due > self._utterances[-1].ends_s - _SHORT_S

    def _show(self, text: str) -> str:
        self._word += 1
        self.shown += 1
        self.shown_tokens += self._units(text).cost
        return text
