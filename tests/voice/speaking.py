"""What the tests of voices share: a voice where there is one, and what can be heard in audio."""

import os
from array import array
from collections.abc import Iterable

import pytest

from andes_client.voice.engine import Audio, Voice, VoiceMissingError
from andes_client.voice.espeak import Espeak
from tests.conftest import skip_loudly

SILENT = 200  # of 32,767: what is quieter is a pause


def espeak(language: str = "en", *, speed: float = 1.0) -> Espeak:
    """A voice of eSpeak NG; without it, this test is skipped, or fails where it is required."""
    try:
        return Espeak(language, speed=speed)
    except VoiceMissingError as error:
        if os.environ.get("ANDES_REQUIRE_ESPEAK") == "1":
            pytest.fail(f"ANDES_REQUIRE_ESPEAK=1, but: {error}")
        skip_loudly("what eSpeak NG speaks", "it is not installed: see scripts/espeak.")


def spoken(voice: Voice, text: str) -> tuple[bytes, list[tuple[float, int]]]:
    """All the audio of a text, and all its marks."""
    return joined(voice.speak(text))


def joined(pieces: Iterable[Audio]) -> tuple[bytes, list[tuple[float, int]]]:
    audio = list(pieces)
    marks = [mark for piece in audio for mark in piece.marks]
    return b"".join(piece.pcm for piece in audio), marks


def seconds(voice: Voice, pcm: bytes) -> float:
    return len(pcm) / 2 / voice.sample_rate


def loudest(voice: Voice, pcm: bytes, begin: float, end: float) -> int:
    """The highest sample between two moments, in seconds."""
    samples = array("h", pcm)[int(begin * voice.sample_rate) : int(end * voice.sample_rate)]
    return max(map(abs, samples), default=0)
