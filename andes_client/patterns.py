"""How text arrives, as data: scripts of (seconds since the text before, text).

Each pattern is made for an expectation, so that what it does to that reader is known
beforehand. The first three are those of Figure 1 in Andes (arXiv 2404.16283): the server is
through in the same time or less, and yet they are worlds apart for the reader.

Their tokens are the words of a text, or numbered ones; pace them with `unit="token"` to
have each taken as exactly one token.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from andes_client.expectation import Expectation

__all__ = [
    "FIGURE_1",
    "Pattern",
    "Script",
    "arrival_times",
    "bursty",
    "just_right",
    "long_wait",
    "script_of",
    "tortoise_then_hare",
]

Script = list[tuple[float, str]]
"""(seconds since the text before it, or since the start; text), as `scripted` plays it."""

Pattern = Callable[[Expectation, str | int], Script]
"""A script for a reader, from a text or a number of tokens."""


def just_right(expectation: Expectation, text: str | int) -> Script:
    """Every token comes exactly when it is expected. QoE 1.

    Args:
        expectation: the reader's.
        text: it is cut into words; or how many numbered tokens to send.
    """
    tokens = _tokens(text)
    return script_of(_expected(expectation, len(tokens)), tokens)


def long_wait(expectation: Expectation, text: str | int, *, hurry: float = 8.0) -> Script:
    """Nothing for long, then all of it, `hurry` times as fast as it can be read. QoE 1/2.

    The first token is late by half the time that the reading takes, `(n - 1) / (2 tds)`, and
    so is every other by the time the reader gets to it. With a `hurry` of 2 or more the last
    token comes no later than it is expected.
    """
    tokens = _tokens(text)
    seconds = expectation.seconds_per_token
    first = expectation.ttft + max(0, len(tokens) - 1) * seconds / 2
    return script_of([first + i * seconds / hurry for i in range(len(tokens))], tokens)


def tortoise_then_hare(expectation: Expectation, text: str | int) -> Script:
    """In time, but at half the reader's speed; from the middle on, all the rest at once.

    The last token comes when it is expected, so TTFT and average speed are those of
    `just_right`. But nobody reads the second half in no time: the reader ends late by the
    time that half of the reading takes, less one token.
    """
    tokens = _tokens(text)
    expected, slow = _expected(expectation, len(tokens)), len(tokens) // 2
    times = [expectation.ttft + 2 * i * expectation.seconds_per_token for i in range(slow)]
    if tokens:
        last = times[-1] if times else expectation.ttft
        left, fast = expected[-1] - last, len(tokens) - slow
        times += [last + left * (i + 1) / fast for i in range(fast)]
    return script_of(times, tokens)


def bursty(
    expectation: Expectation,
    text: str | int,
    *,
    burst: int = 16,
    hurry: float = 8.0,
    load: float = 1.0,
) -> Script:
    """On and off: `burst` tokens, `hurry` times as fast as they can be read, and a silence.

    Args:
        expectation: the reader's.
        text: it is cut into words; or how many numbered tokens to send.
        burst: tokens at a time, 1 or more.
        hurry: speed within a burst, as a multiple of the reader's; at least 1.
        load: the reader's speed over the average speed. Up to 1, each burst comes before the
            last one has been read, and a paced reader notices nothing: QoE 1. Above, they
            stall before each burst.

    Raises:
        ValueError: a number is out of range.
    """
    if burst < 1 or not hurry >= 1 or not load > 0:
        raise ValueError(
            f"bursty() needs burst >= 1, hurry >= 1 and load > 0, not {burst}, {hurry}, {load}"
        )
    tokens = _tokens(text)
    seconds = expectation.seconds_per_token
    period = burst * seconds * load
    within = min(seconds / hurry, period / burst)
    times = [
        expectation.ttft + (i // burst) * period + (i % burst) * within for i in range(len(tokens))
    ]
    return script_of(times, tokens)


FIGURE_1: Final[Mapping[str, Pattern]] = {
    "just right": just_right,
    "the long wait": long_wait,
    "the tortoise, then the hare": tortoise_then_hare,
}
"""The three cases of the paper's first figure, by name."""


def script_of(times: Sequence[float], texts: Sequence[str]) -> Script:
    """The script in which each text comes at its time, in seconds since the start.

    Raises:
        ValueError: their numbers differ, or a time is before the one before it.
    """
    if len(times) != len(texts):
        raise ValueError(f"{len(times)} times, but {len(texts)} texts: each text needs its time")
    waits = [later - earlier for earlier, later in itertools.pairwise([0.0, *times])]
    if any(not wait >= 0 for wait in waits):
        raise ValueError("times must begin at 0 or later and never go back")
    return list(zip(waits, texts, strict=True))


def arrival_times(script: Script) -> list[float]:
    """When each text of a script comes, in seconds since the start; what `qoe` takes."""
    return list(itertools.accumulate(wait for wait, _ in script))


def _expected(expectation: Expectation, count: int) -> list[float]:
    return [expectation.ttft + i * expectation.seconds_per_token for i in range(count)]


def _tokens(text: str | int) -> list[str]:
    if isinstance(text, int):
        return [f"{' ' if i else ''}{i + 1}" for i in range(text)]
    return re.findall(r"\s*\S+|\s+", text)
