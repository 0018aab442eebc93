"""The content of a message: a text, or a list of parts of several kinds."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

__all__ = ["Content", "field", "taken_apart"]

_TEXT: Final = ("text", "text_delta", "output_text")
_REASONING: Final = ("thinking", "reasoning", "reasoning_content")
_INNER: Final = ("text", *_REASONING, "summary", "content", "value")
_DEEPEST: Final = 8  # levels of parts within parts


class Content(NamedTuple):
    """What is in a content."""

    text: str
    reasoning: str
    thinks: bool
    """Whether there is reasoning, even if its words are not told."""
    more: bool
    """Whether there is something else: an image, a refusal, a reference."""


def taken_apart(content: Any) -> Content:
    """A content in whatever form: None, a text, or parts as JSON or as an SDK's objects.

    Mistral's reasoning models, and LangChain's, send a list of parts where others send a text.
    """
    if content is None or isinstance(content, str):
        return Content(content or "", "", False, False)
    text = reasoning = ""
    thinks = more = False
    for part in content if isinstance(content, list | tuple) else [content]:
        kind = field(part, "type")
        if isinstance(part, str) or kind in _TEXT or (kind is None and field(part, "text")):
            text += _inner(part)
        elif kind in _REASONING:
            reasoning, thinks = reasoning + _inner(part), True
        else:
            more = True
    return Content(text, reasoning, thinks, more)


def _inner(part: Any, depth: int = _DEEPEST) -> str:
    """The words of a part, which may be in parts themselves."""
    if isinstance(part, str) or part is None or depth == 0:
        return part if isinstance(part, str) else ""
    if isinstance(part, list | tuple):
        return "".join(_inner(one, depth - 1) for one in part)
    held = (field(part, name) for name in _INNER)
    return next(filter(None, (_inner(one, depth - 1) for one in held)), "")


def field(event: Any, name: str) -> Any:
    """A field of an SDK's object, or of the JSON object that it was; None if it has none."""
    kind: Any = type(event)  # mypy takes no type for hashable
    how = _way_to_fields(kind)
    if how == "mapping":
        return event.get(name)
    if how == "attributes":
        return getattr(event, name, None)
    # A source asks for a dozen fields that most events lack, and pydantic raises an exception of
    # its own for each: most of what a stream of its models would cost.
    fields = event.__dict__
    if name in fields:
        return fields[name]
    more = getattr(event, "__pydantic_extra__", None)
    if more and name in more:
        return more[name]
    return getattr(event, name, None) if _is_in_class(kind, name) else None


@lru_cache(maxsize=512)
def _way_to_fields(kind: type[Any]) -> Literal["mapping", "pydantic", "attributes"]:
    if issubclass(kind, Mapping):
        return "mapping"
    for base in kind.__mro__[:-1]:
        if "__getattr__" in vars(base) or "__getattribute__" in vars(base):
            # The model's own, and not what a subclass makes of it.
            return "pydantic" if base.__module__ == "pydantic.main" else "attributes"
    return "attributes"


@lru_cache(maxsize=4096)
def _is_in_class(kind: type[Any], name: str) -> bool:
    """Whether it may be a property, say."""
    return any(name in vars(base) for base in kind.__mro__)
