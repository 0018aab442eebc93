"""What anti-stall buys: stalls and stalled time against slowness, on bursty streams.

    python benchmarks/anti_stall.py

Each pattern of arrival is drawn anew for every response, from seeds, and read at the mean
pace of silent reading, on a virtual clock: the figures are the same on every machine. A
response is as long as ShareGPT's at the median, 287 tokens, one token a piece.

    on/off         a server that is preempted: 9 tokens/s for 4 s, nothing for 3 s, both
                   exponential; 5.1 tokens/s on the whole, the reader 4.8
    gamma          gaps between tokens from a gamma distribution with a coefficient of
                   variation of 3, at 5.3 tokens/s on the whole
    bursty 5       andes_client.patterns.bursty: a server a tenth slower than its reader, in
                   even bursts of five tokens
    bursty 16      the same in bursts of sixteen

"Slower by" is the mean time from one unit to the next beyond the reader's own, without the
stalls: how much slower the text seems to go while it goes. QoE falls by that, as the formula
knows lateness only and a stall does not hurt it beyond the wait.
"""

import argparse
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio
from table import print_table

from andes_client import Statistics, pace, reading
from andes_client.patterns import bursty
from andes_client.testing import VirtualClockLoop, scripted

__all__ = ["PATTERNS", "Outcome", "gamma", "main", "on_off", "too_slow"]

FACTORS: Final = (1.0, 1.1, 1.25, 1.5)
READER: Final = reading()

Script = Iterator[tuple[float, str]]
"""Pieces of text, each with the seconds since the one before."""


def on_off(rng: random.Random, tokens: int) -> Script:
    """Bursts of steady decoding, and silence between them."""
    left = rng.expovariate(1 / 4.0)
    for _ in range(tokens):
        wait = rng.expovariate(9.0)
        left -= wait
        if left <= 0:
            wait += rng.expovariate(1 / 3.0)
            left = rng.expovariate(1 / 4.0)
        yield wait, "x"


def gamma(rng: random.Random, tokens: int) -> Script:
    """Gaps with a coefficient of variation of 3."""
    shape = 1 / 3**2
    for _ in range(tokens):
        yield rng.gammavariate(shape, 1 / (5.3 * shape)), "x"


def too_slow(burst: int) -> Callable[[random.Random, int], Script]:
    """Even bursts at 10/11 of the reader's speed."""
    return lambda _, tokens: iter(bursty(READER, tokens, burst=burst, load=1.1))


PATTERNS: Final[dict[str, Callable[[random.Random, int], Script]]] = {
    "on/off": on_off,
    "gamma": gamma,
    "bursty 5": too_slow(5),
    "bursty 16": too_slow(16),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Means over all responses of a pattern."""

    stalls: float
    """Stalls a response."""
    stalled: float
    """Stalled seconds a response."""
    slowness: float
    """How much longer than the reader's own the time between units was; 0.1 is 10 %."""
    qoe: float


async def _read(script: Script, anti_stall: float) -> Statistics:
    async with pace(scripted(script), READER, unit="token", anti_stall=anti_stall) as paced:
        async for _ in paced:
            pass
        return paced.statistics()


async def _outcome(pattern: str, anti_stall: float, responses: int, tokens: int) -> Outcome:
    stalls = stalled = slowness = qoe = 0.0
    for seed in range(responses):
        script = PATTERNS[pattern](random.Random(f"{pattern} {seed}"), tokens)
        statistics = await _read(script, anti_stall)
        stalls += statistics.stalls / responses
        stalled += statistics.stalled_seconds / responses
        slowness += _slowness(statistics) / responses
        qoe += statistics.qoe / responses
    return Outcome(stalls, stalled, slowness, qoe)


def _slowness(statistics: Statistics) -> float:
    gaps = statistics.shown - 1
    if statistics.tds is None:
        return 0.0
    reading_time = gaps / statistics.tds - statistics.stalled_seconds
    return reading_time / (gaps * READER.seconds_per_token) - 1


def _row(pattern: str, anti_stall: float, outcome: Outcome, plain: Outcome) -> tuple[str, ...]:
    return (
        pattern if anti_stall == 1.0 else "",
        f"{anti_stall:g}",
        f"{outcome.stalls:.2f}",
        _change(outcome.stalls, plain.stalls),
        f"{outcome.stalled:.2f} s",
        _change(outcome.stalled, plain.stalled),
        f"{100 * outcome.slowness:.1f} %",
        f"{outcome.qoe:.4f}",
    )


def _change(value: float, before: float) -> str:
    return f"{100 * (value / before - 1):+.0f} %" if before and value != before else ""


def main() -> None:
    """Read all responses with every factor, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--responses", type=int, default=200, help="of each pattern")
    parser.add_argument("--tokens", type=int, default=287, help="in a response")
    arguments = parser.parse_args()
    rows = []
    for pattern in PATTERNS:
        outcomes = [
            anyio.run(
                _outcome,
                pattern,
                factor,
                arguments.responses,
                arguments.tokens,
                backend_options={"loop_factory": VirtualClockLoop},
            )
            for factor in FACTORS
        ]
        rows += [
            _row(pattern, factor, outcome, outcomes[0])
            for factor, outcome in zip(FACTORS, outcomes, strict=True)
        ]
    print_table(
        f"Anti-stall: means of {arguments.responses} responses of {arguments.tokens} tokens",
        ("arrival", "factor", "stalls", "", "stalled", "", "slower by", "QoE"),
        rows,
    )


if __name__ == "__main__":
    main()
