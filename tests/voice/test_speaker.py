"""A whole answer, spoken on a clock that jumps: nobody listens that long.

The first by the real eSpeak NG. It works in a thread, in real time, which a clock that jumps does
not wait for: where it matters when audio is made, a voice speaks that takes no time.
"""

from array import array
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import cast

import anyio
import pytest

from andes_client.voice.engine import Audio, Voice
from andes_client.voice.player import Player, WavPlayer
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


class Hum:
    """A voice that hums for as long as it would speak."""

    sample_rate = 8_000
    speed = 1.0

    def __init__(self) -> None:
        self.longest = 0.0

    def speak(self, spoken: str) -> Generator[Audio, None, None]:
        seconds = 0.07 * len(spoken) / self.speed
        self.longest = max(self.longest, seconds)
        samples = array("h", [4_000, -4_000]) * int(seconds * self.sample_rate / 2)
        yield Audio(samples.tobytes())


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to run in a thread runs here and now: a clock that jumps waits for no thread."""

    async def run_sync(function: Callable[..., object], *args: object, **_: object) -> object:
        return function(*args)

    monkeypatch.setattr("anyio.to_thread.run_sync", run_sync)


def speaker(folder: Path, voice: Voice | None = None) -> tuple[Speaker, WavPlayer]:
    voice = voice or Hum()
    player = WavPlayer(folder / "a.wav", voice.sample_rate, anyio.current_time)
    return Speaker(voice, player), player


async def stream(*pieces: str) -> AsyncGenerator[str, None]:
    for piece in pieces:
        yield piece
        await anyio.sleep(0.1)


async def test_all_of_it_is_shown_while_it_is_heard(tmp_path: Path) -> None:
    speaks, player = speaker(tmp_path, espeak())
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


@pytest.mark.usefixtures("at_once")
async def test_audio_is_made_little_ahead(tmp_path: Path) -> None:
    """So that another speed is heard soon, and a stop wastes little."""
    hum = Hum()
    speaks, player = speaker(tmp_path, hum)
    ahead = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speaks.speak, stream(*["Here is a short one. "] * 40))
        async for _ in speaks.spoken:
            ahead.append(speaks.spoken.ahead())
    assert max(ahead) < hum.longest + 1.6
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


@pytest.mark.usefixtures("at_once")
async def test_a_player_may_have_played_another_answer(tmp_path: Path) -> None:
    first, player = speaker(tmp_path)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.speak, stream(*PIECES))
        assert "".join([word async for word in first.spoken]) == TEXT
    await first.until_heard()
    before = player.position()
    second = Speaker(Hum(), player)
    await second.speak(stream("One two three four."))
    moments = [(word, player.position()) async for word in second.spoken]
    assert moments[0][1] >= before
    assert moments[-1][1] > before + 0.7
    assert second.spoken.said() == "One two three"
    player.close()


async def test_a_player_that_fails_does_not_keep_the_text_from_stopping(tmp_path: Path) -> None:
    _, player = speaker(tmp_path)

    class Gone:
        def __getattr__(self, name: str) -> object:
            return getattr(player, name)

        def stop(self) -> None:
            raise OSError("the device has gone")

    broken = Speaker(Hum(), cast("Player", Gone()))
    await broken.speak(stream(*PIECES))
    with pytest.raises(OSError, match="has gone"):
        broken.stop()
    assert [word async for word in broken.spoken] == []
    player.close()
