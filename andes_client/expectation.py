"""What the user expects of a response: how soon it starts, how fast it goes on.

Tokens are the common currency between a reader and a server, so an expectation is in
seconds and tokens a second whatever unit the person thinks in. The conversion is the
usual one for English: one token is about 0.75 words.
"""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["TOKENS_PER_WORD", "Expectation", "reading", "speaking"]

TOKENS_PER_WORD: Final = 4 / 3
"""Tokens in an English word, on average (1 token is about 0.75 words)."""

READING_TDS: Final = 4.8
"""Mean silent reading speed in tokens/s over all ages (Andes, arXiv 2404.16283, section 2)."""

SPEAKING_TDS: Final = 3.3
"""Mean speed of speech in tokens/s (Andes, arXiv 2404.16283, section 2); about 150 words/min."""

# Reading speed by age, tokens/s: the upper end of each bracket and its speed
# (the populations of Andes, arXiv 2404.16283).
_READING_TDS_BY_AGE: Final = ((24, 5.1), (44, 4.35), (54, 4.17), (64, 4.02), (math.inf, 3.79))


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
        _check_number("ttft", self.ttft)
        _check_number("tds", self.tds)
        if not 0 <= self.ttft < math.inf:
            raise ValueError(
                f"Expectation.ttft must be a finite number of seconds, 0 or more, not {self.ttft!r}"
            )
        if not (self.tds > 0 and 1 / self.tds < math.inf):
            raise ValueError(
                f"Expectation.tds must be above 0 tokens/s (math.inf for a program), "
                f"not {self.tds!r}"
            )

    @classmethod
    def machine(cls, ttft: float = 1.0) -> "Expectation":
        """A reader that is a program: every token is welcome at once (`tds` is infinite)."""
        return cls(ttft, math.inf)

    @property
    def seconds_per_token(self) -> float:
        """Time the user takes over one token, seconds; 0 for a program."""
        return 1.0 / self.tds


def reading(
    wpm: float | None = None, *, age: float | None = None, ttft: float = 1.0
) -> Expectation:
    """The expectation of someone who reads silently.

    Args:
        wpm: words a minute. 238 is the mean for English non-fiction, 175 to 300 holds most
            adults (Brysbaert 2019, doi 10.1016/j.jml.2019.104047).
        age: years; picks the paper's mean speed for that age instead.
        ttft: seconds until the first token is expected.

    Without `wpm` and `age`: 4.8 tokens/s, the paper's mean over all ages.
    """
    if wpm is not None and age is not None:
        raise ValueError("reading() takes wpm or age, not both: each of them sets the speed")
    if wpm is not None:
        return Expectation(ttft, _tds_of_wpm("reading", wpm))
    if age is None:
        return Expectation(ttft, READING_TDS)
    _check_number("age", age)
    if not 0 < age < math.inf:
        raise ValueError(f"reading(age=...) must be a number of years above 0, not {age!r}")
    return Expectation(ttft, next(tds for oldest, tds in _READING_TDS_BY_AGE if age <= oldest))


def speaking(wpm: float | None = None, *, ttft: float = 1.0) -> Expectation:
    """The expectation of someone who listens while the text is spoken.

    Args:
        wpm: words a minute; conversational speech and text-to-speech voices are at 150 to 178.
        ttft: seconds until the first token is expected.

    Without `wpm`: 3.3 tokens/s, the paper's mean.
    """
    return Expectation(ttft, SPEAKING_TDS if wpm is None else _tds_of_wpm("speaking", wpm))


def _tds_of_wpm(preset: str, wpm: float) -> float:
    _check_number("wpm", wpm)
    if not wpm > 0:
        raise ValueError(f"{preset}(wpm=...) must be above 0 words a minute, not {wpm!r}")
    return wpm / 60 * TOKENS_PER_WORD


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {value!r} ({type(value).__name__})")
