"""How long requests are: built-in mixes, fixed lengths, or the rows of a file."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import ClassVar, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from andes_backend.lab.workload.requests import WorkloadError
from andes_backend.lab.workload.specs import Spec, parse
from andes_backend.lab.workload.tables import MOST_TOKENS, rows, tokens

__all__ = [
    "Fixed",
    "Lengths",
    "MultiRound",
    "ShareGPT",
    "cut",
    "file_lengths",
    "lengths_of",
    "names_file",
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


@dataclass(frozen=True)
class ShareGPT(Spec):
    """`sharegpt_lengths` by its name on the command line."""

    spec_name: ClassVar[str] = "sharegpt"

    def __call__(self, rng: Generator, count: int) -> NDArray[np.int64]:
        return sharegpt_lengths(rng, count)


@dataclass(frozen=True)
class MultiRound(Spec):
    """Questions in the middle of a conversation: earlier rounds are part of the prompt.

    Synthetic: every round, earlier or present, has the lengths of `sharegpt_lengths`, drawn
    on its own. Conversations have a geometric number of rounds with the given mean. Any
    request is then as likely to be the last as any other is, so the number of rounds before
    it is geometric too, with mean `rounds` - 1. Real conversations have longer tails.

    Raises:
        WorkloadError: `rounds` is out of range.
    """

    rounds: float = 3.51
    """Mean rounds (a question and its answer) of a conversation, 1 to 100. The default is
    ShareGPT's: 330,239 in 94,145 conversations (as counted in arXiv 2512.17843)."""
    spec_name: ClassVar[str] = "multiround"

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= 100:
            self.refuse("rounds", "1 to 100")

    def __call__(self, rng: Generator, count: int) -> NDArray[np.int64]:
        for_rounds, for_earlier = rng.spawn(2)
        lengths = sharegpt_lengths(rng, count)
        if self.rounds > 1:
            # An exponential rounded down is geometric; of this one the mean is rounds - 1.
            scale = -1 / math.log1p(-1 / self.rounds)
            ends = np.cumsum(np.floor(for_rounds.exponential(scale, count)).astype(np.int64))
            earlier = sharegpt_lengths(for_earlier, int(ends[-1])).sum(axis=1)
            spoken = np.concatenate([[0], np.cumsum(earlier)])[np.concatenate([[0], ends])]
            lengths[:, 0] += np.diff(spoken)
        return lengths


@dataclass(frozen=True)
class Fixed(Spec):
    """The same lengths for every request.

    Raises:
        WorkloadError: a length is out of range.
    """

    prompt: int
    """Prompt tokens, 1 or more."""
    output: int
    """Output tokens, 1 or more."""
    spec_name: ClassVar[str] = "fixed"

    def __post_init__(self) -> None:
        for name in ("prompt", "output"):
            if not 1 <= getattr(self, name) <= MOST_TOKENS:
                self.refuse(name, f"1 to {MOST_TOKENS} tokens")

    def __call__(self, _rng: Generator, count: int) -> NDArray[np.int64]:
        return np.full((count, 2), (self.prompt, self.output), dtype=np.int64)


Named = ShareGPT | MultiRound | Fixed
_KINDS: Final[tuple[type[Named], ...]] = (ShareGPT, MultiRound, Fixed)


def lengths_of(text: str) -> Lengths:
    """The lengths that a text names.

    Args:
        text: `sharegpt`, `multiround`, `multiround:rounds=8`, `fixed:prompt=512,output=128`,
            or the path of a CSV file, see `file_lengths`.

    Raises:
        OSError: the file cannot be read.
        WorkloadError: a parameter or the file is wrong, or there is neither such a name nor
            such a file.
    """
    return file_lengths(text) if names_file(text) else parse(text, "lengths", _KINDS)


def names_file(text: str) -> bool:
    """Whether a text given as lengths is meant as the path of a file, there or not."""
    if text.partition(":")[0].strip() in {kind.spec_name for kind in _KINDS}:
        return False
    return "." in text or "/" in text or Path(text).exists()


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
        WorkloadError: a column is missing, a value is not a whole number above 0, or there are
            no rows; with the line's number.
    """
    table = np.array(_read(Path(path)), dtype=np.int64)

    def draw(rng: Generator, count: int) -> NDArray[np.int64]:
        return table[rng.integers(len(table), size=count)]

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


def _read(path: Path) -> list[tuple[int, int]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        found = [
            (tokens(path, line, row, "prompt_tokens"), tokens(path, line, row, "output_tokens"))
            for line, row in rows(path, file, ("prompt_tokens", "output_tokens"))
        ]
    if not found:
        raise WorkloadError(f"{path} has no rows below its header: add one request a line")
    return found
