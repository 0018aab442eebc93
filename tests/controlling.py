"""A program on a terminal of its own: the beginning of its session, in which Ctrl-C is a signal.

    python tests/controlling.py DESCRIPTOR PROGRAM ARGUMENT...

takes the terminal that is open as DESCRIPTOR, and becomes the program.
"""

import fcntl
import os
import signal
import sys
import termios
from collections.abc import Sequence

__all__ = ["controlled"]


def controlled(terminal: int, command: Sequence[str]) -> list[str]:
    """The command, such that `terminal` becomes its controlling terminal.

    Start it with `start_new_session=True` and `pass_fds=(terminal,)`. A function of ours between
    the fork and the program (`preexec_fn`) could do it, too. But whoever starts it may have threads
    (of pytest-xdist, of a voice, of BLAS), a lock that one of them holds at the fork is never
    released in the child, and the parent waits for the child without a deadline.
    """
    return [sys.executable, "-I", "-S", __file__, str(terminal), *command]


def _become(terminal: int, program: str, *arguments: str) -> None:
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    if terminal > 2:
        os.set_inheritable(terminal, False)
    # Python ignores them, and what is ignored stays so in the program.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execvp(program, [program, *arguments])


if __name__ == "__main__":
    _become(int(sys.argv[1]), *sys.argv[2:])
