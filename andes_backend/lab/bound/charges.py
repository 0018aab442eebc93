"""What each token costs the engine at least: prices that no step is too cheap to pay.

A step's time is shared out among the tokens that it yields. `charges_for` finds prices such
that **no step that the profile allows takes less time than its tokens are charged**, so that
whatever a schedule does, its tokens are charged at most the time that it takes. Of all such
prices it takes those that charge the workload most. docs/bound.md has the proof.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Profile

__all__ = ["Charges", "charges_for", "token_charges"]

_Vertex = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """Prices in seconds of engine time."""

    sequence_s: float
    """For a sequence that decodes a token."""
    context_s: float
    """For each token of its context."""
    block_s: float
    """For each token that its KV blocks have room for."""
    prompt_block_s: float
    """The same for what computes a prompt up to its end; at most `block_s`."""


def charges_for(workload: Workload, profile: Profile) -> Charges:
    """The prices that charge this workload most.

    Args:
        workload: the requests; that there are no others makes prices higher.
        profile: the server.
    """
    limits = _vertices(workload, profile)
    rows = np.array([row for row, _ in limits])
    least = np.array([seconds for _, seconds in limits])
    at_most_block = (0.0, 0.0, -1.0, 1.0)
    found = linprog(
        -_totals(workload, profile.block_size),
        A_ub=np.vstack([rows, at_most_block]),
        b_ub=np.append(least, 0.0),
        method="highs",
    )
    prices = np.maximum(0.0, found.x)
    prices[3] = min(prices[3], prices[2])
    # The solver keeps limits to within a tolerance; we keep them.
    prices /= max(1.0, float(np.max(rows @ prices / least)))
    return Charges(
        sequence_s=prices[0], context_s=prices[1], block_s=prices[2], prompt_block_s=prices[3]
    )


def token_charges(request: Request, profile: Profile, charges: Charges) -> NDArray[np.float64]:
    """What each token of a response is charged.

    Returns:
        Seconds, shape (output_tokens,). The first one's is that of the prompt.
    """
    size, prompt = profile.block_size, request.prompt_tokens
    computed = np.arange(1, prompt + request.output_tokens, dtype=np.float64)
    blocks = np.ceil(computed / size) * size
    row = charges.sequence_s + charges.context_s * computed
    # A chunk of one token is a row as any other.
    prefill = np.cumsum(np.minimum(row, _prompt_token_s(computed, profile)))
    decode = (row + charges.block_s * blocks)[prompt:]
    again = prefill[prompt:] - np.append(0.0, prefill)[_found_again(computed, size)[prompt:]]
    again += charges.prompt_block_s * blocks[prompt:]
    first = prefill[prompt - 1] + charges.prompt_block_s * blocks[prompt - 1]
    return np.append(first, np.minimum(decode, again))


def _found_again(computed: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """Most tokens that a resumed request need not compute again, if it computes two or more.

    Only full blocks are found again. One that lacks a single token decodes it, as a row.
    """
    found = (computed - 1) // size * size
    blocks = np.where(computed - found < 2, found - size, found)
    return np.maximum(0, blocks.astype(np.intp))


def _prompt_token_s(position: NDArray[np.float64], profile: Profile) -> NDArray[np.float64]:
    """A chunk's time without its base is the sum of this over its tokens, from 1."""
    prefill = profile.prefill
    return (prefill.per_token_ms + prefill.per_square_token_ms * (2 * position - 1)) / 1e3


def _totals(workload: Workload, size: int) -> NDArray[np.float64]:
    """What there is of each thing that has a price."""
    totals = np.zeros(4)
    for request in workload.requests:
        prompt = request.prompt_tokens
        computed = np.arange(prompt + 1, prompt + request.output_tokens, dtype=np.float64)
        blocks = float(np.sum(np.ceil(computed / size))) * size
        in_prompt = -(-prompt // size) * size
        totals += (len(computed), float(np.sum(computed)), blocks, in_prompt)
    return totals


def _vertices(workload: Workload, profile: Profile) -> list[tuple[_Vertex, float]]:
    """Steps such that prices no higher than theirs are too high for no step: row, seconds."""
    size, requests = profile.block_size, workload.requests
    ends = (r.prompt_tokens + r.output_tokens - 1 for r in requests)
    room = (profile.kv_tokens // size - 1) * size
    room = min(room, sum(-(-end // size) * size for end in ends))
    most = min(profile.max_sequences, len(requests))
    prefill_s = profile.prefill.base_ms / 1e3
    found: list[tuple[_Vertex, float]] = [((0.0, 0.0, 0.0, room), prefill_s)]
    least = 1
    for part in profile.decode:
        if least > most:
            break
        upto = most if part.below_sequences is None else min(most, part.below_sequences - 1)
        for rows, context, blocks in _decoding(least, upto, room, size):
            seconds = part.per_sequence_ms * rows + part.per_context_token_ms * context
            alone = (seconds + part.base_ms) / 1e3
            both = seconds / 1e3 + max(prefill_s, part.base_ms / 1e3)
            found.append(((rows, context, blocks, 0.0), alone))
            found.append(((rows, context, blocks, room - blocks), both))
        least = upto + 1
    return found


def _decoding(least: int, most: int, room: int, size: int) -> Iterator[tuple[float, float, float]]:
    """Corners of what may be decoded in a step: sequences, their context, its blocks.

    With `least <= rows <= most`, `rows <= context <= blocks <= context + rows * (size - 1)`
    and `blocks <= room`.
    """
    kinks = (float(room), room / size)  # the least context, or its most blocks, fill the memory
    numbers = [float(least), float(most), *(kink for kink in kinks if least < kink < most)]
    for rows in numbers:
        if rows > room:
            continue
        spare = rows * (size - 1)
        contexts = {rows, max(rows, room - spare), float(room)}
        for context, add in itertools.product(contexts, (0.0, spare)):
            yield rows, context, min(float(room), context + add)
