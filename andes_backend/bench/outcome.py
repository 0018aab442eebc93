"""What came back for one request: its token times, what is wrong with it, how good it was."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from andes_backend.workload import Request
from andes_client.qoe import Meter

__all__ = ["Outcome", "Tally", "server_message"]

_SHOWN: Final = 200  # characters of a server's message that an outcome keeps


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
    def _meter(self) -> Meter:
        meter = Meter(self.request.expectation)
        for time in self.times:
            meter.add(time)
        return meter

    @property
    def qoe(self) -> float:
        """QoE in [0, 1]; 0 if it failed."""
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
    def lost(self) -> int:
        """Tokens that were asked for and never came."""
        return max(0, self.request.output_tokens - len(self.times))

    @property
    def excess(self) -> int:
        """Tokens beyond those asked for: something came twice."""
        return max(0, len(self.times) - self.request.output_tokens)


@dataclass(slots=True)
class Tally:
    """Reads the events of one response and notes when its tokens came; no I/O."""

    times: list[float] = field(default_factory=list)
    """One for each token id; for each chunk with text where the server sends no ids."""
    usage: int | None = None
    """Output tokens as the server counted them in the end."""
    has_ids: bool = False

    def add(self, data: str, time: float) -> None:
        """Read an event's data.

        Raises:
            ValueError: the server reports an error, or the event is not what it should be.
        """
        try:
            event: dict[str, Any] = json.loads(data)
            if event.get("error"):
                raise ValueError(f"the server reports: {server_message(data)}")
            if event.get("usage"):
                self.usage = int(event["usage"]["completion_tokens"])
            for choice in event.get("choices", ()):
                self._add_choice(choice, time)
        except (AttributeError, KeyError, TypeError, json.JSONDecodeError):
            raise ValueError(f"no completion event: {data[:_SHOWN]!r}") from None

    def _add_choice(self, choice: dict[str, Any], time: float) -> None:
        ids = choice.get("token_ids")
        if ids is not None:
            self.has_ids = True
            # After a preemption one chunk may carry several tokens.
            self.times.extend([time] * len(ids))
        elif choice.get("text"):
            self.times.append(time)

    def result(self, expected: int) -> tuple[tuple[float, ...], str | None]:
        """Token times, and what is wrong with their number, once the stream has ended.

        Without token ids a chunk is a token, unless the server's own count says otherwise:
        then its tokens are spread evenly over the chunks.
        """
        times = self.times
        if self.usage is not None and not self.has_ids and times:
            times = [times[i * len(times) // self.usage] for i in range(self.usage)]
        if self.usage not in (None, len(times)):
            return tuple(times), f"received {len(times)} tokens; the server counted {self.usage}"
        if len(times) != expected:
            return tuple(times), f"received {len(times)} tokens instead of {expected}"
        return tuple(times), None


def server_message(text: str) -> str:
    """The message in a server's error in OpenAI's form; else the text itself, its beginning."""
    try:
        error = json.loads(text)["error"]
        message = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        message = text
    return message[:_SHOWN]
