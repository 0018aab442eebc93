"""What a model does in a test, whatever the wire format; and formats that several SDKs share."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.client.scripted_server import (
    DONE,
    BreakOff,
    Forever,
    Gate,
    Script,
    chat,
    sse,
    tool_call,
)

__all__ = [
    "Calls",
    "Chat",
    "Ends",
    "Fails",
    "Flows",
    "Move",
    "Says",
    "Thinks",
    "Wire",
    "played",
]


@dataclass(frozen=True)
class Says:
    """A delta of the answer."""

    text: str


@dataclass(frozen=True)
class Flows:
    """The answer goes on with this, again and again, until the client goes."""

    text: str
    every_s: float = 0.0
    """0: as fast as the client takes it."""


@dataclass(frozen=True)
class Thinks:
    """A delta of the reasoning."""

    text: str


@dataclass(frozen=True)
class Calls:
    """A whole call of a tool."""

    tool: str = "look"
    arguments: dict[str, Any] = field(default_factory=lambda: {"at": 1})


@dataclass(frozen=True)
class Ends:
    """The end that the protocol promises, with the usage: 3 tokens in, 5 out."""

    reason: str = "stop"
    """`stop`, `length` or `tool`; a wire says it in its own words."""


@dataclass(frozen=True)
class Fails:
    """The server reports an error in its stream."""

    said: str = "overloaded"


Move = Says | Flows | Thinks | Calls | Ends | Fails | Gate | BreakOff


class Wire:
    """One answer in one wire format. Made anew for each request: it may count."""

    media_type = "text/event-stream; charset=utf-8"

    def begins(self) -> bytes:
        """What comes before all else."""
        return b""

    def says(self, text: str) -> bytes:
        """A delta of the answer."""
        raise NotImplementedError

    def thinks(self, text: str) -> bytes:
        """A delta of reasoning, apart from the text."""
        raise NotImplementedError

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        """A call of a tool, in as many events as the server takes."""
        raise NotImplementedError

    def ends(self, reason: str) -> bytes:
        """All that comes at the end; `reason` is `stop`, `length` or `tool`."""
        raise NotImplementedError

    def fails(self, said: str) -> bytes:
        """An error in mid-stream."""
        raise NotImplementedError


def played(wire: Callable[[], Wire], moves: Sequence[Move], *, turns: bool = False) -> list[Script]:
    """The scripts for a server: one, or one for each request of an agent.

    Args:
        wire: makes the wire format of one answer.
        moves: what the model does.
        turns: an agent runs the tool after a call and asks again: the rest is another answer.
    """
    writer = wire()
    scripts: list[Script] = [[writer.begins()]]
    for move in moves:
        match move:
            case Says(text):
                scripts[-1].append(writer.says(text))
            case Flows(text, every_s):
                scripts[-1].append(Forever(writer.says(text), every_s))
            case Thinks(text):
                scripts[-1].append(writer.thinks(text))
            case Ends(reason):
                scripts[-1].append(writer.ends(reason))
            case Fails(said):
                scripts[-1].append(writer.fails(said))
            case Calls(tool, arguments):
                scripts[-1].append(writer.calls(tool, arguments))
                if turns:
                    scripts[-1].append(writer.ends("tool"))
                    writer = wire()
                    scripts.append([writer.begins()])
            case _:
                scripts[-1].append(move)
    return [[piece for piece in script if piece != b""] for script in scripts]


class Chat(Wire):
    """OpenAI's chat completions."""

    def __init__(self, reasoning: str = "reasoning_content") -> None:
        self._reasoning = reasoning

    def begins(self) -> bytes:
        return chat(role="assistant", content="")

    def says(self, text: str) -> bytes:
        return chat(content=text)

    def thinks(self, text: str) -> bytes:
        return chat(**{self._reasoning: text})

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        first = chat(tool_calls=[tool_call("", tool)])
        return first + chat(tool_calls=[tool_call(json.dumps(arguments))])

    def ends(self, reason: str) -> bytes:
        said = {"tool": "tool_calls"}.get(reason, reason)
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        return chat(finish_reason=said) + chat(usage=usage) + DONE

    def fails(self, said: str) -> bytes:
        return sse({"error": {"message": said, "type": "server_error", "code": 500}})
