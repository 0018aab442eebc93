"""Reasoning on the screen: folded, kept, never paced, and no part of the answer."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from andes_demos.chat.store import Store
from andes_demos.chat.thoughts import Thoughts

from tests.demos.chat_room import Room, answering, chatting, events, screen_text, still

pytestmark = pytest.mark.asyncio

WHY = "Because it is so. " * 107  # 428 words


def delta(finish_reason: str | None = None, **fields: Any) -> str:
    return json.dumps({"choices": [{"delta": fields, "finish_reason": finish_reason}]})


def thoughts(room: Room) -> Thoughts:
    return room.answers[-1].thoughts


FORMS = {
    "a block in the text": [delta(content=f"<think>\n{WHY}"), delta(content="</think>\n\nSo.")],
    "a field": [delta(reasoning_content=WHY), delta(content="So.")],
    "a field of another name": [delta(reasoning=WHY), delta(content="So.")],
    "a part": [
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": WHY}]}]),
        delta(content=[{"type": "text", "text": "So."}]),
    ],
}


@pytest.mark.parametrize("form", FORMS)
async def test_reasoning_is_folded_and_never_paced(form: str, tmp_path: Path) -> None:
    with answering(lambda *_: events(*FORMS[form], delta("stop"))) as served:
        # At ten words a minute the reasoning would take three quarters of an hour.
        async with chatting(served.url, tmp_path, wpm=10.0) as room:
            await room.hear()
            assert room.shown == "So."
            text = await still(room)
            assert "▸ Reasoning, " in text
            assert "Because" not in text
            assert text.index("Reasoning") < text.index("So.")
            assert thoughts(room).text.strip() == WHY.strip()
            saved = room.session.said()[-1]
            assert (saved.text, saved.state) == ("So.", "done")
            assert saved.thoughts == thoughts(room).text
            await room.press("ctrl+s")
            exported = (tmp_path / "why.md").read_text()
            assert exported.index("## Reasoning\n\nBecause") < exported.index("## Answer\n\nSo.")
            await room.hear("and")
            assert [m["content"] for m in served.asked[-1]["messages"]] == ["why", "So.", "and"]


async def test_it_is_unfolded_and_folded_again(tmp_path: Path) -> None:
    why = "Because [red]\x1b[2Jit <is> so."
    with answering(lambda *_: events(delta(reasoning=why), delta("stop", content="So."))) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.press("ctrl+p")  # there is none
            await room.hear()
            for shown in (True, False):
                await room.press("ctrl+p")
                assert ("Because [red]␛[2Jit <is> so." in await still(room)) is shown
            await room.pilot.click(Thoughts)
            assert "Because" in await still(room)


async def test_what_is_under_way_is_said(tmp_path: Path) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def sent() -> Any:
        yield f"data: {delta(reasoning='First')}\n\n"
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(gate.wait(), loop))
        yield f"data: {delta('stop', content='So.')}\n\n"

    with answering(lambda *_: streaming(sent())) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.ask()
            await room.until(lambda: "… the model thinks" in screen_text(room.app))
            assert "waiting for the first word" not in screen_text(room.app)
            assert "▸ Reasoning, 5 characters" in screen_text(room.app)
            gate.set()
            await room.end()
            assert "the model thinks" not in await still(room)


def streaming(sent: Any) -> Any:
    from starlette.responses import StreamingResponse

    return StreamingResponse(sent, media_type="text/event-stream")


async def test_who_stops_while_it_thinks_keeps_the_reasoning(tmp_path: Path) -> None:
    with answering(lambda *_: events(delta(reasoning="First"), waits=True)) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.ask()
            await room.until(lambda: thoughts(room).text)
            await room.press("escape")
            await room.end()
            saved = room.session.said()[-1]
            assert (saved.text, saved.thoughts, saved.state) == ("", "First", "stopped")
        with Store(tmp_path) as store:
            assert store.messages(1)[-1] == saved
        async with chatting(served.url, tmp_path) as room:
            await room.press("ctrl+o", "enter")
            await room.until(lambda: room.app.screen.query("Answer"))
            assert "▸ Reasoning, 5 characters" in await still(room)
            await room.press("ctrl+p")
            assert "First" in await still(room)


async def test_only_thought(tmp_path: Path) -> None:
    with answering(lambda *_: events(delta("stop", content="<think>never closed"))) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            text = await still(room)
            assert "✗ The model thought, but gave no answer. Ctrl+R asks again." in text
            assert "▸ Reasoning, 12 characters" in text


@pytest.mark.parametrize("wpm", [60.0, 100_000.0])
async def test_a_block_without_a_beginning_is_put_right_when_it_ends(
    wpm: float, tmp_path: Path
) -> None:
    """The first words are taken for the answer; then they are where they belong."""
    sent = [
        *(delta(content=f"{word} ") for word in WHY.split()),
        delta(content="\n</think>\n\n"),
        delta(content="So"),
        delta("stop", content="."),
    ]
    with answering(lambda *_: events(*sent)) as served:
        async with chatting(served.url, tmp_path, wpm=wpm) as room:
            await room.hear()
            assert room.shown == "So."
            assert thoughts(room).text.split() == WHY.split()
            saved = room.session.said()[-1]
            assert (saved.text, saved.state) == ("So.", "done")
            assert saved.thoughts == thoughts(room).text
            text = await still(room)
            assert "Because" not in text
            assert "So." in text


async def test_a_block_in_the_middle_of_an_answer_is_text(tmp_path: Path) -> None:
    text = "A model writes <think>why</think> first.\n\n```\n<think>\n</think>\n```"
    with answering(lambda *_: events(delta("stop", content=text))) as served:
        async with chatting(served.url, tmp_path) as room:
            await room.hear()
            assert room.shown == text
            assert "<think>why</think>" in await still(room)
            assert not thoughts(room).display
