"""Streams of OpenAI's Agents SDK: the run itself, or its events.

    result = Runner.run_streamed(agent, "Tell me a story.")
    async with pace(text(result), reading()) as paced: ...

Leaving ends the run. By itself, the SDK goes on with it, and closing its generator of events waits
until the run is over.
"""

from collections.abc import AsyncIterable
from typing import Any, Final

from andes_client.sources import openai
from andes_client.sources.ending import Notes
from andes_client.sources.runs import Run, run_of
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import Texts, Thinks, field

__all__ = ["SOURCE", "knows", "message", "note", "split", "text"]

_RAW: Final = "raw_response_event"
_CREATED: Final = "response.created"
_ITEM: Final = "run_item_stream_event"
_KINDS: Final = (_RAW, _ITEM, "agent_updated_stream_event")
# Items that say again what the events before them have said.
_SAID: Final = ("message_output_created", "reasoning_item_created")


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """What the models of all agents of a run say; for `pace`.

    Afterwards its `ending` says how the last response ended. Over chat completions the SDK takes
    every end for a whole answer.

    Args:
        stream: the result of `Runner.run_streamed(...)`, or its `stream_events()`.
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of a run."""
    return field(event, "type") in _KINDS


def message(event: Any) -> object:
    """A new one, where a response begins, or in it a message."""
    if event.type != _RAW:
        return None
    return object() if event.data.type == _CREATED else openai.message(event.data)


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    What the model sends: as in andes_client.sources.openai. In turn: items that say the same once
    more. At once: calls of tools and what they return, handoffs, whatever else.
    """
    if event.type == _RAW:
        return openai.split(event.data)
    return "", "in turn" if event.type == _ITEM and event.name in _SAID else "at once"


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of reasoning and of the end."""
    if event.type == _RAW:
        if event.data.type == _CREATED:
            notes.turn()
        openai.note(event.data, notes)
        notes.promised = True


def _run(stream: Any) -> Any:
    """The stream of a run, which closing it ends."""
    run = run_of(stream)
    if not hasattr(run, "stream_events") or not hasattr(run, "cancel"):
        return stream
    return Run(run.stream_events() if run is stream else stream, run.cancel)


SOURCE: Final[Source[Any]] = Source(
    name="openai_agents", split=split, note=note, knows=knows, message=message, opened=_run
)
