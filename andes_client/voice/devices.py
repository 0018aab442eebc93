"""The way to a sound device: the package sounddevice, else a program that plays."""

import errno
import importlib
import shutil
import time
from typing import Any, Final

from andes_client.voice.engine import VoiceMissingError
from andes_client.voice.player import BYTES_A_SAMPLE, Heard, Player, Queue

__all__ = ["PROGRAMS", "SoundDevicePlayer", "device"]

_REMEDY: Final = (
    "Install the Python package sounddevice and PortAudio (apt-get install libportaudio2), or a "
    "program that plays audio (apt-get install alsa-utils); or write a file: --wav FILE."
)
PROGRAMS: Final = ("pw-cat", "paplay", "aplay")  # of PipeWire, PulseAudio, ALSA
_LATENCY_S: Final = 0.05  # asked of a device: a stop is heard at once, and nothing stutters


def device(sample_rate: int) -> Player:
    """The sound device of this machine, by the first way that there is.

    Args:
        sample_rate: of the audio, in samples a second.

    Raises:
        VoiceMissingError: there is none; the text says what to install.
    """
    failed = []
    try:
        return SoundDevicePlayer(sample_rate)
    except VoiceMissingError as error:
        failed.append(str(error))
    for program in filter(shutil.which, PROGRAMS):
        from andes_client.voice.programs import ProgramPlayer

        try:
            return ProgramPlayer(program, sample_rate)
        except VoiceMissingError as error:
            failed.append(str(error))
    raise VoiceMissingError(f"no sound device can be used: {'; '.join(failed)}. {_REMEDY}")


class SoundDevicePlayer:
    """The default output device, by way of PortAudio.

    Its callback says when each buffer will be heard, so the position is the device's own.

    Args:
        sample_rate: in samples a second.
        name: a device's number or name, as sounddevice has them; its default if None.

    Raises:
        VoiceMissingError: there is no such package, library or device.
    """

    def __init__(self, sample_rate: int, name: int | str | None = None) -> None:
        self._queue = Queue()
        self._heard = Heard(sample_rate)
        self._stream: Any = None
        self._stopped = False
        try:
            sounddevice = importlib.import_module("sounddevice")
            self._stream = sounddevice.RawOutputStream(
                samplerate=sample_rate,
                channels=1,
                dtype="int16",
                latency=_LATENCY_S,
                device=name,
                callback=self._fill,
            )
            self._stream.start()
        except Exception as error:  # no package, no library (OSError), no device (PortAudioError)
            if self._stream is not None:  # it was opened, and cannot be started
                self._stream.close()
            raise VoiceMissingError(f"sounddevice: {error}") from error

    def play(self, pcm: bytes) -> None:
        self._queue.put(pcm)

    def position(self) -> float:
        if not self._stopped and not self._stream.active:
            raise OSError(errno.EIO, "it has stopped", "sound device")
        return self._heard.position(self._now())

    def pause(self) -> None:
        self._queue.paused = True

    def resume(self) -> None:
        self._queue.paused = False

    def stop(self) -> None:
        self._stopped = True
        self._queue.clear()
        self._heard.stop(self._now())
        if not self._stream.closed:
            self._stream.abort()

    def close(self) -> None:
        self.stop()
        self._stream.close()

    def _now(self) -> float:
        return time.monotonic() if self._stream.closed else float(self._stream.time)

    def _fill(self, out: Any, frames: int, when: Any, _: object) -> None:
        """PortAudio wants so many samples, in a thread of its own."""
        pcm = self._queue.take(frames * BYTES_A_SAMPLE)
        out[: len(pcm)] = pcm
        out[len(pcm) :] = bytes(frames * BYTES_A_SAMPLE - len(pcm))
        if pcm:
            # Some hosts do not know when it is heard, and say 0.
            latency = float(self._stream.latency) if self._stream is not None else _LATENCY_S
            at = when.outputBufferDacTime or float(when.currentTime) + latency
            self._heard.sent(len(pcm) // BYTES_A_SAMPLE, at)
