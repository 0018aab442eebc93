"""Streams of google-genai: `models.generate_content_stream(...)`; and Gemini's JSON.

    stream = await client.aio.models.generate_content_stream(model=..., contents=...)
    async with pace(text(stream), reading()) as paced: ...

Over plain HTTP (`:streamGenerateContent?alt=sse`) it is `sse.text(response, gemini.split)`.
"""

from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "knows", "message", "note", "split", "text", "text_blocking"]

# What one of its fields is in every chunk; as an SDK's object, and as JSON.
_OF_CHUNKS: Final = (
    *("candidates", "usage_metadata", "usageMetadata"),
    *("prompt_feedback", "promptFeedback"),
)


def text(
    stream: AsyncIterable[Any],
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of the first candidate, without thoughts; for `pace`.

    Afterwards its `ending` says how the answer ended: `filtered` also where the question was
    blocked. A stream that stops without a finish reason is an error.

    Args:
        stream: the SDK's, or any other of such chunks.
        thinks: gets the summaries of thoughts, as they come.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for the streams of the plain client; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(chunk: Any) -> bool:
    """Whether a chunk is one of Gemini's, as an SDK's object or as JSON."""
    return any(field(chunk, name) is not None for name in _OF_CHUNKS)


def message(chunk: Any) -> object:
    """A new one behind a call of a function, code that was run and what came of it."""
    parts = _parts(chunk)
    return object() if parts and _is_other(parts[0]) else None


def split(chunk: Any) -> tuple[str, Rest]:
    """What a chunk is, for `pace_events`.

    At once: thoughts, and all parts that are not text, such as calls. In turn: finish reasons,
    usage (which may be in every chunk), other candidates than the first.
    """
    parts = _parts(chunk)
    written = "".join(_texts(parts))
    if any(field(part, "thought") or _is_other(part) for part in parts):
        return written, "at once"
    more = _either(chunk, "usage_metadata", "usageMetadata") or _finish(_candidate(chunk))
    return written, "nothing" if written and not more else "in turn"


def note(chunk: Any, notes: Notes) -> None:
    """Note what a chunk says of thoughts and of the end."""
    for part in _parts(chunk):
        if field(part, "thought"):
            notes.think(field(part, "text") or "")
        elif call := _either(part, "function_call", "functionCall"):
            notes.ask(field(call, "name") or "")
    blocked = _either(
        _either(chunk, "prompt_feedback", "promptFeedback"), "block_reason", "blockReason"
    )
    if blocked:
        # It may be one of a dozen, all of which say that there will be no answer.
        notes.finish = "content_filter"
    notes.finish = _finish(_candidate(chunk)) or notes.finish
    if error := field(chunk, "error"):
        notes.fail(error)


def _candidate(chunk: Any) -> Any:
    """The first one; None if it is not in this chunk."""
    candidates = field(chunk, "candidates") or ()
    return next((one for one in candidates if not field(one, "index")), None)


def _parts(chunk: Any) -> list[Any]:
    return list(field(field(_candidate(chunk), "content"), "parts") or ())


def _is_other(part: Any) -> bool:
    """Whether it is neither text nor a thought."""
    return field(part, "text") is None


def _texts(parts: list[Any]) -> Iterator[str]:
    """Text, apart from that before it where something else was between them."""
    last, other = "", False
    for part in parts:
        written = "" if field(part, "thought") else field(part, "text") or ""
        other = other or _is_other(part)
        if written:
            apart = other and last and not (last.isspace() or written[0].isspace())
            yield "\n\n" + written if apart else written
            last, other = written[-1], False


def _finish(candidate: Any) -> str:
    """The finish reason; "" while there is none."""
    said = _either(candidate, "finish_reason", "finishReason")
    said = str(getattr(said, "value", said) or "")
    return "" if said == "FINISH_REASON_UNSPECIFIED" else said


def _either(thing: Any, name: str, in_json: str) -> Any:
    found = field(thing, name)
    return field(thing, in_json) if found is None else found


SOURCE: Final[Source[Any]] = Source(
    name="gemini",
    split=split,
    note=note,
    knows=knows,
    message=message,
    # Only a finish reason tells; of plain HTTP `[DONE]` will do, too, as gateways send it.
    is_whole=lambda stream: lambda: getattr(stream, "done", False) is True,
)
