"""How quick `andes chat` is while a long answer streams: keys, and the processor.

    python benchmarks/chat.py

The program runs in a terminal of its own (a pty) against a server on the loopback interface
that sends Markdown with tables, code, CJK and emoji. Four fifths come at once and are revealed.
More follows at 50 tokens a second, as fast as servers send, and is shown as it comes. The rest
is read at reading speed, below all that, which stays on the screen. A key is a letter typed into
the prompt; it is there when the terminal gets it.
"""

import argparse
import contextlib
import fcntl
import itertools
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import anyio
from andes_demos.bursty_server import Burst, chat_app, running, tokens
from andes_demos.chat.sample import long_answer
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from table import print_table

sys.path.insert(0, str(Path(__file__).parents[1]))  # for how the tests start a program

from tests.controlling import controlled

__all__ = ["Gate", "Terminal", "main", "measure"]

_LETTERS: Final = "ЖЩЮЯФЦЧШЪЫЭБГДЗИЛПУЬ"  # in no text that the server sends
_DEADLINE_S: Final = 120.0
_BETWEEN_KEYS_S: Final = 0.37
_FAST: Final = 50.0  # tokens a second
_F2, _F3, _F5 = b"\x1bOQ", b"\x1bOR", b"\x1b[15~"


class Terminal:
    """A program in a terminal, as a person has it before them."""

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        self.process = process
        """The program."""
        self._descriptor = descriptor
        self._seen = b""

    def press(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._descriptor, keys)

    def wait_for(self, text: str | None, seconds: float = _DEADLINE_S) -> float:
        """Read until `text` appears, or (None) as long as that; seconds it took."""
        began = time.perf_counter()
        wanted = None if text is None else text.encode()
        while (left := began + seconds - time.perf_counter()) > 0:
            if select.select([self._descriptor], [], [], min(left, 0.05))[0]:
                self._seen = self._seen[-100:] + os.read(self._descriptor, 65_536)
            if wanted is not None and wanted in self._seen:
                self._seen = b""
                return time.perf_counter() - began
        if wanted is not None:
            raise TimeoutError(f"{text!r} did not appear within {seconds:g} s")
        return seconds

    def cpu(self) -> float:
        """Seconds of processor time that the program has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Gate:
    """An application whose answer stops after so many events until it may go on."""

    def __init__(self, app: ASGIApp, after: int) -> None:
        self._app = app
        self._after = after
        self._may_go_on = threading.Event()

    def open(self) -> None:
        """Let the rest of the answer go."""
        self._may_go_on.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        events = 0

        async def hold(message: Message) -> None:
            nonlocal events
            events += message["type"] == "http.response.body"
            if events > self._after:
                await anyio.to_thread.run_sync(self._may_go_on.wait, _DEADLINE_S)
            await send(message)

        await self._app(scope, receive, hold)


def measure(words: int, keys: int, seconds: float, size: tuple[int, int]) -> list[tuple[str, str]]:
    """Run the program once.

    Args:
        words: in the answer.
        keys: how many are typed in each phase.
        seconds: how long reading is measured.
        size: of the terminal, columns and lines.

    Returns:
        What was measured, and the figure.
    """
    text = long_answer(words)
    letters = itertools.cycle(_LETTERS)
    first = len(tokens(text)) * 4 // 5
    typing = keys * (_BETWEEN_KEYS_S + 0.2)  # seconds, if no key takes longer than that
    more = int(_FAST * (typing + 2.0))
    schedule = (
        Burst(0.0, first, rate=1e7),
        Burst(typing, more, rate=_FAST),
        Burst(0.0, 1, rate=1e7),
    )
    rest = Gate(chat_app(schedule, lambda _: text), after=first + more)
    with (
        running(rest) as url,
        tempfile.TemporaryDirectory() as folder,
        _chat(size, "--url", url, "--data-dir", folder, "--config", os.devnull) as terminal,
    ):
        terminal.wait_for("Ask something")
        terminal.press(b"Go\r")
        terminal.wait_for("QoE")
        began = time.perf_counter()
        terminal.press(_F5)
        at_once = _keys(terminal, letters, keys)
        terminal.wait_for(None, typing + 1.0 - (time.perf_counter() - began))
        fast = _keys(terminal, letters, keys)
        _wait_until_idle(terminal)  # what was sent is on the screen, and more is to come
        terminal.press(_F3 + _F2)  # at reading speed again
        terminal.wait_for("stalled")
        rest.open()
        terminal.wait_for("playing")
        before, began = terminal.cpu(), time.perf_counter()
        terminal.wait_for(None, seconds)
        share = (terminal.cpu() - before) / (time.perf_counter() - began)
        reading = _keys(terminal, letters, keys)
    phases = {
        "four fifths are revealed at once": at_once,
        f"{_FAST:.0f} tokens/s are shown": fast,
        "it is read at reading speed": reading,
    }
    return [
        *(
            (f"key to screen while {phase}: median, worst, ms (<= 100)", _median_and_worst(times))
            for phase, times in phases.items()
        ),
        ("processor at reading speed, % of a core (<= 15)", f"{100 * share:.1f}"),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure in a small and in a large terminal, and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--words", type=int, default=10_000, metavar="N")
    parser.add_argument("--keys", type=int, default=len(_LETTERS), metavar="N")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S")
    arguments = parser.parse_args(argv)
    sizes = [(80, 24), (200, 60)]
    found = [measure(arguments.words, arguments.keys, arguments.seconds, size) for size in sizes]
    rows = [(what, *(one[i][1] for one in found)) for i, (what, _) in enumerate(found[0])]
    columns = ("what", *(f"{width} x {height}" for width, height in sizes))
    print_table(f"andes chat, an answer of {arguments.words} words", columns, rows)
    return 0


def _keys(terminal: Terminal, letters: Iterator[str], count: int) -> list[float]:
    """Seconds from each key to the screen.

    No letter follows itself: where a busy program deletes the one and draws the other in one go,
    nothing would change on the screen.
    """
    times = []
    for letter in itertools.islice(letters, count):
        terminal.press(letter.encode())
        times.append(terminal.wait_for(letter))
        terminal.press(b"\x15")  # Ctrl+U: an empty line again
        terminal.wait_for(None, _BETWEEN_KEYS_S)
    return times


def _wait_until_idle(terminal: Terminal) -> None:
    """Until the program has nothing more to do."""
    used = 1.0
    while used >= 0.05:
        before = terminal.cpu()
        terminal.wait_for(None, 0.5)
        used = terminal.cpu() - before


def _median_and_worst(times: list[float]) -> str:
    return f"{1000 * statistics.median(times):.0f}, {1000 * max(times):.0f}"


@contextlib.contextmanager
def _chat(size: tuple[int, int], *options: str) -> Iterator[Terminal]:
    person, program = pty.openpty()
    columns, lines = size
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    with subprocess.Popen(
        controlled(program, [sys.executable, "-m", "andes_demos.chat", *options]),
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
        pass_fds=(program,),
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    ) as process:
        try:
            yield Terminal(process, person)
        finally:
            process.kill()
            os.close(program)
            os.close(person)


if __name__ == "__main__":
    sys.exit(main())
