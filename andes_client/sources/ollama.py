"""Streams of the ollama SDK, `chat` and `generate`; and Ollama's JSON over plain HTTP.

    stream = await client.chat(model=..., messages=..., stream=True)
    async with pace(text(stream), reading()) as paced: ...

Without the SDK, `text` takes the streaming response of httpx2 or httpx itself: a JSON object a
line. Ollama's `/v1` speaks OpenAI's protocol: for that there is `openai`.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.ndjson import BlockingEvents, events
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "knows", "note", "split", "text", "text_blocking"]


def text(
    stream: AsyncIterable[Any] | Any,
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of the answer, without thinking; for `pace`.

    Afterwards its `ending` says how the answer ended. A stream that stops before it says that
    it is done is an error.

    Args:
        stream: the SDK's, any other of such parts, or a streaming response of httpx2 or httpx.
        thinks: gets the thinking, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    parts = events(stream) if hasattr(stream, "aiter_bytes") else stream
    return Texts(parts, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any] | Any, *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for the streams and responses of plain clients; for `pace_blocking`."""
    parts = BlockingEvents(stream) if hasattr(stream, "iter_bytes") else stream
    return BlockingTexts(parts, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(part: Any) -> bool:
    """Whether a part is one of Ollama's, as an SDK's object or as JSON."""
    answers = field(part, "message") is not None or field(part, "response") is not None
    return answers if field(part, "done") is not None else isinstance(field(part, "error"), str)


def split(part: Any) -> tuple[str, Rest]:
    """What a part is, for `pace_events`.

    At once: calls of tools, thinking, errors. In turn: the last part, which counts the tokens, and
    parts with nothing in them.
    """
    message = field(part, "message")
    written = field(message, "content") or field(part, "response") or ""
    if _thinking(part) or field(message, "tool_calls") or field(part, "error"):
        return written, "at once"
    more = field(part, "done") or field(part, "logprobs")
    return written, "nothing" if written and not more else "in turn"


def note(part: Any, notes: Notes) -> None:
    """Note what a part says of thinking and of the end."""
    if thought := _thinking(part):
        notes.think(thought)
    for call in field(field(part, "message"), "tool_calls") or ():
        notes.ask(field(field(call, "function"), "name") or "")
    if field(part, "done"):
        notes.whole = True
        notes.finish = field(part, "done_reason") or notes.finish
    if error := field(part, "error"):
        notes.fail(error)


def _thinking(part: Any) -> str:
    return field(field(part, "message"), "thinking") or field(part, "thinking") or ""


SOURCE: Final[Source[Any]] = Source(
    name="ollama",
    split=split,
    note=note,
    knows=knows,
    is_whole=lambda stream: lambda: False,  # noqa: ARG005, only an event tells
)
