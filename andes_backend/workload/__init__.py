"""Requests to serve: when they come, how long they are, and how fast their readers read.

    workload = make_workload(250, rate=3.0, seed=0)

Everything follows from the seed, to the last digit. Arrivals, lengths and readers are drawn
from streams of their own: at another rate the very same requests come sooner or later, and
a longer workload begins with the shorter one.

Lengths are those of ShareGPT conversations unless a file says otherwise. Readers are the
reading population of Andes (arXiv 2404.16283) by age, expecting the first token in 1 s.
"""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from andes_client.expectation import Expectation, reading

__all__ = [
    "Lengths",
    "Request",
    "Workload",
    "WorkloadError",
    "cut",
    "file_lengths",
    "make_workload",
    "sharegpt_lengths",
]

Lengths = Callable[[Generator, int], NDArray[np.int64]]
"""Draws `n` rows of (prompt tokens, output tokens), each 1 or more: an n x 2 array."""

# Prompt and output tokens, each a mixture of two log-normals: (share, median, sigma), ...
# Fitted by expectation maximisation to the logarithms of 3,000 ShareGPT requests (prompts at
# 4 characters a token, outputs counted). Data and fit (after the ceilings below): prompts have
# mean 163 and 159, median 34 and 35, p90 458 and 446; outputs 332 and 333, 287 and 287, 688
# and 663. Two parts are needed: prompts are mostly a line and sometimes a document, outputs
# mostly an essay and sometimes a word.
_PROMPT_MIX: Final = ((0.667, 21.4, 0.806), (0.333, 255.7, 1.067))
_OUTPUT_MIX: Final = ((0.289, 80.2, 1.071), (0.711, 356.4, 0.550))
_PROMPT_FLOOR: Final = 4  # the data's shortest
_PROMPT_CEILING, _OUTPUT_CEILING = 2048, 1400  # the data end at 2,323 and 1,327
# Longer prompts get slightly longer answers: Spearman's rank correlation is 0.169 in the data,
# which is 2 sin(pi 0.169 / 6) between the underlying normal variables.
_NORMAL_CORRELATION: Final = 0.177

# An age within each bracket of the paper's reading population, and the bracket's share.
_AGES: Final = ((21, 0.280), (35, 0.519), (50, 0.112), (60, 0.056), (70, 0.033))


class WorkloadError(ValueError):
    """A file of lengths that cannot be used; the message says which line, and why."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a workload.

    Raises:
        ValueError: a value is out of range.
    """

    arrival_s: float
    """When it is submitted, seconds since the start of the workload."""
    prompt_tokens: int
    output_tokens: int
    """What the server will generate: known to the workload, not to a scheduler."""
    expectation: Expectation

    def __post_init__(self) -> None:
        if not 0 <= self.arrival_s < math.inf:
            raise ValueError(f"Request.arrival_s must be 0 or more seconds, not {self.arrival_s!r}")
        for name in ("prompt_tokens", "output_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"Request.{name} must be 1 or more, not {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests in the order of their arrival."""

    name: str
    """What it is, for tables and file names."""
    seed: int
    requests: tuple[Request, ...]


def make_workload(
    count: int,
    *,
    rate: float,
    seed: int,
    lengths: Lengths | None = None,
    max_length: int | None = None,
    ttft: float = 1.0,
    name: str = "sharegpt",
) -> Workload:
    """Draw `count` requests that arrive as a Poisson process.

    Args:
        count: requests, 1 or more.
        rate: mean arrivals a second; the first comes after one gap.
        seed: 0 or more.
        lengths: where lengths come from; ShareGPT's if not given, or `file_lengths(path)`.
        max_length: most tokens of prompt and output together, see `cut`; no limit if None.
        ttft: the time to first token that every reader expects, seconds.
        name: what to call it.

    Raises:
        ValueError: an argument is out of range.
    """
    if count < 1:
        raise ValueError(f"a workload needs 1 or more requests, not {count}")
    if not 0 < rate < math.inf:
        raise ValueError(f"rate must be above 0 requests/s, not {rate!r}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, not {seed}")
    for_arrivals, for_lengths, for_readers = (
        Generator(PCG64(child)) for child in SeedSequence(seed).spawn(3)
    )
    arrivals = np.cumsum(for_arrivals.exponential(size=count)) / rate
    drawn = (lengths or sharegpt_lengths)(for_lengths, count)
    if max_length is not None:
        drawn = cut(drawn, max_length)
    readers = _readers(for_readers, count, ttft)
    return Workload(
        name,
        seed,
        tuple(
            Request(arrival, int(prompt), int(output), reader)
            for arrival, (prompt, output), reader in zip(
                arrivals.tolist(), drawn, readers, strict=True
            )
        ),
    )


def sharegpt_lengths(rng: Generator, count: int) -> NDArray[np.int64]:
    """Lengths with the moments of ShareGPT conversations, `count` x 2; see `Lengths`."""
    normal = rng.standard_normal((count, 2))
    rest = math.sqrt(1 - _NORMAL_CORRELATION**2)
    normal[:, 1] = _NORMAL_CORRELATION * normal[:, 0] + rest * normal[:, 1]
    prompts = _of_mixture(_PROMPT_MIX, normal[:, 0]).clip(_PROMPT_FLOOR, _PROMPT_CEILING)
    outputs = _of_mixture(_OUTPUT_MIX, normal[:, 1]).clip(1, _OUTPUT_CEILING)
    lengths: NDArray[np.int64] = np.rint(np.column_stack([prompts, outputs])).astype(np.int64)
    return lengths


def file_lengths(path: str | Path) -> Lengths:
    """Lengths from a CSV file with the columns prompt_tokens and output_tokens.

    Rows are drawn at random, with replacement; other columns are ignored. The file is read
    here, once.

    Raises:
        OSError: the file cannot be read.
        WorkloadError: a column is missing, a value is no whole number above 0, or there are
            no rows; with the line's number.
    """
    rows = np.array(_read(Path(path)), dtype=np.int64)

    def draw(rng: Generator, count: int) -> NDArray[np.int64]:
        return rows[rng.integers(len(rows), size=count)]

    return draw


def cut(lengths: NDArray[np.int64], max_length: int) -> NDArray[np.int64]:
    """Shorten requests to `max_length` tokens in all; shape and order stay.

    A prompt keeps at most half of it, the output at most what the prompt leaves. Cutting,
    not drawing again, keeps the long requests in: they are what fills the memory.

    Raises:
        ValueError: fewer than 2 tokens, one for the prompt and one for the output.
    """
    if max_length < 2:
        raise ValueError(f"max_length must be 2 or more tokens, not {max_length}")
    prompts = np.minimum(lengths[:, 0], max_length // 2)
    return np.column_stack([prompts, np.minimum(lengths[:, 1], max_length - prompts)])


def _of_mixture(
    mix: tuple[tuple[float, float, float], ...], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Map standard normal values to a mixture of log-normals, rank for rank."""
    # The mixture's quantile function has no closed form: invert its distribution on a grid.
    grid = np.linspace(math.log(0.1), math.log(1e5), 4096)
    shape = NormalDist()
    cumulative = [
        sum(share * shape.cdf((x - math.log(median)) / sigma) for share, median, sigma in mix)
        for x in grid.tolist()
    ]
    ranks = [shape.cdf(z) for z in normal.tolist()]
    lengths: NDArray[np.float64] = np.exp(np.interp(ranks, cumulative, grid))
    return lengths


def _readers(rng: Generator, count: int, ttft: float) -> list[Expectation]:
    by_age = [reading(age=age, ttft=ttft) for age, _ in _AGES]
    limits = np.cumsum([share for _, share in _AGES])[:-1]
    return [by_age[i] for i in np.searchsorted(limits, rng.random(count), side="right")]


def _read(path: Path) -> list[tuple[int, int]]:
    columns = ("prompt_tokens", "output_tokens")
    with path.open(newline="") as file:
        table = csv.DictReader(file)
        missing = [column for column in columns if column not in (table.fieldnames or ())]
        if missing:
            raise WorkloadError(
                f"{path}, line 1: no column {' and '.join(missing)}; the first line must name "
                f"the columns {' and '.join(columns)}"
            )
        rows = []
        for row in table:
            prompt, output = (_tokens(path, table.line_num, row, column) for column in columns)
            rows.append((prompt, output))
    if not rows:
        raise WorkloadError(f"{path} has no rows below its header: add one request a line")
    return rows


def _tokens(path: Path, line: int, row: dict[str, str], column: str) -> int:
    text = row[column]
    try:
        tokens = int(text)
    except (TypeError, ValueError):  # a short row has None here
        tokens = 0
    if tokens < 1:
        found = "is missing" if text is None or not text.strip() else f"is {text.strip()!r}"
        raise WorkloadError(
            f"{path}, line {line}: {column} {found}; it must be a whole number, 1 or more"
        )
    return tokens
