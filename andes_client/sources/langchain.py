"""Streams of langchain-core's chat models: `model.astream(...)` and `model.stream(...)`.

    async with pace(text(model.astream("Tell me a story.")), reading()) as paced: ...

A chain that ends in a `StrOutputParser` yields text already: `pace(chain.astream(...))`.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any

from andes_client.sources.texts import BlockingTexts, Rest, Texts, field

__all__ = ["split", "text", "text_blocking"]


def text(stream: AsyncIterable[Any]) -> Texts[Any]:
    """The text of the chunks, without reasoning; for `pace`."""
    return Texts(stream, split)


def text_blocking(stream: Iterable[Any]) -> BlockingTexts[Any]:
    """`text` for `model.stream(...)`; for `pace_blocking`."""
    return BlockingTexts(stream, split)


def split(chunk: Any) -> tuple[str, Rest]:
    """What an AIMessageChunk is, for `pace_events`.

    At once: tool calls, reasoning, and all blocks of content that are not text. In turn:
    usage, finish reasons, chunks without any content.
    """
    content = chunk.content
    blocks = [content] if isinstance(content, str) else content
    texts = [block if isinstance(block, str) else _text(block) for block in blocks]
    written = "".join(part for part in texts if part is not None)
    reasoning = chunk.additional_kwargs.get("reasoning_content")
    if None in texts or reasoning or field(chunk, "tool_call_chunks"):
        return written, "at once"
    more = field(chunk, "usage_metadata") or chunk.response_metadata.get("finish_reason")
    return written, "nothing" if written and not more else "in turn"


def _text(block: dict[str, Any]) -> str | None:
    return block.get("text", "") if block.get("type") in ("text", "text_delta") else None
