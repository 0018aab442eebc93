"""The real eSpeak NG: its audio, its times of words, and that it stops."""

import math
import threading
import time
from collections.abc import Generator
from queue import SimpleQueue

import pytest

from andes_client.voice.engine import Audio, VoiceMissingError
from andes_client.voice.espeak import Espeak
from tests.voice.speaking import SILENT, espeak, loudest, seconds, spoken

DEADLINE_S = 60.0
# Words far apart, so that espeak-ng has an event for each: in scripts of one to four bytes a
# character, and with what is no word among them.
SCRIPTS = {
    "en": "cats, dogs, 🙂, horses, birds",
    "de": "Käse, Größe, Äpfel, Übung",
    "ru": "кошка, собака, лошадь, птица",
    "el": "γάτα, σκύλος, άλογο, πουλί",
    "hi": "बिल्ली, कुत्ता, घोड़ा, पक्षी",
    "ar": "قطة, كلب, حصان, طائر",
    "ko": "고양이, 강아지, 호랑이, 다람쥐",
    "zh": "貓, 狗, 馬, 鳥",
    "ja": "ねこ, いぬ, うま, とり",
}


@pytest.mark.parametrize("language", SCRIPTS)
def test_marks_count_characters_whatever_their_bytes(language: str) -> None:
    text = SCRIPTS[language]
    words = [place for place in range(len(text)) if place == 0 or text[place - 1] == " "]
    voice = espeak(language)
    _, marks = spoken(voice, text)
    assert set(words) <= {offset for _, offset in marks}


def test_a_mark_is_where_its_word_is_heard() -> None:
    voice = espeak()
    text = "Two. Two. Two."
    pcm, marks = spoken(voice, text)
    assert [offset for _, offset in marks] == [0, 5, 10]
    for begins, _ in marks[1:]:  # a pause lies before it
        assert loudest(voice, pcm, begins - 0.1, begins - 0.01) < SILENT
        assert loudest(voice, pcm, begins, begins + 0.15) > SILENT


def test_marks_rise_and_lie_within_the_audio_that_has_come() -> None:
    voice = espeak()
    heard, before = 0.0, (-1.0, -1)
    for audio in voice.speak("“Well,” said he! In 1984, of the people: 3.5 km… and so on.\n\nEnd"):
        heard += seconds(voice, audio.pcm)
        for mark in audio.marks:
            assert mark[0] >= before[0]
            assert mark[1] > before[1]
            assert mark[0] <= heard
            before = mark
    assert before[1] > 50


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x01b\x00\ud800", "…"])
def test_what_says_nothing_ends_too(text: str) -> None:
    voice = espeak()
    pcm, _ = spoken(voice, text)
    assert seconds(voice, pcm) < 2.0


def test_control_characters_are_no_commands_and_do_not_end_the_text() -> None:
    _, marks = spoken(espeak(), "one\x01\x00two")
    assert [offset for _, offset in marks] == [0, 5]


def test_speed_may_change_between_utterances() -> None:
    voice = espeak()
    text = "A sentence of some length, that is said twice."
    usual = seconds(voice, spoken(voice, text)[0])
    voice.speed = 2.0
    assert 0.3 < seconds(voice, spoken(voice, text)[0]) / usual < 0.6
    voice.speed = 1000.0  # as fast as it goes
    assert seconds(voice, spoken(voice, text)[0]) > 0.2 * usual


def test_voices_of_several_languages_speak_in_turn() -> None:
    """The library keeps the voice of whoever spoke last."""
    english, chinese = espeak("en"), espeak("zh")
    text = "你好"  # one "Chinese letter" to the English voice
    offsets = [[offset for _, offset in spoken(voice, text)[1]] for voice in (english, chinese)]
    assert offsets == [[0], [0, 1]]
    assert [offset for _, offset in spoken(english, text)[1]] == [0]


def test_utterances_of_several_threads_do_not_mix() -> None:
    """The library is one for the process, and not made for threads."""
    texts = ["one, " * number for number in range(1, 9)]
    voice = espeak()
    heard: dict[str, list[tuple[float, int]]] = {}

    def speak(text: str) -> None:
        heard[text] = spoken(voice, text)[1]

    threads = [threading.Thread(target=speak, args=(text,), daemon=True) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    for text in texts:
        assert [offset for _, offset in heard[text]] == list(range(0, len(text), 5))


def test_leaving_in_mid_utterance_stops_synthesis() -> None:
    voice = espeak()
    text = "This sentence is said again and again. " * 100
    start = time.process_time()
    utterance = voice.speak(text)
    next(utterance)
    utterance.close()
    left_after = time.process_time() - start
    assert not [thread for thread in threading.enumerate() if thread.name == "andes-espeak"]
    start = time.process_time()
    spoken(voice, text)
    assert left_after < 0.5 * (time.process_time() - start)
    assert spoken(voice, "And on.")[1][0] == (0.0, 0)


def test_a_voice_that_was_found_is_not_looked_for_again() -> None:
    """So that who makes one, in an event loop perhaps, does not wait for another's utterance."""
    library = espeak("de")._library
    with library._lock:
        assert espeak("de")._library is library


def test_an_utterance_may_be_dropped_in_its_own_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by the garbage collector, which works in whichever thread it finds."""
    voice, caught = espeak(), list[BaseException]()
    utterances = list[Generator[Audio, None, None]]()

    def speak(*given: object) -> None:
        pieces = given[3]
        assert isinstance(pieces, SimpleQueue)
        pieces.put(Audio(b"\0\0"))
        is_begun.wait(DEADLINE_S)
        try:
            utterances.pop().close()
        except BaseException as error:
            caught.append(error)
        is_closed.set()

    is_begun, is_closed = threading.Event(), threading.Event()
    monkeypatch.setattr(voice._library, "speak", speak)
    utterances.append(voice.speak("One."))
    next(utterances[0])
    is_begun.set()
    assert is_closed.wait(DEADLINE_S)
    assert caught == []


def test_an_unknown_voice_is_said() -> None:
    espeak()
    with pytest.raises(VoiceMissingError, match=r"no voice 'xx'.*--voices"):
        Espeak("xx")


def test_a_speed_that_is_no_number_is_said_and_an_endless_one_is_the_fastest() -> None:
    with pytest.raises(ValueError, match="speed is a number"):
        next(espeak(speed=math.nan).speak("One."))
    usual, _ = spoken(espeak(), "One, two, three.")
    fastest, _ = spoken(espeak(speed=math.inf), "One, two, three.")
    assert len(fastest) < 0.7 * len(usual)
