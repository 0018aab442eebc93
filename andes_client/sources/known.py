"""What is known of a stream whose reader names a `split` alone.

`text` of a source knows it by itself. `pace_events` and `sse` are given the `split`.
"""

import dataclasses
import sys
from typing import Any, TypeVar

from andes_client.sources.source import Note, Source, Split

__all__ = ["known"]

T = TypeVar("T")


def known(split: Split[T], note: Note[T] | None = None) -> Source[T]:
    """The source that a `split` or a `note` is part of; or one that is made of the two.

    A function is part of the `SOURCE` of its module, ours or yours.

    Args:
        split: takes events apart.
        note: notes what they say of the end. None: the one that belongs to `split`.
    """
    whole = _source_of(note or split)
    if whole is None:
        return Source(name="split", split=split, note=note)
    if whole.split is split and note in (None, whole.note):
        return whole
    # A `split` around one of ours: the events are of that kind only as far as it says.
    return dataclasses.replace(whole, split=split, knows=_anything, anew=None)


def _anything(event: object) -> bool:  # noqa: ARG001, of the seam
    return True


def _source_of(part: object) -> Source[Any] | None:
    module = sys.modules.get(getattr(part, "__module__", None) or "")
    source = getattr(module, "SOURCE", None)
    return source if isinstance(source, Source) and part in (source.split, source.note) else None
