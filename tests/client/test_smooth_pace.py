"""`andes pace --smooth` as people run it: real processes, pipes and terminals.

Times are only ever asserted from below, and hanging is caught by a deadline.
"""

import os
import time

import pytest

from tests.client.pace_process import andes_pace, end, filtered, output_of, receive, send, terminal

SMOOTH = ["--force", "--smooth"]


@pytest.mark.parametrize("options", [SMOOTH, ["--force", "--smooth", "0.05"], ["--smooth"]])
def test_the_output_is_the_input(options: list[str]) -> None:
    """Forced, through a window of another length, and into a pipe that nobody reads."""
    data = bytes(range(256)) * 3 + "\r\n 漢字 👩🏽‍🚀 é\u2028\x00 end".encode() + b"\xe6\xbc"
    assert filtered(data, *options) == data


def test_a_clump_is_spread_over_the_window() -> None:
    with terminal("--smooth", "2") as (process, person):
        began = time.monotonic()
        send(process, b"one two three four five six seven eight nine ten ")
        assert receive(person, 3) == b"one"
        assert receive(person, 45) == b" two three four five six seven eight nine ten"
        # Half a second at most, as nobody knows when more will come; but word by word.
        assert time.monotonic() - began > 0.4
        assert end(process) == (0, b"")


def test_words_are_written_one_by_one() -> None:
    """As long as text comes, and none of it is kept for a pace."""
    with andes_pace(*SMOOTH) as process:
        send(process, b"One two three ")
        pieces = [os.read(output_of(process), 100) for _ in range(3)]
        assert pieces[0] == b"One"
        assert b"".join(pieces).startswith(b"One two")
        assert process.poll() is None


def test_the_keys_work() -> None:
    """After a pause and slower all is shown on request."""
    with terminal("--smooth") as (process, person):
        send(process, b"One two ")
        assert receive(person, 7) == b"One two"
        os.write(person, b" ")
        send(process, b"three four ")
        os.write(person, b"-\n")
        assert receive(person, 11) == b" three four"
        assert end(process) == (0, b"")


def test_a_file_passes_in_no_time() -> None:
    """What comes faster than anybody sees is not spread word by word."""
    data = b"y\n" * 4_000_000
    assert filtered(data, *SMOOTH) == data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--smooth=0"], "argument --smooth: must be a number of seconds above 0, such as 0.5"),
        (["--smooth=inf"], "argument --smooth: must be a number of seconds above 0, such as 0.5"),
        (["--smooth=soon"], "argument --smooth: must be a number of seconds above 0, such as 0.5"),
        (["--smooth", "--wpm=200"], "argument --wpm: not allowed with argument --smooth"),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], message: str) -> None:
    with andes_pace(*options) as process:
        status, errors = end(process)
    assert status == 2
    assert message in errors.decode()
