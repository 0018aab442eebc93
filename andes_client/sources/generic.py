"""The text of a stream of whichever kind: found out by what it is, without importing anything."""

from collections.abc import AsyncIterable, Iterable
from importlib import import_module
from typing import Any

from andes_client.sources import ndjson, sse
from andes_client.sources.texts import BlockingTexts, Texts, Thinks
from andes_client.sources.who import source_name

__all__ = ["text", "text_blocking"]


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """The text of a stream of any of the sources here, or of text itself; for `pace`.

    What it is, the stream's module says, or the first event's. The source that was named would
    do the same; it costs nothing more once the first event has come.

    Args:
        stream: an SDK's stream, a generator around one, or a streaming response of httpx2 or
            httpx, with server-sent events or with a JSON object in each line.
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.

    Raises (when it is iterated):
        TypeError: it is nothing that is known here; the message quotes the first event.
    """
    if (name := source_name(stream)) == "sse":
        # Whose JSON it is, the first event says.
        events = ndjson.events if _is_lines(stream) else sse.events
        return Texts(events(stream), thinks=thinks, begins_thinking=begins_thinking)
    if name is not None:
        source: Any = import_module(f"andes_client.sources.{name}")
        texts: Texts[Any] = source.text(stream, thinks=thinks, begins_thinking=begins_thinking)
        return texts
    return Texts(stream, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for plain iterators, and for responses of plain clients; for `pace_blocking`."""
    if (name := source_name(stream)) == "sse":
        events = ndjson.BlockingEvents if _is_lines(stream) else sse.BlockingEvents
        return BlockingTexts(events(stream), thinks=thinks, begins_thinking=begins_thinking)
    if name is not None:
        source: Any = import_module(f"andes_client.sources.{name}")
        if hasattr(source, "text_blocking"):
            texts: BlockingTexts[Any] = source.text_blocking(
                stream, thinks=thinks, begins_thinking=begins_thinking
            )
            return texts
    return BlockingTexts(stream, thinks=thinks, begins_thinking=begins_thinking)


def _is_lines(body: Any) -> bool:
    """Whether a response of httpx2 or httpx, or an EventSource, has a JSON object in each line."""
    headers = getattr(getattr(body, "response", body), "headers", {})
    return "ndjson" in str(headers.get("content-type", "")).lower()
