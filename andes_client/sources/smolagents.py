"""Streams of smolagents: `agent.run(..., stream=True)`, and `model.generate_stream(...)`.

    stream = agent.run("How warm is it?", stream=True)
    with pace_blocking(text_blocking(stream), reading()) as paced: ...

The agent needs `stream_outputs=True`.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "knows", "message", "note", "split", "text", "text_blocking"]

_DELTA: Final = "ChatMessageStreamDelta"
_ANSWER: Final = "FinalAnswerStep"
# The ends of steps: what the model writes next is another message.
_STEPS: Final = ("ActionStep", "PlanningStep")
_FRAMES: Final = ("ActionOutput", *_STEPS)
_KINDS: Final = frozenset((_DELTA, _ANSWER, "ToolCall", "ToolOutput", *_FRAMES))


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """`text_blocking` for such a stream that another thread reads; for `pace`."""
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """What the model writes, with an agent's code, and the final answer; for `pace_blocking`.

    Afterwards its `ending` is "complete" if there was a final answer, and "other" if the agent
    gave up. Of a model's stream it is "unsaid": the SDK does not tell finish reasons.

    Args:
        stream: of `agent.run(..., stream=True)` or of `model.generate_stream(...)`.
        thinks: gets reasoning that comes as a `<think>` block; the SDK drops any other.
        begins_thinking: as for andes_client.sources.openai.
    """
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of an agent's, or of a model's."""
    kind = type(event)
    return kind.__name__ in _KINDS and kind.__module__.startswith("smolagents.")


def message(event: Any) -> object:
    """A new one, where a step has ended, and for the answer."""
    return object() if type(event).__name__ in (_ANSWER, *_STEPS) else None


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events` on a stream that another thread reads.

    At once: tool calls and what they return. In turn: usage, the ends of steps.
    """
    kind = type(event).__name__
    if kind == _ANSWER:
        return _said(event.output), "in turn"
    if kind != _DELTA:
        return "", "in turn" if kind in _FRAMES else "at once"
    said = _said(event.content)
    if event.tool_calls:
        return said, "at once"
    return said, "nothing" if said and not event.token_usage else "in turn"


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of the end."""
    kind = type(event).__name__
    if kind in _STEPS:
        notes.turn()
        # It answers in spite of an error, such as too many steps.
        error = field(event, "error")
        notes.finish = type(error).__name__ if error else ""
    elif kind == _ANSWER:
        notes.whole = True


def _said(content: Any) -> str:
    return content if isinstance(content, str) else ""


SOURCE: Final[Source[Any]] = Source(
    name="smolagents", split=split, note=note, knows=knows, message=message
)
