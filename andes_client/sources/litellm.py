"""Streams of LiteLLM, which are in OpenAI's form whatever the provider.

stream = await litellm.acompletion(..., stream=True)
async with pace(text(stream), reading()) as paced: ...
"""

from collections.abc import AsyncIterable
from typing import Any

from andes_client.sources import openai
from andes_client.sources.texts import Rest, Texts, field

__all__ = ["split", "text"]


def text(stream: AsyncIterable[Any]) -> Texts[Any]:
    """The text of the first choice, without refusals and reasoning; for `pace`."""
    return Texts(stream, split)


def split(chunk: Any) -> tuple[str, Rest]:
    """What a chunk is, for `pace_events`: as in OpenAI's streams, and thinking blocks."""
    written, rest = openai.split(chunk)
    deltas = (field(choice, "delta") for choice in field(chunk, "choices") or ())
    thinks = any(field(delta, "thinking_blocks") for delta in deltas)
    return written, "at once" if thinks else rest
