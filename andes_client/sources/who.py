"""Whose stream is this? By the names of modules alone: nothing is imported to find out."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final

__all__ = ["advice", "source_for", "source_name"]

# The first part of a module's name, or more of it, and the source for such streams.
_SOURCES: Final[Mapping[str, str]] = {
    "openai": "openai",
    "groq": "openai",
    "together": "openai",
    "huggingface_hub": "openai",
    "anthropic": "anthropic",
    "cohere": "cohere",
    "google.genai": "gemini",
    "mistralai": "mistral",
    "ollama": "ollama",
    "litellm": "litellm",
    "langchain": "langchain",
    "langchain_core": "langchain",
    "langgraph": "langgraph",
    "pydantic_ai": "pydantic_ai",
    "llama_index": "llama_index",
    "workflows": "llama_index",
    "agents.result": "openai_agents",
    "agents.stream_events": "openai_agents",
    "strands": "strands",
    "smolagents": "smolagents",
    "transformers": "transformers",
    "andes_client.sources.transformers": "transformers",
    "vllm": "vllm",
    "httpx2": "sse",
    "httpx": "sse",
}
# JSON objects tell by their fields, and tuples by what is in them; asked in this order.
_OF_JSON: Final = ("anthropic", "openai", "gemini", "cohere", "ollama", "langgraph", "strands")
_OF_TUPLES: Final = ("langgraph",)
_FRAMES: Final = ("ag_frame", "gi_frame")  # of generators
_QUOTED: Final = 100  # characters of an event


def source_name(thing: object) -> str | None:
    """The name of the source for a stream, or for one of its events; None: not known.

    Args:
        thing: an object of an SDK, a generator of one, or an event's JSON object.
    """
    for module in _modules_of(thing):
        parts = module.split(".")
        for end in range(len(parts), 0, -1):
            if (name := _SOURCES.get(".".join(parts[:end]))) is not None:
                return name
    names: Sequence[str] = _OF_JSON if isinstance(thing, Mapping) else ()
    names = _OF_TUPLES if isinstance(thing, tuple) else names
    return next((name for name in names if source_for(name).knows(thing)), None)


def source_for(name: str) -> Any:
    """The `SOURCE` of one of our modules."""
    return import_module(f"andes_client.sources.{name}").SOURCE


def advice(source: str | None, stream: object, event: object) -> str:
    """What is wrong with a stream of which no event is of the source's kind, and what to do.

    Args:
        source: the name of the source; None: it was to be found out.
        stream: the stream.
        event: its first event.
    """
    try:
        told = repr(event)
    except Exception:
        told = "it cannot be told"
    told = told if len(told) <= _QUOTED else f"{told[:_QUOTED]}…"
    kind = f"{type(event).__module__}.{type(event).__qualname__}".removeprefix("builtins.")
    whose = f"the source {source!r} knows none of them" if source else "no source is known for them"
    said = f"the stream has other events: {whose}. The first is of type {kind}: {told}. "
    if isinstance(event, str):
        return said + "Text needs no source: give the stream to pace() as it is"
    found = source_name(event) or source_name(stream)
    if found is not None and found != source:
        return said + f"Use andes_client.sources.{found}"
    return said + (
        "Say how to take them apart with a `split` of your own: "
        "Texts(stream, lambda event: (event.text, 'nothing'))"
    )


def _modules_of(thing: object) -> list[str]:
    """The modules that a thing is from: its class and what that is made of, or its function."""
    # Of an object with attributes that it makes up, such as a dict's, none is asked for.
    frame = next((getattr(thing, one) for one in _FRAMES if hasattr(type(thing), one)), None)
    if frame is not None:
        return [str(frame.f_globals.get("__name__", ""))]
    return [str(one.__module__) for one in type(thing).__mro__ if one.__module__ != "builtins"]
