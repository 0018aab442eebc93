"""Which requests to send so that the times of a server's steps give its costs away.

Three kinds of experiment, within what the server can hold:

- prefill: one prompt on an idle server, at several lengths;
- decode: a batch of requests that all write at the same time, with short and with long
  prompts, so that the number of sequences and their context vary apart from each other;
- mixed: while a batch writes, prompts arrive one after the other, and each holds one step up.

All of it is arithmetic: nothing here talks to a server. How many tokens a batch must write
until all of it is writing depends on how fast the server is, so most of it takes a guess: a
profile that is roughly right.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from andes_backend.profile import Profile

__all__ = [
    "Batch",
    "DesignError",
    "Limits",
    "Visits",
    "batch_sizes",
    "decode_batches",
    "most_at_once",
    "prefill_lengths",
    "visits",
]

_SHORT: Final = 16  # tokens of a prompt that is only there to be decoded after
_SHORTEST: Final = 8
_FILL: Final = 0.95  # of the KV blocks: a preemption would spoil an experiment
_STEPS: Final = 20  # that a whole batch writes together
_LONGEST_CHUNKS: Final = 8  # longest prompt, in steps
_ACCEPT_S: Final = 0.004  # what a server takes to accept a request, about
_PROMPTS_S: Final = 1.5  # for the prompts of a batch: long contexts cost time to fill
_BETWEEN: Final = 5  # undisturbed steps between two visits, and ...
_DRIFT: Final = 0.5  # ... this part of the visit's own step, as its length is a guess
_SPARE: Final = 1.2  # more output than visits should need


class DesignError(ValueError):
    """The server is too small for any experiment; the message says which limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server can hold; the fields are those of `Profile`, and the longest request."""

    kv_tokens: int
    block_size: int
    max_model_len: int
    """Most tokens of a request, prompt and output."""
    max_sequences: int
    max_step_tokens: int

    def longest(self, sequences: int, taken_blocks: int = 0) -> int:
        """Most tokens (prompt and output) that each of so many requests may have.

        Args:
            sequences: requests that are in memory at the same time, 1 or more.
            taken_blocks: KV blocks that are not theirs.
        """
        blocks = int(_FILL * (self.kv_tokens // self.block_size)) - taken_blocks
        return max(0, min(self.max_model_len, blocks // sequences * self.block_size))

    def blocks(self, tokens: int) -> int:
        """KV blocks that a request of so many tokens takes."""
        return math.ceil(tokens / self.block_size)


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that are sent at the same time, all alike."""

    sequences: int
    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Visits:
    """A batch that writes, and prompts that arrive meanwhile."""

    batch: Batch
    arrivals: tuple[tuple[float, int], ...]
    """(seconds after the batch, prompt tokens) of each visitor."""


def prefill_lengths(limits: Limits) -> tuple[int, ...]:
    """Prompt lengths in tokens, doubling up to the longest, which may take several steps.

    Raises:
        DesignError: not even a short request fits.
    """
    longest = min(limits.longest(1) - 2, _LONGEST_CHUNKS * limits.max_step_tokens)
    needed = 2 * _SHORT + _STEPS
    if longest < needed:
        raise DesignError(
            f"a request may have {limits.longest(1)} tokens here (max_model_len "
            f"{limits.max_model_len}, KV cache {limits.kv_tokens} tokens, steps of "
            f"{limits.max_step_tokens}): too few to measure, it takes {needed + 2}"
        )
    doubling = [_SHORTEST << i for i in range(longest.bit_length())]
    return (*(n for n in doubling if n <= 0.7 * longest), longest)


def most_at_once(limits: Limits, step_s: float) -> Batch:
    """As many short requests at once as memory and `max_sequences` allow.

    Args:
        limits: what the server can hold, as far as known: it shows how many it admits.
        step_s: how long a step of a single request takes.
    """
    batch = _largest(limits, lambda n: Batch(n, _SHORTEST, _outputs(n, step_s)))
    # The rest of their last blocks costs no memory, and the longer they write the more they meet.
    outputs = limits.block_size * limits.blocks(_SHORTEST + batch.output_tokens) - _SHORTEST
    return Batch(batch.sequences, _SHORTEST, min(outputs, limits.max_model_len - _SHORTEST - 1))


def batch_sizes(limits: Limits, guess: Profile) -> tuple[int, ...]:
    """Numbers of sequences: 1, 2, 4, ..., from 64 on halfway steps too, and the most that fit."""
    most = _largest(limits, lambda n: _short(n, guess)).sequences
    doubling = [1 << i for i in range(most.bit_length())]
    halfway = [n + n // 2 for n in doubling if n >= 64]
    return tuple(sorted({n for n in (*doubling, *halfway) if n < most} | {most}))


def decode_batches(limits: Limits, guess: Profile) -> tuple[Batch, ...]:
    """Batches of all sizes with short prompts, and again with long ones."""
    batches = []
    affordable = int(_PROMPTS_S * 1e3 / max(guess.prefill.per_token_ms, 1e-6))
    sizes = batch_sizes(limits, guess)
    for i, sequences in enumerate(sizes):
        short = _short(sequences, guess)
        room = limits.longest(sequences) - short.output_tokens
        room = min(room, affordable // sequences)
        # Full memory for every other size, half of it for those between: costs that do not
        # grow in proportion show.
        long = room if i % 2 == 0 or sequences == sizes[-1] else (_SHORT + room) // 2
        batches.append(short)
        if long >= 2 * _SHORT:
            batches.append(Batch(sequences, long, short.output_tokens))
    return tuple(batches)


def visits(limits: Limits, guess: Profile) -> tuple[Visits, ...]:
    """A small, a middling and a large batch, each visited by prompts of growing length."""
    sizes = [n for n in batch_sizes(limits, guess) if n < limits.max_sequences]
    chosen = {*sizes[:1], *sizes[len(sizes) // 2 :][:1], *sizes[-2:][:1]}
    found = [_visits(limits, guess, sequences) for sequences in sorted(chosen)]
    return tuple(visit for visit in found if visit.arrivals)


def _visits(limits: Limits, guess: Profile, sequences: int) -> Visits:
    """Visitors of one batch: as many of the lengths as its memory and outputs leave room for."""
    step = guess.step_s([], sequences, 2 * _SHORT * sequences)
    start = guess.step_s([_SHORT * sequences], 0, 0) + _ACCEPT_S * sequences + _BETWEEN * step
    arrivals: list[tuple[float, int]] = []
    at, undisturbed, outputs = start, start, 1
    for prompt in prefill_lengths(limits):
        pause = _DRIFT * guess.step_s([prompt], sequences, 0) + _BETWEEN * step
        needed = math.ceil(_SPARE * (undisturbed + pause) / step) + len(arrivals) + 1
        taken = sequences * limits.blocks(_SHORT + needed)
        if (
            prompt > limits.max_step_tokens - sequences  # in one step, or it is not one gap
            or prompt + 1 > limits.longest(1, taken)
            or _SHORT + needed > limits.max_model_len
        ):
            break
        arrivals.append((at, prompt))
        at += pause + guess.step_s([prompt], sequences, 0)
        undisturbed += pause
        outputs = needed
    return Visits(Batch(sequences, _SHORT, outputs), tuple(arrivals))


def _short(sequences: int, guess: Profile) -> Batch:
    # While requests come in, batches are on average half of what they will be.
    halfway_s = guess.step_s([], math.ceil(sequences / 2), 0)
    return Batch(sequences, _SHORT, _outputs(sequences, halfway_s))


def _outputs(sequences: int, step_s: float) -> int:
    """Tokens that each must write so that all write at once for a while."""
    return _STEPS + math.ceil(_ACCEPT_S * sequences / step_s)


def _largest(limits: Limits, batch: Callable[[int], Batch]) -> Batch:
    """The largest batch that fits; one of a single request at least."""
    for sequences in range(limits.max_sequences, 1, -1):
        found = batch(sequences)
        if found.prompt_tokens + found.output_tokens <= limits.longest(sequences):
            return found
    return batch(1)
