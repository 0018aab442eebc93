"""The events of an answer, as a benchmark has kept them, read into the times of its tokens.

Knows the streams of `/v1/completions`, `/v1/chat/completions`, `/v1/responses` and `/v1/messages`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from andes_backend.lab.others.found import share_out, token_count

__all__ = ["Events"]

_DONE: Final = "[DONE]"
_DELTAS: Final = (
    "response.output_text.delta",
    "response.reasoning_text.delta",
    "response.function_call_arguments.delta",
)
_ENDS: Final = ("response.completed", "response.incomplete", "message_stop")
_FAILURES: Final = ("error", "response.failed")
_TEXTS: Final = ("content", "reasoning", "reasoning_content", "refusal", "tool_calls")
_ANTHROPIC_TEXTS: Final = ("text", "thinking", "partial_json")


@dataclass(slots=True)
class Events:
    """Reads the events of one answer; no I/O.

    Tokens are counted by their ids where the server sent them (`return_token_ids`), else by the
    count that each chunk carries (`continuous_usage_stats`), else by chunks with text, over which
    the server's final count is shared out.
    """

    chunks: list[float] = field(default_factory=list)
    """When each event with text came, seconds."""
    tokens: list[float] = field(default_factory=list)
    """When each token came, as far as ids or counts say; else empty."""
    usage: int | None = None
    """Output tokens as the server counted them in the end."""
    prompt: int | None = None
    """Prompt tokens as the server counted them."""
    ended: bool = False
    """Whether the server said that this was all."""
    failure: str | None = None
    """What the server reported instead."""
    several: bool = False
    """Whether there is more than one answer in it."""
    has_ids: bool = False

    def add(self, data: str, time: float) -> None:
        """Read an event's data that came at `time`, seconds since the request was sent.

        Raises:
            ValueError: it is not what it should be.
        """
        if data == _DONE:
            self.ended = True
            return
        event = json.loads(data)
        if not isinstance(event, dict):
            raise ValueError("an event is not a JSON object")
        try:
            self._add(event, time)
        except (AttributeError, KeyError, TypeError):
            raise ValueError(f"an event is of no kind that is known: {data[:100]}") from None

    def times(self) -> tuple[float, ...]:
        """When each token came, seconds since the request was sent."""
        if self.tokens:
            return tuple(self.tokens)
        return tuple(self.chunks) if self.usage is None else share_out(self.chunks, self.usage)

    @property
    def is_shared_out(self) -> bool:
        """Whether the times of single tokens had to be guessed."""
        return not self.tokens and self.usage is not None and self.usage > len(self.chunks) > 0

    def _add(self, event: Mapping[str, Any], time: float) -> None:
        kind = event.get("type")
        if event.get("error") or kind in _FAILURES:
            self.failure = _message(event)
        elif "choices" in event:
            for choice in event["choices"]:
                self._add_choice(choice, event.get("usage"), time)
            self._count(event.get("usage"))
        elif kind in _DELTAS or _has_anthropic_text(event):
            self.chunks.append(time)
        else:
            self.ended = self.ended or kind in _ENDS
            self._count((event.get("response") or event.get("message") or event).get("usage"))

    def _add_choice(self, choice: Mapping[str, Any], counted: Any, time: float) -> None:
        self.several = self.several or bool(choice.get("index"))
        self.ended = self.ended or bool(choice.get("finish_reason"))
        delta = choice.get("delta") or {}
        ids = choice.get("token_ids")
        if choice.get("text") or any(delta.get(name) for name in _TEXTS):
            self.chunks.append(time)
        if ids is not None:
            self.has_ids = True
            self.tokens += [time] * len(ids)
        elif counted and not self.has_ids and (self.tokens or len(self.chunks) <= 1):
            # A count that comes with the last text only is the final one, and no progress.
            count = token_count(counted.get("completion_tokens") or 0, "completion_tokens")
            self.tokens += [time] * (count - len(self.tokens))

    def _count(self, usage: Mapping[str, Any] | None) -> None:
        if not usage:
            return
        for name in ("completion_tokens", "output_tokens"):
            self.usage = token_count(usage.get(name) or 0, name) or self.usage
        for name in ("prompt_tokens", "input_tokens"):
            self.prompt = token_count(usage.get(name) or 0, name) or self.prompt


def _has_anthropic_text(event: Mapping[str, Any]) -> bool:
    delta = event.get("delta") or {}
    return event.get("type") == "content_block_delta" and any(map(delta.get, _ANTHROPIC_TEXTS))


def _message(event: Mapping[str, Any]) -> str:
    """What the server says went wrong, wherever it says it."""
    error = event.get("error") or (event.get("response") or {}).get("error") or event
    message = error.get("message") if isinstance(error, dict) else error
    return str(message or "the server reports an error")
