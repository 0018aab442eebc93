"""`andes pace` as people run it: real processes, pipes and terminals.

Times are only ever asserted from below, and hanging is caught by a deadline.
"""

import contextlib
import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Iterator

import pytest

DEADLINE_S = 30.0
SLOW = ["--force", "--wpm", "0.01"]  # one word, and then none for an hour and a half
HURRIED = ["--force", "--wpm", "1e7"]

Filter = subprocess.Popen[bytes]


@contextlib.contextmanager
def andes_pace(
    *options: str,
    stdin: int = subprocess.PIPE,
    stdout: int = subprocess.PIPE,
    terminal: int | None = None,
) -> Iterator[Filter]:
    """A running filter; `terminal` becomes its controlling terminal, as in a shell."""

    def control() -> None:
        assert terminal is not None
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        [sys.executable, "-m", "andes_client", "pace", *options],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        preexec_fn=control if terminal is not None else None,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def terminal(*options: str) -> Iterator[tuple[Filter, int]]:
    """A filter whose output is a terminal, and the side of it where a person sits."""
    person, program = pty.openpty()
    try:
        tty.setcbreak(program)  # Ctrl-C is a signal, but nothing is echoed
        mode = termios.tcgetattr(program)
        mode[1] &= ~termios.OPOST  # "\n" stays "\n"
        termios.tcsetattr(program, termios.TCSANOW, mode)
        with andes_pace(*options, stdout=program, terminal=program) as process:
            yield process, person
    finally:
        os.close(person)
        os.close(program)


def send(process: Filter, data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)


def end(process: Filter) -> tuple[int, bytes]:
    """Close the input; the exit status and what came on standard error."""
    assert process.stdin is not None
    assert process.stderr is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    return process.wait(DEADLINE_S), process.stderr.read()


def receive(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
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


def get_stuck(process: Filter) -> None:
    """Let the filter fill its output, which nobody reads, until it holds no further word."""
    fcntl.fcntl(output_of(process), fcntl.F_SETPIPE_SZ, 4096)
    send(process, b"words " * 1_000)  # 6,000 bytes
    held, deadline = bytearray(4), time.monotonic() + DEADLINE_S
    while int.from_bytes(held, sys.byteorder) < 4096 - len(b" words"):
        assert time.monotonic() < deadline
        fcntl.ioctl(output_of(process), termios.FIONREAD, held)


def everything_is_taken_in(process: Filter) -> bool:
    """Whether far more than a pipe holds can be sent to the filter."""
    assert process.stdin is not None
    os.set_blocking(process.stdin.fileno(), False)
    data, deadline = b"words " * 100_000, time.monotonic() + DEADLINE_S
    while data and time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            data = data[os.write(process.stdin.fileno(), data[:65_536]) :]
    return not data


def every_byte_and_some_text() -> bytes:
    return bytes(range(256)) * 3 + "\r\n 漢字 👩🏽‍🚀 é\u2028\x00 end".encode() + b"\xe6\xbc"


class TestPassingThrough:
    """What no person reads comes out byte for byte, and at once."""

    def test_an_output_that_is_no_terminal_is_not_paced(self) -> None:
        data = every_byte_and_some_text() * 2_000
        assert filtered(data, "--wpm", "0.01") == data

    def test_nothing_is_held_in_a_buffer(self) -> None:
        with andes_pace() as process:
            for data in (b"no newline", b"\xe6", b" more"):
                send(process, data)
                assert receive(output_of(process), len(data)) == data
            assert end(process) == (0, b"")

    def test_an_infinite_pace_passes_through_on_a_terminal(self) -> None:
        with terminal("--wpm", "inf") as (process, person):
            for data in (b"one two three ", b"\xff\xe6"):
                send(process, data)
                assert receive(person, len(data)) == data
            assert end(process) == (0, b"")

    def test_an_infinite_pace_cannot_be_forced(self) -> None:
        assert filtered(b"a\xff b", "--force", "--wpm", "inf") == b"a\xff b"

    @pytest.mark.parametrize("options", [[], HURRIED])
    def test_an_input_made_non_blocking_by_others_is_waited_for(self, options: list[str]) -> None:
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)  # for the filter too: both share one file description
        with (
            open(theirs, "wb", buffering=0) as upstream,
            open(ours, "rb") as stdin,
            andes_pace(*options, stdin=stdin.fileno()) as process,
        ):
            for data in (b"one", b" two"):
                upstream.write(data)
                assert receive(output_of(process), len(data)) == data
            upstream.close()
            assert process.wait(DEADLINE_S) == 0


class TestPacing:
    def test_words_come_at_the_pace_asked_for(self) -> None:
        with terminal("--wpm", "240") as (process, person):
            send(process, b"One ")
            assert receive(person, 3) == b"One"
            start = time.monotonic()
            send(process, b"two three four ")
            assert receive(person, 15) == b" two three four"
            # "two" may have been due already, by a clock we do not know; the others were not.
            assert time.monotonic() - start > 2 * 0.25 - 0.01
            assert end(process) == (0, b"")

    def test_speech_is_slower_than_reading(self) -> None:
        """At the mean speed of speech, 149 words a minute, two more words take 0.8 s."""
        with andes_pace("--force", "--speaking") as process:
            start = time.monotonic()
            send(process, b"One two three")
            assert end(process) == (0, b"")
            assert time.monotonic() - start > 0.8

    def test_each_word_is_written_at_once(self) -> None:
        """The first word can be read while the second is an hour away."""
        with andes_pace(*SLOW) as process:
            send(process, b"One two three")
            assert receive(output_of(process), 3) == b"One"
            assert process.poll() is None

    def test_the_output_is_the_input_whatever_the_bytes(self) -> None:
        data = every_byte_and_some_text()
        assert filtered(data, *HURRIED) == data

    def test_a_character_split_between_reads_is_not_broken(self) -> None:
        with andes_pace(*HURRIED) as process:
            send(process, b"caf\xc3")
            assert os.read(output_of(process), 100) == b"caf"
            send(process, b"\xa9 ")
            assert os.read(output_of(process), 100) == b"\xc3\xa9"

    def test_a_character_that_never_ends_comes_out_as_far_as_it_came(self) -> None:
        assert filtered(b"caf\xc3", *HURRIED) == b"caf\xc3"

    def test_the_program_upstream_is_never_held_back(self) -> None:
        """Far more than a pipe holds is taken in while one word has been shown."""
        with andes_pace(*SLOW) as process:
            assert everything_is_taken_in(process)
            assert os.read(output_of(process), 100) == b"words"

    def test_an_output_that_is_stuck_does_not_hold_the_upstream_back(self) -> None:
        with andes_pace(*HURRIED) as process:
            get_stuck(process)
            assert everything_is_taken_in(process)


class TestLeaving:
    @pytest.mark.parametrize("options", [["--wpm", "100"], ["--wpm", "inf"]])
    def test_ctrl_c_ends_it_while_the_input_is_silent(self, options: list[str]) -> None:
        with terminal(*options) as (process, person):
            send(process, b"word ")
            assert receive(person, 4) == b"word"
            os.write(person, b"\x03")  # the terminal makes a SIGINT of it
            assert process.wait(DEADLINE_S) == 130
            assert process.stderr is not None
            assert process.stderr.read() == b""

    def test_an_interrupt_ends_it_while_the_output_is_stuck(self) -> None:
        with andes_pace(*HURRIED) as process:
            get_stuck(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE_S) == 130

    @pytest.mark.parametrize("options", [HURRIED, []])
    def test_a_reader_who_has_had_enough_ends_it_quietly(self, options: list[str]) -> None:
        with andes_pace(*options) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            send(process, b"one two ")
            receive(output_of(process), 3)
            process.stdout.close()
            send(process, b"three four ")  # and the input stays open
            assert (process.wait(DEADLINE_S), process.stderr.read()) == (0, b"")

    @pytest.mark.parametrize("options", [HURRIED, []])
    def test_an_output_that_fails_is_reported(self, options: list[str]) -> None:
        with open("/dev/full", "wb") as full, andes_pace(*options, stdout=full.fileno()) as process:
            send(process, b"one two ")
            assert process.wait(DEADLINE_S) == 1
            assert process.stderr is not None
            message = process.stderr.read()
            assert message == b"andes pace: standard output: No space left on device\n"


@pytest.mark.parametrize("wpm", ["0", "-3", "nan", "fast", "", "1e-320"])
def test_a_pace_that_is_none_is_refused(wpm: str) -> None:
    with andes_pace(f"--wpm={wpm}") as process:
        status, message = end(process)
    assert status == 2
    assert re.search(
        rb"argument --wpm: must be a number of words a minute above 0.*, not '%s'\n" % wpm.encode(),
        message,
    )
