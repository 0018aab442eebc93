"""The demo without a terminal, its real server, and a demo that stands still.

Where the clock of the event loop jumps, all of it goes by that clock: see tests/demos/jumping.py.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import anyio
from andes_demos.bursty_server import moments, tokens
from andes_demos.chat.reader import Reader
from andes_demos.scenarios.app import DemoApp
from andes_demos.scenarios.run import Run
from andes_demos.scenarios.scenario import ANSWER, SCENARIOS, schedule
from andes_demos.scenarios.server import scenarios_app
from andes_demos.scenarios.stream import compare
from textual.pilot import Pilot
from textual.widgets import Static

from andes_client import reading
from andes_client.testing import run_virtual, scripted
from tests.demos.jumping import serving_here

DEADLINE_S = 60.0


@dataclass
class Room:
    """A demo, and someone who uses it."""

    app: DemoApp
    pilot: Pilot[None]
    closed: list[int] = field(default_factory=list)
    """After how many tokens each response has ended."""

    @property
    def title(self) -> str:
        return str(self.app.screen_stack[0].query_one("#title", Static).content)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self.pilot.pause(0.02)


@contextlib.asynccontextmanager
async def asking(
    hurry: float = 1.0, *, on_close: Callable[[int], object] = lambda _: None
) -> AsyncIterator[str]:
    """The real server of the demo, in this event loop; yields the URL to ask."""
    async with serving_here(scenarios_app(hurry, on_close=on_close)) as url:
        yield f"{url}/v1/chat/completions"


@contextlib.asynccontextmanager
async def watching(
    hurry: float = 1.0, *, size: tuple[int, int] = (120, 40), wpm: float = 300.0
) -> AsyncIterator[Room]:
    """The demo with the real server, once all three requests have been sent."""
    closed: list[int] = []
    async with asking(hurry, on_close=closed.append) as url:
        app = DemoApp(url, Reader("reading", wpm), hurry=hurry)
        async with app.run_test(size=size) as pilot:
            room = Room(app, pilot, closed)
            await room.until(lambda: len(app.runs) == 3)
            yield room


def screen_text(app: DemoApp) -> str:
    """What is on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


class StillApp(DemoApp):
    """The demo with runs that have stopped; they are never closed, for nothing is open."""

    def __init__(self, runs: list[Run], alone: int = 0) -> None:
        super().__init__("http://127.0.0.1:9", Reader("reading", 300.0), alone=alone)
        self._still = runs

    async def _stream(self) -> None:
        self.runs = self._still


def stopped_runs(at_s: float) -> list[Run]:
    """All scenarios as they are so many seconds after their beginning, to the last digit."""
    return [run_virtual(_stopped, number, at_s) for number in range(3)]


class _StoppedRun(Run):
    at_s = 0.0

    @property
    def now(self) -> float:
        return self.at_s


async def _stopped(number: int, at_s: float) -> Run:
    run = _StoppedRun(SCENARIOS[number], reading(300))
    run.at_s = at_s
    pieces = tokens(ANSWER)
    times = moments(schedule(run.scenario, reading(300)), len(pieces))
    waits = (later - earlier for earlier, later in itertools.pairwise([0.0, *times]))
    stream = scripted(zip(waits, pieces, strict=True))
    with anyio.move_on_after(at_s):
        await compare(run.comparison, stream, run._clock)
    return run
