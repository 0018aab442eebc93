"""Streams of the cohere SDK, version 2 of its API: `v2.chat_stream(...)`; and its JSON.

    stream = client.chat_stream(model=..., messages=...)  # of an AsyncClientV2
    async with pace(text(stream), reading()) as paced: ...

Over plain HTTP it is `sse.text(response, cohere.split)`.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "knows", "message", "note", "split", "text", "text_blocking"]

_PARTS: Final = ("message-", "content-", "tool-plan-", "tool-call-", "citation-")
# Events that only frame text or close what there was.
_FRAMES: Final = frozenset(
    {
        *("message-start", "message-end", "content-end", "tool-call-end"),
        *("citation-start", "citation-end", "debug"),
    }
)


def text(
    stream: AsyncIterable[Any],
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of the message, without thinking and without the plan for tools; for `pace`.

    Afterwards its `ending` says how the answer ended. An error in mid-stream, which the SDK gives
    as an event like others, is raised, and so is a stream that stops without its last event.

    Args:
        stream: the SDK's, or any other of such events.
        thinks: gets the thinking and the plan for tools, as they come.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for the streams of the plain client; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of Cohere's, as an SDK's object or as JSON."""
    return str(field(event, "type")).startswith(_PARTS)


def message(event: Any) -> object:
    """A new one behind a call of a tool."""
    return object() if field(event, "type") == "tool-call-start" else None


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    At once: calls of tools, thinking, and what is not known here. In turn: the frames of the
    message (with finish reason and usage), citations.
    """
    kind = field(event, "type")
    if kind in ("content-start", "content-delta"):
        content = _content(event)
        written = field(content, "text") or ""
        if field(content, "type") == "thinking" or field(content, "thinking"):
            return written, "at once"
        more = kind == "content-start" or not written or field(event, "logprobs")
        return written, "in turn" if more else "nothing"
    return "", "in turn" if kind in _FRAMES else "at once"


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of thinking and of the end."""
    kind = field(event, "type")
    delta = field(event, "delta")
    if kind in ("content-start", "content-delta"):
        content = _content(event)
        if field(content, "type") == "thinking" or field(content, "thinking"):
            notes.think(field(content, "thinking") or "")
    elif kind == "tool-plan-delta":
        notes.think(field(field(delta, "message"), "tool_plan") or "")
    elif kind == "tool-call-start":
        calls = field(field(delta, "message"), "tool_calls")
        notes.ask(field(field(calls, "function"), "name") or "")
    elif kind == "message-end":
        _note_end(delta, notes)


def _note_end(delta: Any, notes: Notes) -> None:
    notes.finish = str(field(delta, "finish_reason") or notes.finish)
    notes.whole = True
    said = field(delta, "error")
    if said or notes.finish in ("ERROR", "TIMEOUT"):
        notes.fail(said or f"the answer ended with {notes.finish}")


def _content(event: Any) -> Any:
    return field(field(field(event, "delta"), "message"), "content")


SOURCE: Final[Source[Any]] = Source(
    name="cohere",
    split=split,
    note=note,
    knows=knows,
    message=message,
    # `message-end` is an event, which `note` sees; of plain HTTP `[DONE]` will do, too.
    is_whole=lambda stream: lambda: getattr(stream, "done", False) is True,
)
