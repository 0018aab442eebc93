"""Words of two messages or blocks do not run together; those of one do."""

from typing import Any

import pytest

from andes_client import Expectation
from andes_client.sources import BlockingTexts, Source, anthropic, openai, pace_events


def block(kind: str, text: str = "", index: int = 0) -> list[dict[str, Any]]:
    """A whole block of Anthropic's."""
    held = {"type": kind, "text": ""} if kind == "text" else {"type": kind, "name": "look"}
    delta = {"type": "text_delta", "text": text}
    return [
        {"type": "content_block_start", "index": index, "content_block": held},
        *([{"type": "content_block_delta", "index": index, "delta": delta}] if text else []),
        {"type": "content_block_stop", "index": index},
    ]


def item(kind: str, text: str = "") -> list[dict[str, Any]]:
    """A whole item of the Responses API."""
    delta = {"type": "response.output_text.delta", "delta": text}
    return [
        {"type": "response.output_item.added", "item": {"type": kind}},
        *([delta] if text else []),
        {"type": "response.output_item.done", "item": {"type": kind}},
    ]


STOPS = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}]
COMPLETED = [{"type": "response.completed", "response": {}}]

STREAMS: list[tuple[Any, list[dict[str, Any]], str]] = [
    (
        anthropic,
        [*block("text", "I look."), *block("server_tool_use"), *block("text", "Found it."), *STOPS],
        "I look.\n\nFound it.",
    ),
    (
        anthropic,
        [*block("text", "One."), *block("thinking"), *block("text", "Two."), *STOPS],
        "One.\n\nTwo.",
    ),
    # There is white space already, on one side or on the other.
    (
        anthropic,
        [*block("text", "I look.\n"), *block("tool_use"), *block("text", "Found it."), *STOPS],
        "I look.\nFound it.",
    ),
    (
        anthropic,
        [*block("text", "I look."), *block("tool_use"), *block("text", " Found it."), *STOPS],
        "I look. Found it.",
    ),
    # Citations cut one text into blocks.
    (
        anthropic,
        [*block("text", "the sky is blue"), *block("text", ". Page 5 says more."), *STOPS],
        "the sky is blue. Page 5 says more.",
    ),
    # Nothing is put before the first words, nor behind the last.
    (
        anthropic,
        [*block("thinking"), *block("text", "One."), *block("tool_use"), *STOPS],
        "One.",
    ),
    # What looks like the beginning of a tag is decided where the message ends.
    (
        anthropic,
        [*block("text", "</th"), *block("tool_use"), *block("text", "ink>"), *STOPS],
        "</th\n\nink>",
    ),
    (
        openai,
        [
            *item("message", "I look."),
            *item("function_call"),
            *item("message", "Found it."),
            *COMPLETED,
        ],
        "I look.\n\nFound it.",
    ),
    (
        openai,
        [*item("message", "I look."), *item("message", "Found it."), *COMPLETED],
        "I look.\n\nFound it.",
    ),
    (
        openai,
        [*item("reasoning"), *item("message", "One."), *item("function_call"), *COMPLETED],
        "One.",
    ),
]


@pytest.mark.parametrize(("source", "events", "text"), STREAMS)
def test_an_empty_line_is_between_messages(
    source: Any, events: list[dict[str, Any]], text: str
) -> None:
    assert "".join(source.text_blocking(events)) == text


@pytest.mark.anyio
async def test_it_comes_with_the_words_behind_the_event() -> None:
    async def stream() -> Any:
        for event in STREAMS[0][1]:
            yield event

    items: list[str] = []
    async with pace_events(stream(), Expectation.program(), split=anthropic.split) as paced:
        async for one in paced:
            if isinstance(one, str):
                items.append(one)
            elif one.get("content_block", {}).get("name"):
                items.append("<look>")
    assert items == ["I look.", "<look>", "\n\nFound it."]


def test_a_message_may_be_named_by_an_id() -> None:
    source: Source[Any] = Source(
        name="mine",
        split=lambda event: (event[1], "nothing"),
        message=lambda event: event[0],
    )
    events = [("a", "One"), ("a", " two."), ("b", "Three"), (None, " four."), ("c", "Five.")]
    assert "".join(BlockingTexts(events, source)) == "One two.\n\nThree four.\n\nFive."
