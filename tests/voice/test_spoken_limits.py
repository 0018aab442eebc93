"""What players, voices and readers do that they should not: no word is lost, late or stuck."""

import math
import threading

import anyio
import pytest

from andes_client.voice import BlockingSpoken, Spoken

pytestmark = pytest.mark.anyio


class Player:
    """Plays so many seconds, on the event loop's clock, and then stands."""

    def __init__(self, end: float) -> None:
        self._begins = anyio.current_time()
        self._end = end

    def __call__(self) -> float:
        return min(self._end, anyio.current_time() - self._begins)


async def words(spoken: Spoken) -> list[str]:
    """All of them; fails if they do not end, as a player that stands would let them."""
    with anyio.fail_after(100):
        return [word async for word in spoken]


async def test_a_mark_behind_the_audio_holds_nothing_up() -> None:
    spoken = Spoken(Player(2.0))
    spoken.add("One two", 1.0, [(0.0, "One"), (50.0, "two")])
    spoken.add(" three", 1.0)
    spoken.end()
    assert await words(spoken) == ["One", " two", " three"]
    await anyio.sleep(2.0)
    assert spoken.said() == "One two three"


async def test_a_mark_behind_audio_that_came_in_pieces_holds_nothing_up() -> None:
    spoken = Spoken(Player(1.0))
    utterance = spoken.add("One two")
    utterance.mark(50.0, "two")
    utterance.grow(1.0)
    spoken.end()
    utterance.mark(60.0, 0)  # of late
    assert await words(spoken) == ["One", " two"]


@pytest.mark.parametrize("short", [0.0, 1e-9, 0.005])
async def test_code_after_the_last_sound_is_shown_though_no_player_gets_quite_there(
    short: float,
) -> None:
    """Twenty lengths that are added up are more than their sum, by a hair."""
    rate, samples, pieces = 22_050, 1103, 20
    spoken = Spoken(Player(pieces * samples / rate - short))
    utterance = spoken.add("Look here.")
    for _ in range(pieces):
        utterance.hear(bytes(2 * samples), rate)
    utterance.end()
    assert utterance.ends_s > pieces * samples / rate
    spoken.add("\n```\nx = 1\n```").end()
    spoken.end()
    text = "Look here.\n```\nx = 1\n```"
    assert "".join(await words(spoken)) == text
    assert spoken.said() == text
    assert spoken.stop() == text


async def test_between_two_sounds_no_word_is_early() -> None:
    spoken = Spoken(position := Player(4.0))
    spoken.add("One", 2.0, [(0.0, "One")])
    spoken.add(" two", 2.0, [(0.0, "two")])
    spoken.end()
    assert [(word, position()) async for word in spoken][1][1] >= 2.0


async def test_a_reader_who_is_cancelled_again_and_again_loses_no_word() -> None:
    spoken = Spoken(lambda: 100.0)
    text = " ".join(map(str, range(300)))
    spoken.add(text, 1.0)
    spoken.end()
    seen, is_over = "", False
    while not is_over:
        with anyio.move_on_after(0):
            word = await anext(spoken, None)
            seen, is_over = seen + (word or ""), word is None
    assert seen == text
    assert spoken.shown == 300


async def test_others_get_their_turn_among_words_that_are_all_due() -> None:
    spoken = Spoken(lambda: 100.0)
    spoken.add("One " * 300, 1.0)
    spoken.end()
    seen: list[str] = []
    at: list[int] = []

    async def other() -> None:
        at.append(len(seen))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        async for word in spoken:
            seen.append(word)
    assert at[0] < 300


async def test_it_is_stopped_even_if_the_player_has_gone() -> None:
    gone = False

    def position() -> float:
        if gone:
            raise OSError("gone")
        return 0.6

    spoken = Spoken(position)
    spoken.add("One two three", 3.0, [(0.0, "One"), (0.5, "two"), (2.0, "three")])
    assert [await anext(spoken), await anext(spoken)] == ["One", " two"]
    with anyio.move_on_after(1):
        await anext(spoken)
    gone = True
    with pytest.raises(OSError, match="gone"):
        spoken.stop()
    assert await words(spoken) == []
    assert spoken.said() == spoken.stop() == "One"


async def test_an_argument_that_is_refused_changes_nothing() -> None:
    spoken = Spoken(lambda: 0.0)
    utterance = spoken.add("One")
    for seconds, marks in [(-1.0, []), (math.nan, []), (1e308, []), (1.0, [(0.0, 99)])]:
        with pytest.raises(ValueError, match=r"length in seconds|in the spoken text"):
            spoken.add("two", seconds, marks)
    with pytest.raises(ValueError, match="samples a second"):
        utterance.hear(b"\0\0", 0)
    utterance.hear(b"\0\0" * 8_000, 8_000)
    with pytest.raises(ValueError, match="samples a second"):
        utterance.hear(b"\0\0", 0)
    utterance.grow(1.0)
    assert spoken.ahead() == utterance.seconds == 2.0
    assert spoken.said() == ""


@pytest.mark.parametrize("seconds", [5e-324, 1e-9, 3.1, 1e9])
@pytest.mark.parametrize("text", ["One two", "...", "\n", "x" * 10_000, "1" * 1_000, ""])
async def test_what_a_server_is_told_is_a_number(text: str, seconds: float) -> None:
    spoken = Spoken(lambda: 0.0)
    for _ in range(3):
        spoken.add(text, seconds)
        assert 0 < spoken.expectation().tds < math.inf
        assert 0 <= spoken.ahead() < math.inf


async def test_audio_that_is_cut_off_by_the_next_is_not_in_hand_twice() -> None:
    spoken = Spoken(lambda: 3.0)
    spoken.add("One", 10.0, at=0.0)
    spoken.add("two", 5.0, at=1.0)
    assert spoken.ahead() == 3.0
    spoken.add("three", 5.0, at=4.0)
    assert spoken.ahead() == 6.0


def test_a_stop_from_another_thread_ends_a_wait_for_ever() -> None:
    spoken = BlockingSpoken(lambda: 0.0)
    spoken.add("One")
    seen: list[list[str]] = []
    thread = threading.Thread(target=lambda: seen.append(list(spoken)), daemon=True)
    thread.start()
    assert spoken.stop() == ""
    thread.join(5)
    assert seen == [[]]
