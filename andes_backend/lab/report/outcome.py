"""What became of one request: its token times, what is wrong with it, how good it was."""

from dataclasses import dataclass
from functools import cached_property

from andes_backend.lab.workload import Attention, Request
from andes_client.qoe import Meter

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What became of one request."""

    index: int
    """Its place in the workload, from 0."""
    request: Request
    submitted_s: float
    """When it was sent, seconds since the run began; `request.arrival_s` and a little more."""
    times: tuple[float, ...]
    """Arrival of every token, seconds since submission."""
    error: str | None = None
    """Why it failed; None if it did not."""

    @cached_property
    def _read(self) -> tuple[Attention, float]:
        """The reader's timeline, and the longest wait after the first token, seconds."""
        attention, longest = Attention(self.request.expectation, self.request.behaviour), 0.0
        for time in self.times:
            if attention.left_at is not None:
                break
            if attention.meter.count:
                longest = max(longest, attention.waited(time))
            attention.add(time)
        return attention, longest

    @property
    def _meter(self) -> Meter:
        return self._read[0].meter

    @property
    def qoe(self) -> float:
        """QoE of what the reader stayed for, on their own timeline, in [0, 1]; 0 if it failed."""
        return 0.0 if self.error else self._meter.qoe

    @property
    def ttft(self) -> float | None:
        """Time to first token, seconds; None if there was none."""
        return self.times[0] if self.times else None

    @property
    def tds(self) -> float | None:
        """Token delivery speed after the first token, tokens/s; None if all came at once."""
        if len(self.times) < 2 or self.times[-1] <= self.times[0]:
            return None
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])

    @property
    def stalls(self) -> int:
        """Waits for text that was due, after the first token; see `andes_client.qoe.Meter`."""
        return self._meter.stalls

    @property
    def stalled_s(self) -> float:
        """Their total length, seconds."""
        return self._meter.stalled

    @property
    def first_wait_s(self) -> float | None:
        """The wait for the first token beyond the expected one, seconds; None without a token."""
        return None if self.ttft is None else max(0.0, self.ttft - self.request.expectation.ttft)

    @property
    def longest_stall_s(self) -> float:
        """The longest stall, seconds; 0 without one."""
        _, longest = self._read
        return longest if longest >= Meter.STALL_S else 0.0

    @property
    def longest_wait_s(self) -> float | None:
        """The longest that the reader waited for text that was due, seconds; None without a token.

        That is the wait for the first token beyond the expected one, or the longest stall,
        whichever is longer; 0 for a reader who never waited.
        """
        first = self.first_wait_s
        return None if first is None else max(first, self.longest_stall_s)

    @property
    def lost(self) -> int:
        """Tokens that were asked for, whose reader was there, and that never came."""
        return max(0, self.request.wanted_tokens - len(self.times))

    @property
    def read(self) -> int:
        """Tokens that the reader has taken in."""
        return self._meter.count

    @property
    def effective(self) -> int:
        """Tokens that came while the reader was there, read or not."""
        left_at = self._read[0].left_at
        if left_at is None:
            return len(self.times)
        return sum(time <= left_at for time in self.times)

    @property
    def excess(self) -> int:
        """Tokens beyond those asked for: something came twice."""
        return max(0, len(self.times) - self.request.output_tokens)
