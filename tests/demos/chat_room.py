"""The chat without a terminal, and servers over real HTTP for it to talk to."""

import asyncio
import contextlib
import queue
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from andes_demos.bursty_server import Burst, chat_app, running
from andes_demos.chat.app import ChatApp
from andes_demos.chat.key import Key
from andes_demos.chat.reader import Reader
from andes_demos.chat.screen import ChatScreen
from andes_demos.chat.server import Server
from andes_demos.chat.session import Session
from andes_demos.chat.store import Store
from andes_demos.chat.widgets import Answer, Prompt, Transcript
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from textual.pilot import Pilot

AT_ONCE = (Burst(0.0, 1, rate=1e7),)
HURRIED_WPM = 100_000.0
DEADLINE_S = 60.0
NOON = 1_700_000_000.0  # when everything happens


def then_nothing(tokens: int) -> tuple[Burst, ...]:
    """A server that sends so many, and the next an hour later."""
    return (Burst(0.0, tokens, rate=1e7), Burst(3600.0, 1))


@dataclass
class Served:
    """A server that runs, and what it has seen."""

    url: str
    asked: list[Any] = field(default_factory=list)
    """The JSON of the requests."""
    closed: "queue.Queue[int]" = field(default_factory=queue.Queue)
    """After how many tokens each response has ended."""


@contextlib.contextmanager
def serving(text: str = "All *right*.", schedule: tuple[Burst, ...] = AT_ONCE) -> Iterator[Served]:
    """One that answers everything with `text`."""
    served = Served("")

    def answer(asked: Any) -> str:
        served.asked.append(asked)
        return text

    with running(chat_app(schedule, answer, on_close=served.closed.put)) as url:
        served.url = url
        yield served


@contextlib.contextmanager
def answering(respond: Callable[[Any, Request], Response]) -> Iterator[Served]:
    """One that answers as `respond` says, given the JSON and the request."""
    served = Served("")

    async def completions(request: Request) -> Response:
        served.asked.append(await request.json())
        return respond(served.asked[-1], request)

    async def models(_: Request) -> Response:
        return JSONResponse({"data": [{"id": "first"}, {"id": "second"}]})

    routes = [
        Route("/v1/chat/completions", completions, methods=["POST"]),
        Route("/v1/models", models),
    ]
    with running(Starlette(routes=routes)) as url:
        served.url = url
        yield served


def events(*datas: str, dies: bool = False, waits: bool = False) -> Response:
    """A stream of these events; one that dies leaves the connection in the middle.

    One that waits sends nothing more for an hour.
    """

    async def send() -> AsyncIterator[str]:
        for data in datas:
            yield f"data: {data}\n\n"
        if waits:
            await asyncio.sleep(3600)
        if dies:
            raise ConnectionAbortedError

    return StreamingResponse(send(), media_type="text/event-stream")


class Room:
    """A chat, and someone who uses it."""

    def __init__(self, app: ChatApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot, self.session = app, pilot, app.session

    @property
    def screen(self) -> ChatScreen:
        assert isinstance(self.app.screen, ChatScreen), self.app.screen
        return self.app.screen

    @property
    def prompt(self) -> Prompt:
        return self.screen.query_one(Prompt)

    @property
    def transcript(self) -> Transcript:
        return self.screen.query_one(Transcript)

    @property
    def answers(self) -> list[Answer]:
        return list(self.screen.query(Answer))

    @property
    def shown(self) -> str:
        """The text of the last answer so far."""
        return self.answers[-1].document.text if self.answers else ""

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, in real time."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*("space" if letter == " " else letter for letter in text))

    async def ask(self, text: str = "why") -> None:
        """Ask, and wait for the beginning of the answer."""
        number = len(self.answers)
        await self.type(text)
        await self.press("enter")
        await self.until(lambda: len(self.answers) > number)

    async def ask_in_vain(self, text: str) -> None:
        """Ask, and get it back into the prompt."""
        await self.type(text)
        await self.press("enter")
        await self.until(lambda: self.prompt.text == text)

    async def hear(self, text: str = "why") -> None:
        """Ask, and wait for the end of the answer."""
        await self.ask(text)
        await self.end()

    async def end(self) -> None:
        """Wait until no answer is under way."""
        await self.until(lambda: self.session.turn is None and not self.screen.is_answering)
        await self.pilot.pause()


@contextlib.asynccontextmanager
async def chatting(
    url: str,
    folder: Path,
    *,
    wpm: float = HURRIED_WPM,
    size: tuple[int, int] = (80, 24),
    key: Key | None = None,
    welcome: str = "Welcome.",
) -> AsyncIterator[Room]:
    """A chat with that server, whose conversations are in `folder`."""
    reader = Reader(wpm=wpm)
    with Store(folder, now=lambda: NOON) as store:
        server = Server(url, key, lambda: reader.expectation)
        app = ChatApp(
            Session(store, server, reader),
            place="a server",
            welcome=welcome,
            export_dir=folder,
        )
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Room(app, pilot)


def screen_text(app: ChatApp) -> str:
    """What is on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def still(room: Room) -> str:
    """The screen when it has come to rest."""
    seen: list[str] = []
    while len(seen) < 5 or len(set(seen[-5:])) > 1:
        for _ in range(3):
            await room.pilot.pause()
        seen.append(re.sub(r"\d", "N", screen_text(room.app)))
    return screen_text(room.app)
