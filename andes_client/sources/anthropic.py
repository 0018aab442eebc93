"""Streams of the anthropic SDK: `messages.create(stream=True)` and `messages.stream(...)`.

async with client.messages.stream(...) as stream:
    async with pace(text(stream), reading()) as paced: ...
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources.texts import BlockingTexts, Rest, Texts, field

__all__ = ["split", "text", "text_blocking"]

# Events that only frame text or close what there was.
_FRAMES: Final = frozenset(
    {"message_start", "message_delta", "message_stop", "content_block_stop", "citation", "ping"}
)


def text(stream: AsyncIterable[Any]) -> Texts[Any]:
    """The text of all text blocks, without thinking; for `pace`."""
    return Texts(stream, split)


def text_blocking(stream: Iterable[Any]) -> BlockingTexts[Any]:
    """`text` for the streams of the plain client; for `pace_blocking`."""
    return BlockingTexts(stream, split)


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
