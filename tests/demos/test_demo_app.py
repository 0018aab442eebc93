"""Every key of the demo, with its real server over HTTP: what is seen, and what is closed."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from andes_demos.bursty_server import tokens
from andes_demos.chat.reader import Reader
from andes_demos.scenarios.app import DemoApp
from andes_demos.scenarios.column import Column
from andes_demos.scenarios.keys import KEYS, Help
from andes_demos.scenarios.measures import Comparison
from andes_demos.scenarios.scenario import ANSWER, SCENARIOS

from andes_client import reading
from tests.demos.demo_room import Room, asking, screen_text, watching
from tests.demos.jumping import BACKEND, textual_on_the_loops_clock

pytestmark = pytest.mark.anyio

COUNT = len(tokens(ANSWER))
WORDS = len(ANSWER.split())
FAST = 40.0  # the whole of it in a second


@pytest.fixture
def anyio_backend() -> Iterator[object]:
    with textual_on_the_loops_clock():
        yield BACKEND


def sides(room: Room, number: int) -> Comparison:
    return room.app.runs[number - 1].comparison


def words_per_minute(room: Room) -> set[float]:
    """What all readers on both sides go at."""
    return {
        round(side.reader.speed * 60)
        for run in room.app.runs
        for side in (run.comparison.raw, run.comparison.paced)
    }


async def test_all_three_are_streamed_and_read_on_both_sides() -> None:
    async with watching(FAST) as room:
        await room.until(lambda: all(run.is_done for run in room.app.runs))
        await room.until(lambda: screen_text(room.app).count("all shown") == 6)
        for run in room.app.runs:
            assert run.comparison.raw.text == run.comparison.paced.text == ANSWER
            assert len(run.comparison.paced.words) == WORDS
            assert run.comparison.raw.reader.words_read == WORDS
        text = screen_text(room.app)
        assert all(scenario.name in text for scenario in SCENARIOS)
        assert room.closed == [COUNT] * 3


@pytest.mark.parametrize(("keys", "wpm"), [(["plus", "right"], 363), (["minus", "left"], 248)])
async def test_faster_and_slower_hold_for_all_readers_at_once(keys: list[str], wpm: int) -> None:
    async with watching() as room:
        await room.press(*keys)
        assert f"you read {wpm} words/min" in room.title
        assert words_per_minute(room) == {wpm}


async def test_the_pacer_goes_as_fast_as_the_keys_say() -> None:
    async with watching() as room:
        await room.until(lambda: len(sides(room, 1).paced.words) >= 3)
        await room.press(*["plus"] * 40)
        now = room.app.runs[0].now
        expected = sides(room, 1).expected
        slope = expected.words(now + 1) - expected.words(now)
        assert slope == pytest.approx(5.0 * 1.1**40)
        # Nothing is left in the buffer: whatever comes is read at once.
        await room.until(lambda: sides(room, 1).ahead_s(room.app.runs[0].now) < 0.1)


async def test_reading_and_speaking() -> None:
    async with watching() as room:
        await room.press("s")
        assert "you listen to 194 words/min" in room.title
        assert words_per_minute(room) == {194}
        await room.press("s")
        assert "you read 300 words/min" in room.title
        assert words_per_minute(room) == {300}


async def test_burstier_and_smoother_servers_are_asked_anew() -> None:
    async with watching() as room:
        assert "bursts" not in room.title
        before = room.app.runs
        await room.press("v")
        assert room.app.runs is before  # as smooth as can be
        await room.press("b", "b")
        await room.until(lambda: "bursts of 2 s" in room.title)
        assert room.app.runs is not before
        # Just right, in bursts: after two seconds' worth of words the raw side falls silent.
        await room.until(lambda: sides(room, 1).raw.longest_silence(0) > 1.5)
        assert sides(room, 1).paced.longest_silence(0) < 1.5
        await room.press("b", "b", "b", "b")
        await room.until(lambda: "bursts of 8 s" in room.title)
        await room.press("v")
        await room.until(lambda: "bursts of 4 s" in room.title)


async def test_again_closes_the_streams_and_begins_anew() -> None:
    async with watching() as room:
        await room.until(lambda: len(sides(room, 1).paced.words) >= 3)
        before = room.app.runs
        await room.press("space", "r")
        await room.until(lambda: len(room.closed) == 3)
        assert max(room.closed) < COUNT
        await room.until(lambda: room.app.runs is not before)
        assert not room.app.is_paused
        await room.until(lambda: sides(room, 1).paced.words)


async def test_paused_readers_lose_nothing_while_the_servers_go_on() -> None:
    async with watching(5.0) as room:
        await room.press("space")
        await room.until(lambda: "paused" in room.title)
        await room.until(lambda: all(run.comparison.raw.ended for run in room.app.runs))
        shown = [len(run.comparison.paced.words) for run in room.app.runs]
        assert shown[1] == 0
        assert max(shown) < WORDS
        qoe = sides(room, 1).paced.reader.qoe(room.app.runs[0].now)
        await room.press("space")
        assert "paused" not in room.title
        await room.until(lambda: len(sides(room, 1).paced.words) > shown[0] + 20)
        # Nothing was expected of anybody meanwhile.
        assert sides(room, 1).paced.reader.qoe(room.app.runs[0].now) > min(qoe, 0.8)
        # The moment before they looked away, and then the gaps between words.
        assert sides(room, 2).paced.longest_silence(0) < 0.5


async def test_all_is_revealed_even_in_a_pause() -> None:
    async with watching(5.0) as room:
        await room.press("space")
        await room.until(lambda: sides(room, 2).raw.ended)
        assert sides(room, 2).paced.text == ""
        await room.press("enter")
        await room.until(lambda: sides(room, 2).paced.text == ANSWER)
        assert not room.app.is_paused
        # It is shown, but no reader is that fast.
        assert sides(room, 2).ahead_s(room.app.runs[1].now) > 1.0
        await room.press("plus")
        assert words_per_minute(room) == {330}


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_one_scenario_alone_and_all_again(number: int) -> None:
    async with watching() as room:

        def shown() -> list[str | None]:
            return [column.id for column in room.app.query(Column) if column.display]

        await room.press(str(number))
        assert shown() == [f"column-{number}"]
        await room.until(lambda: SCENARIOS[number - 1].name in screen_text(room.app))
        await room.until(lambda: SCENARIOS[number % 3].name not in screen_text(room.app))
        assert room.app.query_one(f"#column-{number} .raw").region.y == (
            room.app.query_one(f"#column-{number} .paced").region.y
        )
        await room.press("0")
        assert len(shown()) == 3


async def test_light_and_dark() -> None:
    async with watching() as room:

        def is_dark() -> bool:
            return room.app.current_theme.dark

        assert is_dark()
        background = room.app.screen.styles.background
        await room.press("t")
        assert not is_dark()
        await room.until(lambda: room.app.screen.styles.background != background)
        await room.press("t")
        assert is_dark()


@pytest.mark.parametrize("close", ["escape", "q", "question_mark", "enter"])
async def test_the_help_has_every_key_and_the_demo_goes_on_below(close: str) -> None:
    async with watching() as room:

        def asks_for_help() -> bool:
            return isinstance(room.app.screen, Help)

        await room.press("question_mark")
        assert asks_for_help()
        await room.until(lambda: "Esc: close" in screen_text(room.app))
        text = screen_text(room.app)
        assert all(key.what in text for key in KEYS)
        now = room.title
        await room.until(lambda: room.title != now)
        await room.press(close)
        assert not asks_for_help()
        assert room.app.is_running


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_footer_has_every_key(size: tuple[int, int]) -> None:
    async with watching(size=size) as room:
        await room.until(lambda: "quit" in screen_text(room.app))
        footer = screen_text(room.app).split("\n")[-1]
        assert (
            footer.replace(" ", "") == "+-speedbvburstrredo␣pause⏎allsspeak0123viewtlight?keysqquit"
        )


@pytest.mark.parametrize(
    ("key", "status"), [("q", 0), ("escape", 0), ("ctrl+c", 130)], ids=lambda one: str(one)
)
async def test_it_ends_at_once_and_closes_its_connections(key: str, status: int) -> None:
    closed: list[int] = []
    async with asking(on_close=closed.append) as url:
        app = DemoApp(url, Reader("reading", 300.0))
        async with app.run_test(size=(80, 24)) as pilot:
            room = Room(app, pilot, closed)
            await room.until(lambda: app.runs and app.runs[0].comparison.paced.words)
            assert closed == []
            await room.press(key)
        assert app.return_code == status
        assert app._client.is_closed
    # The server has noticed while it was there: it cuts nobody off before a second has passed.
    assert len(closed) == 3
    assert max(closed) < COUNT
    assert "long wait" in app.summary


async def test_a_server_that_is_not_there_is_said_on_the_screen() -> None:
    app = DemoApp("http://127.0.0.1:9/v1/chat/completions", Reader("reading", 300.0))
    async with app.run_test(size=(200, 60)) as pilot:
        room = Room(app, pilot)
        await room.until(lambda: screen_text(app).count("the stream broke off") == 6)
        before = app.runs
        await room.press("r")
        await room.until(lambda: app.runs is not before and all(run.trouble for run in app.runs))
        await room.pilot.pause(0.2)  # a frame
        assert screen_text(app).count("the stream broke off") == 6


async def test_the_picture_is_taken_once_when_most_has_been_read() -> None:
    pictures: list[str] = []
    async with asking(FAST) as url:
        app = DemoApp(
            url, Reader("reading", 300.0), hurry=FAST, on_picture=pictures.append, ends=True
        )
        async with app.run_test(size=(144, 40)) as pilot:
            await Room(app, pilot).until(lambda: not app.is_running)
    (picture,) = pictures
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert "font-face" not in picture
    assert "url(http" not in picture
    assert "paced:" in picture
    assert len(picture) < 150_000


async def test_both_sides_expect_what_the_server_was_told() -> None:
    async with watching(wpm=238) as room:
        assert {run.comparison.expectation for run in room.app.runs} == {reading(238)}
