"""A paced answer on a terminal and in a notebook: from the model to the screen, a table.

    make screens                                sets the libraries up
    python benchmarks/terminals.py              two minutes
    python benchmarks/terminals.py --markdown   the table of docs/frameworks.md

A model (helpers/screen_model.py) says one word after another, more slowly than people read. The
programs (helpers/terminal_programs.py) run in a terminal of 80 columns, and each word is noted when
it comes out of that.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from helpers.screen_apps import PYTHON
from helpers.screen_model import evenly, talking, words
from table import print_table

__all__ = ["COLUMNS", "PROGRAM", "main"]

COLUMNS: Final = ("", "latency, ms", "the slowest word, ms", "words")
PROGRAM: Final = Path(__file__).parent / "helpers" / "terminal_programs.py"
_ROOT: Final = Path(__file__).parents[1]
_PATIENCE_S: Final = 120.0
_ESCAPES: Final = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def main(argv: Sequence[str] | None = None) -> None:
    """Run as a script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=30)
    parser.add_argument("--markdown", action="store_true", help="as a table of Markdown")
    options = parser.parse_args(argv)
    if not PYTHON.exists():
        parser.error(f"no {PYTHON}; `make screens` makes it")
    lines = [row(name, options.words) for name in _programs()]
    if options.markdown:
        for line in (COLUMNS, ["---"] * len(COLUMNS), *lines):
            print("|", " | ".join(line), "|")
    else:
        print_table("A paced answer on a terminal", COLUMNS, lines)


def _programs() -> list[str]:
    program = "import terminal_programs as t; print(*t.PROGRAMS, sep='\\n')"
    ran = subprocess.run(
        [str(PYTHON), "-c", program], check=True, stdout=subprocess.PIPE, text=True, env=_paths()
    )
    return ran.stdout.splitlines()


def row(name: str, number: int) -> list[str]:
    """What is seen of one program."""
    with talking() as model:
        model.script = evenly(number)
        seen = watch(name, model.url)
        (answer,) = model.answers
    said = [word.strip() for word in words(number)]
    late = [seen[word] - answer.said[word] for word in said if word in seen]
    whole = "all" if list(seen) == said else "NOT ALL"
    return [name, f"{median(late) * 1e3:.0f}", f"{max(late) * 1e3:.0f}", whole]


def watch(name: str, url: str) -> dict[str, float]:
    """When each word came out of the terminal of a program, seconds of the machine's clock."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [str(PYTHON), str(PROGRAM), name],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        env={**_paths(), "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "none"},
    )
    os.close(inside)
    try:
        return _read(terminal)
    finally:
        process.terminate()
        process.wait()
        os.close(terminal)


def _read(terminal: int) -> dict[str, float]:
    seen: dict[str, float] = {}
    out, until = b"", time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and select.select([terminal], [], [], _PATIENCE_S)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the program has ended
            return seen
        now, out = time.time(), out[-1000:] + piece
        for word in re.findall(rb"w\d\d", _ESCAPES.sub(b"", out)):
            seen.setdefault(word.decode(), now)
    raise TimeoutError(f"it does not end; so far: {out!r}")


def _paths() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    paths = os.pathsep.join([str(_ROOT), str(PROGRAM.parent)])
    return {**kept, "PYTHONPATH": paths, "TERM": "xterm-256color"}


if __name__ == "__main__":
    main()
