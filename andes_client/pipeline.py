"""What filters at the end of a pipeline share: `andes pace` and `andes say`."""

import argparse
import asyncio
import contextlib
import os
import select
import selectors
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NoReturn

import anyio.to_thread

from andes_client.languages import language
from andes_client.supply import named

if TYPE_CHECKING:
    from andes_client.keys import Keyboard

__all__ = [
    "INTERRUPTED",
    "STDOUT",
    "keyboard_of_reader",
    "language_code",
    "leave",
    "loop",
    "on_interrupt",
    "stop",
    "write",
    "write_beside",
]

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells report it."""
STDOUT: Final = 1
_STDIN: Final = 0


def leave(status: int) -> NoReturn:
    """End now, with this exit status."""
    # A thread may still be reading a silent input, or writing to an output that nobody
    # takes in, and Python would wait for it. Nothing is left in a buffer of ours.
    os._exit(status)


def language_code(text: str) -> str:
    """The type of an option --language."""
    try:
        return language(text).code
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def loop() -> asyncio.AbstractEventLoop:
    """An event loop in which keys of the terminal can be waited for."""
    # With select(), as what else macOS has to wait with knows nothing of /dev/tty.
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def on_interrupt(handle: Callable[[], object]) -> None:
    """Call this at Ctrl-C, in the running loop."""
    # By itself asyncio can miss a Ctrl-C that comes just as it goes to sleep: the signal is
    # then seen at the next input. A handler of the loop's own wakes it.
    with contextlib.suppress(NotImplementedError):  # on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, handle)


async def write_beside(data: bytes) -> None:
    """All of it, while the event loop goes on."""
    # In a thread: a terminal that is stopped (Ctrl-S) must not stop the reading too.
    await anyio.to_thread.run_sync(write, data, abandon_on_cancel=True)


@contextlib.contextmanager
def keyboard_of_reader() -> Iterator["Keyboard | None"]:
    """The keys of a person who watches, unless they are typing the text itself."""
    if not os.isatty(STDOUT) or os.isatty(_STDIN):
        yield None
        return
    try:
        from andes_client.keys import Keyboard
    except ModuleNotFoundError:  # no termios, as on Windows
        yield None
        return
    with Keyboard() as keyboard:
        yield keyboard


def stop(keyboard: "Keyboard | None", status: int) -> NoReturn:
    """End now; the terminal is as it was."""
    if keyboard is not None:
        keyboard.release()
    leave(status)


def write(data: bytes) -> None:
    """All of `data`, now: no buffer lies between this and the output."""
    while data:
        try:
            data = data[os.write(STDOUT, data) :]
        except BlockingIOError:
            select.select([], [STDOUT], [])
        except OSError as error:
            raise named(error, STDOUT) from None
