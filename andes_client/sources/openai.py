"""Streams of the openai SDK: chat completions, completions, responses; plain and `.stream()`.

    stream = await client.chat.completions.create(..., stream=True)
    async with pace(text(stream), reading()) as paced: ...

The same for any server or library that speaks OpenAI's protocol, and for its JSON.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources.texts import BlockingTexts, Rest, Texts, field

__all__ = ["split", "text", "text_blocking"]

# What a chat delta may begin beside text. Reasoning has two names, neither of them OpenAI's.
_BEGINS: Final = ("tool_calls", "function_call", "refusal", "reasoning", "reasoning_content")
# Events that only frame text or close what there was, in both kinds of event streams.
_FRAMES: Final = frozenset(
    {
        *(f"response.{state}" for state in ("created", "queued", "in_progress")),
        *(f"response.{state}" for state in ("completed", "incomplete", "failed")),
        *(f"response.content_part.{change}" for change in ("added", "done")),
        "response.output_text.annotation.added",
        "response.output_text.done",
        "content.done",
        "logprobs.content.delta",
        "logprobs.content.done",
        "error",
    }
)


def text(stream: AsyncIterable[Any]) -> Texts[Any]:
    """The text of the first choice, without refusals and reasoning; for `pace`."""
    return Texts(stream, split)


def text_blocking(stream: Iterable[Any]) -> BlockingTexts[Any]:
    """`text` for the streams of the plain client; for `pace_blocking`."""
    return BlockingTexts(stream, split)


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    At once: tool calls, refusals, reasoning, and what is not known here. In turn: finish
    reasons, usage, log probabilities, other choices than the first, frames.
    """
    kind = field(event, "type")
    if kind is None:
        return _chunk(event)
    if kind == "chunk":  # of `.stream()`, which gives the text in an event of its own, too
        return "", _chunk(event.chunk)[1]
    if kind in ("content.delta", "response.output_text.delta"):
        return field(event, "delta"), "in turn" if field(event, "logprobs") else "nothing"
    if kind.startswith("response.output_item."):
        message = field(field(event, "item"), "type") == "message"
        return "", "in turn" if message else "at once"
    return "", "in turn" if kind in _FRAMES else "at once"


def _chunk(chunk: Any) -> tuple[str, Rest]:
    """A chunk of a chat completion or of a completion."""
    written, begins, more = "", False, bool(field(chunk, "usage"))
    for choice in field(chunk, "choices") or ():
        delta = field(choice, "delta")
        if field(choice, "index"):
            more = True
        else:
            written += field(delta, "content") or field(choice, "text") or ""
        begins = begins or any(field(delta, name) for name in _BEGINS)
        more = more or bool(field(choice, "finish_reason") or field(choice, "logprobs"))
    if begins:
        return written, "at once"
    return written, "nothing" if written and not more else "in turn"
