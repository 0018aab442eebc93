"""The chat with a real vLLM server whose scheduler is ours."""

from pathlib import Path

import httpx2
import pytest

from andes_backend.lab.bench.server import Server
from tests.demos.chat_room import HURRIED_WPM, chatting, screen_text
from tests.live import our_figures

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def server(asked_by_environment: Server) -> Server:
    return asked_by_environment


def whole_answer(server: Server, *said: str) -> str:
    """What the server answers to the last of these, all at once."""
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]
    response = httpx2.post(
        f"{server.url}/v1/chat/completions",
        json={"model": server.model, "messages": messages},
        timeout=60.0,
        trust_env=False,
    )
    content: str = response.raise_for_status().json()["choices"][0]["message"]["content"]
    return content


def told(server: Server) -> float:
    """How many requests have told the scheduler what a reader expects."""
    return our_figures(server)["andes:requests_total:reader"]


async def test_the_answer_is_the_servers_to_the_byte(server: Server, tmp_path: Path) -> None:
    async with chatting(server.url, tmp_path) as room:
        await room.hear("why")
        first = room.shown
        assert first == whole_answer(server, "why") != ""
        await room.hear("and then")
        assert room.shown == whole_answer(server, "why", first, "and then") != ""
        assert room.session.model == server.model
        kept = [saved.text for saved in room.session.said()]
        assert kept == ["why", first, "and then", room.shown]
        assert "limit on length" in screen_text(room.app)  # the server's, which we set
    log = server.log.read_text(errors="replace")
    assert "andes: planning failed" not in log
    assert "Traceback" not in log


async def test_the_scheduler_is_told_what_the_reader_expects(
    server: Server, tmp_path: Path
) -> None:
    before = told(server)
    async with chatting(server.url, tmp_path) as room:
        await room.hear("why")
    assert told(server) == before + 1


async def test_stop_ends_the_request_on_the_server(server: Server, tmp_path: Path) -> None:
    async with chatting(server.url, tmp_path, wpm=60.0) as room:
        await room.ask("why")
        await room.until(lambda: room.shown)
        await room.press("escape")
        await room.end()
        # All has come long before it has been read; what was shown is what is kept.
        assert room.session.said()[-1].text == room.shown
        assert room.session.said()[-1].state == "stopped"
        assert whole_answer(server, "why").startswith(room.shown.rstrip())


async def test_a_model_that_it_has_not_is_refused_in_place(server: Server, tmp_path: Path) -> None:
    async with chatting(server.url, tmp_path, wpm=HURRIED_WPM, size=(120, 30)) as room:
        room.session.model = "no-such-model"
        await room.hear("why")
        assert "404" in screen_text(room.app)
        room.session.model = server.model
        await room.press("ctrl+r")
        await room.end()
        assert room.shown == whole_answer(server, "why")
