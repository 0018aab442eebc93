"""Audio that is heard, and how much of it has been: what text in step with a voice goes by.

    player = WavPlayer("speech.wav", sample_rate=22_050)   # or devices.device(22_050)
    player.play(audio.pcm)
    player.position()                                      # seconds

Sound devices are in devices.py and programs.py.
"""

import errno
import threading
import time
import wave
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

__all__ = ["BYTES_A_SAMPLE", "Heard", "Player", "Queue", "WavPlayer"]

BYTES_A_SAMPLE: Final = 2
_KEPT_S: Final = 10.0  # of what was sent to a device, for what its latency may be


class Player(Protocol):
    """Plays 16-bit samples of one channel, one after the other; called from any thread."""

    def play(self, pcm: bytes) -> None:
        """Play this after all that was given before. It does not wait."""

    def position(self) -> float:
        """Seconds of the audio given so far that have been heard. It never falls.

        Raises:
            OSError: the device has gone.
        """

    def pause(self) -> None:
        """Be silent from now on, and stay where it is."""

    def resume(self) -> None:
        """Go on from there."""

    def stop(self) -> None:
        """Drop what has not been heard, at once and for good; the position stays."""

    def close(self) -> None:
        """Stop, and give the device or the file back. May be called twice."""


class WavPlayer:
    """Writes a file, and takes as long as it would take to listen to it.

    The file has what has been heard: after a stop no more than that, and no silence for
    times when there was nothing to play.

    Args:
        path: of the file; one that is there is overwritten.
        sample_rate: of the audio, in samples a second.
        clock: seconds, as `time.monotonic` has them.

    Raises:
        OSError: the file cannot be written, also from `play`; or is a pipe or a terminal, whose
            head cannot be written last.
    """

    def __init__(
        self, path: str | Path, sample_rate: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = sample_rate
        self._clock = clock
        self._path = Path(path)
        if self._path.is_fifo():  # before it is opened, which would wait for a reader
            raise _unfit(path)
        self._file = self._path.open("wb")
        # A device such as /dev/null takes everything, and has nothing to cut.
        self._is_file = self._path.is_file()
        if not self._is_file and not self._file.seekable():
            self._file.close()
            raise _unfit(path)
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115  # closed by close()
        self._wave.setparams((1, BYTES_A_SAMPLE, sample_rate, 0, "NONE", "not compressed"))
        self._lock = threading.Lock()
        self._given = 0  # samples
        self._position = 0.0  # seconds, then:
        self._then = clock()
        self._running = True
        self._stopped = self._closed = False

    def play(self, pcm: bytes) -> None:
        with self._lock:
            if not self._stopped:
                self._settle()
                self._wave.writeframes(pcm)
                self._given += len(pcm) // BYTES_A_SAMPLE

    def position(self) -> float:
        with self._lock:
            return self._settle()

    def pause(self) -> None:
        with self._lock:
            self._settle()
            self._running = False

    def resume(self) -> None:
        with self._lock:
            self._settle()
            self._running = not self._stopped

    def stop(self) -> None:
        with self._lock:
            self._settle()
            self._running, self._stopped = False, True

    def close(self) -> None:
        self.stop()
        with self._lock:
            if not self._closed:
                self._closed = True
                try:
                    self._wave.close()
                finally:
                    self._file.close()
                if self._is_file:
                    _cut(self._path, round(self._position * self._rate))

    def _settle(self) -> float:
        """The position now; what is given after this moment is heard after it, too."""
        now = self._clock()
        if self._running:
            reached = self._position + max(now - self._then, 0.0)
            self._position = min(reached, self._given / self._rate)
        self._then = now
        return self._position


def _unfit(path: str | Path) -> OSError:
    return OSError(errno.ESPIPE, "not a file that can be written in any place", str(path))


def _cut(path: Path, samples: int) -> None:
    """Leave the first samples of a file, and a head that says so."""
    with wave.open(str(path), "rb") as file:
        parameters, kept = file.getparams(), file.readframes(samples)
    if samples < parameters.nframes:
        with wave.open(str(path), "wb") as file:
            file.setparams(parameters)
            file.writeframes(kept)


class Queue:
    """What waits to be sent to a device, which takes so many bytes when it needs them."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._lock = threading.Lock()
        self.paused = False

    def put(self, pcm: bytes) -> None:
        with self._lock:
            if pcm:
                self._pieces.append(pcm)

    def clear(self) -> None:
        with self._lock:
            self._pieces.clear()

    def take(self, size: int) -> bytes:
        """As many bytes as there are, `size` at most; none while paused."""
        taken: list[bytes] = []
        with self._lock:
            while self._pieces and size > 0 and not self.paused:
                piece = self._pieces.popleft()
                if len(piece) > size:
                    self._pieces.appendleft(piece[size:])
                    piece = piece[:size]
                taken.append(piece)
                size -= len(piece)
        return b"".join(taken)


class Heard:
    """How much has been heard of what was sent to a device, whose clock is its own.

    Args:
        sample_rate: in samples a second.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._lock = threading.Lock()
        self._begins: deque[float] = deque()  # when a piece is heard first, seconds
        self._pieces: deque[tuple[int, int]] = deque()  # its first sample, how many
        self._sent = 0
        self._reached = 0.0
        self._stopped = False

    def sent(self, samples: int, heard_at: float) -> None:
        """So many samples more will be heard from this moment on, in seconds of some clock."""
        with self._lock:
            self._begins.append(heard_at)
            self._pieces.append((self._sent, samples))
            self._sent += samples
            while self._begins[-1] - self._begins[0] > _KEPT_S:
                self._begins.popleft()
                self._pieces.popleft()

    def position(self, now: float) -> float:
        """Seconds heard at this moment of the same clock."""
        with self._lock:
            place = bisect_right(self._begins, now) - 1
            if place >= 0 and not self._stopped:
                first, samples = self._pieces[place]
                into = min((now - self._begins[place]) * self._rate, samples)
                self._reached = max(self._reached, (first + into) / self._rate)
            return self._reached

    def stop(self, now: float) -> None:
        """Nothing more is heard."""
        self.position(now)
        with self._lock:
            self._stopped = True
