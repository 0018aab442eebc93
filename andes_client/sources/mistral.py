"""Streams of mistralai: `chat.stream(...)`, `agents.stream(...)`, and their async forms.

    stream = await client.chat.stream_async(model=..., messages=...)
    async with pace(text(stream), reading()) as paced: ...

Each event of theirs holds a chunk of OpenAI's form; over plain HTTP there is `sse`.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources import openai
from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "knows", "note", "split", "text", "text_blocking"]


def text(
    stream: AsyncIterable[Any],
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of the first choice, without reasoning; for `pace`.

    The arguments and its `ending` are those of andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for the plain methods; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event holds a chunk."""
    return openai.knows(_chunk(event))


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`: as in OpenAI's streams."""
    return openai.split(_chunk(event))


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of reasoning and of the end."""
    openai.note(_chunk(event), notes)


def _chunk(event: Any) -> Any:
    return field(event, "data")


SOURCE: Final[Source[Any]] = Source(
    name="mistral", split=split, note=note, knows=knows, is_whole=openai.Done
)
"""Openai's `Done` watches the body: the SDK, too, takes `[DONE]` out and does not tell."""
