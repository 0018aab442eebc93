"""The events of one response, read into the times of its tokens."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Tally", "server_message"]

_SHOWN: Final = 200  # characters of a server's message that an outcome keeps


@dataclass(slots=True)
class Tally:
    """Reads the events of one response and notes when its tokens came; no I/O."""

    times: list[float] = field(default_factory=list)
    """One for each token id; for each chunk with text where the server sends no ids."""
    text: str = ""
    """What it says."""
    usage: int | None = None
    """Output tokens as the server counted them in the end."""
    has_ids: bool = False
    finish_reason: str | None = None
    """Why the server ended the response, as it says itself."""

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
            raise ValueError(f"not a completion event: {data[:_SHOWN]!r}") from None

    def _add_choice(self, choice: dict[str, Any], time: float) -> None:
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.text += choice.get("text") or ""
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
            return tuple(times), f"received {len(times)} tokens instead of {expected}{self._why}"
        return tuple(times), None

    @property
    def _why(self) -> str:
        # vLLM keeps the reason to itself when it aborts a response before its first token.
        return f" (the server: {self.finish_reason or 'no finish reason'})"


def server_message(text: str) -> str:
    """The message in a server's error in OpenAI's form; else the text itself, its beginning."""
    try:
        error = json.loads(text)["error"]
        message = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        message = text
    return message[:_SHOWN]
