"""Streams of Strands Agents: `agent.stream_async(...)`, and of its models.

async with pace(text(agent.stream_async("Tell me a story.")), reading()) as paced: ...
"""

from collections.abc import AsyncIterable, Mapping
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import Texts, Thinks

__all__ = ["SOURCE", "knows", "message", "note", "split", "text"]

# What the model sends, in the form of Bedrock's Converse API.
_RAW: Final = (
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
)
# What only frames or closes.
_FRAMES: Final = (
    "init_event_loop",
    "start",
    "start_event_loop",
    "message",
    "result",
    "force_stop",
    "complete",
)
_BEGINS: Final = (
    "reasoningText",
    "reasoning_signature",
    "reasoningRedactedContent",
    "current_tool_use",
    "tool_stream_event",
    "citation",
)
_KINDS: Final = frozenset(("data", "event", *_RAW, *_FRAMES, *_BEGINS))


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """What the model says before, between and after its calls of tools; for `pace`.

    Afterwards its `ending` says how the last message ended. The SDK itself raises if a limit on
    tokens cut it; if the model's stream just stops, it takes that for a whole answer, and this
    does not.

    Args:
        stream: of `agent.stream_async(...)`.
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of an agent's, or of a model's."""
    return isinstance(event, Mapping) and not _KINDS.isdisjoint(event)


def message(event: Any) -> object:
    """A new one, where a message begins, or a block in it."""
    raw = _raw(event)
    return object() if "messageStart" in raw or "contentBlockStart" in raw else None


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    At once: tool calls and what they return, reasoning, and what is not known here. In turn:
    what frames messages and their blocks, stop reasons, usage, the result.
    """
    if "data" in event:
        return str(event["data"] or ""), "nothing" if event["data"] else "in turn"
    raw = event.get("event")
    if isinstance(raw, Mapping):  # what the model sent: text comes in an event of its own, too
        return "", "nothing" if _delta(raw).get("text") else _rest(raw)
    if any(name in event for name in _RAW):
        said = str(_delta(event).get("text") or "")
        return said, "nothing" if said else _rest(event)
    if isinstance(message := event.get("message"), Mapping):
        return "", "in turn" if message.get("role") == "assistant" else "at once"
    return "", "in turn" if any(name in event for name in _FRAMES) else "at once"


def _rest(raw: Mapping[str, Any]) -> Rest:
    start = raw.get("contentBlockStart")
    asks = isinstance(start, Mapping) and (start.get("start") or {}).get("toolUse")
    return "at once" if asks or "contentBlockDelta" in raw else "in turn"


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of reasoning and of the end."""
    raw = _raw(event)
    notes.promised = True
    if "messageStart" in raw:
        notes.turn()
    elif "contentBlockStart" in raw:
        notes.open = True
        if tool := (raw["contentBlockStart"].get("start") or {}).get("toolUse"):
            notes.ask(tool.get("name") or "")
    elif "contentBlockDelta" in raw:
        if (thought := _delta(raw).get("reasoningContent")) is not None:
            notes.think(str(thought.get("text") or ""))
    elif "contentBlockStop" in raw:
        notes.open = False
    elif "messageStop" in raw and not notes.open:  # else the SDK has made it up
        notes.finish = str(raw["messageStop"].get("stopReason") or "")


def _raw(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the model sent: in an agent's event, or by itself."""
    raw = event.get("event")
    return raw if isinstance(raw, Mapping) else event


def _delta(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    delta = (raw.get("contentBlockDelta") or {}).get("delta")
    return delta if isinstance(delta, Mapping) else {}


SOURCE: Final[Source[Any]] = Source(
    name="strands", split=split, note=note, knows=knows, message=message
)
