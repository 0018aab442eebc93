"""eSpeak NG as a voice: libespeak-ng through ctypes, with its times of words.

    voice = Espeak("de")
    for audio in voice.speak("Guten Tag."):
        ...

It needs the library and its data: `apt-get install espeak-ng`, `brew install espeak-ng`. Its
word events are not words (none for "the" in "of the", three for "1984"); they count characters,
as Python does, and milliseconds of audio. One may go back, or be about nothing, at a pause.
"""

import ctypes
import ctypes.util
import math
import threading
from collections.abc import Generator
from queue import SimpleQueue
from typing import Any, Final

from andes_client.voice.engine import Audio, VoiceMissingError, sayable

__all__ = ["Espeak"]

# From espeak-ng/speak_lib.h.
_SYNCHRONOUS: Final = 2
_DONT_EXIT: Final = 0x8000  # without it, missing data ends the whole process
_POSITION_IN_CHARACTERS: Final = 1
_UTF8: Final = 1
_PAUSE_AT_END: Final = 0x1000
_RATE: Final = 1
_USUAL_WPM: Final = 175
# Faster than that its events drift from its audio: by 2 % at 900 words/min.
_SLOWEST_WPM, _FASTEST_WPM = 80, 450
_WORD_EVENT: Final = 1
_NO_MORE_EVENTS: Final = 0

_BUFFER_MS: Final = 50
_BYTES_A_SAMPLE: Final = 2
_TRY_AGAIN_S: Final = 0.05  # while another utterance is made: this one may be left meanwhile
# Synthesis that was left ends with the buffer that it is at. If it does not, its thread is left.
_ENDING_S: Final = 5.0
_ALSO: Final = {"zh": "cmn", "no": "nb"}
"""Its names for languages that it does not know by their ISO 639-1 code."""

_REMEDY: Final = (
    "Install eSpeak NG, with its library and its data: apt-get install espeak-ng (Debian, "
    "Ubuntu), dnf install espeak-ng (Fedora), brew install espeak-ng (macOS)."
)


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # of the first character: 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """A voice of eSpeak NG.

    Args:
        language: ISO 639-1 code, or any name of a voice that `espeak-ng --voices` lists, such as
            "en-us" or "pt-br".
        speed: times its usual speed, 175 words/min; it can go from 0.46 to 2.57.

    Raises:
        VoiceMissingError: eSpeak NG is not installed, or has no such voice.
    """

    def __init__(self, language: str = "en", *, speed: float = 1.0) -> None:
        self.speed = speed
        self._library = _library()
        self._name = _ALSO.get(language, language)
        self._library.find(self._name)

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self._library.sample_rate

    def speak(self, spoken: str) -> Generator[Audio, None, None]:
        """The audio of a text, 50 ms at a time, with the events of the words that begin in it.

        It is made in a thread, many times faster than it is heard, and waits in memory.

        Raises:
            ValueError: the speed is no number.
        """
        if math.isnan(self.speed):
            raise ValueError("a voice's speed is a number, such as 1.2, not nan")
        wpm = round(min(max(_USUAL_WPM * self.speed, _SLOWEST_WPM), _FASTEST_WPM))
        pieces: SimpleQueue[Audio | None] = SimpleQueue()
        left = threading.Event()
        utterance = (self._name, wpm, sayable(spoken), pieces, left)
        # A daemon: an utterance that nobody closes does not keep the program from its end.
        thread = threading.Thread(
            target=self._library.speak, args=utterance, name="andes-espeak", daemon=True
        )
        thread.start()
        try:
            while (audio := pieces.get()) is not None:
                yield audio
        finally:
            left.set()
            # Whichever thread collects the garbage closes a generator that was dropped. That may
            # be this very one, in its callback.
            if thread is not threading.current_thread():
                thread.join(_ENDING_S)


class _Library:
    """The library is one for the whole process, and does one thing at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = set[str]()  # voices that were found
        self._functions = _loaded()
        self.sample_rate: int = self._functions.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, None, _DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise VoiceMissingError(f"eSpeak NG does not find its data. {_REMEDY}")

    def find(self, name: str) -> None:
        """Raises VoiceMissingError if there is no voice of that name.

        It waits for an utterance that is being made; not if that voice was found before.
        """
        if name in self._known:
            return
        with self._lock:
            if self._functions.espeak_SetVoiceByName(name.encode()):
                raise VoiceMissingError(
                    f"eSpeak NG has no voice {name!r}. Those that it has: espeak-ng --voices"
                )
        self._known.add(name)

    def speak(
        self,
        name: str,
        wpm: int,
        text: str,
        pieces: "SimpleQueue[Audio | None]",
        left: threading.Event,
    ) -> None:
        """Put all the audio of a text, and None at the end; no more when it was left."""
        data = text.encode() + b"\0"
        reached = -1  # the character of the last mark

        def take(wave: int | None, samples: int, events: Any) -> int:
            nonlocal reached
            marks = []
            for event in _until_last(events):
                offset = event.text_position - 1
                if event.type == _WORD_EVENT and event.length > 0 and offset > reached:
                    marks.append((event.audio_position / 1000, offset))
                    reached = offset
            if wave and samples > 0:
                pieces.put(Audio(ctypes.string_at(wave, samples * _BYTES_A_SAMPLE), tuple(marks)))
            return int(left.is_set())  # 1 ends it

        callback = _Callback(take)
        try:
            while not left.is_set():
                if not self._lock.acquire(timeout=_TRY_AGAIN_S):
                    continue
                try:
                    self._functions.espeak_SetVoiceByName(name.encode())
                    self._functions.espeak_SetParameter(_RATE, wpm, 0)
                    self._functions.espeak_SetSynthCallback(callback)
                    self._functions.espeak_Synth(
                        data, len(data), 0, _POSITION_IN_CHARACTERS, 0, _UTF8 | _PAUSE_AT_END,
                        None, None,
                    )  # fmt: skip
                finally:
                    self._lock.release()
                break
        finally:
            pieces.put(None)


def _until_last(events: Any) -> Generator[Any, None, None]:
    place = 0
    while events[place].type != _NO_MORE_EVENTS:
        yield events[place]
        place += 1


def _loaded() -> Any:
    for name in ("libespeak-ng.so.1", ctypes.util.find_library("espeak-ng")):
        try:
            functions = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if functions is not None:
            functions.espeak_Synth.argtypes = [
                ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
                ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
            ]  # fmt: skip
            return functions
    raise VoiceMissingError(f"eSpeak NG is not installed. {_REMEDY}")


_made: _Library | None = None
_making: Final = threading.Lock()


def _library() -> _Library:
    global _made
    with _making:
        _made = _made or _Library()
        return _made
