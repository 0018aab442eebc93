"""Watch one bursty stream twice, side by side: raw, and at the pace people read.

    python -m demos.side_by_side [--wpm 300] [--hurry FACTOR] [--svg FILE]

A server of ours on the loopback interface streams a text as an overloaded LLM server
would; one HTTP request feeds both sides. Where the output is no terminal, the paced text
and the figures of both sides are printed instead.
"""

import argparse
import contextlib
import io
import math
import os
import re
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Final

import anyio
from rich.console import Console
from rich.live import Live

from andes_client import reading
from demos.bursty_server import OVERLOADED, TEXT, Burst, hurried, serving
from demos.measures import Comparison
from demos.screen import Picture
from demos.stream import Clock, compare, deltas, http_client

__all__ = ["main", "run"]

_FRAMES_A_SECOND: Final = 12
_SNAPSHOT_AT: Final = len(TEXT.split()) * 2 // 3  # words read
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells report it


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit status (130 after Ctrl-C)."""
    arguments = _parser().parse_args(argv)
    try:
        run(arguments.wpm, hurry=arguments.hurry, svg=arguments.svg)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever reads the transcript has had enough; Python must not flush into the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def run(
    wpm: float = 300.0,
    *,
    hurry: float = 1.0,
    svg: Path | None = None,
    schedule: Sequence[Burst] = OVERLOADED,
) -> Comparison:
    """Stream the text once, show it, and return what was shown on both sides.

    Args:
        wpm: the reader's speed, words a minute.
        hurry: how many times as fast as in life everything goes, server and reader. All
            figures are given as in life; what the program itself takes counts for more.
        svg: where to write the picture as it was when two thirds had been read.
        schedule: the server's rhythm.
    """
    comparison = Comparison(reading(wpm))
    snapshot = _Snapshot()
    with serving(hurried(schedule, hurry)) as url:
        anyio.run(_show, comparison, url, hurry, snapshot)
    if svg:
        snapshot.save(svg)
    return comparison


async def _show(comparison: Comparison, url: str, hurry: float, snapshot: "_Snapshot") -> None:
    console = Console()
    async with http_client() as client:  # made before the clock starts: it takes a while
        clock = Clock(hurry)
        stream = deltas(client, url, clock.hurried(comparison.expectation))
        if console.is_terminal and not console.is_dumb_terminal:
            await _watch(comparison, stream, clock, snapshot, console)
        else:
            await _print(comparison, stream, clock, snapshot)


async def _watch(
    comparison: Comparison,
    stream: AsyncGenerator[str, None],
    clock: Clock,
    snapshot: "_Snapshot",
    console: Console,
) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def refresh() -> None:
            picture = Picture(comparison, clock.now())
            live.update(picture, refresh=True)
            snapshot.look(comparison, picture)

        async with _repeating(refresh):
            await compare(comparison, stream, clock)
    # The screen of the run is gone; its last picture stays, above the prompt.
    console.print(Picture(comparison, clock.now()), height=console.height - 1)


async def _print(
    comparison: Comparison,
    stream: AsyncGenerator[str, None],
    clock: Clock,
    snapshot: "_Snapshot",
) -> None:
    async with _repeating(lambda: snapshot.look(comparison, Picture(comparison, clock.now()))):
        await compare(comparison, stream, clock, lambda text: print(text, end="", flush=True))
    now, raw, paced = clock.now(), comparison.raw, comparison.paced
    print(f"""

                          raw    paced
QoE              {comparison.qoe_raw(now):12.2f} {comparison.qoe_paced():8.2f}
fastest          {raw.fastest:12.1f} {paced.fastest:8.1f} words/s
longest silence  {raw.longest_silence(now):12.1f} {paced.longest_silence(now):8.1f} s""")


@contextlib.asynccontextmanager
async def _repeating(act: Callable[[], None]) -> AsyncGenerator[None, None]:
    """Call `act` for every frame while the block runs."""

    async def repeat() -> None:
        while True:
            act()
            await anyio.sleep(1 / _FRAMES_A_SECOND)

    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(repeat)
        try:
            yield
        except Exception as error:
            failure = error  # to be raised as it is, not in a group
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


class _Snapshot:
    """The picture, once, when two thirds of the text have been read."""

    def __init__(self) -> None:
        self._paper = Console(
            file=io.StringIO(), record=True, width=96, height=30, force_terminal=True
        )
        self._taken = False

    def look(self, comparison: Comparison, picture: Picture) -> None:
        """Keep the picture if it is time."""
        if not self._taken and len(comparison.paced.words) >= _SNAPSHOT_AT:
            self._taken = True
            self._paper.print(picture)

    def save(self, path: Path) -> None:
        """Write it as SVG, in whatever monospaced font its viewer has: none is fetched."""
        svg = self._paper.export_svg(title="make demo")
        path.write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demos.side_by_side",
        description="One bursty stream, raw and paced, side by side. It needs no GPU and no "
        "server but its own.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--wpm", type=_above_zero, default=300.0, metavar="N", help="words a minute (300)"
    )
    parser.add_argument(
        "--hurry",
        type=_above_zero,
        default=1.0,
        metavar="FACTOR",
        help="let everything, server and reader, go FACTOR times as fast; the figures stay",
    )
    parser.add_argument(
        "--svg",
        type=_file_to_write,
        metavar="FILE",
        help="write the picture, as it was when two thirds had been read, to FILE",
    )
    return parser


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return value


def _file_to_write(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r} to write into")
    return path


if __name__ == "__main__":
    sys.exit(main())
