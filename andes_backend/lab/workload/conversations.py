"""Conversations: the same people ask again, and each prompt begins with all that was said before.

Other workloads are of requests that have nothing to do with each other. Here a server that has the
last round in its prefix cache computes only what is new.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from andes_backend.lab.workload.lengths import sharegpt_lengths
from andes_backend.lab.workload.readers import Readers, Reading
from andes_backend.lab.workload.requests import Request, Workload, WorkloadError
from andes_client.expectation import Expectation

__all__ = ["Talk", "make_conversations"]

_READING: Final = Reading()
_READING_S: Final = 70.0  # about as long as an average answer takes to read
_FASTEST: Final = 15.0  # tokens/s; a program has to wait for them, too
_LEAD: Final = 3.0  # mean conversations, after which nearly all of the first ones have ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """How people talk.

    Raises:
        WorkloadError: a value is out of range.
    """

    rounds: float = 3.51
    """Mean rounds of a conversation, 1 to 100, distributed geometrically; see `MultiRound`."""
    pause_s: float = 20.0
    """Mean time from the end of reading an answer to the next question, seconds."""
    opening_tokens: int = 0
    """With the first question comes a document of so many tokens."""

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= 100:
            raise WorkloadError(f"rounds must be 1 to 100, not {self.rounds!r}")
        if not 0 <= self.pause_s < float("inf"):
            raise WorkloadError(f"pause_s must be 0 s or more, not {self.pause_s!r}")
        if self.opening_tokens < 0:
            raise WorkloadError(f"opening_tokens must be 0 or more, not {self.opening_tokens!r}")


def make_conversations(
    count: int,
    *,
    rate: float,
    seed: int,
    talk: Talk | None = None,
    readers: Readers = _READING,
    max_length: int = 8000,
) -> Workload:
    """The next `count` requests of conversations that begin one after the other.

    Questions and answers have ShareGPT's lengths. Who has asked reads the answer at the pace that
    they expect it, pauses and asks again, as if answers came in time; a person is the same in all
    rounds. A conversation ends when the next round would be too long.

    Args:
        count: requests, 1 or more.
        rate: mean requests a second; a little less, if conversations become too long.
        seed: 0 or more.
        talk: how people talk.
        readers: the population they are drawn from.
        max_length: most tokens of a prompt and its answer together.

    Raises:
        ValueError: an argument is out of range.
        WorkloadError: conversations are too long for `max_length`.
    """
    talk = Talk() if talk is None else talk
    if count < 1 or not 0 < rate < float("inf") or seed < 0:
        raise ValueError(
            f"count must be 1 or more, rate above 0, and seed 0 or more: {count!r}, {rate!r}, "
            f"{seed!r}"
        )
    if talk.opening_tokens > max_length / 2:
        raise WorkloadError("opening_tokens may be half of max_length at most")
    streams = SeedSequence(seed).spawn(3)
    starts, lengths, people = (Generator(PCG64(one)) for one in streams)
    # As many are under way at first as later; of some even the first round is too long.
    lead_s = _LEAD * talk.rounds * (_READING_S + talk.pause_s)
    before, after = math.ceil(lead_s * rate / talk.rounds), 2 * count
    gaps = starts.exponential(talk.rounds / rate, before + after)
    begins = np.concatenate([-np.cumsum(gaps[:before])[::-1], np.cumsum(gaps[before:])])
    conversations = before + after
    drawn = readers.draw(people, conversations, 1.0)
    rounds = lengths.geometric(1 / talk.rounds, conversations)
    drawn_lengths = sharegpt_lengths(lengths, int(rounds.sum()))
    said = iter(np.split(drawn_lengths, np.cumsum(rounds)[:-1]))
    requests = [
        request
        for number, begin in enumerate(begins.tolist())
        for request in _rounds(number, begin, drawn[number], talk, max_length, next(said), lengths)
    ]
    if len(requests) < count:
        raise WorkloadError(f"most conversations are longer than max_length, {max_length} tokens")
    requests.sort(key=lambda request: request.arrival_s)
    return Workload("conversations", seed, tuple(requests[:count]))


def _rounds(
    number: int,
    begin: float,
    reader: Expectation,
    talk: Talk,
    longest: int,
    lengths: NDArray[np.int64],
    rng: Generator,
) -> Iterator[Request]:
    """One conversation; `lengths` are the tokens of questions and of answers, shape (n, 2)."""
    pauses = rng.exponential(talk.pause_s, len(lengths)).tolist()
    at, said = begin, talk.opening_tokens
    pace = min(reader.tds, _FASTEST)
    for (question, answer), pause in zip(lengths.tolist(), pauses, strict=True):
        said += question
        if said + answer > longest:
            return
        if at >= 0:
            yield Request(at, said, answer, reader, conversation=number)
        said += answer
        at += reader.ttft + answer / pace + pause
