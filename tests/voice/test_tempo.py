"""A voice's own speed is learned from its audio."""

import random

import pytest

from andes_client.voice.tempo import Cost, Tempo


@pytest.mark.parametrize(("sound", "pause", "around_s"), [(0.7, 1.0, 0.3), (1.6, 0.4, 0.1)])
def test_speed_and_pauses_are_learned(sound: float, pause: float, around_s: float) -> None:
    tempo, draw = Tempo(), random.Random(3)
    for _ in range(40):
        cost = Cost(draw.uniform(0.5, 9.0), draw.choice([0.0, 0.3, 0.6, 1.2]))
        tempo.learn(cost, sound * cost.sound + pause * cost.pause + around_s)
    assert tempo.sound == pytest.approx(sound, abs=0.05)
    assert tempo.pause == pytest.approx(pause, abs=0.2)
    # What is a voice's speed and what the silence around cannot be told apart for sure; how long it
    # takes over a text can.
    lasts = tempo.seconds(Cost(5.0, 0.6)) + tempo.around_s
    assert lasts == pytest.approx(5.0 * sound + 0.6 * pause + around_s, abs=0.05)


def test_a_change_of_speed_is_followed() -> None:
    tempo = Tempo()
    for factor in [1.0] * 30 + [1.5] * 8:
        tempo.learn(Cost(4.0, 0.3), factor * 4.0 + 0.6)
    assert tempo.sound > 1.3


@pytest.mark.parametrize("seconds", [0.0, 0.4, 300.0])
def test_audio_that_cannot_be_of_the_text_teaches_nothing(seconds: float) -> None:
    tempo = Tempo()
    tempo.learn(Cost(4.0, 0.3), seconds)
    assert (tempo.sound, tempo.pause) == (1.0, 1.0)


def test_nothing_is_learned_of_silence() -> None:
    tempo = Tempo()
    tempo.learn(Cost(0.0, 0.0), 1.0)
    assert tempo.seconds(Cost(2.0, 1.0)) == 3.0
