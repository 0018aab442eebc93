"""A program that has the terminal gives it back, by whichever signal it is ended."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from andes_demos.chat.store import Store

from tests.controlling import controlled
from tests.demos.chat_process import clean_environment
from tests.demos.chat_room import serving, then_nothing

pytestmark = pytest.mark.slow  # whole programs, in real terminals

DEADLINE_S = 60.0
SCREEN_ON, SCREEN_OFF, CURSOR_ON = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"
MOUSE_OFF, PASTE_OFF = b"\x1b[?1003l", b"\x1b[?2004l"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
CHAT = ("andes_demos.chat", "--config", "/dev/null")
PROGRAMS = {
    "chat": (CHAT, b"Ask something"),
    "demo": (("andes_demos.scenarios",), b"waiting for"),
    "board": (("andes_client", "board", "--url", "http://127.0.0.1:9"), b"does not answer"),
}


@dataclass
class Terminal:
    """A program in a terminal of its own, and the person's side of that."""

    process: "subprocess.Popen[bytes]"
    person: int
    program: int
    output: bytes = b""

    def wait_for(self, text: bytes) -> None:
        self._read(lambda: text in self.output)

    def end(self) -> int:
        self._read(lambda: self.process.poll() is not None)
        while select.select([self.person], [], [], 0.0)[0]:
            self.output += os.read(self.person, 65_536)
        return self.process.returncode

    def _read(self, is_enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_enough():
            assert time.monotonic() < deadline, self.output[-2000:]
            if select.select([self.person], [], [], 0.05)[0]:
                self.output += os.read(self.person, 65_536)

    @property
    def settings(self) -> list[object]:
        return termios.tcgetattr(self.program)


@contextlib.contextmanager
def on_a_terminal(*command: str, **environment: str) -> Iterator[Terminal]:
    person, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        controlled(program, [sys.executable, *command]),
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
        pass_fds=(program,),
        env=clean_environment() | {"TERM": "xterm-256color"} | environment,
    ) as process:
        try:
            yield Terminal(process, person, program)
        finally:
            process.kill()
            os.close(person)
            with contextlib.suppress(OSError):
                os.close(program)


def assert_given_back(terminal: Terminal, settings: list[object]) -> None:
    assert terminal.settings == settings
    shown = terminal.output
    assert shown.count(SCREEN_ON) == 1
    for sequence in (SCREEN_OFF, CURSOR_ON, MOUSE_OFF, PASTE_OFF):
        assert shown.rindex(sequence) > shown.index(SCREEN_ON)
    assert b"Traceback" not in shown


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_terminal_is_as_it_was(name: str, number: signal.Signals, tmp_path: Path) -> None:
    command, ready = PROGRAMS[name]
    with on_a_terminal("-m", *command, ANDES_DATA_DIR=str(tmp_path)) as terminal:
        settings = terminal.settings
        terminal.wait_for(ready)
        assert terminal.settings != settings
        terminal.process.send_signal(number)
        assert terminal.end() == 128 + number
        assert_given_back(terminal, settings)


def test_an_answer_that_is_under_way_is_kept(tmp_path: Path) -> None:
    with serving("One two three four five six", then_nothing(4)) as served:
        options = ("--url", served.url, "--data-dir", str(tmp_path), "--wpm", "600")
        with on_a_terminal("-m", *CHAT, *options) as terminal:
            settings = terminal.settings
            terminal.wait_for(b"Ask something")
            os.write(terminal.person, b"Count\r")
            terminal.wait_for(b"two")
            terminal.process.send_signal(signal.SIGTERM)
            assert terminal.end() == 143
            assert_given_back(terminal, settings)
        assert served.closed.get(timeout=DEADLINE_S) == 4
    with Store(tmp_path) as store:
        assert store.messages(1)[-1].text.startswith("One two")


STUCK = """
import sys, time
from textual.app import App
from andes_demos.leaving import gives_terminal_back

class Stuck(App):
    def on_mount(self):
        self.set_timer(0.1, self.hang)

    def hang(self):
        print("stuck", file=sys.__stderr__, flush=True)
        while True:  # a signal that comes just before a sleep does not end it
            time.sleep(0.1)

app = Stuck()
with gives_terminal_back(app, grace_s={grace}):
    app.run()
"""


@pytest.mark.parametrize(("grace", "signals"), [(0.2, 1), (600.0, 2)])
def test_a_program_that_is_stuck_gives_it_back_too(grace: float, signals: int) -> None:
    """After a grace time, or at the second signal."""
    with on_a_terminal("-c", STUCK.format(grace=grace)) as terminal:
        settings = terminal.settings
        terminal.wait_for(b"stuck")
        for _ in range(signals):
            terminal.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)  # two of a kind at once would be one
        assert terminal.end() == 143
        assert_given_back(terminal, settings)


def test_a_signal_before_the_app_runs_ends_the_program() -> None:
    program = """
import os, signal
from textual.app import App
from andes_demos.leaving import gives_terminal_back
with gives_terminal_back(App()):
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, b"", b"")


def test_a_program_ends_with_its_terminal(tmp_path: Path) -> None:
    with on_a_terminal("-m", *CHAT, ANDES_DATA_DIR=str(tmp_path)) as terminal:
        terminal.wait_for(b"Ask something")
        os.close(terminal.program)
        os.close(os.dup(terminal.person))
        os.dup2(os.open(os.devnull, os.O_RDWR), terminal.person)  # the window is closed
        assert terminal.process.wait(DEADLINE_S) == 128 + signal.SIGHUP
