"""Streams of LangGraph, and of LangChain's agents: `stream_mode="messages"`, alone or among others.

stream = graph.astream({"messages": [...]}, stream_mode="messages")
async with pace(text(stream), reading()) as paced: ...
"""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from andes_client.sources import langchain
from andes_client.sources.ending import Notes
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts, Texts, Thinks

__all__ = ["SOURCE", "knows", "message", "note", "split", "text", "text_blocking"]

_MODES: Final = ("values", "updates", "checkpoints", "tasks", "debug", "messages", "custom")
# They say what the nodes have done; what else there is may be for the reader now.
_REPORTS: Final = ("values", "updates", "checkpoints", "tasks", "debug")


def text(
    stream: AsyncIterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> Texts[Any]:
    """What the models of all nodes say, not what tools return; for `pace`.

    Afterwards its `ending` says how the last message ended, as far as its provider tells.

    Args:
        stream: of `graph.astream(...)`. Its modes have "messages" among them; with subgraphs or
            without, in either version.
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    stream: Iterable[Any], *, thinks: Thinks | None = None, begins_thinking: bool = False
) -> BlockingTexts[Any]:
    """`text` for `graph.stream(...)`; for `pace_blocking`."""
    return BlockingTexts(stream, SOURCE, thinks=thinks, begins_thinking=begins_thinking)


def knows(event: Any) -> bool:
    """Whether an event is one of a graph's."""
    mode, data = _taken_apart(event)
    return mode not in ("", "messages") or _message(data) is not None


def message(event: Any) -> object:
    """What a node of the graph does, of which a message of the model is; None for other events."""
    said = _said(event)
    return None if said is None else said[1].get("langgraph_checkpoint_ns") or said[0].id


def split(event: Any) -> tuple[str, Rest]:
    """What an event is, for `pace_events`.

    Of messages: as in andes_client.sources.langchain. In turn: what the nodes have done, the
    state. At once: what the graph's own code writes, and whatever else.
    """
    mode, data = _taken_apart(event)
    if mode in ("messages", "") and (told := _message(data)) is not None:
        return langchain.split(told)
    asks = isinstance(data, dict) and "__interrupt__" in data
    return "", "in turn" if mode in _REPORTS and not asks else "at once"


def note(event: Any, notes: Notes) -> None:
    """Note what an event says of reasoning and of the end."""
    if (said := _said(event)) is not None:
        notes.turn(message(event))
        langchain.note(said[0], notes)


def _taken_apart(event: Any) -> tuple[str, Any]:
    """The mode, "" if it is not told, and the data of an event in any of its forms."""
    if isinstance(event, dict) and "ns" in event and event.get("type") in _MODES:
        return event["type"], event.get("data")
    if isinstance(event, tuple) and len(event) == 3 and event[1] in _MODES:
        return event[1], event[2]
    if isinstance(event, tuple) and len(event) == 2 and isinstance(event[0], str):
        return (event[0], event[1]) if event[0] in _MODES else ("", None)
    if isinstance(event, tuple) and len(event) == 2 and isinstance(event[0], tuple):
        return "", event[1]  # with subgraphs, and one mode
    return "", event


def _said(event: Any) -> Any:
    """The pair of a message of the model and what is known about it."""
    mode, data = _taken_apart(event)
    told = _message(data) if mode in ("messages", "") else None
    return None if told is None or langchain.is_of_others(told) else data


def _message(data: Any) -> Any:
    """The message of a pair of one and what is known about it."""
    if isinstance(data, tuple) and len(data) == 2 and langchain.knows(data[0]):
        return data[0]
    return None


SOURCE: Final[Source[Any]] = Source(
    name="langgraph", split=split, note=note, knows=knows, message=message
)
