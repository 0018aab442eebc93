"""Streams of LiteLLM, which are in OpenAI's form whatever the provider.

stream = await litellm.acompletion(..., stream=True)
async with pace(text(stream), reading()) as paced: ...
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources import openai
from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "note", "split", "text", "text_blocking"]


def text(
    stream: AsyncIterable[Any],
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of the first choice, without refusals and reasoning; for `pace`.

    The arguments and its `ending` are those of andes_client.sources.openai. LiteLLM 1.110
    itself raises if a stream stops without a finish reason; 1.83 says "stop" then.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for `litellm.completion`; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def split(chunk: Any) -> tuple[str, Rest]:
    """What a chunk is, for `pace_events`: as in OpenAI's streams, and thinking blocks."""
    written, rest = openai.split(chunk)
    return written, "at once" if _thinks(chunk) else rest


def note(chunk: Any, notes: Notes) -> None:
    """Note what a chunk says of reasoning and of the end."""
    openai.note(chunk, notes)
    if _thinks(chunk):
        notes.think("")  # the words have been in reasoning_content


def _thinks(chunk: Any) -> bool:
    deltas = (field(choice, "delta") for choice in field(chunk, "choices") or ())
    return any(field(delta, "thinking_blocks") for delta in deltas)


SOURCE: Final[Source[Any]] = Source(
    name="litellm",
    split=split,
    note=note,
    knows=openai.knows,
    message=openai.message,
    is_whole=lambda stream: lambda: getattr(stream, "done", False) is True,
)
