"""Words are shown when they are spoken, on a virtual clock, on asyncio and trio."""

import math
import random
import threading
from collections.abc import Callable
from itertools import accumulate

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client import Expectation, speaking
from andes_client.voice import BlockingSpoken, Chunk, Spoken
from andes_client.voice.chunk import Word

pytestmark = pytest.mark.anyio

LINE = "One two three, four five."


class Audio:
    """A player whose clock is the event loop's, at any speed; it can be halted."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._at = 0.0
        self._since: float | None = anyio.current_time()

    def __call__(self) -> float:
        if self._since is None:
            return self._at
        return self._at + self.speed * (anyio.current_time() - self._since)

    def halt(self) -> None:
        self._at, self._since = self(), None

    def go_on(self) -> None:
        self._since = anyio.current_time()


async def shown(spoken: Spoken, position: Callable[[], float]) -> list[tuple[float, str]]:
    """The words, and the position at which each was shown."""
    return [(position(), word) async for word in spoken]


def assert_near(shown: list[tuple[float, str]], expected: list[tuple[float, str]]) -> None:
    assert [word for _, word in shown] == [word for _, word in expected]
    for (at, word), (due, _) in zip(shown, expected, strict=True):
        assert due <= at + 1e-9, word
        assert at <= due + 0.0025, word


TIMES = [(0.1, "One"), (0.5, " two"), (0.8, " three,"), (1.6, " four"), (2.0, " five.")]


async def test_words_are_shown_at_the_times_that_the_voice_gives() -> None:
    position = Audio()
    spoken = Spoken(position)
    spoken.add(LINE, seconds=2.5, words=[(at, word.strip(" ,.")) for at, word in TIMES])
    spoken.end()
    assert_near(await shown(spoken, position), TIMES)
    assert spoken.ahead() == pytest.approx(0.5, abs=0.003)


async def test_times_may_be_given_by_places_in_the_spoken_text() -> None:
    position = Audio()
    spoken = Spoken(position)
    places = accumulate((len(word) for _, word in TIMES), initial=0)
    spoken.add(LINE, 2.5, [(at, place) for (at, _), place in zip(TIMES, places, strict=False)])
    spoken.end()
    assert_near(await shown(spoken, position), TIMES)


async def test_what_the_voice_does_not_name_is_between_what_it_names() -> None:
    """Numbers are said in other words, and some words have no time of their own."""
    position = Audio()
    spoken = Spoken(position)
    spoken.add(
        "It was in 1984 of the old days.",
        4.0,
        [
            (0.0, "It"),
            (0.2, "was"),
            (0.8, "nineteen"),
            (1.2, "eighty"),
            (2.2, "old"),
            (2.6, "days"),
        ],
    )
    spoken.end()
    times = {word.strip(): at for at, word in await shown(spoken, position)}
    assert times["was"] < times["in"] < times["1984"] < times["of"] < times["the"] < times["old"]
    assert times["old"] == pytest.approx(2.2, abs=0.003)


async def test_the_length_of_the_audio_is_shared_by_what_words_cost_aloud() -> None:
    position = Audio()
    spoken = Spoken(position)
    spoken.add("A responsibility, a responsibility.", seconds=6.0)
    spoken.end()
    (_, first, second, third) = [at for at, _ in await shown(spoken, position)]
    assert 0.1 < first < 0.8
    assert 2.6 < second < 3.8  # after the pause
    assert second < third < 4.4


async def test_audio_that_is_still_coming() -> None:
    position = Audio()
    position.halt()
    spoken = Spoken(position)
    seen: list[tuple[float, str]] = []

    async def show() -> None:
        seen.extend(await shown(spoken, position))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(show)
        utterance = spoken.add(LINE)
        await anyio.sleep(1.0)
        assert spoken.said() == ""
        position.go_on()
        for _ in range(11):
            utterance.grow(0.2)
            await anyio.sleep(0.1)
        utterance.end()
        spoken.end()
    assert "".join(word for _, word in seen) == LINE
    assert [at for at, _ in seen] == sorted(at for at, _ in seen)
    assert seen[0][0] < 0.1
    assert 1.0 < seen[-1][0] < 2.2
    assert spoken.said() != LINE
    await anyio.sleep(0.5)
    assert spoken.said() == LINE


async def test_no_word_is_shown_before_its_audio_is_there() -> None:
    position = Audio()
    position.halt()
    spoken = Spoken(position)
    seen: list[str] = []

    async def show() -> None:
        async for word in spoken:
            seen.append(word)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(show)
        utterance = spoken.add(LINE)
        await anyio.sleep(3.0)
        assert seen == []
        utterance.grow(0.3)
        position.go_on()
        await anyio.sleep(9.0)  # the player has nothing, and its clock goes on all the same
        assert 1 <= len(seen) <= 2
        spoken.end()
    assert "".join(seen) == LINE


async def test_a_player_that_halts_is_waited_for() -> None:
    position = Audio()
    spoken = Spoken(position)
    spoken.add(LINE, 2.5, [(at, word.strip(" ,.")) for at, word in TIMES])
    spoken.end()

    async def halt() -> None:
        await anyio.sleep(0.7)
        position.halt()
        await anyio.sleep(100.0)
        position.go_on()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(halt)
        seen = await shown(spoken, position)
    assert_near(seen[:2], TIMES[:2])
    assert [word for _, word in seen] == [word for _, word in TIMES]
    for (at, word), (due, _) in zip(seen, TIMES, strict=True):
        assert due <= at < due + 0.055, word


@pytest.mark.parametrize("speed", [0.995, 1.005, 0.5, 2.0])
async def test_no_drift_whatever_the_speed_of_the_audio_s_clock(speed: float) -> None:
    """Ten minutes."""
    position = Audio(speed)
    spoken = Spoken(position)
    expected = []
    for number in range(240):
        spoken.add(LINE, 2.5, [(at, word.strip(" ,.")) for at, word in TIMES])
        expected += [(2.5 * number + at, word) for at, word in TIMES]
    spoken.end()
    seen = await shown(spoken, position)
    assert [word for _, word in seen] == [word for _, word in expected]
    assert max(at - due for (at, _), (due, _) in zip(seen, expected, strict=True)) < 0.06 * speed
    assert min(at - due for (at, _), (due, _) in zip(seen, expected, strict=True)) > -1e-6


async def test_a_pause_between_two_chunks_is_known_by_where_the_second_begins() -> None:
    position = Audio()
    spoken = Spoken(position)
    spoken.add("One.", 1.0, [(0.2, 0)])
    spoken.add(" Two.", 1.0, [(0.1, "Two")], at=7.0)
    spoken.end()
    assert_near(await shown(spoken, position), [(0.2, "One."), (7.1, " Two.")])
    assert spoken.ahead() == pytest.approx(0.9, abs=0.003)


async def test_what_makes_no_sound_comes_with_the_next_word() -> None:
    position = Audio()
    chunk = Chunk(
        (Word("- ", 0, 0), Word("**", 0, 0), Word("One", 0, 3), Word("**\n", 3, 3)), "One"
    )
    spoken = Spoken(position)
    spoken.add(chunk, 1.0, [(0.3, "One")])
    spoken.end()
    seen = await shown(spoken, position)
    assert_near(seen, [(0.3, word.text) for word in chunk.words])
    await anyio.sleep(1.0)
    assert spoken.said() == chunk.text


async def test_an_interruption_leaves_what_has_been_heard() -> None:
    position = Audio()
    spoken = Spoken(position)
    spoken.add(LINE, 2.5, [(at, word.strip(" ,.")) for at, word in TIMES])
    spoken.add(" And more.", 1.0)
    spoken.end()
    seen = ""
    async for word in spoken:
        seen += word
        if word == " four":
            await anyio.sleep(0.05)
            assert spoken.stop() == "One two three,"
    assert seen == "One two three, four"
    await anyio.sleep(10)
    assert spoken.said() == "One two three,"


async def test_two_hundred_interruptions() -> None:
    draw = random.Random(7)
    for _ in range(200):
        position = Audio()
        spoken = Spoken(position)
        spoken.add(LINE, 2.5, [(at, word.strip(" ,.")) for at, word in TIMES])
        await anyio.sleep(draw.uniform(0.0, 3.0))
        said = spoken.stop()
        begun = "".join(word for at, word in TIMES if at <= position())
        assert begun.startswith(said)
        assert len(begun.split()) - len(said.split()) <= 1


@given(
    chunks=st.lists(
        st.tuples(
            st.text(max_size=40),
            st.none() | st.floats(0, 5),
            st.lists(st.tuples(st.floats(0, 5), st.text(max_size=5) | st.just(0)), max_size=4),
        ),
        max_size=5,
    )
)
async def test_nothing_is_lost(
    chunks: list[tuple[str, float | None, list[tuple[float, int | str]]]],
) -> None:
    position = Audio()
    spoken = Spoken(position)
    for text, seconds, words in chunks:
        utterance = spoken.add(text, seconds, words)
        if seconds is None:
            utterance.grow(1.0)
    spoken.end()
    assert "".join([word async for word in spoken]) == "".join(text for text, _, _ in chunks)
    await anyio.sleep(100)
    assert spoken.said() == "".join(text for text, _, _ in chunks)
    assert spoken.ahead() == 0


async def test_the_expectation_is_the_voice_s_own_speed() -> None:
    spoken = Spoken(Audio())
    assert spoken.expectation() == speaking(language="en")
    for _ in range(10):
        spoken.add("The cat sat on the mat. ", seconds=2.0)
    slow = spoken.expectation(ttft=2.0)
    assert slow.ttft == 2.0
    faster = Spoken(Audio())
    faster.add("The cat sat on the mat. " * 10, seconds=10.0)
    assert faster.expectation().tds == pytest.approx(2 * slow.tds)
    assert 2 < slow.tds < 5


async def test_wrong_use_is_told() -> None:
    with pytest.raises(TypeError, match="position must be a function"):
        Spoken(3.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no reading speeds are known"):
        Spoken(lambda: 0.0, "xx")
    with pytest.raises(TypeError, match=r"position\(\) must return"):
        Spoken(lambda: None).ahead()  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="finite"):
        Spoken(lambda: math.nan).ahead()
    spoken = Spoken(Audio())
    with pytest.raises(TypeError, match="takes a Chunk or a str, not bytes"):
        spoken.add(b"x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="words takes pairs"):
        spoken.add("x", 1.0, ["x"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="0 to 1 in the spoken text, not at 5"):
        spoken.add("x", 1.0, [(0.0, 5)])
    with pytest.raises(ValueError, match="a length in seconds"):
        spoken.add("x", -1.0)
    utterance = spoken.add("x", 1.0, at=3.0)
    with pytest.raises(ValueError, match="after the last chunk's"):
        spoken.add("x", 1.0, at=2.0)
    with pytest.raises(RuntimeError, match="after the end of the utterance's audio"):
        utterance.grow(1.0)
    spoken.end()
    with pytest.raises(RuntimeError, match="after end"):
        spoken.add("x")


async def test_only_one_task_iterates() -> None:
    spoken = Spoken(Audio())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anext, spoken, None)
        await anyio.sleep(1.0)
        with pytest.raises(RuntimeError, match="iterated by one task"):
            await anext(spoken)
        spoken.end()


def test_the_blocking_twin_is_told_from_another_thread() -> None:
    played = 0.0
    spoken = BlockingSpoken(lambda: played)
    seen: list[str] = []
    first = threading.Event()

    def show() -> None:
        for word in spoken:
            seen.append(word)
            first.set()

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    spoken.add("One two.", 2.0, [(0.0, "One"), (1.0, "two")])
    assert first.wait(5)
    assert seen == ["One"]
    played = 1.9
    utterance = spoken.add(" Three.")
    utterance.grow(1.0)
    played = 3.0
    spoken.end()
    thread.join(5)
    assert not thread.is_alive()
    assert "".join(seen) == "One two. Three."
    assert spoken.said() == "One two. Three."
    assert spoken.expectation() == Expectation(1.0, spoken.expectation().tds)
