"""Streams of Pydantic AI: the events of an agent's run.

    async with agent.run_stream_events("Tell me a story.") as events:
        async with pace(text(events), reading()) as paced: ...

`agent.run_stream` ends at the first text: what follows a tool's call never comes. And its
`stream_text()` says all text so far, again and again, unless it is told `delta=True`.
"""

import inspect
from collections.abc import AsyncIterable
from typing import Any, Final

from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import Texts, Thinks, field

__all__ = ["SOURCE", "knows", "message", "note", "split", "text"]

# Events that only frame text or close what there was.
_FRAMES: Final = ("part_end", "final_result", "agent_run_result")
# Providers for which Pydantic AI makes up a finish reason, if the stream ended without one.
_MAKES_UP: Final = ("openai",)
_PARTS: Final = ("part_start", "part_delta")


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """What the model says before, between and after its calls of tools; for `pace`.

    Afterwards its `ending` says how the last message ended. One of a provider that did not say
    so was cut off; of a model for tests it is complete.

    Args:
        stream: of `agent.run_stream_events(...)`, of a node of `agent.iter(...)`, or of
            `stream_text(delta=True)`.
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.

    Raises:
        TypeError: also, if it is a stream of `stream_text()` that repeats the text so far.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of an agent's run."""
    return isinstance(field(event, "event_kind"), str)


def message(event: Any) -> object:
    """A new one, where a part begins: of the same message of the model, or of the next."""
    return object() if event.event_kind == "part_start" else None


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    At once: calls of tools and what they return, thinking, and what is not known here. In turn:
    the ends of parts, the result.
    """
    kind = event.event_kind
    if kind not in _PARTS:
        return "", "in turn" if kind in _FRAMES else "at once"
    said, is_text = _part(event)
    return (said, "nothing" if said else "in turn") if is_text else ("", "at once")


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of thinking and of the end."""
    kind = event.event_kind
    if kind == "part_start" and event.index == 0:
        notes.turn()
    if kind in _PARTS and _kind(event) == "thinking":
        notes.think(_part(event)[0])
    if kind == "agent_run_result":
        _note_result(event.result, notes)


def _part(event: Any) -> tuple[str, bool]:
    """The words of a part or of what is added to one, and whether they are text."""
    part = event.part if event.event_kind == "part_start" else event.delta
    said = field(part, "content" if event.event_kind == "part_start" else "content_delta")
    return said if isinstance(said, str) else "", _kind(event) == "text"


def _kind(event: Any) -> str:
    if event.event_kind == "part_start":
        return str(event.part.part_kind)
    return str(event.delta.part_delta_kind)


def _note_result(result: Any, notes: Notes) -> None:
    response = result.response
    finish = response.finish_reason or ""
    told = (response.provider_details or {}).get("finish_reason")
    if response.provider_name in _MAKES_UP and finish in ("stop", "tool_call") and not told:
        finish = ""
    calls = field(result.output, "calls")  # which it leaves to you, of DeferredToolRequests
    for call in calls if isinstance(calls, list) else ():
        notes.ask(field(call, "tool_name") or "")
    if finish == "tool_call" and not calls:
        finish = "stop"  # the tool was the form of the output
    notes.finish = finish
    if response.state in ("incomplete", "interrupted"):
        notes.finish, notes.promised = "", True
    elif not finish:
        notes.promised = response.provider_name is not None
        notes.whole = not notes.promised


def _deltas_of(stream: Any) -> Any:
    """The stream, if it does not repeat itself; or the texts of `stream_text(delta=True)`."""
    frame = stream.ag_frame if inspect.isasyncgen(stream) else None
    if frame is not None and stream.__name__ == "stream_text" and not frame.f_locals.get("delta"):
        raise TypeError(
            "stream_text() says all text so far, again and again: use stream_text(delta=True), or "
            "agent.run_stream_events(...), which also has what follows a tool's call"
        )
    return stream


SOURCE: Final[Source[Any]] = Source(
    name="pydantic_ai",
    split=split,
    note=note,
    knows=knows,
    message=message,
    opened=_deltas_of,
)
