"""What makes a kind of stream one that can be paced: the seam for sources, ours and yours.

    SOURCE = Source(name="mine", split=split, note=note, knows=knows)

    def text(stream):
        return Texts(stream, SOURCE)

`andes_client.sources.conformance` tests one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from andes_client.sources.ending import Notes

__all__ = ["Note", "Rest", "Source", "Split"]

T = TypeVar("T")

Rest = Literal[
    "nothing",  # the event is its text and no more: the event itself is dropped
    "in turn",  # it is passed on when the text before it has been shown
    "at once",  # it is passed on without delay, and the text before it is shown at once
]
"""What there is to an event besides its text, and when it is due."""

Split = Callable[[T], tuple[str, Rest]]
"""Takes an event apart: the text to be paced, often "", and what is left of the event."""

Note = Callable[[T, Notes], None]
"""Notes what an event says of reasoning and of the end."""


def _no_mark(stream: object) -> None:  # noqa: ARG001, of the seam
    return None


def _one_message(event: object) -> None:  # noqa: ARG001, of the seam
    return None


def _as_it_is(stream: Any) -> Any:
    return stream


def _anything(event: object) -> bool:  # noqa: ARG001, of the seam
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Generic[T]):
    """One kind of stream. Its functions keep no state, unless it is made anew for each stream."""

    name: str
    """For messages: `openai`."""
    split: Split[T]
    note: Note[T] | None = None
    """None: the stream does not say how an answer ends."""
    knows: Callable[[T], bool] = _anything
    """Whether an event is one of this kind of stream. A stream of which none is, is refused."""
    message: Callable[[T], object] = _one_message
    """Names the message or block that an event is of: by an id, or by a new `object()` where one
    begins; None: that of the event before. Between the words of two of them an empty line is put,
    unless there is white space already."""
    is_whole: Callable[[Any], Callable[[], bool] | None] = _no_mark
    """Given the stream, before it is iterated: what tells, when no event has said that this is
    the end, whether the protocol's own mark of it came. It returns None if the protocol has
    none; a stream that stops is no failure then."""
    opened: Callable[[Any], Any] = _as_it_is
    """Given what the SDK has given: the stream that is read, and that ends all that goes on for it
    when it is closed. For SDKs whose own streams do not."""
    anew: Callable[[Any], "Source[T]"] | None = None
    """Given the stream, before it is iterated: a source for it alone, which may keep state.
    None: this one does for all of them."""
