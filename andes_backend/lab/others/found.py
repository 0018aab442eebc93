"""What the readers of other benchmarks' files share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from andes_backend.lab.report.run import Run

__all__ = ["Found", "UnreadableError", "seconds", "share_out", "token_count", "whole_number"]

_SHOWN: Final = 60  # characters of a wrong value
_MOST_TOKENS: Final = 100_000_000  # of a request: no model takes as many


class UnreadableError(ValueError):
    """A file without a run from which QoE could be computed; says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run from another benchmark's file."""

    run: Run
    remarks: tuple[str, ...] = ()
    """What a person who reads the figures should know; mostly nothing."""


def share_out(times: Sequence[float], count: int) -> tuple[float, ...]:
    """The times of `count` tokens that came in `len(times)` chunks, in their order.

    The first chunk has one: a server sends the first token as soon as it is there, and tokens come
    together only if they had to wait for what was sent before them. (So does vLLM with
    `--stream-interval`, and when it speculates.) The other chunks have as many as each other.

    Args:
        times: of the chunks, in any unit.
        count: of the tokens; with fewer of them than chunks, the last chunks are empty.
    """
    if count <= len(times):
        return tuple(times[:count])
    first, later = times[:1], times[1:] or times
    rest = count - len(first)
    return (*first, *(later[i * len(later) // rest] for i in range(rest))) if times else ()


def seconds(value: object, what: str) -> float:
    """A time from a file.

    Raises:
        UnreadableError: it is not a finite number, 0 or more.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UnreadableError(f"{what} must be 0 or more seconds, not {_shown(value)}")
    return float(value)


def whole_number(value: object, what: str) -> int:
    """A count from a file.

    Raises:
        UnreadableError: it is not a whole number, 0 or more.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UnreadableError(f"{what} must be a whole number, 0 or more, not {_shown(value)}")
    return value


def token_count(value: object, what: str) -> int:
    """Tokens of a request, from a file.

    Raises:
        UnreadableError: it is not a whole number, or there can be none such.
    """
    if (count := whole_number(value, what)) > _MOST_TOKENS:
        raise UnreadableError(f"{what} must be a number of tokens, not {_shown(value)}")
    return count


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
