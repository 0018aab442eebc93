"""A workload: requests in the order of their arrival, and where they came from."""

import math
from dataclasses import dataclass

from andes_backend.lab.workload.behaviour import STEADY, Behaviour
from andes_client.expectation import Expectation

__all__ = ["Request", "Source", "Workload", "WorkloadError", "check_fits", "counted"]


class WorkloadError(ValueError):
    """A workload that cannot be made; the message says which file, line or value, and why."""


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
    """What its reader really expects; the results are measured against it."""
    user: str | None = None
    """The user to whom its service is charged (`andes_user`); None if it names none."""
    told: Expectation | None = None
    """What the server is told instead of the truth; None: the truth."""
    silent: bool = False
    """Whether the request has no hints, so that the server assumes its default reader."""
    behaviour: Behaviour = STEADY
    """What its reader does beside reading on."""
    conversation: int | None = None
    """Requests with the same number are rounds of one conversation: the prompt of each begins with
    the prompt and the answer of the one before. None: it has nothing in common with others."""

    def __post_init__(self) -> None:
        if not 0 <= self.arrival_s < math.inf:
            raise ValueError(f"Request.arrival_s must be 0 or more seconds, not {self.arrival_s!r}")
        for name in ("prompt_tokens", "output_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"Request.{name} must be 1 or more, not {getattr(self, name)!r}")
        if self.silent and self.told is not None:
            raise ValueError("Request.told is what a server is told, but the request is silent")

    @property
    def wanted_tokens(self) -> int:
        """How many tokens its reader stays for."""
        leaves = self.behaviour.leave_at
        return self.output_tokens if leaves is None else min(leaves, self.output_tokens)

    @property
    def hint(self) -> Expectation | None:
        """What the server is told of the reader; None: nothing."""
        return None if self.silent else self.told or self.expectation


@dataclass(frozen=True, slots=True)
class Source:
    """The trace that a workload was taken from."""

    path: str
    lines: tuple[int, ...]
    """Of each request, its line in the file, from 1."""
    unit: str = "line"
    """What `lines` counts: "line", or "conversation" in ShareGPT's files."""
    skipped: int = 0
    """Rows before the last request that were left out, as they have no answer."""

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests in the order of their arrival."""

    name: str
    """What it is, for tables and file names."""
    seed: int
    requests: tuple[Request, ...]
    source: Source | None = None
    """The trace that they come from; None if their lengths were drawn."""

    def where(self, index: int) -> str:
        """What to call request `index` (from 0, as in result files) in a message to a person."""
        if self.source is None:
            return f"request {index}"
        place = f"{self.source.unit} {self.source.lines[index]}"
        return f"request {index} ({self.source}, {place})"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person who reads the results should know of how it was made; mostly nothing."""
        if self.source is None or not self.source.skipped:
            return ()
        skipped = counted(self.source.skipped, self.source.unit)
        return (f"{self.source}: skipped {skipped} without an answer",)


def counted(number: int, what: str) -> str:
    """A number of things in a message: `1 line`, `2 lines`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def check_fits(workload: Workload, kv_tokens: int, max_length: int | None = None) -> None:
    """Check that a server could serve every request if it were alone there.

    Args:
        workload: what is to be served.
        kv_tokens: tokens that fit the KV cache.
        max_length: most tokens of prompt and output together that the server takes (vLLM's
            max_model_len); None if it has no such limit.

    Raises:
        WorkloadError: a request has more tokens, prompt and output together. The message
            names the first one and says what to do.
    """
    room, holder = kv_tokens, f"the KV cache holds {kv_tokens}"
    if max_length is not None and max_length < kv_tokens:
        room, holder = max_length, f"the server allows {max_length} tokens per request"
    for index, request in enumerate(workload.requests):
        if request.prompt_tokens + request.output_tokens > room:
            raise WorkloadError(
                f"{workload.where(index)} has {request.prompt_tokens} prompt and "
                f"{request.output_tokens} output tokens, but {holder}: it could never be served. "
                f"Cut the requests to fit (--max-length {room}), or give the server more room"
            )
