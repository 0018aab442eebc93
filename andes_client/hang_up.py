"""End the HTTP response that a thread waits for, from another thread.

A thread that waits for a server cannot be cancelled, and a generator that another thread runs
cannot be closed. But its connection can be ended, and then the wait does. To close a socket does
not wake who reads from it; to shut it down does.

The response is found where it is: in the stream, if it is one of an SDK that says so, or else on
the stack of the thread, so that it does not matter how many generators are around the stream.
Only responses are looked for. Another socket that a stream may wait for, such as a database's, is
none of our business, and an HTTP/2 connection carries others' responses too: both are left alone.

Works with httpx2 and httpx (openai, anthropic, and most), and with urllib3 from 2.3 (requests,
botocore) on CPython, whose threads let others see their stacks.
"""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["hang_up", "response_of"]


def hang_up(stream: object, thread: threading.Thread | None = None) -> None:
    """End the response that a stream waits for, if it is found; as often as you like.

    Args:
        stream: an SDK's stream, or anything.
        thread: the thread that reads it, and nothing else.
    """
    for response in _responses(stream, thread):
        # Most of them are other people's objects, whose attributes may raise anything.
        with contextlib.suppress(Exception):
            if _end(response):
                return


def response_of(stream: object) -> Any:
    """The HTTP response behind a stream of openai, anthropic or `sse`; None for others."""
    with contextlib.suppress(Exception):
        return getattr(stream, "response", None) or getattr(stream, "_response", None)
    return None


def _responses(stream: object, thread: threading.Thread | None) -> Iterator[Any]:
    if (response := response_of(stream)) is not None:
        yield response
    if thread is None or thread.ident is None:
        return
    frame = sys._current_frames().get(thread.ident)
    while frame is not None:
        # What reads a response is a method of it, or of the connection before there is one.
        yield frame.f_locals.get("self")
        frame = frame.f_back


def _end(response: Any) -> bool:
    """Whether it was a response that could be ended."""
    # Its class is asked: an object that makes up its attributes has them all.
    kind, connection = type(response), None
    if (
        hasattr(kind, "http_version") and response.http_version == "HTTP/1.1"
    ):  # httpx2's and httpx's
        if response.is_closed:
            return False
        connection = response.extensions.get("network_stream")
    elif kind.__name__ == "HTTP11Connection":  # httpcore's: no response has come yet
        connection = getattr(response, "_network_stream", None)
    elif hasattr(kind, "shutdown") and hasattr(kind, "read_chunked"):
        with contextlib.suppress(Exception):  # urllib3's: it is closed already, or has no socket
            response.shutdown()
            return True
        return False
    if connection is None:
        return False
    held = connection.get_extra_info("socket")
    if held is None:
        return False
    with contextlib.suppress(OSError):  # it is gone already
        held.shutdown(socket.SHUT_RDWR)
    return True
