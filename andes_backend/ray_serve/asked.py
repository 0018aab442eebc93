"""What a request asks for, read from what Ray hands its router: the body, parsed."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from andes_backend.config import AndesConfig
from andes_backend.routing import Asked
from andes_client import wire

__all__ = ["asked_of"]

_CHARACTERS_A_TOKEN: Final = 4  # in English text; an estimate will do


def asked_of(arguments: Iterable[object], defaults: AndesConfig) -> Asked | None:
    """The request among a call's arguments, as far as a router goes by it.

    Args:
        arguments: of the call that is to be routed; a body has `prompt` or `messages`.
        defaults: what is assumed of a reader of whom the request says nothing, or nothing valid.

    Returns:
        None if there is no such body: then there is no reader, and no text to come.
    """
    for body in arguments:
        content = getattr(body, "prompt", None)
        if content is None:
            content = getattr(body, "messages", None)
        if content is not None:
            expected = _expected(getattr(body, wire.FIELD, None), defaults)
            return Asked(prompt_tokens=_tokens(content), ttft=expected[0], tds=expected[1])
    return None


def _expected(values: object, defaults: AndesConfig) -> tuple[float, float]:
    """What the scheduler will expect of itself: the first token, seconds, and speed, tokens/s."""
    reader = defaults.default_expectation
    try:
        hints = wire.decode(values if isinstance(values, Mapping) else None)
    except wire.WireError:  # the server refuses such a request, or passes over its hints
        return reader.ttft, reader.tds
    reader = reader.updated(hints)
    return reader.ttft, defaults.program_tds if math.isinf(reader.tds) else reader.tds


def _tokens(content: Any) -> int:
    """The length of a prompt: its tokens where it is given in tokens, else by its characters."""
    if isinstance(content, list) and content and isinstance(content[0], int):
        return len(content)
    return max(1, _characters(content) // _CHARACTERS_A_TOKEN)


def _characters(content: Any) -> int:
    """Of a text, a message, a part of one, or a list of such; pictures and the like count none."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Mapping):
        text = content.get("text")
        return _characters(content.get("content")) if text is None else _characters(text)
    if isinstance(content, list | tuple):
        return sum(map(_characters, content))
    return 0
