"""The demo as people start it: real processes, a real server, real terminals."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from demos.bursty_server import TEXT

DEADLINE_S = 60.0
COMMAND = [sys.executable, "-m", "demos.side_by_side"]
SCREEN_ON, SCREEN_OFF, CURSOR_ON = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


def start(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, encoding="utf-8", timeout=DEADLINE_S
    )


@contextlib.contextmanager
def on_a_terminal(*options: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The demo on a terminal of 80x24, and the side of it where a person sits."""
    person, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(
        [*COMMAND, *options],
        stdin=program,
        stdout=program,
        stderr=program,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(program, termios.TIOCSCTTY, 0),
    ) as process:
        os.close(program)
        try:
            yield process, person
        finally:
            process.kill()
            os.close(person)


def screen(person: int, until: Callable[[bytes], bool] = lambda _: False) -> bytes:
    """What the terminal shows until then, or until the program has left it."""
    shown = b""
    with contextlib.suppress(OSError):  # EIO: nobody holds the other side any more
        while not until(shown) and (more := os.read(person, 65_536)):
            shown += more
    return shown


def test_without_a_terminal_it_prints_the_text_and_the_figures(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    done = start("--hurry", "15", "--svg", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    text, _, figures = done.stdout.partition("\n\n")
    assert text == TEXT
    found = re.search(r"QoE +(\d\.\d\d) +(\d\.\d\d)\n", figures)
    assert found is not None
    raw, paced = map(float, found.groups())
    # Equal but for what the machine's own timers cost the paced side, 15 times enlarged;
    # tests/demos/test_stream.py holds the equality in exact time.
    assert raw == pytest.approx(paced, abs=0.05)
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert "paced" in picture.read_text(encoding="utf-8")
    assert picture.stat().st_size < 60_000


def test_on_a_terminal_the_last_picture_stays() -> None:
    with on_a_terminal("--hurry", "30") as (process, person):
        shown = screen(person)
        assert process.wait(DEADLINE_S) == 0
    during, _, after = shown.partition(SCREEN_OFF)
    assert SCREEN_ON in during
    assert after.count(b"finished") == 2
    assert CURSOR_ON in shown


def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    with on_a_terminal() as (process, person):
        shown = screen(person, until=lambda shown: b"waiting for" in shown)
        os.write(person, b"\x03")
        shown += screen(person)
        assert process.wait(DEADLINE_S) == 130
    assert shown.count(SCREEN_ON) == shown.count(SCREEN_OFF) == 1
    assert shown.rindex(CURSOR_ON) > shown.index(SCREEN_ON)
    assert b"Traceback" not in shown


def test_an_interrupt_ends_the_transcript_quietly() -> None:
    with subprocess.Popen(
        [*COMMAND, "--hurry", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == b"The"
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130
        assert process.stderr.read() == b""


def test_a_reader_who_has_had_enough_of_the_transcript_ends_it_quietly() -> None:
    with subprocess.Popen(
        [*COMMAND, "--hurry", "15"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == b"The"
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--wpm", "0"], "argument --wpm: must be a number above 0, not '0'"),
        (["--wpm", "inf"], "argument --wpm: must be a number above 0, not 'inf'"),
        (["--hurry", "fast"], "argument --hurry: must be a number above 0, not 'fast'"),
        (["--svg", "/no/such/folder/x.svg"], "argument --svg: there is no folder"),
    ],
)
def test_a_bad_option_is_refused(options: list[str], message: str) -> None:
    done = start(*options)
    assert done.returncode == 2
    assert message in done.stderr
