"""A whole answer by the real eSpeak NG, on a clock that jumps: nobody listens that long."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from andes_client.voice.player import WavPlayer
from andes_client.voice.speaker import Speaker
from tests.voice.speaking import espeak

pytestmark = pytest.mark.anyio

PIECES = [
    "This is *the* first, ",
    "and here is 19",
    "84. And then\n",
    "\n- an item\n- ano",
    "ther.",
]
TEXT = "".join(PIECES)


def speaker(folder: Path) -> tuple[Speaker, WavPlayer]:
    voice = espeak()
    player = WavPlayer(folder / "a.wav", voice.sample_rate, anyio.current_time)
    return Speaker(voice, player), player


async def stream(*pieces: str) -> AsyncGenerator[str, None]:
    for piece in pieces:
        yield piece
        await anyio.sleep(0.1)


async def test_all_of_it_is_shown_while_it_is_heard(tmp_path: Path) -> None:
    speaks, player = speaker(tmp_path)
    shown, moments = "", []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speaks.speak, stream(*PIECES))
        async for word in speaks.spoken:
            shown += word
            moments.append(player.position())
        await speaks.until_heard()
    assert shown == TEXT == speaks.spoken.said()
    assert moments == sorted(moments)
    assert moments[-1] > 3.0
    assert player.position() > moments[-1] + 0.2
    player.close()


async def test_audio_is_made_little_ahead(tmp_path: Path) -> None:
    """So that another speed is heard soon, and a stop wastes little."""
    speaks, player = speaker(tmp_path)
    ahead = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speaks.speak, stream(*["Here is a short one. "] * 40))
        async for _ in speaks.spoken:
            ahead.append(speaks.spoken.ahead())
    assert max(ahead) < 15.0
    assert player.position() > 40.0
    player.close()


async def test_a_stop_tells_what_was_heard_and_takes_the_rest(tmp_path: Path) -> None:
    speaks, player = speaker(tmp_path)
    shown, taken = "", []

    async def rest() -> AsyncGenerator[str, None]:
        async for piece in stream(*PIECES * 10):
            taken.append(piece)
            yield piece

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speaks.speak, rest())
        async for word in speaks.spoken:
            shown += word
            if "first" in word:
                said = speaks.stop()
    assert TEXT.startswith(shown)
    assert shown.startswith(said)
    assert said == speaks.spoken.said()
    assert len(taken) == 10 * len(PIECES)
    player.close()


async def test_an_error_of_the_stream_comes_after_its_text(tmp_path: Path) -> None:
    speaks, player = speaker(tmp_path)
    caught = []

    async def broken() -> AsyncGenerator[str, None]:
        yield "All that came. "
        raise ConnectionError("gone")

    async def speak() -> None:
        try:
            await speaks.speak(broken())
        except ConnectionError as error:
            caught.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speak)
        shown = "".join([word async for word in speaks.spoken])
    assert shown == "All that came. "
    assert len(caught) == 1
    player.close()
