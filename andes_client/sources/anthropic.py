"""Streams of the anthropic SDK: `messages.create(stream=True)` and `messages.stream(...)`.

async with client.messages.stream(...) as stream:
    async with pace(text(stream), reading()) as paced: ...
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "knows", "message", "note", "split", "text", "text_blocking"]

# Events that only frame text or close what there was.
_FRAMES: Final = frozenset(
    {"message_start", "message_delta", "message_stop", "content_block_stop", "citation", "ping"}
)
# Those, and what the SDK adds to them: the text and the arguments so far.
_KINDS: Final = _FRAMES | {"error", "text", "thinking", "input_json", "signature", "compaction"}
_PARTS: Final = ("message_", "content_block_")


def text(
    stream: AsyncIterable[Any],
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of all text blocks, without thinking; for `pace`.

    Afterwards its `ending` says how the answer ended. A stream that stops without a stop
    reason and without `message_stop` is an error.

    Args:
        stream: the SDK's, or any other of such events.
        thinks: gets the thinking, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for the streams of the plain client; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of Anthropic's, as an SDK's object or as JSON."""
    kind = str(field(event, "type"))
    return kind in _KINDS or kind.startswith(_PARTS)


def message(event: Any) -> object:
    """A new one, where one begins, or a block that is no text.

    Text blocks that follow each other are one text: citations cut it into such.
    """
    kind = field(event, "type")
    block = field(field(event, "content_block"), "type")
    begins = kind == "message_start" or (kind == "content_block_start" and block != "text")
    return object() if begins else None


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    At once: tool use, thinking, and what is not known here. In turn: the frames of the
    message and its text blocks (with stop reason and usage), citations.
    """
    kind = field(event, "type")
    if kind == "content_block_delta":
        return _part(field(event, "delta"), "text_delta", "nothing")
    if kind == "content_block_start":
        return _part(field(event, "content_block"), "text", "in turn")
    if kind == "text":  # of `messages.stream`: what the delta just before it said
        return "", "nothing"
    return "", "in turn" if kind in _FRAMES else "at once"


def _part(part: Any, textual: str, rest: Rest) -> tuple[str, Rest]:
    kind = field(part, "type")
    if kind == textual:
        return field(part, "text") or "", rest
    return "", "in turn" if kind == "citations_delta" else "at once"


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of thinking and of the end."""
    kind = field(event, "type")
    delta = field(event, "delta")
    if kind == "content_block_start":
        block = field(event, "content_block")
        if field(block, "type") in ("thinking", "redacted_thinking"):
            notes.think(field(block, "thinking") or "")
        elif field(block, "type") == "tool_use":
            notes.ask(field(block, "name") or "")
    elif kind == "content_block_delta" and field(delta, "type") == "thinking_delta":
        notes.think(field(delta, "thinking") or "")
    elif kind == "message_delta":
        notes.finish = field(delta, "stop_reason") or notes.finish
        if why := field(field(delta, "stop_details"), "explanation"):
            notes.refuse(str(why))
    elif kind == "message_stop":
        notes.whole = True
    elif kind == "error":
        notes.fail(field(event, "error") or event)


SOURCE: Final[Source[Any]] = Source(
    name="anthropic",
    split=split,
    note=note,
    knows=knows,
    message=message,
    # `message_stop` is an event, which `note` sees; of plain HTTP `[DONE]` will do, too.
    is_whole=lambda stream: lambda: getattr(stream, "done", False) is True,
)
