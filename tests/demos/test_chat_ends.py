"""How an answer ended, in words on the screen; and that others' text does not act there."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from andes_demos.bursty_server import running
from andes_demos.chat.dialogs import Editor, Picker
from andes_demos.chat.document import Document
from andes_demos.chat.store import Store
from andes_demos.chat.widgets import Prompt
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from textual import events as textual_events
from textual.widgets import Input, OptionList

from tests.demos.chat_room import (
    AT_ONCE,
    answering,
    chatting,
    events,
    screen_text,
    serving,
    still,
    then_nothing,
)

pytestmark = pytest.mark.asyncio

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil"
SEEN = "␛]0;owned␇␛[2J\ufffd31mevil"


def chunk(text: str, finish_reason: str | None = None, **fields: Any) -> str:
    delta = {"content": text, **fields}
    return json.dumps({"choices": [{"delta": delta, "finish_reason": finish_reason}]})


TOOL = [{"index": 0, "function": {"name": "get_weather", "arguments": "{}"}}]
ENDS = [
    (lambda: events(chunk("Half", "content_filter")), "The server's filter stopped the answer"),
    (lambda: events(chunk("Half", "length")), "it reached the server's limit on length"),
    (lambda: events(chunk("", refusal="I cannot."), chunk("", "stop")), "refused to answer"),
    (lambda: events(chunk("", "tool_calls", tool_calls=TOOL)), "asks for a tool (get_weather)"),
    (lambda: events(chunk("", "stop")), "The answer is empty"),
    (lambda: events(chunk("Half"), '{"error": {"message": "no room"}}'), "reports an error in the"),
    (lambda: events(chunk("Half")), "broke off in the middle of the answer"),
    (lambda: JSONResponse({"error": "no room"}), "The server reports an error: no room"),
]


@pytest.mark.parametrize(("response", "words"), ENDS, ids=[words for _, words in ENDS])
async def test_the_end_is_told_below_the_answer(
    response: Callable[[], Response], words: str, tmp_path: Path
) -> None:
    with answering(lambda *_: response()) as served:
        async with chatting(served.url, tmp_path, size=(120, 24)) as room:
            await room.hear()
            text = await still(room)
            assert "✗ " in text
            assert words in text
            assert room.shown in ("", "Half", "I cannot.")
            assert room.shown in text
            assert words in room.session.said()[-1].note


async def test_a_full_disk_is_told_below_the_answer(tmp_path: Path) -> None:
    words = "word " * 100_000
    with serving(words, AT_ONCE) as served:
        async with chatting(served.url, tmp_path, size=(160, 24)) as room:
            store = room.session.store
            (pages,) = store._db.execute("PRAGMA page_count").fetchone()
            store._db.execute(f"PRAGMA max_page_count = {pages + 3}")
            await room.ask()
            await room.press("f5")
            await room.end()
            text = await still(room)
            assert "✗ " in text
            assert "database or disk is full" in text
            assert "asks again" not in text
            assert room.shown
            assert words.startswith(room.shown)


async def test_a_conversation_that_another_window_deletes_meanwhile(tmp_path: Path) -> None:
    with serving("One two three four five six", then_nothing(3)) as served:
        async with chatting(served.url, tmp_path, size=(120, 24), wpm=100.0) as room:
            await room.ask()
            await room.until(lambda: room.shown)
            with Store(tmp_path) as another:
                another.delete(another.conversations()[0].id)
            await room.end()
            text = await still(room)
            assert (
                "✗ This conversation is no longer there: another chat may have deleted it" in text
            )
            assert "One" in text
            await room.ask_in_vain("more")
            assert "no longer there" in await still(room)
            await room.press("ctrl+n", *["backspace"] * 4)
            await room.until(lambda: not room.answers)
            await room.ask("again")


async def test_a_conversation_that_is_left_before_its_answer_begins(tmp_path: Path) -> None:
    """At whatever moment: the answer is not asked for, or is stopped, and nothing breaks."""
    with serving("One two three.", AT_ONCE) as served:
        async with chatting(served.url, tmp_path) as room:
            for turns in range(0, 40, 3):
                room.screen.post_message(Prompt.Sent(f"question {turns}"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await room.screen.run_worker(room.screen.action_new()).wait()
                await room.pilot.pause()
                await room.end()
                await room.screen.run_worker(room.screen.action_new()).wait()
                assert room.app.is_running
                assert not room.answers
    assert all(len(asked["messages"]) == 1 for asked in served.asked)


async def test_an_answer_may_be_stopped_before_it_has_begun(tmp_path: Path) -> None:
    """What is asked after it is answered."""
    with serving("One two three.", AT_ONCE) as served:
        async with chatting(served.url, tmp_path) as room:

            async def begin_and_stop() -> None:
                room.session.ask("first")
                await room.screen._begin_answer(room.session.conversation)
                await room.screen._stop()

            await room.screen.run_worker(begin_and_stop()).wait()
            assert not room.screen.is_answering
            assert not room.answers  # nor does one say that it waits
            await room.type("second")
            await room.press("enter")
            await room.until(lambda: room.shown == "One two three.")
            await room.end()
    assert len(served.asked) == 1


async def test_two_questions_at_once_are_answered_one_after_the_other(tmp_path: Path) -> None:
    with serving("One two three.", AT_ONCE) as served:
        async with chatting(served.url, tmp_path) as room:
            for text in ("first", "second"):
                room.screen.post_message(Prompt.Sent(text))
            await room.until(lambda: len(room.answers) == 2)
            await room.end()
            said = [message.text for message in room.session.said()]
    assert said == ["first", "One two three.", "second", "One two three."]


async def test_nothing_waits_for_a_first_word_that_is_there(tmp_path: Path) -> None:
    """Also when the answer has ended and is still being drawn."""
    seen: list[str] = []
    with serving("One two three.", AT_ONCE) as served:
        async with chatting(served.url, tmp_path) as room:
            look = room.screen._look

            async def finish(_: Document) -> None:
                assert room.session.turn is None
                assert room.screen.is_answering
                look()
                seen.append(screen_text(room.app))

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Document, "finish", finish)
                await room.hear()
            look()
            assert seen
            for text in (*seen, await still(room)):
                assert "waiting for the first word" not in text


async def test_two_models_of_one_name_are_two_lines_at_most(tmp_path: Path) -> None:
    names = ["twin", "twin", HOSTILE, "last"]
    models = JSONResponse({"data": [{"id": name} for name in names]})
    with running(Starlette(routes=[Route("/v1/models", lambda _: models)])) as url:
        async with chatting(url, tmp_path, size=(120, 24)) as room:
            await room.press("f9")
            await room.until(lambda: isinstance(room.app.screen, Picker))
            await room.until(lambda: "last" in screen_text(room.app))
            assert SEEN in screen_text(room.app)
            await room.press("down", "enter")
            await room.until(lambda: room.session.model == HOSTILE)  # what is sent
            assert SEEN in await still(room)  # in the title
            assert not acting(screen_text(room.app))


async def test_two_lines_that_are_alike_can_be_told_apart(tmp_path: Path) -> None:
    async with chatting("http://a:1", tmp_path) as room:
        chosen: list[str | None] = []
        same = [("first", "alike"), ("first", "alike"), ("second", "alike")]
        for downs in range(3):
            room.app.push_screen(Picker("Some", lambda _: same), chosen.append)
            await room.until(lambda: room.app.screen.query(OptionList))
            await room.press(*["down"] * downs, "enter")
        assert chosen == ["first", "first", "second"]


async def test_what_others_wrote_does_not_act_on_the_screen(tmp_path: Path) -> None:
    error = JSONResponse({"error": {"message": f"no room {HOSTILE}"}}, 500)
    with answering(lambda *_: error) as served:
        async with chatting(served.url, tmp_path, size=(120, 30)) as room:
            await room.hear()
            assert f"no room {SEEN}" in await still(room)
            with Store(tmp_path) as store:  # as an older chat may have kept it
                store._db.execute("UPDATE conversations SET title = ?", (f"title {HOSTILE}",))
                store._db.execute("UPDATE messages SET text = ?", (f"said {HOSTILE}",))
                store._db.execute("UPDATE conversations SET system = ?", (f"be {HOSTILE}",))
            await room.press("ctrl+o")
            await room.until(lambda: "title" in screen_text(room.app))
            assert f"title {SEEN}" in screen_text(room.app)
            await room.press("f2")
            await room.until(lambda: isinstance(room.app.screen, Editor))
            assert not acting(room.app.screen.query_one(Input).value)
            await room.press("escape", "enter")
            await room.until(lambda: f"said {SEEN}" in screen_text(room.app))
            await room.press("f8")
            await room.until(lambda: isinstance(room.app.screen, Editor))
            assert not acting(screen_text(room.app))
            assert "be ]0;owned[2J31mevil" in await still(room)


async def test_entities_and_code_do_not_act_either(tmp_path: Path) -> None:
    text = f"&#x202e;evil &#27;[2J\n\n```\nx{HOSTILE}\n```\n\n`{HOSTILE}`"
    with serving(text, AT_ONCE) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            assert not acting(await still(room))
            await room.press("f7")
            assert room.app.clipboard == "x]0;owned[2J31mevil\n"
            await room.press("ctrl+s")
            assert not acting((tmp_path / "why.md").read_text())
            modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("why.md", "chat.db")]
            assert modes == [0o600, 0o600]


async def test_what_is_pasted_does_not_act(tmp_path: Path) -> None:
    async with chatting("http://a:1", tmp_path) as room:
        room.app.post_message(textual_events.Paste(f"one{HOSTILE}\r\ntwo"))
        await room.until(lambda: room.prompt.text)
        assert room.prompt.text == "one]0;owned[2J31mevil\ntwo"


def acting(text: str) -> list[str]:
    return re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
