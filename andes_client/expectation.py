"""What the user expects of a response: how soon it starts, how fast it goes on.

Tokens are the common currency between a reader and a server, so an expectation is in
seconds and tokens a second, whatever unit the person thinks in. The conversions:

    a word        4/3 tokens (one token is about 0.75 English words), in every language
    a character   a word divided by the language's mean length (en 4.33, zh 1.61 characters)
    a syllable    a word divided by the language's mean syllables (en 1.63)

The pacer counts units by the same figures, so a reader of 150 words a minute sees 150
words a minute; the tokens between are the server's view of the same speed.

A reader who wants text neither slower nor faster than it comes, but evenly, is a `Smoothing`:
how their text is released is in smoothing.py. Somebody who listens is a `Speaking`: for them a
unit takes as long as a voice takes to say it (andes_client.voice).
"""

import functools
import math
from dataclasses import dataclass
from typing import Final

from andes_client import wire
from andes_client.languages import language as language_of
from andes_client.speech_rates import usual_wpm

__all__ = [
    "SPEAKING_TDS",
    "TOKENS_PER_WORD",
    "Expectation",
    "Smoothing",
    "Speaking",
    "reading",
    "smooth",
    "speaking",
]

TOKENS_PER_WORD: Final = 4 / 3
"""Tokens in an English word, on average (1 token is about 0.75 words)."""

READING_TDS: Final = 4.8
"""Mean silent reading speed in tokens/s over all ages (Andes, arXiv 2404.16283, section 2)."""

SPEAKING_TDS: Final = 3.3
"""Mean speed of speech in tokens/s (Andes, arXiv 2404.16283, section 2); about 150 words/min.

People talk so; voices that read text aloud are faster, and `speaking()` is for those.
"""

# Reading speed by age, tokens/s: the upper end of each bracket and its speed
# (the populations of Andes, arXiv 2404.16283).
_READING_TDS_BY_AGE: Final = ((24, 5.1), (44, 4.35), (54, 4.17), (64, 4.02), (math.inf, 3.79))


@functools.lru_cache(maxsize=64)
def _seconds_per_token(tds: float) -> float:
    """One number in memory for all streams of one speed: with thousands, each is one to fetch."""
    return 1.0 / tds


@dataclass(frozen=True, slots=True)
class Expectation:
    """The delivery at which this user would be perfectly happy.

    Token i = 1, 2, ... is expected `ttft + (i - 1) / tds` seconds after submission.

    Args:
        ttft: time to first token, seconds since submission; finite and not negative.
        tds: token delivery speed, tokens/s; above 0. `math.inf` marks a reader that is a
            program: it takes in whatever has arrived at once.

    Raises:
        TypeError: a value is not a number (a bool or a string, say).
        ValueError: a value is out of range or not a number (NaN).
    """

    ttft: float
    tds: float

    def __post_init__(self) -> None:
        _check_number("Expectation.ttft", self.ttft)
        _check_number("Expectation.tds", self.tds)
        if not 0 <= self.ttft < math.inf:
            raise ValueError(
                "Expectation.ttft must be a finite number of seconds, 0 or more, "
                f"not {wire.shown(self.ttft)}"
            )
        if not (self.tds > 0 and 1 / self.tds < math.inf):
            raise ValueError(
                f"Expectation.tds must be above 0 tokens/s (math.inf for a program), "
                f"not {wire.shown(self.tds)}"
            )

    @classmethod
    def program(cls, ttft: float = 1.0) -> "Expectation":
        """A reader that is a program: every token is welcome at once (`tds` is infinite)."""
        return cls(ttft, math.inf)

    @property
    def seconds_per_token(self) -> float:
        """Time the user takes over one token, seconds; 0 for a program."""
        return _seconds_per_token(self.tds)

    @property
    def wpm(self) -> float:
        """The same speed in words a minute."""
        return self.tds * 60 / TOKENS_PER_WORD

    @property
    def told_tds(self) -> float | None:
        """The speed that a server is told, tokens/s; None: nothing is said of it."""
        return self.tds

    def extra_body(
        self, *, stream: str | None = None, user: str | None = None
    ) -> dict[str, dict[str, str | float]]:
        """What an SDK's `extra_body=` takes, so that the server knows this reader.

            client.chat.completions.create(..., extra_body=reading().extra_body())

        Args:
            stream: your own id for the response; feedback about it carries the same.
            user: the tenant to whom the service is charged.

        Raises:
            andes_client.wire.WireError: a name is empty or longer than 256 characters.
        """
        return {wire.FIELD: wire.encode(self, stream=stream, user=user)}

    def updated(self, hints: wire.Hints) -> "Expectation":
        """The expectation that a request's hints tell; what they do not say stays as it is here."""
        return Expectation(
            self.ttft if hints.ttft is None else hints.ttft,
            self.tds if hints.tds is None else hints.tds,
        )


@dataclass(frozen=True, slots=True)
class Smoothing(Expectation):
    """Somebody whose text is to come at the speed at which it arrives, but evenly.

    They read as anybody does, and `tds` is how fast: what is measured (QoE, stalls, seconds in
    hand) is measured for such a reader. It does not slow the text down, and a server is not
    told: it sends as fast as for any reader of whom it knows nothing.

    Args:
        ttft: as for every expectation.
        tds: reading speed, tokens/s; above 0 and finite.
        window: the most by which smoothing may delay text, seconds; above 0 and finite.

    Raises:
        TypeError, ValueError: as for every expectation.
    """

    window: float = 0.5

    def __post_init__(self) -> None:
        Expectation.__post_init__(self)
        _check_number("Smoothing.window", self.window)
        if not self.tds < math.inf:
            raise ValueError(
                "Smoothing.tds must be the speed of a person; for a program, which takes text as "
                "it comes, use Expectation.program()"
            )
        if not 0 < self.window < math.inf:
            raise ValueError(
                "the window of smooth() must be a finite number of seconds above 0, "
                f"not {wire.shown(self.window)}"
            )

    @property
    def told_tds(self) -> None:
        """Nothing: the server's own assumption about readers holds."""


@dataclass(frozen=True, slots=True)
class Speaking(Expectation):
    """Somebody who listens: each word is shown for as long as it takes a voice to say it.

    Numbers, signs and short forms cost what is said for them, and after a clause and a sentence
    there is a pause (andes_client.voice.aloud).

    Args:
        ttft: as for every expectation.
        tds: mean speed in ordinary text, tokens/s.
        language: ISO 639-1 code of what is said, for texts of which nobody says another.
        usual: at the speed that is usual for a voice in the language of the text, whatever that
            is; `tds` is what a server is told.

    Raises:
        TypeError, ValueError: as for every expectation; the language is not known.
    """

    language: str | None = None
    usual: bool = False

    def __post_init__(self) -> None:
        Expectation.__post_init__(self)
        if self.language is not None:
            language_of(self.language)


def reading(
    wpm: float | None = None,
    *,
    cps: float | None = None,
    tds: float | None = None,
    sps: float | None = None,
    age: float | None = None,
    language: str | None = None,
    ttft: float = 1.0,
) -> Expectation:
    """The expectation of someone who reads silently.

    The speed, in one of these ways:

    Args:
        wpm: words a minute. 238 is the mean for English non-fiction, 175 to 300 holds most
            adults (Brysbaert 2019, doi 10.1016/j.jml.2019.104047).
        cps: characters a second, without spaces; of `language`, else of English.
        tds: tokens a second.
        sps: syllables a second; of `language`, else of English.
        age: years: the paper's mean for that age (Andes, arXiv 2404.16283).
        language: ISO 639-1 code. Alone: 238 words/min for English, for others estimated
            from it by how much slower or faster that language is read (andes_client.languages).
        ttft: seconds until the first token is expected.

    With none of them: 4.8 tokens/s (216 words/min), the paper's mean over all ages.

    Raises:
        TypeError: a value is not a number.
        ValueError: a speed is not above 0, two are given, or the language is not known.
    """
    given = _speed_given("reading", wpm=wpm, cps=cps, tds=tds, sps=sps, age=age)
    if age is not None:
        if not age < math.inf:
            raise ValueError(f"reading(age=...) must be a number of years, not {wire.shown(age)}")
        return Expectation(ttft, next(tds for oldest, tds in _READING_TDS_BY_AGE if age <= oldest))
    if given is None:
        return Expectation(
            ttft, READING_TDS if language is None else _of_words(language_of(language).silent_wpm)
        )
    return Expectation(ttft, _to_tds(*given, language))


def speaking(
    wpm: float | None = None,
    *,
    cps: float | None = None,
    tds: float | None = None,
    sps: float | None = None,
    language: str | None = None,
    ttft: float = 1.0,
) -> Speaking:
    """The expectation of someone who listens while the text is spoken.

    Arguments and errors are those of `reading`. A speed is the mean in ordinary text. With none,
    text goes as fast as voices usually say it in its language: in English 190 words/min, the
    speed of espeak-ng and of Piper's voice joe as they come (andes_client.speech_rates says
    where the figures are from). People who talk are at 120 to 170 words/min; `tds=3.3` is the
    mean of Andes (arXiv 2404.16283).
    """
    given = _speed_given("speaking", wpm=wpm, cps=cps, tds=tds, sps=sps)
    if given is None:
        return Speaking(ttft, _of_words(usual_wpm(language or "en")), language, usual=True)
    return Speaking(ttft, _to_tds(*given, language), language)


def smooth(window: float = 0.5, *, ttft: float = 1.0) -> Smoothing:
    """The expectation of someone who wants no slower text, only no stutter.

    `pace` then releases text at the speed at which it arrives, evenly, and none of it later than
    `window` after it has come (andes_client.smoothing).

    Args:
        window: the most by which smoothing may delay text, seconds; above 0 and finite. More is
            smoother: it bridges longer silences.
        ttft: seconds until the first token is expected.

    Raises:
        TypeError: a value is not a number.
        ValueError: a value is out of range.
    """
    return Smoothing(ttft, READING_TDS, window)


def _speed_given(preset: str, **speeds: float | None) -> tuple[str, float] | None:
    """The one speed that was given, checked, with the name of its unit."""
    given = {name: value for name, value in speeds.items() if value is not None}
    if len(given) > 1:
        raise ValueError(f"{preset}() takes one speed, but {' and '.join(given)} were given")
    for name, value in given.items():
        _check_number(f"{preset}({name}=...)", value)
        if not value > 0:
            raise ValueError(f"{preset}({name}=...) must be above 0, not {wire.shown(value)}")
        return name, value
    return None


def _to_tds(unit: str, speed: float, code: str | None) -> float:
    language = language_of(code or "en")
    if unit == "tds":
        return speed
    if unit == "wpm":
        return _of_words(speed)
    if unit == "cps":
        return _of_words(speed * 60 / language.characters_per_word)
    if language.syllables_per_word is None:
        raise ValueError(
            f"the number of syllables in a word is not known for {language.code!r}; "
            "give the speed as wpm or cps"
        )
    return _of_words(speed * 60 / language.syllables_per_word)


def _of_words(wpm: float) -> float:
    return wpm / 60 * TOKENS_PER_WORD


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(
            f"{name} must be a number, not {wire.shown(value)} ({type(value).__name__})"
        )
    try:
        float(value)
    except OverflowError:
        raise ValueError(
            f"{name} must be a number that a float can hold, not {wire.shown(value)}"
        ) from None
