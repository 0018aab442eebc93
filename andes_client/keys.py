"""Keys from the controlling terminal, while standard input brings something else.

Unix only (termios), and for programs that run in an asyncio loop and own the terminal's
foreground: what a filter at the end of a pipeline is.
"""

import asyncio
import contextlib
import os
import re
import signal
import termios
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["Keyboard"]

_TERMINAL: Final = "/dev/tty"
_LOCAL_FLAGS: Final = 3  # index in what tcgetattr returns
_CONTROL_CHARACTERS: Final = 6
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Arrows and the like send several characters, and a "q" among them is no q.
_ESCAPE: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)


_Mode = list[Any]
"""What tcgetattr returns: four sets of flags, two speeds, a list of control characters."""


class Keyboard:
    """The keys of the controlling terminal, one by one and without echo, from `listen` on.

        with Keyboard() as keyboard:
            keyboard.listen(lambda key: print(f"{key} was pressed"))
            await something()

    However the block is left, the terminal is then as it was when the Keyboard was made.
    So it is after SIGTERM, SIGHUP and SIGQUIT, and while the program is stopped (Ctrl-Z).
    Ctrl-C stays a signal, whose handler calls `release` if it does not leave the block.
    Without a controlling terminal, or in the background, there are no keys, and no error.
    """

    def __init__(self) -> None:
        self._pressed: Callable[[str], object] = lambda _: None
        self._signals: list[signal.Signals] = []  # those that we handle
        self._listening = False
        self._taken = False  # the terminal is in our mode
        self._mode: _Mode | None = None  # the terminal's own
        self._descriptor: int | None = None
        with contextlib.suppress(OSError):
            self._descriptor = os.open(_TERMINAL, os.O_RDONLY | os.O_CLOEXEC)
            if self._in_foreground():
                # As early as this: a program upstream may be about to change it, and will
                # put it back in its own time.
                self._mode = termios.tcgetattr(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        loop = asyncio.get_running_loop()
        while self._signals:
            loop.remove_signal_handler(self._signals.pop())
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def listen(self, pressed: Callable[[str], object]) -> None:
        """From now on call `pressed`, in the event loop, with each key that is a character.

        Keys typed before the first call were meant for someone else, and are lost. A later
        call takes the terminal again if others have had it or changed it meanwhile.
        """
        if self._descriptor is None:
            return
        if not self._listening:
            self._listening = True
            for number in _ENDING:
                self._handle(number, partial(self._end, number))
            self._handle(signal.SIGTSTP, self._stop)
            self._handle(signal.SIGCONT, self._take)
            if self._in_foreground():
                with contextlib.suppress(termios.error):
                    termios.tcflush(self._descriptor, termios.TCIFLUSH)
        self._pressed = pressed
        self._take()

    def release(self) -> None:
        """Put the terminal back into its own mode, unless others have it now."""
        if self._descriptor is None or self._mode is None or not self._taken:
            return
        self._taken = False
        asyncio.get_running_loop().remove_reader(self._descriptor)
        if self._in_foreground():
            self._set(self._mode)

    def _take(self) -> None:
        """Put the terminal into our mode, if it is ours."""
        assert self._descriptor is not None  # it stays open as long as signals are handled
        if not self._in_foreground():
            self.release()
            return
        try:
            self._mode = self._mode or termios.tcgetattr(self._descriptor)
        except termios.error:  # the terminal has gone
            return
        self._taken = True
        self._set(_one_by_one(self._mode))
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def _read(self) -> None:
        assert self._descriptor is not None  # release() comes before it is closed
        if not self._in_foreground():
            self.release()
            return
        try:
            data = os.read(self._descriptor, 1024)
        except OSError:
            data = b""
        if not data:  # the terminal has gone
            asyncio.get_running_loop().remove_reader(self._descriptor)
        for key in _ESCAPE.sub(b"", data).decode(errors="ignore"):
            self._pressed(key)

    def _in_foreground(self) -> bool:
        """Whether the terminal is ours: others' we may neither read nor change."""
        assert self._descriptor is not None
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False

    def _set(self, mode: _Mode) -> None:
        assert self._descriptor is not None
        with contextlib.suppress(termios.error):
            # Now, and not when all output has been written: that may be stopped (Ctrl-S).
            termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)

    def _handle(self, number: signal.Signals, handler: Callable[[], object]) -> None:
        if signal.getsignal(number) is signal.SIG_DFL:  # what nohup ignores stays ignored
            asyncio.get_running_loop().add_signal_handler(number, handler)
            self._signals.append(number)

    def _end(self, number: signal.Signals) -> None:
        self.release()
        asyncio.get_running_loop().remove_signal_handler(number)
        os.kill(os.getpid(), number)  # which ends us, now that nobody handles it

    def _stop(self) -> None:
        self.release()
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)  # returns when we are to go on
        loop.add_signal_handler(signal.SIGTSTP, self._stop)
        self._take()


def _one_by_one(mode: _Mode) -> _Mode:
    """The same mode, but that keys come as they are pressed, and are not echoed."""
    local = mode[_LOCAL_FLAGS] & ~(termios.ECHO | termios.ICANON)
    characters = list(mode[_CONTROL_CHARACTERS])
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    return [*mode[:_LOCAL_FLAGS], local, *mode[_LOCAL_FLAGS + 1 : _CONTROL_CHARACTERS], characters]
