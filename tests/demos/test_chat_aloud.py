"""Answers that are spoken: the real eSpeak NG, a real server, and a file in place of a device."""

from pathlib import Path

import pytest
from andes_demos.chat.mouth import Mouth

from andes_client.voice.engine import Voice
from andes_client.voice.espeak import Espeak
from andes_client.voice.player import Player, WavPlayer
from tests.demos.chat_room import Room, chatting, screen_text, serving, then_nothing
from tests.voice.speaking import espeak

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

TEXT = "One *two* three, four five six. Seven eight nine."


def to_file(folder: Path) -> Mouth:
    """It speaks fast, into a file."""
    espeak()

    def voice(language: str) -> Voice:
        return Espeak(language, speed=2.0)

    def player(rate: int) -> Player:
        return WavPlayer(folder / "speech.wav", rate)

    return Mouth(voice=voice, player=player)


async def turn_on(room: Room, folder: Path) -> None:
    room.session.reader.mouth = to_file(folder)
    await room.press("f10")
    await room.until(lambda: room.session.reader.mouth.is_on)


async def test_an_answer_is_spoken_and_kept_as_it_came(tmp_path: Path) -> None:
    with serving(TEXT) as served:
        async with chatting(served.url, tmp_path) as room:
            await turn_on(room, tmp_path)
            await room.ask()
            await room.until(lambda: room.shown)
            assert room.shown != TEXT
            assert "aloud" in screen_text(room.app)
            await room.end()
            assert room.shown == TEXT
            assert room.session.said()[-1].text == TEXT
            assert (tmp_path / "speech.wav").stat().st_size > 50_000


async def test_the_key_switches_it_off_again(tmp_path: Path) -> None:
    with serving(TEXT) as served:
        async with chatting(served.url, tmp_path) as room:
            await turn_on(room, tmp_path)
            (tmp_path / "speech.wav").unlink()
            await room.press("f10")
            await room.until(lambda: not room.session.reader.mouth.is_on)
            await room.hear()
            assert room.shown == TEXT
            assert not (tmp_path / "speech.wav").exists()


async def test_a_stop_keeps_what_was_shown(tmp_path: Path) -> None:
    with serving(TEXT * 20) as served:
        async with chatting(served.url, tmp_path) as room:
            await turn_on(room, tmp_path)
            await room.ask()
            await room.until(lambda: room.shown)
            await room.press("escape")
            await room.end()
            said = room.session.said()[-1]
            assert said.state == "stopped"
            assert said.text == room.shown
            assert TEXT.startswith(room.shown[: len(TEXT)])
            assert len(room.shown) < len(TEXT) * 20


async def test_revealing_ends_the_speaking_and_shows_the_rest(tmp_path: Path) -> None:
    with serving(TEXT * 20) as served:
        async with chatting(served.url, tmp_path) as room:
            await turn_on(room, tmp_path)
            await room.ask()
            await room.until(lambda: room.shown)
            await room.press("f5")
            await room.end()
            assert room.shown == TEXT * 20


async def test_a_pause_shows_nothing(tmp_path: Path) -> None:
    with serving(TEXT) as served:
        async with chatting(served.url, tmp_path) as room:
            await turn_on(room, tmp_path)
            await room.ask()
            await room.until(lambda: room.shown)
            await room.press("f4")
            assert "paused" in screen_text(room.app)
            await room.press("f4")
            await room.end()
            assert room.shown == TEXT


async def test_faster_is_the_voice(tmp_path: Path) -> None:
    with serving(TEXT) as served:
        async with chatting(served.url, tmp_path) as room:
            await turn_on(room, tmp_path)
            await room.press("f3", "f3", "f2")
            assert room.session.reader.mouth.voice.speed == pytest.approx(2.2)
            assert "aloud x 2.20" in screen_text(room.app)


async def test_stopping_during_a_silence_closes_the_connection(tmp_path: Path) -> None:
    with serving(TEXT, then_nothing(6)) as served:
        async with chatting(served.url, tmp_path) as room:
            await turn_on(room, tmp_path)
            await room.ask()
            await room.until(lambda: room.shown)
            await room.press("escape")
            await room.end()
            assert served.closed.get(timeout=60) == 6  # tokens; the next would come in an hour
