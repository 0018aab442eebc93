"""Pauses are heard in the audio itself."""

import math
from array import array
from itertools import pairwise

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.voice import Spoken
from andes_client.voice.silences import Silence, Silences

RATE = 16_000


def tone(seconds: float, loudness: int = 8000) -> bytes:
    count = round(seconds * RATE)
    return array("h", (int(loudness * math.sin(0.1 * n)) for n in range(count))).tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


AUDIO = silence(0.2) + tone(0.5) + silence(0.03) + tone(0.27) + silence(0.3) + tone(0.8)
AUDIO += silence(0.5)


def rounded(*silences: Silence | None) -> list[tuple[float, float]]:
    return [(round(each[0], 1), round(each[1], 1)) for each in silences if each is not None]


@given(cuts=st.lists(st.integers(0, len(AUDIO) // 2), max_size=8))
def test_silences_are_found_however_the_audio_comes(cuts: list[int]) -> None:
    silences = Silences(RATE)
    places = [0, *sorted(2 * cut for cut in cuts), len(AUDIO)]
    for begin, end in pairwise(places):
        silences.feed(AUDIO[begin:end])
    assert rounded(*silences.found) == [(0.0, 0.2), (1.0, 1.3)]
    assert rounded(silences.last()) == [(2.1, 2.6)]


def test_what_is_quiet_beside_the_voice_is_silent() -> None:
    silences = Silences(RATE)
    silences.feed(tone(0.5) + tone(0.3, loudness=60) + tone(0.5))
    assert rounded(*silences.found) == [(0.5, 0.8)]
    assert silences.last() is None


@pytest.mark.anyio
async def test_a_word_after_a_pause_is_shown_when_it_is_over() -> None:
    """By what words cost, the second clause would begin a quarter of a second before it does."""
    start = anyio.current_time()
    spoken = Spoken(lambda: anyio.current_time() - start)
    utterance = spoken.add("A tiny word, and then some.")
    utterance.hear(AUDIO, RATE)
    utterance.end()
    spoken.end()
    times = {word.strip(): anyio.current_time() - start async for word in spoken}
    assert times["A"] == pytest.approx(0.2, abs=0.005)
    assert times["and"] == pytest.approx(1.3, abs=0.02)
    assert spoken.ahead() == pytest.approx(2.6 - (anyio.current_time() - start))


def test_wrong_audio_is_told() -> None:
    utterance = Spoken(lambda: 0.0).add("One.")
    with pytest.raises(ValueError, match="even number of bytes, not 3"):
        utterance.hear(b"abc", RATE)
    with pytest.raises(ValueError, match="samples a second above 0, not 0"):
        utterance.hear(b"ab", 0)
    utterance.end(1.0)
    with pytest.raises(RuntimeError, match="came after the end"):
        utterance.hear(b"ab", RATE)
