"""A program that takes the whole terminal gives it back, however it is ended.

Textual puts the terminal right when an app ends by itself or by an exception. A signal ends
the process on the spot, and leaves a shell without echo, with a mouse that types.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

from textual.app import App

try:
    import termios
except ImportError:  # no Unix
    termios = None  # type: ignore[assignment]

__all__ = ["gives_terminal_back"]

_SIGNALS: Final = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
]
_GRACE_S: Final = 3.0
# What Textual does at the end: paste, wrapping, resizes, mouse, keyboard, screen, cursor, focus.
_AS_BEFORE: Final = (
    b"\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)


@contextlib.contextmanager
def gives_terminal_back(app: App[Any], *, grace_s: float = _GRACE_S) -> Iterator[None]:
    """While the block runs the app, the signals that end a program end the app.

    SIGINT, SIGTERM, SIGHUP and SIGQUIT make it leave with the return code 128 + their number, as
    shells report it. If it has not left in time, for it is stuck or its terminal is gone, or if
    another signal comes, the process ends at once, after it has put the terminal right.

    Args:
        app: it is run in the block, by the main thread.
        grace_s: seconds that it has for leaving.
    """
    terminal = _Terminal()
    timer: threading.Timer | None = None

    def leave(number: int, _: FrameType | None) -> None:
        nonlocal timer
        if timer is not None:
            terminal.abandon(number)
        timer = threading.Timer(grace_s, terminal.abandon, [number])
        timer.daemon = True
        timer.start()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # not yet, or not any more
            sys.exit(128 + number)
        loop.call_soon_threadsafe(lambda: app.exit(return_code=128 + number))

    before = {number: signal.signal(number, leave) for number in _SIGNALS}
    try:
        yield
    except BaseException:
        terminal.restore()
        raise
    finally:
        if timer is not None:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Terminal:
    """The terminal as it was."""

    def __init__(self) -> None:
        self._attributes: list[Any] | None = None
        if termios is not None and sys.__stdin__ is not None and sys.__stdin__.isatty():
            with contextlib.suppress(termios.error):
                self._attributes = termios.tcgetattr(sys.__stdin__.fileno())

    def restore(self) -> None:
        """Put it right."""
        if self._attributes is None or sys.__stdin__ is None or sys.__stderr__ is None:
            return
        with contextlib.suppress(OSError, termios.error):  # it is gone
            os.write(sys.__stderr__.fileno(), _AS_BEFORE)
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._attributes)

    def abandon(self, number: int) -> None:
        """Put it right, and end the process without waiting for anything."""
        self.restore()
        os._exit(128 + number)
