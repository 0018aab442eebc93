"""A sound device by way of a program that plays what comes on its standard input. Unix only."""

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
from typing import Final

from andes_client.voice.engine import VoiceMissingError
from andes_client.voice.player import BYTES_A_SAMPLE, Heard, Queue

__all__ = ["ProgramPlayer"]

_DEVICE_S: Final = 0.1  # what a program is told to keep in the device
_PIECE_S: Final = 0.02  # sent at once
_PIPE_BYTES: Final = 4_096  # the least there is
_STARTING_S: Final = 0.3  # within which a program that finds no device has ended
# A program that was killed has ended by then, unless its device does not let it go: it is left.
_ENDING_S: Final = 5.0


def _aplay(rate: int) -> list[str]:
    return [
        "aplay", "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate),
        f"--buffer-time={round(_DEVICE_S * 1e6)}", "--start-delay=1", "-",
    ]  # fmt: skip


def _paplay(rate: int) -> list[str]:
    latency = f"--latency-msec={round(_DEVICE_S * 1000)}"
    return ["paplay", "--raw", "--format=s16le", "--channels=1", f"--rate={rate}", latency]


def _pw_cat(rate: int) -> list[str]:
    latency = f"--latency={round(_DEVICE_S * 1000)}ms"
    return ["pw-cat", "-p", "--format=s16", "--channels=1", f"--rate={rate}", latency, "-"]


_COMMANDS: Final = {"aplay": _aplay, "paplay": _paplay, "pw-cat": _pw_cat}


class ProgramPlayer:
    """A program that plays what comes on its standard input.

    It is sent silence where there is nothing to play, as it holds back the rest of a buffer that
    is not full. It takes what it is sent at the device's own speed, so no clocks part ways; how
    much it holds is estimated: what is in the pipe, and the device's buffer.

    Args:
        program: "aplay", "paplay" or "pw-cat".
        sample_rate: in samples a second.

    Raises:
        VoiceMissingError: it cannot be started, or ends at once: there is no device.
    """

    def __init__(self, program: str, sample_rate: int) -> None:
        self._rate = sample_rate
        self._queue = Queue()
        self._heard = Heard(sample_rate)
        self._program = program
        self._stopped = False
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        try:
            self._process = subprocess.Popen(
                _COMMANDS[program](sample_rate),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for us
            )
        except OSError as error:
            self._complaints.close()
            raise VoiceMissingError(f"{program}: {error.strerror}") from error
        self._shorten_pipe()
        self._thread = threading.Thread(target=self._send, name="andes-player", daemon=True)
        self._thread.start()
        # One that plays goes on for ever; one without a device says so and ends.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STARTING_S)
        if self._process.poll() is not None:
            said = self._said()
            self.close()
            raise VoiceMissingError(f"{program}: {said}")

    def play(self, pcm: bytes) -> None:
        self._queue.put(pcm)

    def position(self) -> float:
        if not self._stopped and self._process.poll() is not None:
            raise OSError(errno.EIO, self._said(), self._program)
        return self._heard.position(time.monotonic())

    def pause(self) -> None:
        self._queue.paused = True

    def resume(self) -> None:
        self._queue.paused = False

    def stop(self) -> None:
        self._stopped = True
        self._queue.clear()
        self._heard.stop(time.monotonic())
        if self._process.poll() is None:
            # With all that it has started, as a script around the real program does: whatever
            # holds the pipe would keep our thread in its write.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        self.stop()
        self._thread.join(_ENDING_S)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING_S)
        self._complaints.close()

    def _said(self) -> str:
        """Its first line of complaint."""
        self._complaints.seek(0)
        return self._complaints.readline().decode(errors="replace").strip() or "it has ended"

    def _send(self) -> None:
        assert self._process.stdin is not None
        size = round(_PIECE_S * self._rate) * BYTES_A_SAMPLE
        # The pipe is closed here, where nobody can be in the middle of a write.
        with contextlib.suppress(OSError), self._process.stdin:  # an error: it has ended
            while self._process.poll() is None:
                pcm = self._queue.take(size)
                before = self._held()
                self._process.stdin.write(pcm.ljust(size, b"\0"))
                if pcm:
                    self._heard.sent(len(pcm) // BYTES_A_SAMPLE, time.monotonic() + before)

    def _held(self) -> float:
        """Seconds that are between us and the listener."""
        assert self._process.stdin is not None
        unread = bytearray(4)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._process.stdin.fileno(), termios.FIONREAD, unread)
        in_pipe = int.from_bytes(unread, sys.byteorder)
        return in_pipe / BYTES_A_SAMPLE / self._rate + _DEVICE_S

    def _shorten_pipe(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, AttributeError):  # Linux only
            fcntl.fcntl(self._process.stdin.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
