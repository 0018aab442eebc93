"""`andes pace` as people run it: real processes, pipes and terminals.

Times are only ever asserted from below, and hanging is caught by a deadline.
"""

import contextlib
import fcntl
import os
import re
import signal
import sys
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.client.pace_process import (
    DEADLINE_S,
    HURRIED,
    SLOW,
    Filter,
    andes_pace,
    end,
    filtered,
    output_of,
    receive,
    send,
    terminal,
)


def get_stuck(process: Filter) -> None:
    """Let the filter fill its output, which nobody reads, until it cannot write the rest.

    A pipe of one page takes of 6,000 bytes what is over 4,096, and then no part of a page.
    """
    fcntl.fcntl(output_of(process), fcntl.F_SETPIPE_SZ, 4096)
    send(process, b"words " * 1_000)
    held, deadline = bytearray(4), time.monotonic() + DEADLINE_S
    while int.from_bytes(held, sys.byteorder) < 6_000 - 4_096:
        assert time.monotonic() < deadline
        fcntl.ioctl(output_of(process), termios.FIONREAD, held)


def resident(process: Filter) -> int:
    """Bytes of memory that the filter takes."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


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

    @pytest.mark.parametrize(
        ("options", "text", "least_s"),
        [
            # A year is said in full, which takes 1.9 s here. To read it takes 0.8 s.
            (("--speak",), b"Born in 1984 there", 1.8),
            # neunzehnhundertvierundachtzig
            (("--speak", "--language", "de-AT"), b"Im Jahr 1984 so", 2.6),
            # Spaces are free, so three more characters at ten a second take 0.3 s.
            (("--chars", "--cps", "10"), b"a b cd", 0.29),
        ],
        ids=["speech", "language", "characters"],
    )
    def test_options_set_the_pace(
        self, options: tuple[str, ...], text: bytes, least_s: float
    ) -> None:
        with andes_pace("--force", *options) as process:
            start = time.monotonic()
            send(process, text)
            assert end(process) == (0, b"")
            assert time.monotonic() - start > least_s

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


class TestMuch:
    """Far more text than a person gets to: it is kept as it came, and it goes as one."""

    def test_what_is_due_is_written_together(self) -> None:
        """Half a million bytes took a hop between threads for each word: 13 s."""
        data = b"y\n" * 250_000
        assert filtered(data, "--force", "--wpm", "1e12") == data

    @pytest.mark.parametrize("max_lag", ["0", "0.01", "0.5"])
    @pytest.mark.parametrize(
        "data", [b"y\n" * 3_000_000, b"caf\xc3\xa9 " * 900_000, b"\xff" * 99_999]
    )
    def test_the_end_of_the_input_brings_all_that_is_left(self, data: bytes, max_lag: str) -> None:
        assert filtered(data, *SLOW, "--max-lag", max_lag) == data

    def test_a_bound_on_the_lag_holds_from_the_end_of_the_input(self) -> None:
        """Much more than can be read in a second comes a second later, in order."""
        data = b"words " * 200_000
        start = time.monotonic()
        assert filtered(data, "--force", "--max-lag", "1") == data
        assert time.monotonic() - start > 0.95

    @pytest.mark.skipif(not os.path.isdir("/proc"), reason="asks /proc for the memory")
    def test_what_waits_takes_little_more_than_its_bytes(self) -> None:
        with andes_pace(*SLOW) as process:
            send(process, b"a ")
            assert receive(output_of(process), 1) == b"a"
            before = resident(process)
            for _ in range(20_000_000 // 100_000):
                send(process, b"y\n" * 50_000)
            assert resident(process) - before < 40_000_000

    def test_everything_can_be_revealed(self) -> None:
        data = b"words " * 300_000
        with terminal(*SLOW) as (process, person):
            with ThreadPoolExecutor() as pool:
                sent = pool.submit(send, process, data)
                assert receive(person, 5) == b"words"
                os.write(person, b"\n")
                assert receive(person, len(data) - 6) == data[5:-1]
                sent.result()
            send(process, b"more ")
            assert receive(person, 5) == b" more"
            assert end(process) == (0, b"")

    def test_an_input_that_fails_is_reported(self) -> None:
        with (
            open(os.devnull, "wb") as unreadable,
            andes_pace(*HURRIED, stdin=unreadable.fileno()) as process,
        ):
            assert process.wait(DEADLINE_S) == 1
            assert process.stderr is not None
            assert process.stderr.read() == b"andes pace: standard input: Bad file descriptor\n"


class TestEscapeSequences:
    LINK = b"\x1b]8;;https://example.com/a/rather/long/path/to/something/else\x1b\\"

    def test_they_are_written_whole_and_take_no_time(self) -> None:
        """The second word comes after one word's time, whatever stands between."""
        with terminal("--wpm", "240") as (process, person):
            start = time.monotonic()
            send(process, b"One " + self.LINK * 40 + b"two\x1b[0m ")
            assert receive(person, 3) == b"One"
            size = 1 + 40 * len(self.LINK) + 3 + 4
            assert receive(person, size).endswith(b"two\x1b[0m")
            assert 0.2 < time.monotonic() - start < DEADLINE_S

    def test_half_of_one_waits_for_the_rest(self) -> None:
        with andes_pace(*HURRIED) as process:
            send(process, b"One" + self.LINK[:30])
            assert os.read(output_of(process), 999) == b"One"
            send(process, self.LINK[30:] + b" two ")
            assert receive(output_of(process), len(self.LINK)) == self.LINK


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


class TestOptions:
    def test_characters_come_one_by_one(self) -> None:
        with andes_pace("--force", "--chars", "--cps", "0.01") as process:
            send(process, "é漢 and more".encode())
            assert receive(output_of(process), 2) == "é".encode()
            assert process.poll() is None

    def test_the_end_of_the_input_bounds_the_wait(self) -> None:
        assert filtered(b"One two three", *SLOW, "--max-lag", "0.1") == b"One two three"

    def test_characters_a_second_can_be_infinite(self) -> None:
        assert filtered(b"a\xff b", "--force", "--cps", "inf") == b"a\xff b"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--cps=0"], "argument --cps: must be a number of characters a second above 0"),
            (["--max-lag=-1"], "argument --max-lag: must be a number of seconds, 0 or more"),
            (["--max-lag=inf"], "argument --max-lag: must be a number of seconds, 0 or more"),
            (["--language=tlh"], "argument --language: no reading speeds are known for language"),
            (["--wpm=200", "--cps=10"], "argument --cps: not allowed with argument --wpm"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, options: list[str], message: str) -> None:
        with andes_pace(*options) as process:
            status, errors = end(process)
        assert status == 2
        assert message in errors.decode()


@pytest.mark.parametrize("wpm", ["0", "-3", "nan", "fast", "", "1e-320"])
def test_a_pace_that_is_none_is_refused(wpm: str) -> None:
    with andes_pace(f"--wpm={wpm}") as process:
        status, message = end(process)
    assert status == 2
    assert re.search(
        rb"argument --wpm: must be a number of words a minute above 0.*, not '%s'\n" % wpm.encode(),
        message,
    )
