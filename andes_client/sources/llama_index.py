"""Streams of LlamaIndex: of its models, `llm.astream_chat(...)`, and of its agents.

    async with pace(text(await llm.astream_chat(messages)), reading()) as paced: ...
    async with pace(text(agent.run("Tell me a story.")), reading()) as paced: ...

Leaving ends an agent's run; by itself it goes on. `response_gen` of a chat or query engine is text
already.
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources import openai
from andes_client.sources.ending import Notes
from andes_client.sources.runs import Run, run_of
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks, field

__all__ = ["SOURCE", "knows", "message", "note", "split", "text", "text_blocking"]

# Of an agent's run; they close what there was.
_ASKS: Final = "AgentInput"
_FRAMES: Final = (_ASKS, "AgentOutput", "StopEvent")
_FINISHES: Final = ("finish_reason", "stop_reason", "done_reason")


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """What the model says, not what tools return; for `pace`.

    Afterwards its `ending` says how the last message ended, as far as the provider tells. A stream
    that just stops is an error if the provider speaks OpenAI's protocol.

    Args:
        stream: of `llm.astream_chat(...)` or `llm.astream_complete(...)`; or the handler that
            `agent.run(...)` returns, or its `stream_events()`.
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for `llm.stream_chat(...)` and `llm.stream_complete(...)`; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is a response of a model, or one of an agent's run."""
    return _is_said(event) or any(
        one.__module__.startswith(("llama_index.", "workflows.")) for one in type(event).__mro__
    )


def message(event: Any) -> object:
    """A new one, where an agent asks its model, or in a response of OpenAI's one begins."""
    if type(event).__name__ == _ASKS:
        return object()
    return openai.message(field(event, "raw")) if _is_said(event) else None


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    At once: tool calls and what they return, reasoning, and what is not known here. In turn:
    finish reasons, usage, what frames an agent's steps.
    """
    if not _is_said(event):
        return "", "in turn" if type(event).__name__ in _FRAMES else "at once"
    said = field(event, "delta") or ""
    if _thought(event) or (_calls(event) and not said):
        return said, "at once"
    raw = field(event, "raw")
    return said, "nothing" if said and not (_finish(raw) or field(raw, "usage")) else "in turn"


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of reasoning and of the end."""
    kind = type(event).__name__
    if kind == _ASKS:
        notes.turn()
    if kind == "WorkflowFailedEvent":
        notes.fail(field(event, "exception") or "the run failed")
    if not _is_said(event):
        return
    raw = field(event, "raw")
    if openai.knows(raw):
        openai.note(raw, notes)
        notes.promised = True
        return
    if thought := _thought(event):
        notes.think(thought)
    if finish := _finish(raw):
        notes.finish = str(finish)


def _is_said(event: Any) -> bool:
    """Whether it is of the model: what it has added, and the provider's own event."""
    return hasattr(event, "delta") and hasattr(event, "raw")


def _thought(event: Any) -> str:
    more = field(event, "additional_kwargs") or {}
    return str(field(event, "thinking_delta") or more.get("thinking_delta") or "")


def _calls(event: Any) -> bool:
    """Whether there are calls of tools so far: they are told again in each event."""
    message = field(event, "message")
    blocks = field(message, "blocks") or ()
    more = field(message, "additional_kwargs") or {}
    return bool(
        field(event, "tool_calls")
        or more.get("tool_calls")
        or any(field(block, "block_type") == "tool_call" for block in blocks)
    )


def _finish(raw: Any) -> Any:
    """The finish reason in a provider's event."""
    for one in (*(field(raw, "choices") or ()), raw, field(raw, "delta")):
        if finish := next(filter(None, (field(one, name) for name in _FINISHES)), None):
            return finish
    return None


def _run(stream: Any) -> Any:
    """The stream of an agent's run, which closing it ends."""
    run = run_of(stream)
    if not hasattr(run, "stream_events") or not hasattr(run, "cancel_run"):
        return stream
    return Run(run.stream_events() if run is stream else stream, run.cancel_run)


SOURCE: Final[Source[Any]] = Source(
    name="llama_index", split=split, note=note, knows=knows, message=message, opened=_run
)
