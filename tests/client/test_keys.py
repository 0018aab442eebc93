"""The keys of `andes pace`, pressed on a real terminal that it is in control of.

`SLOW` shows one word and then none for a minute, so whatever comes sooner was
brought about by a key.
"""

import os
import select
import signal
import sys
import termios
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.client.pace_process import (
    DEADLINE_S,
    SLOW,
    Filter,
    andes_pace,
    end,
    open_terminal,
    receive,
    send,
)

MUCH_FASTER = b"+" * 200  # as fast as keys go: a hundredfold, so a word in 0.6 s
LOCAL_FLAGS = 3
# Ctrl-Z and fg, as a shell does them: the terminal goes to whose turn it is.
A_SHELL = """
import os, signal, subprocess, sys
command = [sys.executable, "-m", "andes_client", "pace", *sys.argv[1:]]
child = subprocess.Popen(command, process_group=0)
os.tcsetpgrp(1, child.pid)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
_, status = os.waitpid(child.pid, os.WUNTRACED)
assert os.WIFSTOPPED(status), status
os.tcsetpgrp(1, os.getpgrp())
os.write(1, b"[stopped]")
assert os.read(1, 100) == b"fg\\n"
os.tcsetpgrp(1, child.pid)
os.killpg(child.pid, signal.SIGCONT)
sys.exit(child.wait())
"""


class Seat(NamedTuple):
    """Where a person sits, with a terminal that echoes, as shells leave it."""

    person: int
    program: int
    before: list[object]

    def press(self, keys: bytes) -> None:
        os.write(self.person, keys)

    def is_as_it_was(self) -> bool:
        return termios.tcgetattr(self.program) == self.before

    def takes_single_keys(self) -> bool:
        flags = termios.tcgetattr(self.program)[LOCAL_FLAGS]
        assert isinstance(flags, int)
        return not flags & (termios.ICANON | termios.ECHO)

    def wait_until_it_takes_single_keys(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not self.takes_single_keys():
            assert time.monotonic() < deadline

    def shows_nothing_for(self, seconds: float) -> bool:
        return not select.select([self.person], [], [], seconds)[0]


@pytest.fixture
def seat() -> Iterator[Seat]:
    with open_terminal(echo=True) as (person, program):
        yield Seat(person, program, termios.tcgetattr(program))


@pytest.fixture
def slow(seat: Seat) -> Iterator[Filter]:
    """A filter that has shown the first of four words."""
    with andes_pace(*SLOW, stdout=seat.program, terminal=seat.program) as process:
        send(process, b"One two three four ")
        assert receive(seat.person, 3) == b"One"
        assert seat.takes_single_keys()
        yield process


class TestKeys:
    def test_enter_reveals_all(self, seat: Seat, slow: Filter) -> None:
        seat.press(b"\n")
        assert receive(seat.person, 15) == b" two three four"
        send(slow, b"and more")
        assert receive(seat.person, 9) == b" and more"
        assert end(slow) == (0, b"")
        assert seat.is_as_it_was()

    def test_they_work_after_the_program_upstream_has_ended(self, seat: Seat, slow: Filter) -> None:
        assert slow.stdin is not None
        slow.stdin.close()
        seat.press(MUCH_FASTER)
        assert receive(seat.person, 16) == b" two three four "
        assert slow.wait(DEADLINE_S) == 0
        assert seat.is_as_it_was()

    def test_minus_slows_down(self, seat: Seat) -> None:
        """At 240 words/min two short words take 0.4 s; 2.6 times slower, more than 1 s."""
        with andes_pace("--wpm", "240", stdout=seat.program, terminal=seat.program) as process:
            send(process, b"One two three ")
            assert receive(seat.person, 3) == b"One"
            start = time.monotonic()
            seat.press(b"-" * 10)
            assert receive(seat.person, 10) == b" two three"
            assert time.monotonic() - start > 0.8

    def test_faster_and_slower_by_as_much_is_as_before(self, seat: Seat, slow: Filter) -> None:
        seat.press(b"+-" * 200 + b"=-" * 200)
        assert seat.shows_nothing_for(0.3)
        assert slow.poll() is None

    @pytest.mark.usefixtures("slow")
    def test_space_pauses_and_goes_on(self, seat: Seat) -> None:
        seat.press(b" " + MUCH_FASTER)
        assert seat.shows_nothing_for(0.3)
        seat.press(b" ")
        assert receive(seat.person, 15) == b" two three four"

    def test_q_leaves_at_once(self, seat: Seat, slow: Filter) -> None:
        """With the input open and words to show."""
        seat.press(b"q")
        assert slow.wait(DEADLINE_S) == 0
        assert seat.is_as_it_was()
        assert slow.stderr is not None
        assert slow.stderr.read() == b""

    def test_other_keys_do_nothing_and_are_not_echoed(self, seat: Seat, slow: Filter) -> None:
        """Up, F5, and the keypad's 1, in which there is a q."""
        seat.press(b"x\xc3\xa9\x1b[A\x1b[15~\x1bOq\x1b")
        assert seat.shows_nothing_for(0.3)
        assert slow.poll() is None
        seat.press(b"\r")
        assert receive(seat.person, 15) == b" two three four"

    def test_what_was_typed_before_the_first_text_is_for_others(self, seat: Seat) -> None:
        with andes_pace(*SLOW, stdout=seat.program, terminal=seat.program) as process:
            seat.press(b"q")
            assert receive(seat.person, 1) == b"q", "the terminal is not ours yet: it echoes"
            send(process, b"One two ")
            assert receive(seat.person, 3) == b"One"
            assert seat.shows_nothing_for(0.3)
            assert process.poll() is None


@pytest.fixture
def not_under_nohup() -> Iterator[None]:
    """Whoever runs the tests may have us ignore a hang-up; the program would inherit that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("not_under_nohup")
class TestLeaving:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
    def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(
        self, seat: Seat, slow: Filter, number: signal.Signals
    ) -> None:
        slow.send_signal(number)
        assert slow.wait(DEADLINE_S) == -number
        assert seat.is_as_it_was()

    def test_ctrl_c_leaves_the_terminal_as_it_was(self, seat: Seat, slow: Filter) -> None:
        seat.press(b"\x03")
        assert slow.wait(DEADLINE_S) == 130
        assert seat.is_as_it_was()

    def test_the_terminal_is_lent_to_the_shell_while_it_is_stopped(self, seat: Seat) -> None:
        shell = (sys.executable, "-c", A_SHELL)
        with andes_pace(
            *SLOW, stdout=seat.program, terminal=seat.program, program=shell
        ) as process:
            send(process, b"One two ")
            assert receive(seat.person, 3) == b"One"
            seat.press(b"\x1a")
            assert receive(seat.person, 9) == b"[stopped]"
            assert seat.is_as_it_was()
            seat.press(b"fg\n")
            assert receive(seat.person, 3) == b"fg\n"
            seat.wait_until_it_takes_single_keys()
            seat.press(b"\n")
            assert receive(seat.person, 4) == b" two"
            assert end(process) == (0, b"")
            assert seat.is_as_it_was()


def test_without_a_terminal_of_its_own_there_are_no_keys(seat: Seat) -> None:
    with andes_pace("--wpm", "6000", stdout=seat.program) as process:
        send(process, b"One two ")
        assert receive(seat.person, 7) == b"One two"
        assert seat.is_as_it_was()
        assert end(process) == (0, b"")


def test_who_types_the_text_itself_types_no_keys(seat: Seat) -> None:
    with andes_pace(
        "--wpm", "6000", stdin=seat.program, stdout=seat.program, terminal=seat.program
    ) as process:
        seat.press(b"q+\n")
        assert sorted(receive(seat.person, 5)) == sorted(b"q+\nq+"), "echoed, and passed on"
        assert seat.is_as_it_was()
        seat.press(b"\x04")
        assert process.wait(DEADLINE_S) == 0
