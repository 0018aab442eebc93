"""`andes web` as a program: the chat in a page of a real Chromium, and what is refused."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import httpx2
import pytest
from andes_demos.chat.store import Store
from PIL import Image

from tests.demos.chat_process import ROOT, clean_environment
from tests.demos.chat_room import serving, then_nothing
from tests.demos.web_browser import DEADLINE_S, Browser, Keys

pytestmark = pytest.mark.slow  # programs behind a page

COMMAND = (sys.executable, "-m", "andes_demos.web")
SOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@contextlib.contextmanager
def web(*options: str) -> Iterator[str]:
    """Run it; yields where its page is. It ends as by Ctrl+C."""
    with started(*options) as (_, place):
        yield place


@contextlib.contextmanager
def started(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The same with its process."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT,
        env=clean_environment() | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.endswith("(Ctrl+C ends it)\n"), line
            yield process, line.split()[0]
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


@contextlib.contextmanager
def chat_page(browser: Browser, url: str, folder: Path) -> Iterator[str]:
    """A chat with that server, in the browser."""
    options = ("--url", url, "--data-dir", str(folder), "--config", "/dev/null", "--wpm", "9000")
    with web("chat", *options, "--port", "0") as place:
        browser.open(place)
        browser.until(lambda: drawn(browser, folder))
        yield place
        browser.leave()


def drawn(browser: Browser, folder: Path) -> bool:
    """The whole screen of the chat is there, down to the list of keys at its bottom."""
    focus = browser.run("return document.activeElement.className")
    if "-first-byte" not in classes(browser) or focus != "xterm-helper-textarea":
        return False
    picture = Image.open(browser.photograph(folder / "screen.png")).convert("L")
    bottom = picture.crop((0, picture.height - 60, picture.width, picture.height))
    low, high = bottom.getextrema()
    return not isinstance(low, tuple) and not isinstance(high, tuple) and low < 64 < 128 < high


def classes(browser: Browser) -> list[str]:
    return str(browser.run("return document.body.className")).split()


def kept(folder: Path) -> list[tuple[str, str, str]]:
    """All messages: who, what, and how it ended."""
    with Store(folder) as store:
        return [
            (message.role, message.text, message.state)
            for conversation in store.conversations()
            for message in store.messages(conversation.id)
        ]


def test_the_chat_shows_its_screen_and_answers(browser: Browser, tmp_path: Path) -> None:
    with (
        serving("Because *it is* 漢字.") as served,
        chat_page(browser, served.url, tmp_path) as place,
    ):
        before = Image.open(browser.photograph(tmp_path / "before.png")).convert("RGB")
        browser.type("Why is it so?" + Keys.ENTER)
        browser.until(lambda: [state for *_, state in kept(tmp_path)] == ["done", "done"])
        assert kept(tmp_path) == [
            ("user", "Why is it so?", "done"),
            ("assistant", "Because *it is* 漢字.", "done"),
        ]
        browser.until(lambda: changed(browser, before, tmp_path / "after.png"))
        resources = browser.run("return performance.getEntriesByType('resource').map(r => r.name)")
        assert len(resources) >= 4
        assert all(name.startswith((place, "data:")) for name in resources), resources
        assert browser.complaints() == []
        browser.chord(Keys.CONTROL, "q")
        browser.until(lambda: "-closed" in classes(browser))
        assert "has ended" in browser.find("#ended").text
        browser.find("#again").click()
        browser.until(lambda: "-first-byte" in classes(browser))


def changed(browser: Browser, before: Image.Image, path: Path) -> bool:
    """The screen has text where there was none: a conversation, and what was typed is gone."""
    after = Image.open(browser.photograph(path)).convert("RGB")
    middle = (0, 20, after.width, after.height - 80)
    return after.crop(middle).tobytes() != before.crop(middle).tobytes() and (
        len(after.getcolors(2**20) or []) > 50
    )


def test_leaving_the_page_of_the_chat_hangs_up(browser: Browser, tmp_path: Path) -> None:
    with (
        serving("word " * 50, then_nothing(20)) as served,
        chat_page(browser, served.url, tmp_path),
    ):
        browser.type("Go on" + Keys.ENTER)
        browser.until(
            lambda: any("word" in text for role, text, _ in kept(tmp_path) if role != "user")
        )
        browser.leave()
        # Without the page's help it is the socket's heartbeat that notices, after 40 s.
        assert served.closed.get(timeout=DEADLINE_S / 3) == 20


@pytest.mark.asyncio
async def test_when_the_server_is_killed_the_chat_ends_and_hangs_up(tmp_path: Path) -> None:
    with serving("word " * 50, then_nothing(20)) as served:
        options = ("--url", served.url, "--data-dir", str(tmp_path), "--config", "/dev/null")
        with started("chat", *options, "--port", "0") as (server, place):
            async with (
                aiohttp.ClientSession() as client,
                client.ws_connect(f"{place}ws", origin=place.rstrip("/")) as page,
            ):
                await page.receive()  # the chat is there
                await page.send_json(["focus"])
                await page.send_json(["stdin", "Go on\r"])
                await until(lambda: any("word" in text for _, text, _ in kept(tmp_path)))
                assert chats(tmp_path)
                server.kill()
                await until(lambda: not chats(tmp_path))
        assert served.closed.get(timeout=DEADLINE_S) == 20
        assert kept(tmp_path)[-1][2] == "stopped"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110, another process cannot set an event
            await asyncio.sleep(0.05)


def chats(folder: Path) -> list[int]:
    """The processes of chats that keep their conversations there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            words = path.read_bytes().split(b"\0")
            if str(folder).encode() in words and b"andes_client" in words:
                found.append(int(path.parent.name))
    return found


def test_other_pages_cannot_type_into_it(tmp_path: Path) -> None:
    with (
        web("chat", "--data-dir", str(tmp_path), "--config", "/dev/null", "--port", "0") as place,
        httpx2.Client(base_url=place, trust_env=False) as client,
    ):
        index = client.get("/")
        assert index.status_code == 200
        assert "://" not in index.text
        assert "frame-ancestors 'none'" in index.headers["content-security-policy"]
        for origin in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
            assert client.get("/ws", headers=SOCKET | origin).status_code == 403
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        assert not list(tmp_path.iterdir()), "no chat was started"


def said(*options: str) -> tuple[int, str]:
    """Exit status and output of one that does not even begin."""
    run = subprocess.run(
        [*COMMAND, *options],
        cwd=ROOT,
        env=clean_environment() | {"ANDES_CONFIG": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--wpm", "0"], 2, "must be a number of words a minute"),
        (["--port", "99999"], 2, "must be a number up to 65535"),
        (["--url", "localhost"], 1, "andes web: --url must be a URL such as"),
        (["--host", "256.0.0.1"], 1, "andes web: cannot listen on 256.0.0.1"),
        (["--wpm", "300", "chat"], 2, "give the options of chat after its name"),
        (["chat", "--speed", "3"], 2, "unrecognized arguments: --speed 3"),
        (["chat", "--key", "sk-secret"], 2, "can see a key on the command line"),
        (["chess"], 2, "invalid choice: 'chess'"),
    ],
)
def test_what_cannot_be_is_said_in_words(options: list[str], status: int, message: str) -> None:
    code, output = said(*options)
    assert (code, message in output) == (status, True), output
    assert "Traceback" not in output
    assert "sk-secret" not in output


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with web("--port", "0") as place:
        port = place.rstrip("/").rpartition(":")[2]
        for options in (["--port", port], ["--port", port, "chat"]):
            code, output = said(*options)
            assert code == 1
            assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in output


def test_the_page_as_a_program_answers_offline() -> None:
    with (
        web("--port", "0", "--wpm", "300") as place,
        httpx2.Client(base_url=place, trust_env=False, timeout=DEADLINE_S) as client,
    ):
        assert client.get("settings").json()["wpm"] == 300.0
        assert "built-in server" in client.get("settings").json()["place"]
        answer = client.post("answers", json={}, headers={"origin": place.rstrip("/")})
        with client.sse(answer.json()["events"]) as source:
            assert "The" in next(iter(source)).data
