"""Players: a file on a clock that we move, and real programs that play into a real sound server."""

import contextlib
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from andes_client.voice import programs
from andes_client.voice.devices import device
from andes_client.voice.engine import VoiceMissingError
from andes_client.voice.player import Heard, Player, Queue, WavPlayer
from andes_client.voice.programs import ProgramPlayer
from tests.conftest import skip_loudly
from tests.voice.sound_server import server

__all__ = ["server"]  # a fixture

RATE = 22_050
DEADLINE_S = 60.0


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def seconds_in(path: Path) -> float:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return file.getnframes() / RATE


class TestWav:
    """The file is heard at the time that a listener would take."""

    def test_the_position_goes_by_the_clock_as_far_as_there_is_audio(self, tmp_path: Path) -> None:
        clock = Clock()
        player = WavPlayer(tmp_path / "a.wav", RATE, clock)
        clock.now += 5.0
        assert player.position() == 0.0
        player.play(silence(1.0))
        clock.now += 0.25
        assert player.position() == pytest.approx(0.25)
        player.play(silence(1.0))
        clock.now += 1.0
        assert player.position() == pytest.approx(1.25)
        clock.now += 60.0  # silence that is not in the file
        assert player.position() == pytest.approx(2.0)
        player.play(silence(0.5))
        clock.now += 0.1
        assert player.position() == pytest.approx(2.1)
        clock.now += 0.9
        player.close()
        assert seconds_in(tmp_path / "a.wav") == pytest.approx(2.5)

    def test_a_pause_is_no_time(self, tmp_path: Path) -> None:
        clock = Clock()
        player = WavPlayer(tmp_path / "a.wav", RATE, clock)
        player.play(silence(2.0))
        clock.now += 0.5
        player.pause()
        clock.now += 10.0
        player.play(silence(1.0))
        assert player.position() == pytest.approx(0.5)
        player.resume()
        clock.now += 1.0
        assert player.position() == pytest.approx(1.5)
        player.close()

    def test_a_stop_keeps_what_was_heard(self, tmp_path: Path) -> None:
        clock = Clock()
        player = WavPlayer(tmp_path / "a.wav", RATE, clock)
        sound = array("h", range(1, 20_001)).tobytes()
        player.play(sound)
        clock.now += 1_000 / RATE
        player.stop()
        player.play(silence(1.0))
        player.resume()
        clock.now += 10.0
        assert player.position() == pytest.approx(1_000 / RATE)
        player.close()
        player.close()
        with wave.open(str(tmp_path / "a.wav"), "rb") as file:
            assert file.readframes(20_000) == sound[:2_000]

    def test_a_file_that_cannot_be_written_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            WavPlayer(tmp_path / "none" / "a.wav", RATE)


class TestHeard:
    """A device says when it will play what it was sent."""

    def test_what_is_still_in_the_device_is_not_heard(self) -> None:
        heard = Heard(RATE)
        heard.sent(RATE, 10.0)
        assert heard.position(9.9) == 0.0
        assert heard.position(10.25) == pytest.approx(0.25)

    def test_a_gap_between_two_pieces_is_no_position(self) -> None:
        heard = Heard(RATE)
        heard.sent(RATE, 10.0)
        heard.sent(RATE, 15.0)
        assert heard.position(12.0) == pytest.approx(1.0)
        assert heard.position(15.5) == pytest.approx(1.5)
        assert heard.position(99.0) == pytest.approx(2.0)

    def test_it_never_falls(self) -> None:
        heard = Heard(RATE)
        heard.sent(RATE, 10.0)
        assert heard.position(10.9) == pytest.approx(0.9)
        heard.sent(RATE, 10.95)  # earlier than it said before
        heard.sent(RATE, 30.0)
        positions = [heard.position(10.9 + step / 10) for step in range(30)]
        assert positions == sorted(positions)

    def test_it_stays_after_a_stop(self) -> None:
        heard = Heard(RATE)
        heard.sent(RATE, 10.0)
        heard.stop(10.5)
        assert heard.position(11.0) == pytest.approx(0.5)

    def test_hours_do_not_fill_the_memory(self) -> None:
        heard = Heard(RATE)
        for second in range(3_600):
            heard.sent(RATE, float(second))
        assert len(heard._begins) < 20
        assert heard.position(3_599.5) == pytest.approx(3_599.5)


class TestQueue:
    def test_pieces_are_cut_and_joined_as_they_are_asked_for(self) -> None:
        queue = Queue()
        for piece in (b"abcd", b"", b"ef"):
            queue.put(piece)
        assert [queue.take(size) for size in (1, 4, 8, 8)] == [b"a", b"bcde", b"f", b""]

    def test_paused_it_gives_nothing_and_loses_nothing(self) -> None:
        queue = Queue()
        queue.put(b"ab")
        queue.paused = True
        assert queue.take(8) == b""
        queue.paused = False
        assert queue.take(8) == b"ab"


def click() -> bytes:
    """20 ms that are loud."""
    return array("h", (int(20_000 * math.sin(at * 0.4)) for at in range(RATE // 50))).tobytes()


@contextlib.contextmanager
def recording() -> Iterator[list[float]]:
    """The moments at which the sound server begins to play something loud after silence."""
    command = ["parec", "-d", "null.monitor", "--raw", "--format=s16le", "--channels=1"]
    command += [f"--rate={RATE}", "--latency-msec=10"]
    moments: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        stream = process.stdout

        def listen() -> None:
            quiet = 0
            while data := stream.read(220):
                if max(map(abs, array("h", data[: len(data) // 2 * 2])), default=0) < 3_000:
                    quiet += 1
                else:
                    if quiet > 20:
                        moments.append(time.monotonic())
                    quiet = 0

        listener = threading.Thread(target=listen, daemon=True)
        try:
            # It listens when the first comes. A server that is asked too early may never answer.
            assert select.select([stream], [], [], DEADLINE_S)[0], "parec records nothing"
            listener.start()
            yield moments
        finally:
            process.kill()
            if listener.ident is not None:
                listener.join(DEADLINE_S)


def moment_of(player: Player, position: float) -> float:
    """When the player says that so much has been heard."""
    deadline = time.monotonic() + DEADLINE_S
    while player.position() < position:
        assert time.monotonic() < deadline
        threading.Event().wait(0.001)
    return time.monotonic()


def rest_of(player: Player) -> float:
    """Where the player is when it has not moved for a while, however long a busy machine takes."""
    deadline, position = time.monotonic() + DEADLINE_S, math.nan
    while position != player.position():
        assert time.monotonic() < deadline
        position = player.position()
        threading.Event().wait(0.5)
    return position


def players() -> list[str]:
    return ["paplay", "sounddevice"]


def opened(name: str) -> "contextlib.closing[Player]":
    """To be closed whatever happens: at its end the process waits for devices that are open, and
    by then there is no sound server that would let them go."""
    if name != "sounddevice":
        return contextlib.closing(ProgramPlayer(name, RATE))
    from andes_client.voice.devices import SoundDevicePlayer

    try:
        return contextlib.closing(SoundDevicePlayer(RATE))
    except VoiceMissingError as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.parametrize("name", players())
@pytest.mark.usefixtures("server")
class TestDevice:
    def test_the_position_is_what_is_heard(self, name: str) -> None:
        """A busy machine may be late, and the player or the recorder with it: then once more."""
        off = [self._off(name)]
        while off[-1] >= 0.15 and len(off) < 4:
            off.append(self._off(name))
        assert min(off) < 0.15, off

    def _off(self, name: str) -> float:
        """How far the position is from what is recorded, at the best of three clicks; seconds.

        Infinite if not just these are recorded: on a busy machine the player or the recorder may
        run dry in the middle of one.
        """
        with recording() as heard, opened(name) as player:
            for _ in range(3):
                player.play(silence(0.5) + click())
            said = [moment_of(player, 0.5 * count + 0.02 * (count - 1)) for count in (1, 2, 3)]
            moment_of(player, 1.56)
            threading.Event().wait(0.5)
        if len(heard) != 3:
            return math.inf
        return min(abs(one - other) for one, other in zip(said, heard, strict=True))

    def test_a_stop_is_heard_at_once(self, name: str) -> None:
        with recording() as heard, opened(name) as player:
            player.play(click() + silence(0.4))
            player.play((click() + silence(0.4)) * 20)
            moment_of(player, 0.5)
            player.stop()
            position = player.position()
            threading.Event().wait(1.5)  # real time: it would be heard then
            assert player.position() == position
            assert len(heard) <= 3
            player.close()

    def test_nothing_moves_in_a_pause(self, name: str) -> None:
        with opened(name) as player:
            player.play(silence(10.0))
            moment_of(player, 0.3)
            player.pause()
            before, position = player.position(), rest_of(player)
            # What was on its way is still heard: a piece, what is in the pipe and in the device.
            assert position - before < 0.4
            player.resume()
            moment_of(player, position + 0.2)


@pytest.mark.usefixtures("server")
def test_the_default_device_is_found() -> None:
    with contextlib.closing(device(RATE)) as player:
        player.play(silence(0.2))
        moment_of(player, 0.19)
    assert 0.19 <= player.position() <= 0.21


@pytest.mark.usefixtures("server")
def test_a_program_that_ends_is_an_error() -> None:
    with contextlib.closing(ProgramPlayer("paplay", RATE)) as player:
        player._process.kill()
        player._process.wait(DEADLINE_S)
        with pytest.raises(OSError, match="paplay"):
            player.position()


@pytest.mark.parametrize("ended", [False, True])
def test_who_holds_the_pipe_does_not_hold_up_the_end(
    ended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script around the program: what it has started ends with it, or else is not waited for."""
    script = ["sh", "-c", "exec 3<&0; sleep 600 <&3 & wait"]
    monkeypatch.setattr(programs, "_ENDING_S", 0.2)
    monkeypatch.setitem(programs._COMMANDS, "paplay", lambda _: script)
    player = ProgramPlayer("paplay", RATE)
    try:
        if ended:  # the script, and not what it has started
            player._process.kill()
            player._process.wait(DEADLINE_S)
        player.close()
        player.close()
        assert player._thread.is_alive() == ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(player._process.pid, signal.SIGKILL)
        player._thread.join(DEADLINE_S)


def test_without_a_device_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is on the path, and sounddevice cannot be imported."""
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(VoiceMissingError, match=r"apt-get install .*--wav FILE"):
        device(RATE)


def test_what_a_program_says_of_a_missing_server_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("paplay") is None:
        skip_loudly("playing", "pulseaudio and pulseaudio-utils are not installed.")
    monkeypatch.setenv("PULSE_SERVER", "unix:/none")
    with pytest.raises(VoiceMissingError, match="paplay: Connection"):
        ProgramPlayer("paplay", RATE)


def test_a_device_that_takes_everything_is_no_file_to_cut() -> None:
    player = WavPlayer(os.devnull, RATE)
    player.play(silence(0.1))
    assert 0.0 <= player.position() <= 0.1
    player.close()


def test_a_pipe_that_nobody_reads_is_refused_too(tmp_path: Path) -> None:
    """To open it would be to wait for somebody who does."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a file that can be written in any place"):
        WavPlayer(path, RATE)


def test_a_pipe_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Its head, which says how much there is, could not be written last."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="not a file that can be written in any place"):
        WavPlayer(path, RATE)
    assert os.read(reader, 1) == b""
    os.close(reader)
