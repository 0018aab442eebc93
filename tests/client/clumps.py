"""How text of fast servers arrives, and how evenly it is released, for tests and benchmarks.

`PATTERNS` are scripted, and recorded from a real vLLM server (benchmarks/record_arrivals.py).
Tokens are pieces of one English text; moments are to the millisecond, as the clock of a browser.
"""

import itertools
import json
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from andes_demos.bursty_server import TEXT, tokens

from andes_client import Expectation, smooth
from andes_client.patterns import script_of
from andes_client.testing import run_virtual, trace

__all__ = [
    "ARRIVALS",
    "PATTERNS",
    "Arrivals",
    "Release",
    "as_it_comes",
    "hindsight",
    "lag",
    "recorded",
    "releases",
    "smoothed",
    "variation",
]

Arrivals = list[tuple[float, str]]
"""(moment in seconds, text), in order."""

ARRIVALS: Final = Path(__file__).with_name("arrivals.json")
"""Recordings: of each name, pairs of a moment and a number of tokens."""

_BEGIN_S: Final = 0.5
_TOKENS: Final = 1_200


class Release(NamedTuple):
    """A word as its reader got it."""

    at: float
    arrival: float
    """Of its last letter."""


def _counted(arrivals: Sequence[tuple[float, int]]) -> Arrivals:
    """With the tokens of a text."""
    pieces = itertools.cycle(tokens(TEXT + " "))
    return [(round(at, 3), "".join(itertools.islice(pieces, n))) for at, n in arrivals]


def _clumps(seed: int, least: int, most: int, soon: float, late: float) -> Iterator[Any]:
    rng, at, left = random.Random(seed), _BEGIN_S, _TOKENS
    while left > 0:
        count = rng.randint(least, most)
        yield at, count
        at += rng.uniform(soon, late)
        left -= count


def _single(seed: int, step: float, spread: float, silence: Callable[..., float]) -> Iterator[Any]:
    rng, at = random.Random(seed), _BEGIN_S
    for number in range(1, _TOKENS):
        yield at, 1
        at += step * rng.uniform(1 - spread, 1 + spread) + silence(rng, number)


def _no_silence(_rng: random.Random, _number: int) -> float:
    return 0.0


def _decode_pauses() -> Callable[[random.Random, int], float]:
    """200 to 500 ms after every 30 to 80 tokens."""
    left = 50

    def silence(rng: random.Random, _number: int) -> float:
        nonlocal left
        left -= 1
        if left:
            return 0.0
        left = rng.randint(30, 80)
        return rng.uniform(0.2, 0.5)

    return silence


def _stuck_at_times(seed: int) -> Iterator[Any]:
    """Tokens every 30 ms; once in a while what came for a second comes at once."""
    free_at, rng = 0.0, random.Random(seed)
    for at, count in _single(seed, 0.03, 0.3, _no_silence):
        if at >= free_at and rng.random() < 1 / 150:
            free_at = at + 1.0
        yield max(at, free_at), count


def _wait_and_burst(seed: int) -> Iterator[Any]:
    """Two seconds, 70 tokens at once, and then one every 30 ms."""
    yield 2.0, 70
    yield from ((at + 1.53, 1) for at, _ in _single(seed, 0.03, 0.3, _no_silence))


def recorded() -> dict[str, Arrivals]:
    """The recordings, by their names; none where there is no file."""
    if not ARRIVALS.exists():
        return {}
    found = json.loads(ARRIVALS.read_text())
    return {name: _counted([(at, n) for at, n in one]) for name, one in found.items()}


PATTERNS: Final[dict[str, Arrivals]] = {
    "5-15 tokens each 100-200 ms": _counted(list(_clumps(1, 5, 15, 0.1, 0.2))),
    "30-80 tokens each 200-400 ms": _counted(list(_clumps(2, 30, 80, 0.2, 0.4))),
    "a token each 20 ms, ±20 %": _counted(list(_single(3, 0.02, 0.2, _no_silence))),
    "a token each 50 ms, ±50 %": _counted(list(_single(4, 0.05, 0.5, _no_silence))),
    "a token each 25 ms, with pauses": _counted(list(_single(5, 0.025, 0.3, _decode_pauses()))),
    "a wait, a burst, single tokens": _counted(list(_wait_and_burst(6))),
    "stuck for a second at times": _counted(list(_stuck_at_times(7))),
    **recorded(),
}
"""What benchmarks/smoothing.py measures and the tests are held to."""


def smoothed(arrivals: Arrivals, window: float = 0.5, **options: Any) -> list[Release]:
    """As `pace` releases it for `smooth`, on a virtual clock."""
    return _paced(arrivals, smooth(window), **options)


def as_it_comes(arrivals: Arrivals) -> list[Release]:
    """Every word as soon as it is whole; the first when there is something of it."""
    first, *others = _paced(arrivals, Expectation.program(), unit="word")
    return [Release(first.arrival, first.arrival), *others]


def releases(arrivals: Arrivals, shown: Sequence[tuple[float, str]]) -> list[Release]:
    """Of each word: when the last of it was shown, and when that had arrived."""
    came = [at for at, text in arrivals for _ in text]
    found, place, is_whole = list[Release](), 0, True
    for at, text in shown:
        if text.strip():
            if not (is_whole or text[0].isspace()):
                del found[-1]  # the rest of a word
            found.append(Release(at, came[place + len(text.rstrip()) - 1]))
            is_whole = text[-1].isspace()
        place += len(text)
    return found


def variation(released: Sequence[Release]) -> float:
    """Coefficient of variation of the gaps between releases: 0 is a metronome."""
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(released)]
    return statistics.pstdev(gaps) / statistics.mean(gaps)


def lag(released: Sequence[Release], share: float = 0.95) -> float:
    """Time from arrival to release that so many words stay within, seconds."""
    lags = sorted(one.at - one.arrival for one in released)
    return lags[min(len(lags) - 1, int(share * len(lags)))]


def hindsight(raw: Sequence[Release], window: float) -> list[Release]:
    """The evenest release within the window, of somebody who knows what is to come.

    The first word as it comes; from there the shortest path between arrivals and deadlines (the
    taut string), which varies least of all that end where it ends: at either end of the last
    word's window.
    """
    lowest = [one.at for one in raw]
    highest = [max(one.at, one.arrival + window) for one in raw]
    highest[0] = lowest[0]
    early = _shortest(raw, lowest, [*highest[:-1], lowest[-1]])
    late = _shortest(raw, [*lowest[:-1], highest[-1]], highest)
    return min(early, late, key=variation)


def _shortest(raw: Sequence[Release], lowest: list[float], highest: list[float]) -> list[Release]:
    path = [lowest[0]]
    while len(path) < len(raw):
        begin, end, step = path[-1], *_straight(path, lowest, highest)
        path += [begin + step * n for n in range(1, end - len(path) + 2)]
    return [Release(at, one.arrival) for at, one in zip(path, raw, strict=True)]


def _straight(path: list[float], lowest: list[float], highest: list[float]) -> tuple[int, float]:
    """From the end of the path, how far it can go straight, and with which steps."""
    here, begin = len(path) - 1, path[-1]
    floor, ceiling, at_floor, at_ceiling = -1e9, 1e9, here, here
    for place in range(here + 1, len(lowest)):
        least = (lowest[place] - begin) / (place - here)
        most = (highest[place] - begin) / (place - here)
        if least > ceiling:
            return at_ceiling, ceiling
        if most < floor:
            return at_floor, floor
        if least >= floor:
            floor, at_floor = least, place
        if most <= ceiling:
            ceiling, at_ceiling = most, place
    return len(lowest) - 1, (lowest[-1] - begin) / (len(lowest) - 1 - here)


def _paced(arrivals: Arrivals, expectation: Expectation, **options: Any) -> list[Release]:
    script = script_of([at for at, _ in arrivals], [text for _, text in arrivals])
    recorded_trace = run_virtual(lambda: trace(script, expectation, **options))
    return releases(arrivals, [(e.at, e.text) for e in recorded_trace if e.kind == "release"])
