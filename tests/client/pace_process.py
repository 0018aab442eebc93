"""`andes pace` as a process of its own, with pipes and terminals, for tests."""

import contextlib
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence

from tests.controlling import controlled

DEADLINE_S = 300.0  # of a machine that is busy with something else
SLOW = ["--force", "--wpm", "1"]  # one word, and then none for a minute
HURRIED = ["--force", "--wpm", "1e7"]
_ERRORS_BYTES = 1_000_000  # more than any says on standard error

Filter = subprocess.Popen[bytes]


@contextlib.contextmanager
def andes_pace(
    *options: str,
    stdin: int = subprocess.PIPE,
    stdout: int = subprocess.PIPE,
    terminal: int | None = None,
    program: Sequence[str] = (sys.executable, "-m", "andes_client", "pace"),
) -> Iterator[Filter]:
    """A running filter; `terminal` becomes its controlling terminal, as in a shell."""
    command = [*program, *options]
    with subprocess.Popen(
        command if terminal is None else controlled(terminal, command),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        pass_fds=() if terminal is None else (terminal,),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def open_terminal(*, echo: bool = False) -> Iterator[tuple[int, int]]:
    """A terminal: the side where a person sits, and the program's side.

    Ctrl-C is a signal there, and "\\n" stays "\\n". With `echo`, what is typed is echoed, and
    comes in lines, as shells leave it.
    """
    person, program = pty.openpty()
    try:
        mode = termios.tcgetattr(program)
        mode[1] &= ~termios.OPOST
        if not echo:
            mode[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(program, termios.TCSANOW, mode)
        yield person, program
    finally:
        os.close(person)
        os.close(program)


@contextlib.contextmanager
def terminal(*options: str) -> Iterator[tuple[Filter, int]]:
    """A filter whose output is a terminal, and the side of it where a person sits."""
    with (
        open_terminal() as (person, program),
        andes_pace(*options, stdout=program, terminal=program) as process,
    ):
        yield process, person


def send(process: Filter, data: bytes) -> None:
    """All of it; fails when the program does not take it in until the deadline."""
    assert process.stdin is not None
    pipe, deadline = process.stdin.fileno(), time.monotonic() + DEADLINE_S
    while data:
        ready = select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))[1]
        assert ready, f"the program does not take in {len(data)} bytes"
        # A pipe that is ready has room for so much, and for more it would be waited.
        data = data[os.write(pipe, data[: select.PIPE_BUF]) :]


def end(process: Filter) -> tuple[int, bytes]:
    """Close the input; the exit status and what came on standard error."""
    assert process.stdin is not None
    assert process.stderr is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    # Not to the end without a deadline: a program that it started may have it open, too.
    return process.wait(DEADLINE_S), receive(process.stderr.fileno(), _ERRORS_BYTES)


def receive(descriptor: int, size: int) -> bytes:
    """So many bytes; fewer at the end, or when the next take longer than the deadline."""
    data = b""
    while len(data) < size and select.select([descriptor], [], [], DEADLINE_S)[0]:
        more = os.read(descriptor, size - len(data))
        if not more:
            break
        data += more
    return data


def filtered(data: bytes, *options: str) -> bytes:
    with andes_pace(*options) as process:
        out, errors = process.communicate(data, DEADLINE_S)
        assert (process.returncode, errors) == (0, b"")
    return out


def output_of(process: Filter) -> int:
    assert process.stdout is not None
    return process.stdout.fileno()
