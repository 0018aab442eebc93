"""How the streams of our sources end, by their `split`.

`text` of a source knows it by itself. `pace_events` and `sse` are given the `split` alone.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from andes_client.sources import anthropic, langchain, litellm, openai
from andes_client.sources.texts import Note

__all__ = ["Known", "known"]

_SOURCES: Final[tuple[Any, ...]] = (openai, litellm, anthropic, langchain)


class Known(NamedTuple):
    """What is known of a stream besides its `split`."""

    note: Note[Any] | None = None
    is_whole: Callable[[], bool] | None = None
    """As for `Texts`."""


def known(stream: object, split: Callable[..., Any], note: Note[Any] | None = None) -> Known:
    """What is known of a stream, if the `split` or the `note` is that of one of our sources.

    Args:
        stream: the stream; that of openai tells whether `[DONE]` has come.
        split: takes its events apart.
        note: notes what they say of the end. None: the one that belongs to `split`.
    """
    if note is None:
        note = next((source.note for source in _SOURCES if source.split is split), None)
    if note is openai.note:
        return Known(note, openai.Done(stream))
    if note in (anthropic.note, litellm.note):
        return Known(note, lambda: getattr(stream, "done", False) is True)  # only sse has one
    return Known(note)
