"""Streams of the openai SDK: chat completions, completions, responses; plain and `.stream()`.

    stream = await client.chat.completions.create(..., stream=True)
    async with pace(text(stream), reading()) as paced: ...

The same for any server or library that speaks OpenAI's protocol, and for its JSON.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Final

from andes_client.sources.content import Content, taken_apart
from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "Done", "knows", "message", "note", "split", "text", "text_blocking"]

# What a chat delta may begin beside text. Reasoning has two names, neither of them OpenAI's.
_REASONING: Final = ("reasoning", "reasoning_content")
_BEGINS: Final = ("tool_calls", "function_call", "refusal", *_REASONING)
_ENDS: Final = tuple(
    f"response.{state}" for state in ("completed", "incomplete", "failed", "cancelled")
)
# Events that only frame text or close what there was, in both kinds of event streams.
_FRAMES: Final = frozenset(
    {
        *(f"response.{state}" for state in ("created", "queued", "in_progress")),
        *_ENDS,
        *(f"response.content_part.{change}" for change in ("added", "done")),
        "response.output_text.annotation.added",
        "response.output_text.done",
        "content.done",
        "logprobs.content.delta",
        "logprobs.content.done",
        "error",
    }
)
_THOUGHTS: Final = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
# What one of its fields is in every chunk, or in a server's report of an error.
_OF_CHUNKS: Final = ("choices", "usage", "error")
_KINDS: Final = ("chunk", "error")
_EVENTS: Final = ("response.", "content.", "refusal.", "tool_calls.", "logprobs.")
# Items that wait for the client; other calls, such as a search, the server makes by itself.
_ASKS: Final = (
    "function_call",
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "mcp_approval_request",
)


def text(
    stream: AsyncIterable[Any],
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of the first choice, without refusals and reasoning; for `pace`.

    Afterwards its `ending` says how the answer ended. A stream that stops without a finish
    reason and without `[DONE]` is an error.

    Args:
        stream: the SDK's, or any other of such events.
        thinks: gets the reasoning, as it comes.
        begins_thinking: the text begins inside a `<think>` block that the server's template
            has opened, and that only the text closes.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for the streams of the plain client; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of OpenAI's, as an SDK's object or as JSON."""
    kind = field(event, "type")
    if kind is None:
        return any(field(event, name) is not None for name in _OF_CHUNKS)
    return str(kind) in _KINDS or str(kind).startswith(_EVENTS)


def message(event: Any) -> object:
    """A new one, where the Responses API begins one: there may be several around calls of tools."""
    begins = field(event, "type") == "response.output_item.added"
    return object() if begins and field(field(event, "item"), "type") == "message" else None


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
        return field(event, "delta") or "", "in turn" if field(event, "logprobs") else "nothing"
    if kind.startswith("response.output_item."):
        message = field(field(event, "item"), "type") == "message"
        return "", "in turn" if message else "at once"
    return "", "in turn" if kind in _FRAMES else "at once"


def _chunk(chunk: Any) -> tuple[str, Rest]:
    """A chunk of a chat completion or of a completion."""
    written, begins, more = "", False, bool(field(chunk, "usage"))
    for choice in field(chunk, "choices") or ():
        delta = field(choice, "delta")
        content = _content(choice)
        if field(choice, "index"):
            more = True
        else:
            written += content.text
        begins = begins or content.thinks or content.more
        begins = begins or any(field(delta, name) for name in _BEGINS)
        more = more or bool(field(choice, "finish_reason") or field(choice, "logprobs"))
    if begins:
        return written, "at once"
    return written, "nothing" if written and not more else "in turn"


def _content(choice: Any) -> Content:
    return taken_apart(field(field(choice, "delta"), "content") or field(choice, "text"))


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of reasoning and of the end."""
    kind = field(event, "type")
    if kind is None or kind == "chunk":
        _note_chunk(event if kind is None else event.chunk, notes)
    elif kind in _THOUGHTS:
        notes.think(field(event, "delta") or "")
    elif kind == "response.refusal.delta":
        notes.refuse(field(event, "delta") or "")
    elif kind == "response.output_item.added":
        item = field(event, "item")
        if field(item, "type") in _ASKS:
            notes.ask(field(item, "name") or "")
    elif kind in _ENDS:
        _note_response(kind.removeprefix("response."), field(event, "response"), notes)
    elif kind == "error":
        notes.fail(event)


def _note_chunk(chunk: Any, notes: Notes) -> None:
    for choice in field(chunk, "choices") or ():
        if field(choice, "index"):
            continue
        delta = field(choice, "delta")
        content = _content(choice)
        said = next((field(delta, name) for name in _REASONING if field(delta, name)), None)
        if said or content.thinks:
            notes.think((said if isinstance(said, str) else "") + content.reasoning)
        if refusal := field(delta, "refusal"):
            notes.refuse(str(refusal))
        calls = field(delta, "tool_calls") or [field(delta, "function_call")]
        for call in filter(None, calls):
            notes.ask(field(field(call, "function") or call, "name") or "")
        notes.finish = field(choice, "finish_reason") or notes.finish
        if error := field(choice, "error"):
            notes.fail(error)
    if error := field(chunk, "error"):
        notes.fail(error)


def _note_response(state: str, response: Any, notes: Notes) -> None:
    """The last event of the Responses API."""
    if state == "failed":
        notes.fail(field(response, "error") or "the response failed")
    why = field(field(response, "incomplete_details"), "reason")
    notes.finish = str(why or state)


class Done:
    """Whether `[DONE]` has come, which the SDK takes out of the stream and does not tell.

    Some servers send it and no finish reason. Without it, and without a finish reason, the
    stream has broken off, and the SDK does not tell that either. So the body is watched on its
    way to the SDK.
    """

    def __init__(self, stream: Any) -> None:
        self._tail = b""
        self._stream = stream
        if hasattr(stream, "done"):  # of andes_client.sources.sse, which tells
            return
        response: Any = getattr(stream, "response", None) or getattr(stream, "_response", None)
        if hasattr(response, "aiter_bytes") and hasattr(stream, "__aiter__"):
            response.aiter_bytes = self._watching(response.aiter_bytes, _AsyncPieces)
        elif hasattr(response, "iter_bytes"):
            response.iter_bytes = self._watching(response.iter_bytes, _Pieces)

    def __call__(self) -> bool:
        told = getattr(self._stream, "done", False) is True
        return told or self._tail.rpartition(b"data:")[2].strip() == b"[DONE]"

    def _watching(self, pieces: Any, watched: Any) -> Any:
        return lambda *how, **options: watched(pieces(*how, **options), self._see)

    def _see(self, piece: bytes) -> None:
        self._tail = (self._tail + piece)[-64:]


class _Pieces(Iterator[bytes]):
    """Pieces of a body, each shown to `see` first. No generator, which nobody would close."""

    def __init__(self, pieces: Iterator[bytes], see: Any) -> None:
        self._pieces = iter(pieces)
        self._see = see

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self._see(piece)
        return piece


class _AsyncPieces(AsyncIterator[bytes]):
    """`_Pieces` for the other client."""

    def __init__(self, pieces: AsyncIterator[bytes], see: Any) -> None:
        self._pieces = aiter(pieces)
        self._see = see

    async def __anext__(self) -> bytes:
        piece = await anext(self._pieces)
        self._see(piece)
        return piece


SOURCE: Final[Source[Any]] = Source(
    name="openai", split=split, note=note, knows=knows, message=message, is_whole=Done
)
