"""How many tokens did each chunk have, where a file tells only how many each answer had?

A front end that is behind its engine hands over what has gathered meanwhile, to all readers at
once: chunks that come at the same moment have as many tokens as each other, or nearly, whoever they
are for. So the answers of one server say it together. Each answer's tokens are shared out by what
its chunks' moments have, a moment has the mean of what its chunks get, and so on in turn
(expectation maximisation).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.lab.others.found import share_out

__all__ = ["token_times"]

_MOMENT_S: Final = 0.1  # a busy client takes as long to read what came for all
_ROUNDS: Final = 30  # the last ones change nothing that shows
_LEAST: Final = 1e-3  # extra tokens: what a moment had cannot be ruled out

Floats = NDArray[np.float64]


def token_times(
    chunks: Sequence[Sequence[float]], counts: Sequence[int], sent: Sequence[float]
) -> list[tuple[float, ...]]:
    """When each token came, of all answers of a server.

    The first chunk of an answer has one token: a server sends it as soon as it is there.

    Args:
        chunks: when the chunks of each answer came, in order, seconds since it was asked for.
        counts: the tokens of each answer. Of one that has fewer tokens than chunks, the last chunks
            are empty.
        sent: when each was asked for, seconds, on one clock.

    Returns:
        For each answer its tokens' times, seconds since it was asked for.
    """
    several = [i for i, times in enumerate(chunks) if 1 < len(times) <= counts[i]]
    found = [share_out(times, count) for times, count in zip(chunks, counts, strict=True)]
    if not any(counts[i] > len(chunks[i]) for i in several):
        return found
    later = [np.asarray(chunks[i][1:], dtype=np.float64) for i in several]
    extra = np.array([counts[i] - len(chunks[i]) for i in several], dtype=np.float64)
    came = np.concatenate([times + sent[i] for i, times in zip(several, later, strict=True)])
    ends = np.cumsum([len(times) for times in later])[:-1]
    shares = np.split(_shares(came, [len(times) for times in later], extra), ends)
    for i, times, share in zip(several, later, shares, strict=True):
        found[i] = (chunks[i][0], *np.repeat(times, 1 + _whole(share)).tolist())
    return found


def _shares(came: Floats, sizes: Sequence[int], extra: Floats) -> Floats:
    """How many tokens more than one each chunk has.

    Args:
        came: when each chunk came, by answer, on one clock.
        sizes: chunks of each answer.
        extra: tokens of each answer that are more than its chunks.
    """
    answer = np.repeat(np.arange(len(sizes)), sizes)
    _, moment = np.unique(np.floor(came / _MOMENT_S), return_inverse=True)
    chunks_then = np.bincount(moment)
    weight = np.ones(len(chunks_then))
    share = np.zeros(len(came))
    for _ in range(_ROUNDS):
        of_chunk = weight[moment]
        share = extra[answer] * of_chunk / np.bincount(answer, of_chunk)[answer]
        weight = np.maximum(np.bincount(moment, share) / chunks_then, _LEAST)
    return share


def _whole(share: Floats) -> NDArray[np.int64]:
    """Whole numbers with the same sum."""
    ends = np.rint(np.cumsum(share)).astype(np.int64)
    return np.diff(ends, prepend=0)
