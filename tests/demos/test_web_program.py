"""A program behind a web socket: what a page may ask of it, and that it ends with its socket."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import BaseTestServer, TestServer
from andes_demos.web import program, terminal
from andes_demos.web.terminal import Terminal

from tests.demos.chat_room import DEADLINE_S

pytestmark = pytest.mark.asyncio

# It speaks as Textual's driver for pages does, and sends back all that it gets.
PROGRAM = """
import json, os, sys
how = sys.argv[1]
def send(data):
    sys.stdout.buffer.write(b"D" + len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.flush()
sys.stdout.buffer.write(b"__GANGLION__\\n")
send(json.dumps([os.environ["COLUMNS"], os.environ["ROWS"], os.getpid()]).encode())
if how == "complaining":
    sys.stderr.buffer.write(b"x" * 1_000_000 + b"\\nOops\\x1b[2J\\x1b]0;t\\x07\\rdone \\xff")
    sys.exit(1)
while head := sys.stdin.buffer.read(5):
    if how == "deaf":
        import signal
        signal.pause()
    said = sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))
    if b'"quit"' in said:
        if how == "stubborn":
            continue
        if how == "talkative":
            for _ in range(100):
                send(b"x" * 100_000)
        open(sys.argv[2], "w").close()
        break
    send(said)
"""


class Page:
    """Someone at a page, or who pretends to be."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.columns = self.rows = self.pid = 0

    async def begun(self) -> "Page":
        columns, rows, self.pid = json.loads(await self.socket.receive_bytes())
        self.columns, self.rows = int(columns), int(rows)
        return self

    async def told(self) -> Any:
        """What the program has got next."""
        return (await self.socket.receive_bytes()).decode()

    async def closed(self) -> int | None:
        """The code with which the server closes it; what else comes is dropped."""
        async with asyncio.timeout(DEADLINE_S):
            while (await self.socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
                pass
        return self.socket.close_code

    async def program_ended(self) -> None:
        """Wait for it."""
        async with asyncio.timeout(DEADLINE_S):
            while runs(self.pid):  # noqa: ASYNC110, another process cannot set an event
                await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Site:
    """A server of pages."""

    def __init__(self, server: BaseTestServer, client: aiohttp.ClientSession) -> None:
        self.server = server
        self._client = client
        self._origin = f"http://127.0.0.1:{server.port}"

    async def open(self, query: str = "") -> Page:
        socket = await self._client.ws_connect(f"{self._origin}/ws{query}", origin=self._origin)
        return await Page(socket).begun()

    async def refusal(self) -> tuple[int, str]:
        """What one who asks for a page without a web socket is told: 400 if there is room."""
        async with self._client.get(
            f"{self._origin}/ws", headers={"origin": self._origin}
        ) as response:
            return response.status, await response.text()


@contextlib.asynccontextmanager
async def serving(folder: Path, how: str = "") -> AsyncIterator[Site]:
    script = folder / "program.py"
    script.write_text(PROGRAM)
    command = shlex.join([sys.executable, str(script), how, str(folder / "quit")])
    app = await Terminal(f"exec {command}", title="a program")._make_app()
    async with TestServer(app) as server, aiohttp.ClientSession() as client:
        yield Site(server, client)


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", (80, 24)),
        ("?width=120&height=50", (120, 50)),
        ("?width=1000000&height=1000000", (1000, 400)),
        ("?width=1001&height=401", (1000, 400)),
        ("?width=-5&height=0", (1, 1)),
        ("?width=wide&height=1e9", (80, 24)),
        (f"?width={'9' * 4900}&height=50", (80, 50)),
    ],
)
async def test_a_terminal_has_the_size_of_a_screen_at_most(
    tmp_path: Path, query: str, size: tuple[int, int]
) -> None:
    async with serving(tmp_path) as site:
        page = await site.open(query)
        assert (page.columns, page.rows) == size


async def test_what_a_page_sends_reaches_the_program_within_bounds(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        page = await site.open()
        await page.socket.send_json(["stdin", "é\ud83d"])
        assert await page.told() == "é?"
        for asked, given in (
            ((100, 30), (100, 30)),
            ((10**9, 10**9), (1000, 400)),
            ((0, -1), (1, 1)),
        ):
            await page.socket.send_json(
                ["resize", dict(zip(("width", "height"), asked, strict=True))]
            )
            told = json.loads(await page.told())
            assert (told["width"], told["height"]) == given
        await page.socket.send_json(["news", 1])  # of a page that is newer than this
        await page.socket.send_json(["focus"])
        assert json.loads(await page.told()) == {"type": "focus"}
        await page.socket.send_json(["ping", 7])
        assert await page.socket.receive_json() == ["pong", 7]


FRAMES = [
    "no JSON",
    "",
    "{}",
    "[]",
    "7",
    "[1]",
    '["stdin"',
    '["resize"',
    '["resize", {"width": "x", "height": 1}]',
    '["resize", {"width": 1.5, "height": 1}]',
    '["resize", {"width": true, "height": 1}]',
    f'["resize", {{"width": {"9" * 5000}, "height": 1}}]',
    "[" * 100_000,
]


@pytest.mark.parametrize("frame", FRAMES)
async def test_a_frame_that_is_none_of_ours_ends_the_program_without_a_traceback(
    tmp_path: Path, frame: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path) as site:
        page = await site.open()
        await page.socket.send_str(frame)
        assert await page.closed() == aiohttp.WSCloseCode.UNSUPPORTED_DATA
        await page.program_ended()
    assert capfd.readouterr().err == ""


async def test_so_does_one_of_bytes_or_one_that_is_too_long(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        page = await site.open()
        await page.socket.send_bytes(b"[]")
        assert await page.closed() == aiohttp.WSCloseCode.UNSUPPORTED_DATA
        await page.program_ended()
        page = await site.open()
        await page.socket.send_json(["stdin", "x" * 2 * 1024 * 1024])
        assert await page.closed() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        await page.program_ended()


@pytest.mark.parametrize("how", ["", "talkative", "stubborn", "deaf"])
async def test_a_program_ends_with_its_socket(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how in ("stubborn", "deaf"):  # killed, after a grace time; the others quit when told to
        monkeypatch.setattr(program, "GRACE_S", 0.2)
    async with serving(tmp_path, how) as site:
        page = await site.open()
        await page.socket.close()
        await page.program_ended()
    assert (tmp_path / "quit").exists() == (how in ("", "talkative"))


async def test_a_page_closes_when_its_program_has_ended(tmp_path: Path) -> None:
    async with serving(tmp_path) as site:
        page = await site.open()
        os.kill(page.pid, signal.SIGKILL)
        assert await page.closed() == aiohttp.WSCloseCode.OK


async def test_what_a_program_complains_of_is_seen_and_does_not_act(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path, "complaining") as site:
        page = await site.open()
        await page.closed()
    out, error = capfd.readouterr()
    assert out == ""
    assert error.endswith("x\nOops␛[2J␛]0;t␇\ndone \ufffd\n")
    assert len(error) < 100_000


async def test_of_many_sizes_in_a_row_a_program_is_told_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "RESIZE_S", 0.5)
    async with serving(tmp_path) as site:
        page = await site.open()
        for width in range(1, 501):
            await page.socket.send_json(["resize", {"width": width, "height": 24}])
        told: list[int] = []
        while not told or told[-1] != 500:
            told.append(json.loads(await page.told())["width"])
    assert told == sorted(told)
    assert len(told) < 100


async def test_a_program_that_takes_no_input_does_not_hide_that_its_page_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "GRACE_S", 0.2)
    monkeypatch.setattr(program, "STUCK_S", 0.2)
    async with serving(tmp_path, "deaf") as site:
        page = await site.open()
        for _ in range(10):  # more than a pipe takes
            await page.socket.send_json(["stdin", "x" * 100_000])
        assert await page.closed() == aiohttp.WSCloseCode.GOING_AWAY
        await page.program_ended()


async def test_a_program_ends_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "GRACE_S", 0.2)
    async with serving(tmp_path, "stubborn") as site:
        page = await site.open()
    await page.program_ended()


async def test_there_are_so_many_programs_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "MOST_PROGRAMS", 2)
    async with serving(tmp_path) as site:
        first, second = await site.open(), await site.open()
        assert await site.refusal() == (503, "Too many pages are open.\n")
        assert "2 pages are open; close one" in capsys.readouterr().err
        await first.socket.close()
        await first.program_ended()
        async with asyncio.timeout(DEADLINE_S):
            while (await site.refusal())[0] == 503:  # noqa: ASYNC110, no event reaches from there
                await asyncio.sleep(0.01)
        third = await site.open()
        assert third.pid not in (first.pid, second.pid)
