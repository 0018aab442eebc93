"""Text cut for a voice, without I/O: text and moments in, chunks and moments out.

A voice needs its first words soon, and then sounds best with as much as it can get at once. So
how much is cut off goes by how much audio is in hand: nothing, and the first part of a sentence
has to do, or a few words if even that does not come; more, and it may be sentences. A longer chunk
also takes longer to be made into audio, which what is in hand must outlast.
"""

import math
from collections import deque
from typing import Final

import regex

from andes_client.languages import language as language_of
from andes_client.segment.scripts import last_cluster
from andes_client.segment.sentences import end_of_sentence
from andes_client.voice.aloud import aloud
from andes_client.voice.chunk import Chunk
from andes_client.voice.markup import Markup
from andes_client.voice.places import (
    Places,
    WordEnd,
    count_words,
    end_of_code,
    find_places,
    find_words,
    has_code,
    has_words,
    is_open,
    letters_before,
)

__all__ = ["Cutter"]

# Seconds of audio in hand at which the next chunk is due: what a voice takes to begin.
_RESERVE_S: Final = 0.5
# At which words have to do, if no part of a sentence is there.
_LAST_S: Final = 0.25
# Seconds of work that a voice may need for a second of audio.
_WORK: Final = 0.25
# Audio of the first chunk, and of each that is wanted at once, at most, if it can be cut so.
_SOON_S: Final = 2.5
# Audio of a chunk at most, if it can be cut so: what is thrown away when the listener interrupts,
# and how late another speed of the voice is heard.
_MOST_S: Final = 12.0
# A part of a sentence that stands by itself has this much.
_LEAST_S: Final = 0.5
_LEAST_WORDS: Final = 2
# A part that has this much is not exchanged for one that is longer than there is time for.
_BETTER_S: Final = 1.0
# After so many seconds without the end of a part of a sentence so many words will do: in a new
# line, before which a voice may pause, and when it is about to fall silent in the middle of one.
_AT_FIRST: Final = ((0.2, 8), (0.6, 3), (1.2, 2), (2.5, 1))
_LATER: Final = ((0.2, 8), (0.25, 3), (0.8, 2), (2.0, 1))
# Text that ends as a sentence does, and is followed by nothing for so long, seconds.
_QUIET_S: Final = 0.3
_SHARE_FOR_SURE: Final = 0.6

_LONGEST: Final = 300  # characters of a chunk, if there is any place to cut it before
_LOOK: Final = 700  # characters that are looked at
_WINDOW: Final = 2400  # characters of a chunk, whatever it is; an address may be so long
# Letters a second, as part of those read aloud: English at about 170 words a minute. Where to cut
# goes by them, not by what words cost aloud: with these, a year alone is long enough to be a part
# of a sentence, and voices that say it faster fall silent behind it.
_SPEED: Final = 0.75
_ENDS: Final = regex.compile(
    r"(?V1)[^\d\s][.!?\u2026\p{Sentence_Terminal}]++[\p{Pe}\p{Pf}\"'*_]*\Z"
)


class Cutter:
    """Cuts one stream. Every method takes `now`, seconds on a clock that never goes back.

    Args:
        language: ISO 639-1 code.
        markdown: the text is Markdown (andes_client.voice.markup).

    Raises:
        ValueError: the language is not known.
    """

    def __init__(self, language: str = "en", *, markdown: bool = True) -> None:
        spoken = language_of(language)
        self._language = spoken.code
        self._voice = aloud(self._language)
        self._letters_per_second = _SPEED * spoken.aloud_cpm / 60
        self._markdown = markdown
        self._markup = Markup(self._language, markdown=markdown)
        self._pending = ""
        self._rest = deque[str]()  # what comes after it
        self._ended = self._begun = False
        self._letters: list[int] | None = None  # before each place in what is pending
        self._column = 0  # characters of the line that were cut off
        self._since: float | None = None  # there are words to say
        self._dry: float | None = None  # and the voice has nothing else
        self._fed = -math.inf
        self._until = self._sure_until = -math.inf  # the audio of what was cut off ends

    def feed(self, text: str, now: float) -> None:
        """Text has come.

        Raises:
            TypeError: it is no str.
        """
        if not isinstance(text, str):
            raise TypeError(f"the stream must yield str, but it yielded {type(text).__name__}")
        self._rest.extend(text[at : at + _WINDOW] for at in range(0, len(text), _WINDOW))
        self._fed = now
        self._refill(now)

    def end(self, now: float) -> None:
        """No more text comes."""
        self._ended = True
        self._refill(now)

    def poll(self, now: float, ahead_s: float | None = None) -> Chunk | float | None:
        """What is to be said now.

        Args:
            now: the moment.
            ahead_s: seconds of audio that are there and not played yet. None: what was cut off is
                taken to be spoken at once, at the usual speed of the language.

        Returns:
            A chunk; or the moment until which there is none (infinite: until text comes); or
            None: all text was cut.
        """
        if not self._pending:
            return None if self._ended else math.inf
        in_hand = self._in_hand(now, ahead_s)
        if in_hand > _LAST_S:
            self._dry = None
        if (until := self._holds_until(now, in_hand)) is not None:
            return until
        step = self._place(now, in_hand)
        if isinstance(step, float):
            return step
        return self._cut(step, now, in_hand)

    def _in_hand(self, now: float, ahead_s: float | None) -> float:
        if ahead_s is None:
            return max(0.0, self._until - now)
        # The audio of the chunk before may not have come yet; but most of it will.
        return max(ahead_s, self._sure_until - now, 0.0)

    def _holds_until(self, now: float, in_hand: float) -> float | None:
        """Without a closer look: while audio lasts for more than all that is there."""
        if self._ended or len(self._pending) > _LONGEST or "\n" in self._pending.lstrip():
            return None
        most = len(self._pending) / self._letters_per_second
        due = now + in_hand - _RESERVE_S - _WORK * most
        return due if due > now else None

    def _place(self, now: float, in_hand: float) -> int | float:
        """Where to cut what is pending, or when to look again."""
        text, over, self._letters = self._pending, self._ended and not self._rest, None
        if self._since is None and not over and not self._markup.fence and not has_code(text):
            return math.inf if len(text) < _WINDOW else len(text)  # nothing to say
        if self._markdown:
            code = end_of_code(text, self._markup.fence, starts_line=not self._begun, over=over)
            if code is not None:
                return last_cluster(text) if code == math.inf and len(text) >= _WINDOW else code
        places = find_places(
            text[:_LOOK],
            self._language,
            over=over and len(text) <= _LOOK,
            markdown=self._markdown,
            column=self._column,
        )
        if places.line is not None and not has_words(text[: places.line]):
            return len(text)
        step = self._whole(places, now, in_hand)
        if step is None:
            step = self._part(places, now, in_hand)
        if isinstance(step, float) and len(text) > _LONGEST:
            return self._at_most(places, step, over)
        return step

    def _whole(self, places: Places, now: float, in_hand: float) -> int | float | None:
        """As many sentences of the line as there is time for."""
        whole = list(places.sentences)
        if places.line is not None:
            whole.append(places.line)
        most = self._most(in_hand)
        fitting = [at for at in whole if at <= _LONGEST and self._seconds(at) <= most]
        if not fitting:
            first = whole[0] if whole else math.inf
            return int(first) if self._is_short(first, in_hand, places) else None
        at = fitting[-1]
        if at == places.line or at != whole[-1]:
            return at
        due = now + in_hand - _RESERVE_S - _WORK * self._seconds(at)
        return due if due > now else at

    def _is_short(self, first: float, in_hand: float, places: Places) -> bool:
        """Whether a sentence is longer than there is time for, but not to be taken apart."""
        if first > _LONGEST:
            return False
        parts = self._parts(places, self._most(in_hand))
        return not parts and self._seconds(int(first)) <= 2 * self._most(in_hand)

    def _part(self, places: Places, now: float, in_hand: float) -> int | float:
        """The first part of a sentence, or the first words, if there is no time for more."""
        known = places.sentences[0] if places.sentences else places.line
        # Due is what is not later than now, as every answer has to be. Audio for a hair longer than
        # the reserve is no later moment on most clocks, and on one that jumps never becomes one.
        if known is None and (due := now + in_hand - _RESERVE_S) > now:
            return due
        if parts := self._parts(places, self._most(in_hand)):
            return parts[-1]
        if known is not None:
            at = self._after_words(_LEAST_WORDS, at_worst=False, most=_SOON_S)
            return known if at is None else at
        if (due := now + in_hand - _LAST_S) > now:
            return due
        return self._words(now)

    def _words(self, now: float) -> int | float:
        """The voice has run dry: whole words, after some patience."""
        if self._dry is None:
            self._dry = now
        since = max(self._dry, self._since or now)
        if self._may_have_ended():
            quiet = max(self._fed + _QUIET_S, since)
            return len(self._pending) if now >= quiet else quiet
        text = self._pending
        begins = not self._begun or "\n" in text[: len(text) - len(text.lstrip())]
        for patience, least in _AT_FIRST if begins else _LATER:
            at = self._after_words(least, at_worst=least < 3)
            if at is not None:
                return at if now >= since + patience else since + patience
        return math.inf

    def _may_have_ended(self) -> bool:
        """Whether the text ends as a sentence does, unless a closing quote follows."""
        text = self._pending.rstrip()
        if not _ENDS.search(text) or (self._markdown and is_open(text)):
            return False
        return end_of_sentence(text + " X", self._language) == len(text)

    def _after_words(self, least: int, *, at_worst: bool, most: float = math.inf) -> int | None:
        """The last place behind as many words, or more."""
        for place in reversed(self._word_ends()):
            if place.words < least:
                return None
            if (place.is_good or at_worst) and (
                most == math.inf or self._seconds(place.at) <= most
            ):
                return place.at
        return None

    def _word_ends(self) -> list[WordEnd]:
        text = self._pending[: _LONGEST + 1]
        return find_words(text, self._language, self._markdown)

    def _at_most(self, places: Places, step: float, over: bool) -> int | float:
        """What is longer than a chunk should be is cut at the best place there is."""
        text = self._pending
        for found in (
            [*places.sentences, *([] if places.line is None else [places.line])],
            list(places.clauses),
            [place.at for place in self._word_ends()],
        ):
            near = [at for at in found if at <= _LONGEST and has_words(text[:at])]
            if near:
                return near[-1]
        if over:
            return len(text)
        return step if len(text) < _WINDOW else last_cluster(text) or len(text)

    def _parts(self, places: Places, most: float) -> list[int]:
        """Behind parts of the first sentence that stand by themselves.

        The last may be longer than there is time for, if those before it are hardly anything.
        """
        fitting = list[int]()
        for at in places.clauses:
            seconds = self._seconds(at)
            if at > _LONGEST or seconds > 2 * most:
                break
            if seconds > most and fitting and self._seconds(fitting[-1]) >= _BETTER_S:
                break
            if seconds >= _LEAST_S and count_words(self._pending[:at]) >= _LEAST_WORDS:
                fitting.append(at)
                if seconds > most:
                    break
        return fitting

    def _cut(self, at: int, now: float, in_hand: float) -> Chunk:
        if self._ended and not self._rest and not has_words(self._pending[at:]):
            at = len(self._pending)
        text, self._pending = self._pending[:at], self._pending[at:]
        chunk = self._markup.chunk(text)
        line = text.rfind("\n")
        self._column = at - line - 1 if line >= 0 else self._column + at
        self._begun, self._since, self._dry = True, None, None
        self._refill(now)
        seconds = self._aloud_s(chunk)
        self._until = now + in_hand + seconds
        self._sure_until = now + in_hand + _SHARE_FOR_SURE * seconds
        return chunk

    def _aloud_s(self, chunk: Chunk) -> float:
        """How long a voice takes over a chunk, at the usual speed of its language."""
        said = (chunk.spoken[word.begin : word.end] for word in chunk.words)
        return sum(self._voice.sound(word) + self._voice.pause(word) for word in said if word)

    def _refill(self, now: float) -> None:
        while self._rest and len(self._pending) < _WINDOW:
            self._pending += self._rest.popleft()
        if self._since is None and has_words(self._pending):
            self._since = now

    def _most(self, in_hand: float) -> float:
        """Seconds of audio that a chunk may have, so that it is made before it is needed."""
        return min(_MOST_S, max(_SOON_S, (in_hand - _RESERVE_S) / _WORK))

    def _seconds(self, at: int) -> float:
        if self._letters is None:
            self._letters = letters_before(self._pending[:_LOOK])
        return self._letters[min(at, len(self._letters) - 1)] / self._letters_per_second
