"""The demo as people start it: real processes, a real server, real terminals."""

import argparse
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from andes_demos.scenarios import command
from andes_demos.scenarios.scenario import ANSWER, SCENARIOS

from tests.controlling import controlled

pytestmark = pytest.mark.slow  # whole programs, in real terminals

DEADLINE_S = 60.0
COMMAND = [sys.executable, "-m", "andes_demos.scenarios"]
SCREEN_ON, SCREEN_OFF, CURSOR_ON = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


def start(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
    )


@contextlib.contextmanager
def on_a_terminal(*options: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The demo on a terminal of 80x24, and the side of it where a person sits."""
    person, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(
        controlled(program, [*COMMAND, *options]),
        stdin=program,
        stdout=program,
        stderr=program,
        env=environment,
        start_new_session=True,
        pass_fds=(program,),
    ) as process:
        os.close(program)
        try:
            yield process, person
        finally:
            process.kill()
            os.close(person)


def screen(person: int, until: Callable[[bytes], bool] = lambda _: False) -> bytes:
    """What the terminal shows until then, or until the program has left it."""
    shown, deadline = b"", time.monotonic() + DEADLINE_S
    with contextlib.suppress(OSError):  # EIO: nobody holds the other side any more
        while not until(shown):
            assert time.monotonic() < deadline, shown[-2000:]
            if select.select([person], [], [], 0.05)[0]:
                if not (more := os.read(person, 65_536)):
                    break
                shown += more
    return shown


def figures(text: str) -> dict[str, tuple[float, float]]:
    """QoE of the raw and the paced side, by scenario."""
    found = re.findall(r"^([a-z, ]+):.*\n  raw +(\d\.\d\d) .*\n  paced +(\d\.\d\d) ", text, re.M)
    return {name: (float(raw), float(paced)) for name, raw, paced in found}


def test_without_a_terminal_it_prints_the_text_and_the_figures() -> None:
    done = start("--hurry", "12")
    assert (done.returncode, done.stderr) == (0, "")
    text, _, table = done.stdout.partition("\n\n")
    assert text == ANSWER
    qoe = figures(table)
    assert list(qoe) == [scenario.name for scenario in SCENARIOS]
    assert qoe["just right"][0] > max(
        qoe["the long wait"][0], qoe["the tortoise, then the hare"][0]
    )
    for raw, paced in qoe.values():
        # Equal but for what the machine's own timers cost the paced side, 12 times enlarged;
        # tests/demos/test_demo_stream.py holds the equality in exact time.
        assert raw == pytest.approx(paced, abs=0.1)


def test_one_scenario_alone_without_a_terminal() -> None:
    done = start("--hurry", "40", "--scenario", "long-wait")
    assert done.returncode == 0
    assert done.stdout.startswith(ANSWER)
    assert list(figures(done.stdout)) == ["the long wait"]


def test_a_picture_needs_no_terminal(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    done = start("--hurry", "10", "--svg", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(figures(done.stdout)) == 3
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert "tortoise" in picture.read_text(encoding="utf-8")
    assert picture.stat().st_size < 150_000


@pytest.mark.parametrize(("key", "status"), [(b"\x03", 130), (b"q", 0)])
def test_the_terminal_is_left_as_it_was(key: bytes, status: int) -> None:
    with on_a_terminal() as (process, person):
        shown = screen(person, until=lambda shown: b"waiting for" in shown)
        os.write(person, key)
        shown += screen(person)
        assert process.wait(DEADLINE_S) == status
    assert shown.count(SCREEN_ON) == shown.count(SCREEN_OFF) == 1
    assert shown.rindex(CURSOR_ON) > shown.index(SCREEN_ON)
    assert b"Traceback" not in shown
    # Who leaves in peace finds the figures above the prompt.
    assert (b"words each second" in shown.partition(SCREEN_OFF)[2]) == (status == 0)


def test_the_signal_ends_it_as_the_key_does() -> None:
    with on_a_terminal() as (process, person):
        shown = screen(person, until=lambda shown: b"waiting for" in shown)
        process.send_signal(signal.SIGINT)
        shown += screen(person)
        assert process.wait(DEADLINE_S) == 130
    assert shown.count(SCREEN_ON) == shown.count(SCREEN_OFF) == 1


def test_a_picture_on_a_terminal_is_of_that_terminal(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    with on_a_terminal("--hurry", "20", "--svg", str(picture)) as (process, person):
        screen(person, until=lambda shown: b"all read" in shown)
        os.write(person, b"q")
        screen(person)
        assert process.wait(DEADLINE_S) == 0
    assert "tortoise" in picture.read_text(encoding="utf-8")


def test_who_leaves_before_there_is_a_picture_is_told(tmp_path: Path) -> None:
    with on_a_terminal("--svg", str(tmp_path / "demo.svg")) as (process, person):
        screen(person, until=lambda shown: b"waiting for" in shown)
        os.write(person, b"q")
        shown = screen(person)
        assert process.wait(DEADLINE_S) == 1
    assert b": most of the text must have been read first" in shown
    assert not list(tmp_path.iterdir())


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
        (["--wpm", "0"], "argument --wpm: must be a number of words a minute from 10 to 100000"),
        (["--wpm", "inf"], "such as 238, not 'inf'"),
        (["--hurry", "fast"], "argument --hurry: must be a number above 0, not 'fast'"),
        (["--hurry", "0"], "argument --hurry: must be a number above 0, not '0'"),
        (["--scenario", "hare"], "argument --scenario: invalid choice: 'hare'"),
        (["--svg", "/no/such/folder/x.svg"], "argument --svg: there is no folder"),
        (["--svg", "/"], "argument --svg: '/' is a folder"),
    ],
)
def test_a_bad_option_is_refused(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    with pytest.raises(SystemExit) as left:
        parser.parse_args(["demo", *options])
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_a_scenario_can_be_chosen_by_every_key() -> None:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    for scenario in SCENARIOS:
        chosen = parser.parse_args(["demo", "--scenario", scenario.key])
        assert chosen.scenario == scenario.key
