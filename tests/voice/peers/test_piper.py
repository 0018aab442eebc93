"""The real Piper with a real voice: its audio, and where its words are found in it."""

import importlib.util
import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from andes_client.voice.engine import VoiceMissingError
from andes_client.voice.piper import Piper
from tests.conftest import skip_loudly
from tests.voice.speaking import SILENT, joined, loudest, seconds, spoken


@pytest.fixture(scope="module")
def voice() -> Piper:
    return piper()


def piper() -> Piper:
    try:
        return Piper()
    except VoiceMissingError as error:
        if os.environ.get("ANDES_REQUIRE_VOICE") == "1":
            pytest.fail(f"ANDES_REQUIRE_VOICE=1, but: {error}")
        skip_loudly("what Piper speaks", "it is not installed: see make voice.")


def words_marked(voice: Piper, text: str) -> list[str]:
    return [text[offset:].split()[0] for _, offset in spoken(voice, text)[1]]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met three of the people in 1984, at the café.",  # several sounds to a word
        "A cat, an owl and a dog.",  # words that sound otherwise alone
        "The the the the end. The end!",
        "It costs $5.50 — or 20 % less; see [[the list]] of prices.",
        "one\n\ntwo\x00three\ud800four",
    ],
)
def test_each_word_that_is_said_has_a_mark(voice: Piper, text: str) -> None:
    marks = spoken(voice, text)[1]
    words = re.finditer(r"[^\s\x00\ud800\[\]]+", text)
    said = [word.start() for word in words if word.group() not in ("—", ".")]
    places = [offset + 2 * text.startswith("[[", offset) for _, offset in marks]
    assert places == said


def test_an_utterance_that_is_left_open_does_not_keep_the_voice(voice: Piper) -> None:
    first, second = voice.speak("One. Two."), voice.speak("Three. Four.")
    alone, _ = spoken(voice, "Three. Four.")
    assert next(first).pcm
    assert abs(seconds(voice, joined(second)[0]) - seconds(voice, alone)) < 0.5
    assert next(first).pcm


def test_a_mark_is_where_its_word_is_heard(voice: Piper) -> None:
    pcm, marks = spoken(voice, "Two. Two. Two.")
    assert [offset for _, offset in marks] == [0, 5, 10]
    for begins, _ in marks[1:]:  # Piper's lengths of sounds are good to some 40 ms
        assert loudest(voice, pcm, begins - 0.1, begins - 0.06) < 4 * SILENT
        assert loudest(voice, pcm, begins, begins + 0.25) > 20 * SILENT


def test_marks_rise_and_lie_within_the_audio(voice: Piper) -> None:
    heard, before = 0.0, (-1.0, -1)
    for audio in voice.speak("First of all, this. Then, in 2001, that! And so on… The end."):
        for mark in audio.marks:
            assert heard <= mark[0]
            assert mark[0] >= before[0]
            assert mark[1] > before[1]
            before = mark
        heard += seconds(voice, audio.pcm)
        assert before[0] < heard


@pytest.mark.parametrize("text", ["", " ", "\n", "—"])
def test_what_says_nothing_is_no_audio(voice: Piper, text: str) -> None:
    assert spoken(voice, text) == (b"", [])


def test_speed_may_change_between_utterances(voice: Piper) -> None:
    text = "A sentence of some length, that is said twice."
    usual = seconds(voice, spoken(voice, text)[0])
    voice.speed = 2.0
    try:
        assert 0.3 < seconds(voice, spoken(voice, text)[0]) / usual < 0.7
    finally:
        voice.speed = 1.0


def test_a_closed_utterance_makes_no_further_sentence(
    voice: Piper, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    model = voice._voice
    really = model.phoneme_ids_to_audio

    def counting(*arguments: object, **options: object) -> object:
        made.append(arguments)
        return really(*arguments, **options)

    monkeypatch.setattr(model, "phoneme_ids_to_audio", counting)
    utterance = voice.speak("One. Two. Three. Four.")
    next(utterance)
    utterance.close()
    assert len(made) == 1
    assert words_marked(voice, "And on.") == ["And", "on."]


def test_without_onnx_sentences_have_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    piper()
    really = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnx" else really(name)
    )
    text = "One and two. Three and four."
    pieces = list(piper().speak(text))
    assert joined(pieces)[1] == [(0.0, 0), (len(pieces[0].pcm) / 2 / 22_050, 13)]


def test_what_is_no_voice_is_said(tmp_path: Path) -> None:
    piper()
    with pytest.raises(VoiceMissingError, match=r"none\.onnx is not a voice of Piper"):
        Piper(tmp_path / "none.onnx")


def test_andes_say_speaks_by_it(tmp_path: Path) -> None:
    piper()
    data = "It was in *1984*, at the café.\n".encode()
    command = [sys.executable, "-m", "andes_client", "say", "--voice", "piper"]
    command += ["--wav", str(tmp_path / "speech.wav")]
    done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=300)
    assert (done.stdout, done.stderr) == (data, b"")
    with wave.open(str(tmp_path / "speech.wav"), "rb") as file:
        assert 2.0 < file.getnframes() / file.getframerate() < 10.0
