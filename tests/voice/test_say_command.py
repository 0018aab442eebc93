"""`andes say` as people run it: real processes, pipes and terminals, and the real eSpeak NG.

Most write a file, which takes as long as playing it. Times are only ever asserted from below, and
hanging is caught by a deadline.
"""

import contextlib
import errno
import os
import select
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from andes_client import say_command
from andes_client.voice.player import Player
from tests.client.pace_process import (
    DEADLINE_S,
    Filter,
    andes_pace,
    end,
    open_terminal,
    output_of,
    receive,
    send,
)
from tests.voice.sound_server import server
from tests.voice.speaking import espeak, spoken

__all__ = ["server"]  # a fixture

pytestmark = pytest.mark.slow

SAY = (sys.executable, "-m", "andes_client", "say")
FAST = ("--speed", "2.5")
LIST = b"""\
Three **things** matter here, see [the notes](https://example.org/notes):

- the first one, of 1984
- the `second`

```python
print("not said")
```
That is all; it cost $3.50.\r
"""


@pytest.fixture(autouse=True)
def voice_is_there() -> None:
    espeak()


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return tmp_path / "speech.wav"


def andes_say(
    *options: str, stdin: int = -1, stdout: int = -1
) -> contextlib.AbstractContextManager[Filter]:
    return andes_pace(*options, stdin=stdin, stdout=stdout, program=SAY)


@contextlib.contextmanager
def terminal(*options: str) -> Iterator[tuple[Filter, int]]:
    with (
        open_terminal() as (person, program),
        andes_pace(*options, stdout=program, terminal=program, program=SAY) as process,
    ):
        yield process, person


def seconds_in(path: Path) -> float:
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()


def said(data: bytes, *options: str) -> bytes:
    with andes_say(*options) as process:
        out, errors = process.communicate(data, DEADLINE_S)
        assert (process.returncode, errors) == (0, b"")
    return out


def numbered(count: int) -> str:
    """So many sentences, each another."""
    return "".join(f"This is sentence {number}. " for number in range(1, count + 1))


class TestSaying:
    @pytest.mark.parametrize(
        "data",
        [
            LIST,
            "漢字 👩🏽‍🚀 é\u2028 end".encode() + b"\xff\xe6 and \x00\x01 after\xe6",
            b"",
            b"\n\n",
            b"no full stop",
        ],
    )
    def test_text_comes_out_byte_for_byte(self, wav: Path, data: bytes) -> None:
        assert said(data, "--wav", str(wav), *FAST) == data

    def test_the_file_has_all_of_the_audio_and_takes_its_time(self, wav: Path) -> None:
        text = numbered(2)
        start = time.monotonic()
        assert said(text.encode(), "--wav", str(wav)) == text.encode()
        took = time.monotonic() - start
        voice = espeak()
        alone = len(spoken(voice, text)[0]) / 2 / voice.sample_rate
        assert seconds_in(wav) == pytest.approx(alone, rel=0.25)  # chunks have pauses of their own
        assert took > seconds_in(wav) - 0.05

    def test_no_word_is_shown_before_it_is_spoken(self, wav: Path) -> None:
        text = "One, two, three, four, five, six, seven, eight."
        start = time.monotonic()
        with andes_say("--wav", str(wav)) as process:
            send(process, text.encode())
            assert process.stdin is not None
            process.stdin.close()
            shown: list[float] = []
            for word in text.split(", "):
                size = len(word) + (2 if shown else 0)
                assert word.encode() in receive(output_of(process), size)
                shown.append(time.monotonic() - start)
            assert process.wait(DEADLINE_S) == 0
        # The file begins with the first word, after the start; a chunk may end without a pause.
        last = spoken(espeak(), text)[1][-1][0]
        assert shown[-1] > 0.7 * last

    def test_text_is_spoken_while_more_is_to_come(self, wav: Path) -> None:
        with andes_say("--wav", str(wav), *FAST) as process:
            for sentence in (b"This is the first one.", b" And another one.", b" A third one."):
                send(process, sentence)
                assert receive(output_of(process), len(sentence)) == sentence
            assert end(process) == (0, b"")

    def test_what_comes_faster_is_taken_in(self, wav: Path) -> None:
        """Far more than a pipe holds, while the first sentence is spoken."""
        with andes_say("--wav", str(wav)) as process:
            send(process, b"This is said first. ")
            assert receive(output_of(process), 4) == b"This"
            data, deadline = b"words " * 50_000, time.monotonic() + DEADLINE_S
            assert process.stdin is not None
            os.set_blocking(process.stdin.fileno(), False)
            while data and time.monotonic() < deadline:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(process.stdin.fileno(), data) :]
            assert not data

    def test_the_language_and_the_speed_are_the_voices(self, wav: Path) -> None:
        lengths = []
        for options in (("--language", "de"), ("--language", "de", "--speed", "2"), ()):
            said(b"Im Jahr 1984 war es anders.", "--wav", str(wav), *options)
            lengths.append(seconds_in(wav))
        assert 0.3 < lengths[1] / lengths[0] < 0.7
        assert lengths[2] != pytest.approx(lengths[0], rel=0.01)

    @pytest.mark.usefixtures("server")
    def test_it_is_played_where_there_is_a_device(self) -> None:
        start = time.monotonic()
        assert said(LIST, *FAST) == LIST
        assert time.monotonic() - start > 2.0


class TestStopping:
    def test_q_shows_no_more_and_keeps_what_was_heard(self, wav: Path) -> None:
        text = numbered(50)
        with terminal("--wav", str(wav)) as (process, person):
            send(process, text.encode())
            shown = receive(person, 30)
            os.write(person, b"q")
            assert process.wait(DEADLINE_S) == 0
            shown += os.read(person, 10_000) if readable(person) else b""
        assert text.encode().startswith(shown)
        # All of the audio up to there: as many sentences as were shown, and no more than one word.
        voice = espeak()
        through = "".join(sentence + ". " for sentence in shown.decode().split(". ")[:-1])
        through_s = len(spoken(voice, through)[0]) / 2 / voice.sample_rate
        assert 0.7 * through_s < seconds_in(wav) < through_s + 4.0

    def test_ctrl_c_ends_with_130(self, wav: Path) -> None:
        with andes_say("--wav", str(wav)) as process:
            send(process, numbered(50).encode())
            assert receive(output_of(process), 4) == b"This"
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE_S) == 130
        assert 0 < seconds_in(wav) < 40

    def test_space_pauses_and_resumes(self, wav: Path) -> None:
        with terminal("--wav", str(wav)) as (process, person):
            send(process, b"One, two, three, four, five, six, seven, eight, nine.")
            assert receive(person, 4) == b"One,"
            os.write(person, b" ")
            time.sleep(1.5)  # the key is read, and what is on its way comes
            before = os.read(person, 1_000) if readable(person) else b""
            time.sleep(1.5)  # in which there would be four words
            assert not readable(person)
            os.write(person, b" ")
            rest = b" two, three, four, five, six, seven, eight, nine."[len(before) :]
            assert receive(person, len(rest)) == rest
            assert end(process) == (0, b"")

    def test_minus_speaks_what_follows_more_slowly(self, wav: Path) -> None:
        lengths = []
        for keys in (b"+" * 8, b"-" * 8):
            with terminal("--wav", str(wav)) as (process, person):
                send(process, b"First. ")
                assert receive(person, 6) == b"First."
                os.write(person, keys)
                time.sleep(1.5)  # the keys are read, on a busy machine too
                send(process, b"Then there is a sentence of some length.")
                assert end(process) == (0, b"")
            lengths.append(seconds_in(wav))
        assert lengths[1] > 1.5 * lengths[0]

    def test_a_reader_who_has_had_enough_is_no_error(self, wav: Path) -> None:
        with andes_say("--wav", str(wav), *FAST) as process:
            send(process, numbered(3).encode())
            assert process.stdout is not None
            process.stdout.close()
            assert end(process) == (0, b"")


def readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


class TestErrors:
    """One line on standard error, and status 1."""

    def fails(self, *options: str, stdin: int = -1) -> str:
        with andes_say(*options, stdin=stdin) as process:
            out, errors = process.communicate(None, DEADLINE_S)
            assert (process.returncode, out) == (1, b"")
        assert errors.startswith(b"andes say: ")
        assert errors.count(b"\n") == 1
        return errors.decode()

    def test_a_language_without_a_voice(self, wav: Path) -> None:
        assert "has no voice 'bo'" in self.fails("--language", "bo", "--wav", str(wav))

    def test_a_model_that_is_none(self, wav: Path) -> None:
        said = self.fails("--model", str(wav), "--wav", str(wav))
        assert "pip install 'andes-streaming[voice]'" in said or "is not a voice of Piper" in said

    def test_a_model_of_another_voice(self) -> None:
        assert "--voice piper" in self.fails("--voice", "espeak", "--model", "a.onnx")

    def test_a_file_that_cannot_be_written(self, tmp_path: Path) -> None:
        path = tmp_path / "none" / "a.wav"
        assert self.fails("--wav", str(path)) == f"andes say: {path}: No such file or directory\n"

    def test_a_file_that_cannot_be_completed(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Who stops it has stopped it all the same."""

        class Full:
            def position(self) -> float:
                return 0.0

            def close(self) -> None:
                raise OSError(errno.ENOSPC, "No space left on device", "a.wav")

        monkeypatch.setattr(say_command, "leave", sys.exit)
        saying = say_command._Saying("en", espeak(), cast("Player", Full()))
        with pytest.raises(SystemExit) as left:
            saying.stop(None, 130)
        assert left.value.code == 1
        assert capsys.readouterr().err == "andes say: a.wav: No space left on device\n"

    def test_an_input_that_cannot_be_read(self, wav: Path) -> None:
        with open(os.devnull, "wb") as unreadable:
            said = self.fails("--wav", str(wav), stdin=unreadable.fileno())
        assert said == "andes say: standard input: Bad file descriptor\n"

    def test_an_output_that_is_closed(self, wav: Path) -> None:
        """The file does not take its place, and the text does not go into the file."""
        shell = ["sh", "-c", 'exec "$@" >&-', "sh", *SAY, "--wav", str(wav)]
        done = subprocess.run(
            shell, input=b"One two three.", stderr=subprocess.PIPE, timeout=DEADLINE_S, check=False
        )
        assert done.returncode == 1
        assert done.stderr == b"andes say: standard output: Bad file descriptor\n"
        assert seconds_in(wav) < 5.0

    def test_no_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PULSE_SERVER", "unix:/none")
        monkeypatch.setenv("PATH", os.devnull)
        assert "--wav FILE" in self.fails()

    @pytest.mark.parametrize("speed", ["0", "fast", "nan", "9"])
    def test_a_speed_that_is_none(self, speed: str) -> None:
        with andes_say("--speed", speed) as process:
            _, errors = process.communicate(None, DEADLINE_S)
        assert process.returncode == 2
        assert b"must be a number from 0.25 to 4" in errors
