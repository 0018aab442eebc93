"""What the commands of this wing share: options of one kind, and how they are interrupted."""

import argparse
import contextlib
import re
import signal
from collections.abc import Iterator
from typing import Final

__all__ = ["INTERRUPTED", "ended_like_ctrl_c", "server_url"]

INTERRUPTED: Final = 130
"""The exit status that a shell expects after Ctrl-C."""


def server_url(text: str) -> str:
    """An option's value: where a server is, without `/v1` and a slash at the end.

    Raises:
        argparse.ArgumentTypeError: it is no URL of a server.
    """
    url = text.rstrip("/").removesuffix("/v1")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", url):
        raise argparse.ArgumentTypeError(f"{text!r} is no URL such as http://127.0.0.1:8000")
    return url


@contextlib.contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """A polite kill (`timeout`, a CI job) ends us as Ctrl-C does: nothing stays behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
