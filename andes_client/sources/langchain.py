"""Streams of langchain-core's chat models: `model.astream(...)` and `model.stream(...)`.

    async with pace(text(model.astream("Tell me a story.")), reading()) as paced: ...

A chain that ends in a `StrOutputParser` yields text already: `pace(chain.astream(...))`.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources.content import taken_apart
from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "is_of_others", "knows", "note", "split", "text", "text_blocking"]

# Messages to the model, not of it; of agents, whose streams hold them all.
_OTHERS: Final = ("tool", "function", "human", "user", "system", "developer")
# Each provider has its own name for it.
_FINISHES: Final = ("finish_reason", "stop_reason", "done_reason", "stopReason", "status")
# Those that always give it one.
_PROMISE: Final = ("openai",)


def text(
    stream: AsyncIterable[Any],
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of the model's chunks, without reasoning; for `pace`.

    Afterwards its `ending` says how the answer ended: "unsaid" if the model's provider does
    not tell. A stream that just stops is an error if the provider always does: OpenAI's protocol.

    Args:
        stream: of messages, or of chunks of them.
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for `model.stream(...)`; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(chunk: Any) -> bool:
    """Whether it is a message, or a chunk of one."""
    return hasattr(chunk, "content") and hasattr(chunk, "response_metadata")


def split(chunk: Any) -> tuple[str, Rest]:
    """What an AIMessageChunk is, for `pace_events`.

    At once: tool calls, reasoning, all blocks of content that are not text, and messages of
    others than the model, such as a tool's. In turn: usage, finish reasons, chunks without any
    content.
    """
    if is_of_others(chunk):
        return "", "at once"
    content = taken_apart(chunk.content)
    reasoning = chunk.additional_kwargs.get("reasoning_content")
    calls = field(chunk, "tool_call_chunks") or field(chunk, "tool_calls")
    if content.thinks or content.more or reasoning or calls:
        return content.text, "at once"
    more = field(chunk, "usage_metadata") or chunk.response_metadata.get("finish_reason")
    return content.text, "nothing" if content.text and not more else "in turn"


def note(chunk: Any, notes: Notes) -> None:
    """Note what a chunk says of reasoning and of the end."""
    if is_of_others(chunk):
        return
    content = taken_apart(chunk.content)
    reasoning = chunk.additional_kwargs.get("reasoning_content") or ""
    if reasoning or content.thinks:
        notes.think(str(reasoning) + content.reasoning)
    if refusal := chunk.additional_kwargs.get("refusal"):
        notes.refuse(str(refusal))
    for call in field(chunk, "tool_call_chunks") or field(chunk, "tool_calls") or ():
        notes.ask(field(call, "name") or "")
    finishes = (chunk.response_metadata.get(name) for name in _FINISHES)
    notes.finish = str(next(filter(None, finishes), notes.finish))
    if chunk.response_metadata.get("model_provider") in _PROMISE:
        notes.promised = True


def is_of_others(message: Any) -> bool:
    """Whether a message is not of the model: a tool's, a user's."""
    kind = str(message.type).lower().removesuffix("chunk").removesuffix("message")
    return kind in _OTHERS or (kind == "chat" and str(field(message, "role")).lower() in _OTHERS)


SOURCE: Final[Source[Any]] = Source(name="langchain", split=split, note=note, knows=knows)
