"""The demo as an app: the three scenarios, raw and paced, and everything its keys change."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Footer, Static

from andes_demos.chat.reader import Reader
from andes_demos.scenarios.chart import DARK, LIGHT, Colours
from andes_demos.scenarios.column import Column
from andes_demos.scenarios.keys import KEYS, Help, bindings
from andes_demos.scenarios.picture import WORTH_A_PICTURE, clean
from andes_demos.scenarios.plain import figures
from andes_demos.scenarios.run import Run
from andes_demos.scenarios.scenario import ANSWER, LUMPS_S, SCENARIOS
from andes_demos.scenarios.stream import http_client

__all__ = ["DemoApp"]

_FRAME_S: Final = 0.1
_WORDS: Final = len(ANSWER.split())
_SHORT, _NARROW = 36, 110  # rows and columns; below, there is room for less
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells report it


class DemoApp(App[None]):
    """The three scenarios, from a server that runs.

    Args:
        url: of `andes_demos.scenarios.server.serving_scenarios`.
        reader: the speed to begin with; the keys change it.
        hurry: how many times as fast as in life everything goes; the server's.
        alone: the number of the scenario, from 1, that is shown alone; 0 for all.
        on_picture: called once with the screen as SVG, when most has been read.
        ends: it leaves by itself when all has been read.
    """

    CSS_PATH = Path(__file__).parent / "demo.tcss"  # for subclasses elsewhere, too
    ENABLE_COMMAND_PALETTE = False
    TITLE = "andes demo"
    BINDINGS = bindings(KEYS)

    def __init__(
        self,
        url: str,
        reader: Reader,
        *,
        hurry: float = 1.0,
        alone: int = 0,
        on_picture: Callable[[str], object] | None = None,
        ends: bool = False,
    ) -> None:
        super().__init__()
        self.runs: list[Run] = []
        """The scenarios as they run, in their order."""
        self.reader = reader
        """How fast both sides are read."""
        self.lump_s = LUMPS_S[0]
        """How bursty the servers are, one of LUMPS_S."""
        self.is_paused = False
        """Whether the readers look away."""
        self.summary = ""
        """All figures, once it has ended."""
        self._url, self._hurry, self._alone = url, hurry, alone
        self._on_picture, self._ends = on_picture, ends
        # Kept, not looked for: a frame may come when the screen is being taken down.
        self._head_line, self._legend_line = Static(id="title"), Static(id="legend")
        self._columns = [
            Column(number, scenario.name, scenario.about)
            for number, scenario in enumerate(SCENARIOS, 1)
        ]

    def compose(self) -> ComposeResult:
        yield self._head_line
        yield Horizontal(*self._columns, id="columns")
        yield self._legend_line
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self._client = http_client()  # before a clock starts: it takes a while
        self.action_show(self._alone)
        self.action_restart()
        self.set_interval(_FRAME_S, self._look)

    async def on_unmount(self) -> None:
        self.summary = figures(self.runs)
        await self._client.aclose()

    def on_resize(self) -> None:
        self.set_class(self.size.height < _SHORT, "short")
        self.set_class(self.size.width < _NARROW, "narrow")
        self.call_after_refresh(self._look)

    def action_restart(self) -> None:
        """Ask all servers again; the streams before are closed."""
        self.is_paused = False
        # Exclusive: the requests before are given up with the task that reads them.
        self.run_worker(self._stream(), exclusive=True)

    def action_faster(self) -> None:
        """A tenth faster."""
        self.reader.faster()
        self._follow()

    def action_slower(self) -> None:
        """A tenth slower."""
        self.reader.slower()
        self._follow()

    def action_switch(self) -> None:
        """From reading to speaking, or back."""
        self.reader.switch(("reading", "speaking"))  # the picture is of a person's pace
        self._follow()

    def action_burstier(self) -> None:
        """Twice as much at once, from the beginning."""
        self._lump(1)

    def action_smoother(self) -> None:
        """Half as much at once, from the beginning."""
        self._lump(-1)

    def action_pause(self) -> None:
        """Look away, or read on."""
        self.is_paused = not self.is_paused
        for run in self.runs:
            if self.is_paused:
                run.pause()
            else:
                run.resume()
        self._look()

    def action_reveal(self) -> None:
        """Show everything on the paced sides, too."""
        if self.is_paused:
            self.action_pause()
        for run in self.runs:
            run.reveal_all()

    def action_show(self, number: int) -> None:
        """Show one scenario, numbered from 1, or all: 0."""
        self._alone = number
        for i, column in enumerate(self._columns, 1):
            column.display = number in (0, i)
            column.set_class(number != 0, "single")
        self.call_after_refresh(self._look)

    def action_theme(self) -> None:
        """Light, or dark."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"
        self._look()

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(Help())

    def action_leave(self) -> None:
        """End it."""
        self.exit()

    def action_help_quit(self) -> None:
        """Ctrl-C: end it at once, as it ends every program in a terminal."""
        self.exit(return_code=_INTERRUPTED)

    async def _stream(self) -> None:
        expectation = self.reader.expectation
        self.runs = [
            Run(scenario, expectation, lump_s=self.lump_s, hurry=self._hurry)
            for scenario in SCENARIOS
        ]
        async with asyncio.TaskGroup() as tasks:
            for run in self.runs:
                tasks.create_task(run.go(self._client, self._url))

    def _follow(self) -> None:
        for run in self.runs:
            run.change_speed(self.reader.expectation)
        self._look()

    def _lump(self, step: int) -> None:
        index = LUMPS_S.index(self.lump_s) + step
        if 0 <= index < len(LUMPS_S):
            self.lump_s = LUMPS_S[index]
            self.action_restart()

    def _look(self) -> None:
        """A frame: show how everything stands."""
        if not self.runs:
            return
        for run in self.runs:
            run.look()
        colours = DARK if self.current_theme.dark else LIGHT
        for column, run in zip(self._columns, self.runs, strict=True):
            if column.display:
                column.show(run, colours, horizon_s=self._horizon_s, most=_WORDS)
        self._show_lines(colours)
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        shown = sum(len(run.comparison.paced.words) for run in self._visible())
        if self._on_picture and shown >= WORTH_A_PICTURE * _WORDS * len(self._visible()):
            take, self._on_picture = self._on_picture, None
            self.call_after_refresh(lambda: take(clean(self.export_screenshot(simplify=True))))
        if all(run.is_done for run in self.runs) and self._ends:
            self.call_after_refresh(self.exit)

    def _visible(self) -> list[Run]:
        return self.runs if not self._alone else [self.runs[self._alone - 1]]

    @property
    def _horizon_s(self) -> float:
        """By then even the slowest scenario has been read, if nobody changes anything."""
        reading_s = _WORDS * 60 / self.reader.wpm
        now = max(run.now for run in self.runs)
        return max(now, 12 + reading_s, 2 + 1.35 * reading_s)

    def _show_lines(self, colours: Colours) -> None:
        does = "read" if self.reader.mode == "reading" else "listen to"
        parts = [
            "" if self.has_class("narrow") else "one answer, three servers",
            f"you {does} {self.reader.wpm:.0f} words/min",
            f"bursts of {self.lump_s:g} s" if self.lump_s else "",
            "paused" if self.is_paused else "",
            "all read" if all(run.is_done for run in self.runs) else "",
            f"{max(run.now for run in self.runs):.1f} s",
        ]
        title = Text.assemble(("andes demo", "bold"), *(f" · {part}" for part in parts if part))
        self._head_line.update(title, layout=False)
        self._legend_line.update(_legend(colours), layout=False)


def _legend(colours: Colours) -> Text:
    return Text.assemble(
        ("┄ expected", colours.expected), "  ",
        ("━ raw", colours.raw), "  ",
        ("━ paced", colours.paced), "  ",
        ("  ", f"on {colours.wait}"), " your wait: it lowers QoE; pacing adds no wait",
        ("   (charts: words over seconds)", "dim"),
    )  # fmt: skip
