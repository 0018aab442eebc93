"""What a request asks for, read from what Ray hands its router: the body, parsed."""

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Final

from andes_backend.config import AndesConfig
from andes_backend.routing import Asked
from andes_backend.routing.prefixes import BLOCK_TOKENS
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
            ttft, tds = _expected(getattr(body, wire.FIELD, None), defaults)
            said: Any = content if _is_tokens(content) else "".join(_texts(content))
            each = 1 if _is_tokens(content) else _CHARACTERS_A_TOKEN
            # vLLM finds prompts of one salt only for those of the same.
            salt = getattr(body, "cache_salt", None)
            blocks = _blocks(said, BLOCK_TOKENS * each, salt)
            tokens = max(1, len(said) // each)
            return Asked(prompt_tokens=tokens, ttft=ttft, tds=tds, blocks=tuple(blocks))
    return None


def _blocks(said: Any, length: int, salt: Hashable) -> Iterator[int]:
    """Names of the full blocks of a text, or of a list of tokens; each stands for all before it."""
    name = hash(salt)
    for end in range(length, len(said) + 1, length):
        block = said[end - length : end]
        name = hash((name, block if isinstance(block, str) else tuple(block)))
        yield name


def _expected(values: object, defaults: AndesConfig) -> tuple[float, float]:
    """What the scheduler will expect of itself: the first token, seconds, and speed, tokens/s."""
    reader = defaults.default_expectation
    try:
        hints = wire.decode(values if isinstance(values, Mapping) else None)
    except wire.WireError:  # the server refuses such a request, or passes over its hints
        return reader.ttft, reader.tds
    reader = reader.updated(hints)
    return reader.ttft, defaults.program_tds if math.isinf(reader.tds) else reader.tds


def _is_tokens(content: object) -> bool:
    return isinstance(content, list) and bool(content) and isinstance(content[0], int)


def _texts(content: Any) -> Iterator[str]:
    """Of a text, a message, a part of one, or a list of such; pictures and the like have none."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        text = content.get("text")
        yield from _texts(content.get("content") if text is None else text)
    elif isinstance(content, list | tuple):
        for part in content:
            yield from _texts(part)
