"""The least time that a step takes which yields given tokens, whatever else it does."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Profile

__all__ = ["Steps", "Yielded"]


@dataclass(frozen=True, slots=True)
class Yielded:
    """A token that a step yields."""

    request: int
    """Its place in the workload."""
    token: int
    """From 0."""
    resident: bool
    """All its context but one token may be in the KV cache: the request has kept its blocks
    since the token before. Of a first token only with `whole=False`, where it says nothing."""
    whole: bool
    """All of the token's work is counted, not only what its own step must do of it."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The ways to a token; milliseconds, apart from the base of the step."""

    context: int
    """Tokens in the KV cache when it is yielded."""
    rebuilt_ms: float
    """What is computed before it if it is decoded but its request was not resident."""
    chunk_ms: float
    """The least that the last chunk takes if it is one of two tokens or more."""
    chunks_ms: float
    """And the least that all its chunks take then."""


class Steps:
    """What steps of a workload take at least, and the memory that they need.

    Args:
        workload: the requests.
        profile: the server.
    """

    def __init__(self, workload: Workload, profile: Profile) -> None:
        self._profile = profile
        self._work = [list(_ways(request, profile)) for request in workload.requests]
        size = profile.block_size
        self.room = profile.kv_tokens // size - 1
        """Blocks that requests can have."""
        self.blocks = [
            [-(-(request.prompt_tokens + i) // size) for i in range(request.output_tokens)]
            for request in workload.requests
        ]
        """Of request r while the step runs that yields token i: `blocks[r][i]`."""
        self.seconds = lru_cache(maxsize=None)(self._seconds)
        """The least time of a step that yields these tokens, seconds."""

    def _seconds(self, yielded: tuple[Yielded, ...]) -> float:
        return min(self._times(yielded)) / 1e3

    def _times(self, yielded: Sequence[Yielded]) -> Iterator[float]:
        """By who is decoded, and who ends a chunk of two tokens or more."""
        for decoded in range(2 ** len(yielded)):
            rows, context, ms = 0, 0, 0.0
            for i, one in enumerate(yielded):
                work = self._work[one.request][one.token]
                if decoded >> i & 1:
                    rows += 1
                    context += work.context
                    ms += work.rebuilt_ms if one.whole and not one.resident else 0.0
                else:
                    ms += work.chunks_ms if one.whole else work.chunk_ms
            yield ms + self._shared(rows, context, rows < len(yielded))

    def _shared(self, rows: int, context: int, chunks: bool) -> float:
        """Base and decoding, in the cheapest part that so many rows or more can be in."""
        base = self._profile.prefill.base_ms if chunks else 0.0
        if not rows:
            return base
        return min(
            max(base, part.base_ms)
            + part.per_sequence_ms * rows
            + part.per_context_token_ms * context
            for part in self._profile.decode
            if part.below_sequences is None or part.below_sequences > rows
        )


def _ways(request: Request, profile: Profile) -> Iterator[_Work]:
    """Of each token of a response."""
    size = profile.block_size
    position = np.arange(1, request.prompt_tokens + request.output_tokens, dtype=np.float64)
    prefill = profile.prefill
    chunk = prefill.per_token_ms + prefill.per_square_token_ms * (2 * position - 1)
    either = np.append(0.0, np.cumsum(np.minimum(chunk, _row_ms(position, profile))))
    for context in range(request.prompt_tokens, request.prompt_tokens + request.output_tokens):
        # Full blocks of what was computed before are found again; of a new prompt there are none.
        is_new = context == request.prompt_tokens
        found = 0 if is_new else (context - 1) // size * size
        last = chunks = math.inf
        if context > 1:
            last = float(chunk[context - 2] + chunk[context - 1])
            begin = 0 if is_new else (context - 2) // size * size
            chunks = last + float(either[context - 2] - either[begin])
        yield _Work(
            context=context,
            rebuilt_ms=float(either[context - 1] - either[found]),
            chunk_ms=last,
            chunks_ms=chunks,
        )


def _row_ms(position: NDArray[np.float64], profile: Profile) -> NDArray[np.float64]:
    """The least that a chunk of one token adds to a step: it is timed as a decoded one."""
    least = np.full(len(position), np.inf)
    for part in profile.decode:
        row = part.per_sequence_ms + part.per_context_token_ms * position
        least = np.minimum(least, row)
    return least
