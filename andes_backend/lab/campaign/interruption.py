"""How the laboratory's commands are interrupted."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Final

__all__ = ["INTERRUPTED", "ended_like_ctrl_c"]

INTERRUPTED: Final = 130
"""The exit status that a shell expects after Ctrl-C."""


@contextlib.contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """A polite kill (`timeout`, a CI job) ends us as Ctrl-C does: nothing stays behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
