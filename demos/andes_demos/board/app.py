"""The board as apps: one watches simulated servers side by side, one a real server."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Footer, Static

from andes_client.terminal_text import line
from andes_demos.board.chart import chart
from andes_demos.board.live import Figures, LiveError, Server
from andes_demos.board.panel import COLOURS, panel
from andes_demos.board.view import View

if TYPE_CHECKING:  # vLLM runs the race; to watch a server from elsewhere needs none
    from andes_demos.board.race import Race

__all__ = ["SPEEDS", "LiveBoard", "RaceBoard"]

SPEEDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Virtual seconds a second."""

_FRAME_S: Final = 0.1
_READ_EVERY_S: Final = 1.0
_KEPT: Final = 5000  # points of the chart; then every second one is dropped

_CSS: Final = """
Screen { layout: vertical; }
#title { height: 1; background: $panel; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
#servers { height: 1fr; }
.server { width: 1fr; height: 100%; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
#chart { height: 8; padding: 0 1; border-top: solid $panel; }
"""


class _Board(App[None]):
    """A title, servers side by side, and a chart of QoE below."""

    CSS = _CSS
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._lines: dict[str, list[float]] = {colour: [] for colour in COLOURS[:count]}

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Horizontal(id="servers"):
            for i in range(self._count):
                yield Static(id=f"server-{i}", classes="server")
        yield Static(id="chart")
        yield Footer()

    def show_title(self, text: str) -> None:
        self.query_one("#title", Static).update(Text(line(text)))

    def show_server(self, number: int, draw: Callable[[int, int], Text]) -> None:
        """Show what `draw` makes of the panel's width and height, cells."""
        panel = self.query_one(f"#server-{number}", Static)
        panel.update(draw(panel.content_size.width, panel.content_size.height))

    def plot(self, values: Sequence[float]) -> None:
        """Add a point to each line, and draw them."""
        for curve, value in zip(self._lines.values(), values, strict=True):
            curve.append(value)
            if len(curve) > _KEPT:
                del curve[::2]
        self.draw_chart()

    def draw_chart(self) -> None:
        where = self.query_one("#chart", Static)
        size = where.content_size
        where.update(chart(self._lines, width=size.width, height=max(2, size.height)))


class RaceBoard(_Board):
    """Simulated servers on the same arrivals.

    Args:
        make: makes the race from a seed. It is called in a thread: vLLM takes its time to load.
        count: servers in it.
        about: the workload in a few words.
        seed: of the first race; the key N starts the next one.
        speed: one of SPEEDS.
    """

    TITLE = "andes board"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "pause or resume"),
        Binding("plus,equals_sign,right", "faster", "faster", key_display="+"),
        Binding("minus,left", "slower", "slower", key_display="-"),
        Binding("s", "sort", "order: neediest or first come"),
        Binding("n", "next", "new arrivals"),
        Binding("q,escape", "quit", "quit", key_display="q"),
    ]

    def __init__(
        self,
        make: "Callable[[int], Race]",
        count: int,
        *,
        about: str,
        seed: int = 0,
        speed: float = 5.0,
    ) -> None:
        super().__init__(count)
        self._make, self._about, self._seed = make, about, seed
        self._speed = SPEEDS.index(speed)
        self._paused = False
        self._by_need = True
        self.race: Race | None = None
        self.views: tuple[View, ...] = ()
        """The servers as they are on the screen."""

    @property
    def speed(self) -> float:
        """Virtual seconds a second that are asked for; a slow machine may not reach them."""
        return SPEEDS[self._speed]

    @property
    def is_paused(self) -> bool:
        """Whether the virtual clock stands."""
        return self._paused

    def on_mount(self) -> None:
        self.action_next(0)

    def action_next(self, step: int = 1) -> None:
        """Start again, with other arrivals."""
        self._seed += step
        for curve in self._lines.values():
            curve.clear()
        self.race = None
        # Exclusive: the race before it ends with the frame that is under way.
        self.run_worker(self._run(self._seed), exclusive=True)

    def action_pause(self) -> None:
        """Stop the virtual clock, or let it go on."""
        self._paused = not self._paused
        self._show_title()

    def action_faster(self) -> None:
        """One step faster."""
        self._speed = min(len(SPEEDS) - 1, self._speed + 1)
        self._show_title()

    def action_slower(self) -> None:
        """One step slower."""
        self._speed = max(0, self._speed - 1)
        self._show_title()

    def action_sort(self) -> None:
        """Show whoever has least text in hand first, or whoever came first."""
        self._by_need = not self._by_need
        self._show()

    def on_resize(self) -> None:
        self._show()

    async def _run(self, seed: int) -> None:
        self.show_title("loading vLLM's scheduler …")
        race = self.race = await asyncio.to_thread(self._make, seed)
        loop = asyncio.get_running_loop()
        now_s, before = 0.0, loop.time()
        while not race.is_done:
            await asyncio.sleep(_FRAME_S)
            elapsed, before = loop.time() - before, loop.time()
            if self._paused:
                continue
            # What this machine cannot do in time is not made up for: that would never end.
            now_s += min(elapsed, 2 * _FRAME_S) * self.speed
            await asyncio.to_thread(race.run, now_s)
            self.views = await asyncio.to_thread(race.views)
            self.plot([view.qoe for view in self.views])
            self._show()
        self._show_title()

    def _show(self) -> None:
        for i, view in enumerate(self.views):
            self._show_view(i, view)
        self.draw_chart()
        self._show_title()

    def _show_view(self, number: int, view: View) -> None:
        def draw(width: int, height: int) -> Text:
            colour, by_need = COLOURS[number], self._by_need
            return panel(view, colour, width=width, height=height, by_need=by_need)

        self.show_server(number, draw)

    def _show_title(self) -> None:
        if self.race is None:
            return
        now = self.views[0].now_s if self.views else 0.0
        state = "all done" if self.race.is_done else "paused" if self._paused else ""
        parts = [self._about, f"{now:.0f} s", f"{self.speed:g} x", state]
        self.show_title(" · ".join(part for part in parts if part))


class LiveBoard(_Board):
    """A real server, read once a second.

    Args:
        server: it is closed with the board.
    """

    TITLE = "andes board"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape", "quit", "quit", key_display="q")]

    def __init__(self, server: Server) -> None:
        super().__init__(1)
        self._server = server

    def on_mount(self) -> None:
        self.show_title(f"{self._server.url}: waiting for its figures")
        self.run_worker(self._run())

    def on_resize(self) -> None:
        self.draw_chart()

    async def on_unmount(self) -> None:
        await self._server.aclose()

    async def _run(self) -> None:
        while True:
            try:
                figures = await self._server.read()
            except LiveError as error:
                self.show_title(str(error))
            else:
                self.show_title(self._server.url)
                self.show_server(0, lambda _width, _height, now=figures: _lines(now))  # type: ignore[misc]
                lately = figures.qoe if figures.qoe_lately is None else figures.qoe_lately
                if lately is not None:
                    self.plot([lately])
            await asyncio.sleep(_READ_EVERY_S)


def _lines(figures: Figures) -> Text:
    lines = [
        f"{figures.running} running, {figures.waiting} waiting",
        f"KV memory {figures.memory:.0%}, {figures.preemptions} preemptions",
    ]
    if not figures.has_andes:
        lines += ["", "Stock vLLM does not measure QoE. With AndesScheduler, QoE appears here."]
    elif figures.qoe is None:
        lines += ["", "No response has ended yet."]
    else:
        lately = "–" if figures.qoe_lately is None else f"{figures.qoe_lately:.3f}"
        lines += [
            "",
            f"QoE {figures.qoe:.3f} of {figures.answered} responses, lately {lately}",
            f"{figures.overdue} readers wait for text that is due, the longest for "
            f"{figures.longest_wait_s:.1f} s; {figures.stalls} stalls",
        ]
    return Text("\n".join(lines))
