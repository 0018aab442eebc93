"""The screens of the chat as they look, and how it behaves when things go wrong."""

import json
import re
from pathlib import Path

import pytest
from andes_demos.bursty_server import Burst
from andes_demos.chat.dialogs import Conversations, Help
from andes_demos.chat.offline import GUIDE, WELCOME, answer
from andes_demos.chat.store import Store
from andes_demos.chat.widgets import Question
from starlette.responses import JSONResponse
from syrupy.assertion import SnapshotAssertion

from tests.demos.chat_room import (
    AT_ONCE,
    Room,
    answering,
    chatting,
    events,
    screen_text,
    serving,
    still,
    then_nothing,
)

pytestmark = pytest.mark.asyncio

SIZES = [(80, 24), (200, 60)]


def chunk(text: str, finish_reason: str | None = None) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}]})


async def picture(room: Room) -> str:
    """The screen, without what differs from run to run: ports, and what was measured."""
    text = await still(room)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\d+\.\d s", "N.N s", text)
    text = re.sub(r"QoE \d\.\d\d", "QoE N.NN", text)
    text = re.sub(r"(word,) \d+ s", r"\1 N s", text)
    text = re.sub(r"(no stall|\d+ stalls?( of N.N s)?)$", "STALLS", text, flags=re.MULTILINE)
    text = re.sub(r"stalls \d+( \(N.N s\))?.*", "stalls N", text)
    return re.sub(r"[█░]{3,10}", "[...BAR...]", text)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_beginning(
    size: tuple[int, int], tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    welcome = WELCOME.format(url="http://127.0.0.1:8000/v1")
    async with chatting("http://a:1", tmp_path, size=size, welcome=welcome) as room:
        assert await picture(room) == snapshot


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_an_answer(
    size: tuple[int, int], tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    with serving(GUIDE) as served:
        async with chatting(served.url, tmp_path, size=size) as room:
            await room.hear("What is this?")
            await room.until(lambda: "QoE" in screen_text(room.app))
            await room.until(lambda: "No model wrote this" in screen_text(room.app))
            assert await picture(room) == snapshot


async def test_in_the_middle_of_an_answer_and_paused(
    tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    with serving(GUIDE, then_nothing(58)) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.ask()
            await room.until(lambda: room.shown.endswith("wait in a"))
            await room.press("f4")
            await room.until(lambda: "wait in a" in screen_text(room.app))
            await room.type("next")
            await room.until(lambda: "paused: F4" in screen_text(room.app))
            assert await picture(room) == snapshot


async def test_help(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    async with chatting("http://a:1", tmp_path, size=(80, 60)) as room:
        await room.press("f1")
        assert isinstance(room.app.screen, Help)
        assert await picture(room) == snapshot


@pytest.mark.slow
async def test_the_list_of_conversations(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    with serving() as served:
        async with chatting(served.url, tmp_path) as room:
            for text in ("apples", "pears", "plums"):
                await room.hear(text)
                await room.press("ctrl+n")
            await room.press("ctrl+o")
            await room.until(lambda: isinstance(room.app.screen, Conversations))
            await room.until(lambda: "plums" in screen_text(room.app))
            assert await picture(room) == snapshot


async def test_a_refused_key(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    said = JSONResponse({"error": {"message": "Incorrect API key provided."}}, 401)
    with answering(lambda *_: said) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            await room.until(lambda: "401" in screen_text(room.app))
            assert await picture(room) == snapshot


async def test_a_server_that_dies_keeps_what_came_and_can_be_asked_again(
    tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    responses = [
        events(chunk("Half of "), chunk("the answer"), dies=True),
        events(chunk("The whole answer.", "stop")),
    ]
    with answering(lambda *_: responses.pop(0)) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            await room.until(lambda: "Ctrl+R asks again" in screen_text(room.app))
            assert room.shown == "Half of the answer"
            assert await picture(room) == snapshot
            await room.press("ctrl+r")
            await room.until(lambda: room.shown == "The whole answer.")
            await room.end()
            assert "broke off" not in screen_text(room.app)


async def test_a_server_that_is_not_there_and_one_in_its_place_later(tmp_path: Path) -> None:
    async with chatting("http://127.0.0.1:9", tmp_path) as room:
        await room.hear()
        assert "cannot be reached" in screen_text(room.app)
        assert room.session.said()[-1].state == "failed"


async def test_a_slow_first_word_is_waited_for_in_sight(tmp_path: Path) -> None:
    with serving("Late.", (Burst(3600.0, 1),)) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.ask()
            await room.until(lambda: "waiting for the first word, 1 s" in screen_text(room.app))
            assert "… waiting" in screen_text(room.app).splitlines()[-3]
            await room.press("escape")
            await room.end()
            assert "stopped" in screen_text(room.app)


async def test_a_stall_is_marked(tmp_path: Path) -> None:
    with serving("One two three four", then_nothing(3)) as served:
        async with chatting(served.url, tmp_path, size=(140, 24)) as room:
            await room.ask()
            await room.until(lambda: "× stalled" in screen_text(room.app))
            await room.until(lambda: "stalls 1" in screen_text(room.app))
            await room.until(lambda: "×××" in screen_text(room.app))  # one after the other


@pytest.mark.slow
async def test_whoever_scrolls_up_is_left_there_while_text_comes(tmp_path: Path) -> None:
    text = "\n\n".join(f"Line number {number}." for number in range(60))
    with serving(text) as served:
        async with chatting(served.url, tmp_path, wpm=1500.0) as room:
            await room.ask()
            await room.until(lambda: room.transcript.max_scroll_y > 5)
            await room.press("pageup")
            there, length = room.transcript.scroll_y, len(room.shown)
            await room.until(lambda: len(room.shown) > length + 60)
            assert room.transcript.scroll_y == there
            assert not room.transcript.holds_tail
            assert "back to the tail" in screen_text(room.app)
            await room.press("ctrl+end")
            length = len(room.shown)
            await room.until(lambda: len(room.shown) > length + 60)
            assert room.transcript.holds_tail


async def test_the_next_message_waits_for_its_turn(tmp_path: Path) -> None:
    with serving("One two three four", then_nothing(3)) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.ask("first")
            await room.until(lambda: room.shown)
            await room.type("second")
            await room.press("enter")
            await room.until(lambda: len(room.screen.query(Question)) == 2)
            assert len(served.asked) == 1
            await room.press("escape")
            await room.until(lambda: len(served.asked) == 2)
            said = served.asked[1]["messages"]
            assert [m["content"] for m in said] == [
                "first",
                "One two three"[: len(said[1]["content"])],
                "second",
            ]
            await room.until(lambda: len(room.answers) == 2 and room.shown)
            kinds = [type(w).__name__ for w in room.screen.query("Question, Answer")]
            assert kinds == ["Question", "Answer"] * 2


async def test_after_an_error_the_next_message_comes_back_to_the_prompt(tmp_path: Path) -> None:
    with answering(lambda *_: events(chunk("Well then, this is"), dies=True)) as served:
        async with chatting(served.url, tmp_path, wpm=10.0) as room:
            await room.ask("first")
            await room.until(lambda: room.shown)
            await room.type("second")
            await room.press("enter")
            await room.until(lambda: room.prompt.text == "")
            await room.press("f5")  # all that came, and then the error
            await room.until(lambda: room.prompt.text == "second")
            assert len(served.asked) == 1
            assert len(room.screen.query(Question)) == 1


async def test_text_is_shown_as_it_is_typed_and_sent_by_servers(tmp_path: Path) -> None:
    """No markup of Textual's, no control of the terminal."""
    with serving("[red]not red[/] \x1b[2Jnot cleared") as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear("[bold]why[/bold]")
            text = screen_text(room.app)
            assert "[bold]why[/bold]" in text
            assert "[red]not red[/] ␛[2Jnot cleared" in text
            assert room.shown == "[red]not red[/] \x1b[2Jnot cleared"


async def test_the_offline_answers_alternate(tmp_path: Path) -> None:
    with answering(lambda asked, _: events(chunk(answer(asked), "stop"))) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            assert room.shown == GUIDE
            await room.hear()
            assert room.shown.startswith("The Mole")


async def test_a_disk_that_fails_is_complained_about_and_not_the_end(tmp_path: Path) -> None:
    with serving("One two three", then_nothing(2)) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.ask()
            await room.until(lambda: room.shown)
            room.session.store._db.execute("DROP TABLE pieces")
            room.session.store._db.execute("DROP TABLE messages")
            await room.press("escape")
            await room.until(lambda: not room.screen.is_answering)
            await room.ask_in_vain("more")
            await room.until(lambda: "table" in screen_text(room.app))
            assert room.app.is_running
            assert room.prompt.text == "more"


async def test_every_key_that_needs_the_disk_survives_one_that_fails(tmp_path: Path) -> None:
    with serving("All right.", AT_ONCE) as served:
        async with chatting(served.url, tmp_path, size=(120, 30)) as room:
            await room.hear("first")
            await room.press("ctrl+o")
            await room.until(lambda: isinstance(room.app.screen, Conversations))
            room.session.store._db.execute("DROP TABLE messages")
            # The list has been read; what it leads to cannot be.
            await room.press("enter")
            await room.until(lambda: "no such table: messages" in screen_text(room.app))
            assert room.shown == "All right."  # the present conversation goes on
            for key in ("ctrl+s", "ctrl+r"):
                room.app.clear_notifications()
                await room.until(lambda: "no such table" not in screen_text(room.app))
                await room.press(key)
                await room.until(lambda: "no such table: messages" in screen_text(room.app))
            room.session.store._db.execute("DROP TABLE conversations")
            await room.press("ctrl+o")
            await room.until(lambda: "no such table: conversations" in screen_text(room.app))
            assert room.app.is_running


async def test_a_conversation_that_another_chat_has_deleted(tmp_path: Path) -> None:
    with serving("All right.", AT_ONCE) as served:
        async with chatting(served.url, tmp_path, size=(120, 30)) as room:
            await room.hear("first")
            await room.press("ctrl+o")
            await room.until(lambda: isinstance(room.app.screen, Conversations))
            with Store(tmp_path) as another:
                another.delete(another.conversations()[0].id)
            await room.press("enter")
            await room.until(lambda: "no longer there" in screen_text(room.app))
            assert room.app.is_running


async def test_a_small_terminal_still_has_all(tmp_path: Path) -> None:
    with serving("All right.", AT_ONCE) as served:
        async with chatting(served.url, tmp_path, size=(40, 10)) as room:
            await room.hear()
            assert "All right." in screen_text(room.app)
            assert "reading 100000 wpm" in screen_text(room.app)
