"""Every key of the chat does what the help says, with a real server over HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from andes_demos.chat.dialogs import Conversations, Editor, Help, Picker, help_text
from andes_demos.chat.keys import ALWAYS, IN_LIST, READING, Key
from andes_demos.chat.mouth import Mouth
from starlette.responses import JSONResponse
from textual.widgets import Input, OptionList, TextArea

from andes_client.voice.engine import Voice, VoiceMissingError
from tests.demos.chat_room import (
    DEADLINE_S,
    Room,
    answering,
    chatting,
    events,
    screen_text,
    serving,
    then_nothing,
)

pytestmark = pytest.mark.asyncio

CODE = "Before.\n\n```python\nx = 1\ny = 2\n```\n\nAfter it come more words."
LINES = "\n\n".join(f"Line number {number}." for number in range(40))
SLOW_WPM = 10.0

Check = Callable[[Path, str], Awaitable[None]]


def names(keys: tuple[Key, ...]) -> list[str]:
    return [name for key in keys for name in key.names.split(",")]


async def helps(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder) as room:
            await room.press(key)
            assert isinstance(room.app.screen, Help)
            await room.press("escape")
            assert room.screen.focused is room.prompt


async def changes_speed(folder: Path, key: str) -> None:
    faster = {"f2": False, "f3": True, "plus": True, "equals_sign": True, "minus": False}[key]
    with serving("One two three four five", then_nothing(4)) as served:
        async with chatting(served.url, folder, wpm=200.0) as room:
            await room.ask()
            await room.until(lambda: room.shown)
            await to_the_text(room, key)
            await room.press(key)
            assert room.session.reader.wpm == pytest.approx(220 if faster else 200 / 1.1)
            assert room.session.turn is not None
            statistics = room.session.turn.statistics
            assert statistics is not None
            assert statistics.speed == pytest.approx(1.1 if faster else 1 / 1.1)


async def pauses(folder: Path, key: str) -> None:
    with serving("One two three four five six seven", then_nothing(5)) as served:
        async with chatting(served.url, folder, wpm=SLOW_WPM) as room:
            await room.ask()
            await room.until(lambda: room.shown)
            await to_the_text(room, key)
            for paused in (True, False):
                await room.press(key)
                assert room.session.turn is not None
                statistics = room.session.turn.statistics
                assert statistics is not None
                assert statistics.paused is paused


async def reveals(folder: Path, key: str) -> None:
    with serving("One two three four five six.") as served:
        async with chatting(served.url, folder, wpm=SLOW_WPM) as room:
            await room.ask()
            await room.until(lambda: room.shown)
            assert room.shown == "One"
            await to_the_text(room, key)
            await room.press(key)
            await room.end()
            assert room.shown == "One two three four five six."


async def switches(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder, wpm=300.0) as room:
            await to_the_text(room, key)
            await room.press(key)
            assert room.session.reader.mode == "speaking"
            assert room.session.reader.wpm == pytest.approx(193.5, abs=0.01)
            await room.press(key)
            assert room.session.reader.mode == "smooth"
            await room.press(key)
            assert room.session.reader.wpm == 300.0


async def test_smooth_text_comes_as_the_server_sends_it(tmp_path: Path) -> None:
    """At reading speed so many words would take a minute; the switch is for the next answer."""
    words = " ".join(f"word{number}" for number in range(200))
    with serving(words) as served:
        async with chatting(served.url, tmp_path, wpm=SLOW_WPM) as room:
            await room.ask()
            await room.until(lambda: room.shown)
            await room.press("f6", "f6")
            turn = room.session.turn
            assert turn is not None
            assert not turn.is_smooth
            assert turn.statistics is not None
            assert turn.statistics.speed == 1.0
            await room.press("escape", "ctrl+r")
            await room.until(lambda: words in room.shown)
            assert room.session.reader.pace == "smooth"


async def copies_code(folder: Path, key: str) -> None:
    with serving(CODE, then_nothing(11)) as served:
        async with chatting(served.url, folder) as room:
            await to_the_text(room, key)
            await room.press(key)
            assert room.app.clipboard == ""  # there is none yet, and it is said so
            await room.press("q" if key == "c" else "left")
            await room.ask()
            await room.until(lambda: "x =" in room.shown)
            assert room.screen.is_answering
            await to_the_text(room, key)
            await room.press(key)
            assert room.app.clipboard.startswith("x =")
            assert "```" not in room.app.clipboard


async def edits_system_prompt(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder) as room:
            await room.press(key)
            assert isinstance(room.app.screen, Editor)
            await room.press("B", "e", "space", "k", "i", "n", "d", "ctrl+s")
            assert room.session.system == "Be kind"
            await room.hear()
            assert served.asked[-1]["messages"][0] == {"role": "system", "content": "Be kind"}
            await room.press(key, "x", "escape")
            assert room.session.system == "Be kind"


async def chooses_a_model(folder: Path, key: str) -> None:
    with answering(lambda *_: events(finished("Yes."))) as served:
        async with chatting(served.url, folder) as room:
            await room.press(key)
            await room.until(lambda: isinstance(room.app.screen, Picker))
            await room.press("s", "e", "c", "enter")
            await room.until(lambda: room.session.model == "second")
            await room.hear()
            assert served.asked[-1]["model"] == "second"


async def speaks(folder: Path, key: str) -> None:
    """What it speaks is in test_chat_aloud.py; here nothing can."""

    def no_voice(_: str) -> Voice:
        raise VoiceMissingError("install a voice")

    with serving() as served:
        async with chatting(served.url, folder) as room:
            room.session.reader.mouth = Mouth(voice=no_voice)
            await room.press(key)
            await room.until(lambda: "install a voice" in screen_text(room.app))
            assert not room.session.reader.mouth.is_on


async def unfolds_reasoning(folder: Path, key: str) -> None:
    thought = json.dumps({"choices": [{"delta": {"reasoning": "Because it is so."}}]})
    with answering(lambda *_: events(thought, finished("Yes."))) as served:
        async with chatting(served.url, folder) as room:
            await room.hear()
            for folded in (False, True):
                await to_the_text(room, key)
                await room.press(key)
                assert room.answers[-1].thoughts.is_folded is folded


async def stops(folder: Path, key: str) -> None:
    with serving("One two three four", then_nothing(2)) as served:
        async with chatting(served.url, folder) as room:
            await room.ask()
            await room.until(lambda: "One" in room.shown)
            await room.press(key)
            await room.end()
            # The server notices that nobody listens any more.
            assert await asyncio.to_thread(served.closed.get, timeout=DEADLINE_S) == 2
            answer = room.session.said()[-1]
            assert (answer.state, answer.text) == ("stopped", room.shown)


async def asks_again(folder: Path, key: str) -> None:
    answers = [JSONResponse({"error": {"message": "busy"}}, 503), events(finished("Now."))]
    with answering(lambda *_: answers.pop(0)) as served:
        async with chatting(served.url, folder) as room:
            await room.hear()
            assert room.session.said()[-1].state == "failed"
            await room.press(key)
            await room.until(lambda: room.shown == "Now.")
            await room.end()
            assert [m.text for m in room.session.said()] == ["why", "Now."]
            assert len(room.answers) == 1


async def begins_anew(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder) as room:
            await room.hear()
            await room.press(key)
            await room.until(lambda: not room.answers)
            assert room.session.conversation is None
            await room.hear("and")
            assert len(served.asked[-1]["messages"]) == 1
            assert len(room.session.store.conversations()) == 2


async def lists_conversations(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder) as room:
            await room.hear("apples")
            await room.press("ctrl+n")
            await room.hear("pears")
            await room.press(key)
            await room.until(lambda: isinstance(room.app.screen, Conversations))
            await room.press(*"apple", "enter")
            await room.until(lambda: room.app.screen.query("Question"))
            assert [m.text for m in room.session.said()] == ["apples", "All *right*."]
            await room.until(lambda: room.shown == "All *right*.")


async def exports(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder) as room:
            await room.press(key)  # nothing yet
            await room.hear("What now?")
            await room.press(key, key)
            for name in ("what-now.md", "what-now-2.md"):
                text = (folder / name).read_text()
                assert text.startswith(
                    "# What now?\n\n## You\n\nWhat now?\n\n## Answer\n\nAll *right*.\n\n> QoE"
                )


async def changes_theme(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder) as room:
            for theme in ("textual-light", "textual-dark"):
                await room.press(key)
                assert room.app.theme == theme


async def scrolls(folder: Path, key: str) -> None:
    with serving(LINES) as served:
        async with chatting(served.url, folder) as room:
            await room.hear()
            await room.until(lambda: room.transcript.max_scroll_y > 40)
            await room.until(lambda: room.transcript.holds_tail)
            await room.press("pageup", "pageup")
            assert not room.transcript.holds_tail
            await to_the_text(room, key)
            before = room.transcript.scroll_y
            await room.press(key)
            if key in ("pageup", "ctrl+home"):
                assert room.transcript.scroll_y < before
            else:
                await room.until(lambda: room.transcript.scroll_y > before)
                if key != "pagedown":
                    await room.until(lambda: room.transcript.holds_tail)


async def leaves(folder: Path, key: str) -> None:
    with serving("One two three", then_nothing(2)) as served:
        async with chatting(served.url, folder) as room:
            await room.ask()
            await room.until(lambda: room.shown)
            await room.press(key)
            await room.until(lambda: not room.app.is_running)
        assert await asyncio.to_thread(served.closed.get, timeout=DEADLINE_S) == 2


async def returns_to_the_prompt(folder: Path, key: str) -> None:
    with serving() as served:
        async with chatting(served.url, folder) as room:
            await to_the_text(room, key)
            await room.press(key)
            assert room.screen.focused is room.prompt


async def to_the_text(room: Room, key: str) -> None:
    if key in names(READING):
        while room.screen.focused is not room.transcript:
            await room.press("tab")


def finished(text: str) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]})


DOES: dict[str, Check] = {
    "help": helps,
    "slower": changes_speed,
    "faster": changes_speed,
    "pause": pauses,
    "reveal": reveals,
    "switch": switches,
    "copy_code": copies_code,
    "system": edits_system_prompt,
    "models": chooses_a_model,
    "aloud": speaks,
    "thoughts": unfolds_reasoning,
    "stop": stops,
    "retry": asks_again,
    "new": begins_anew,
    "conversations": lists_conversations,
    "export": exports,
    "theme": changes_theme,
    "page_up": scrolls,
    "page_down": scrolls,
    "top": scrolls,
    "tail": scrolls,
    "app.quit": leaves,
    "prompt": returns_to_the_prompt,
}
CASES = [
    (name, key.action.removeprefix("screen."))
    for key in (*ALWAYS, *READING)
    for name in key.names.split(",")
]


@pytest.mark.parametrize(("key", "action"), CASES, ids=[key for key, _ in CASES])
async def test_each_key_does_what_it_should(key: str, action: str, tmp_path: Path) -> None:
    await DOES[action](tmp_path, key)


@pytest.mark.slow
async def test_the_keys_of_the_list(tmp_path: Path) -> None:
    assert names(IN_LIST) == ["escape", "down", "up", "f2", "f8"]
    with serving() as served:
        async with chatting(served.url, tmp_path) as room:
            for text in ("one", "two", "three"):
                await room.hear(text)
                await room.press("ctrl+n")
            store = room.session.store
            await room.press("ctrl+o")
            await room.until(lambda: isinstance(room.app.screen, Conversations))
            options = room.app.screen.query_one(OptionList)
            assert options.option_count == 3
            await room.press("down", "down", "up")
            assert options.highlighted == 1
            await room.press("f2")
            await room.until(lambda: isinstance(room.app.screen, Editor))
            assert room.app.screen.query_one(Input).value == "two"
            await room.press("!", "enter")
            await room.until(lambda: isinstance(room.app.screen, Conversations))
            assert sorted(c.title for c in store.conversations()) == ["one", "three", "two!"]
            await room.press("down", "f8")
            assert len(store.conversations()) == 3  # it asks once more
            await room.press("f8")
            assert len(store.conversations()) == 2
            await room.press("escape")
            assert room.screen.focused is room.prompt


@pytest.mark.slow
async def test_deleting_the_conversation_on_the_screen_begins_a_new_one(tmp_path: Path) -> None:
    with serving() as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            await room.press("ctrl+o")
            await room.until(lambda: isinstance(room.app.screen, Conversations))
            await room.press("f8", "f8", "escape")
            await room.until(lambda: room.session.conversation is None)
            await room.hear("still there")
            assert [m.role for m in room.session.said()] == ["user", "assistant"]


async def test_enter_sends_and_ctrl_j_begins_a_line(tmp_path: Path) -> None:
    with serving() as served:
        async with chatting(served.url, tmp_path) as room:
            await room.press("enter")  # of nothing
            await room.press("a", "ctrl+j", "b")
            assert room.prompt.text == "a\nb"
            await room.press("enter")
            await room.until(lambda: room.answers)
            assert isinstance(room.prompt, TextArea)
            assert room.prompt.text == ""
            await room.end()
            assert [asked["messages"][-1]["content"] for asked in served.asked] == ["a\nb"]


async def test_the_help_names_every_key_and_fits_80_cells() -> None:
    text = help_text()
    for key in (*ALWAYS, *READING, *IN_LIST):
        assert key.shown in text
        assert key.what in text
    assert max(len(line) for line in text.splitlines()) <= 70
