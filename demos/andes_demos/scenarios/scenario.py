"""In which rhythm a server sends: the three scenarios of the paper's Figure 1.

A rhythm is made for a reader (arXiv 2404.16283, Figure 1): how fast is too fast, and how slow
too slow, is theirs to say. On top of it a server may be burstier: what it would send within
some seconds comes at once, and then nothing until they are over.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from andes_client import Expectation
from andes_client.expectation import TOKENS_PER_WORD
from andes_demos.bursty_server import TEXT, Burst, moments, tokens

__all__ = ["ANSWER", "LUMPS_S", "SCENARIOS", "Scenario", "schedule"]

ANSWER: Final = TEXT.partition(" Something up above ")[0]
"""What is streamed, three times: three sentences, 129 words, half a minute of reading."""

LUMPS_S: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
"""How bursty the servers may be: seconds of which they send all at once; 0: token by token."""

_PIECES: Final = len(tokens(ANSWER))
_PIECES_A_WORD: Final = _PIECES / len(ANSWER.split())
_FLOOD: Final = 60.0  # pieces/s, of a server whose queue has just emptied


@dataclass(frozen=True, slots=True)
class Scenario:
    """One of the three."""

    key: str
    """What `--scenario` calls it."""
    name: str
    about: str
    """What its server does, in a few words."""
    rhythm: Callable[[float], tuple[Burst, ...]]
    """For a reader of so many pieces (about tokens) a second."""


SCENARIOS: Final = (
    Scenario(
        "just-right",
        "just right",
        "as fast as you read",
        lambda rate: (Burst(0.8, _PIECES, 1.05 * rate),),
    ),
    Scenario(
        "long-wait",
        "the long wait",
        "10 s of nothing, then all",
        lambda _: (Burst(10.0, _PIECES, _FLOOD),),
    ),
    Scenario(
        "tortoise-hare",
        "the tortoise, then the hare",
        "slow, then all",
        lambda rate: (Burst(0.8, _PIECES * 3 // 10, rate / 2), Burst(0.5, _PIECES, _FLOOD)),
    ),
)
"""In the order of the paper's figure."""


def schedule(
    scenario: Scenario, expectation: Expectation, *, lump_s: float = 0.0
) -> tuple[Burst, ...]:
    """The rhythm of a scenario's server.

    Args:
        scenario: which.
        expectation: the reader's; only its speed matters.
        lump_s: what it would send within so many seconds comes at the first of its moments;
            0 for token by token.

    Returns:
        A `Burst` for each token of ANSWER, as `andes_demos.bursty_server` takes them.
    """
    rate = expectation.tds / TOKENS_PER_WORD * _PIECES_A_WORD
    times = moments(scenario.rhythm(rate), _PIECES)
    if lump_s:
        begin = times[0]
        times = [begin + lump_s * math.floor((time - begin) / lump_s) for time in times]
    gaps = (later - earlier for earlier, later in itertools.pairwise([0.0, *times]))
    return tuple(Burst(gap, 1) for gap in gaps)
