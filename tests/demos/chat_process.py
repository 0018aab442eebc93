"""The chat as a process of its own in a terminal of its own, as a person starts it."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 60.0
COMMAND = (sys.executable, "-m", "andes_demos.chat")


class Terminal:
    """A chat that runs, and all that it has sent to its terminal."""

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        self.process = process
        self.output = b""
        self._descriptor = descriptor

    def press(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str) -> None:
        """Read until `text` has been sent since the last time."""
        before, deadline = len(self.output), time.monotonic() + DEADLINE_S
        while text.encode() not in self.output[max(0, before - len(text)) :]:
            assert time.monotonic() < deadline, f"{text!r} did not come: {self.output[-2000:]!r}"
            if select.select([self._descriptor], [], [], 0.1)[0]:
                try:
                    self.output += os.read(self._descriptor, 65_536)
                except OSError:  # it has left
                    assert text.encode() in self.output, self.output[-2000:]
                    return


@contextlib.contextmanager
def chat(*options: str, **environment: str) -> Iterator[Terminal]:
    """Start it; it is killed in the end."""
    person, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *options],
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
        cwd=ROOT,
        env=clean_environment() | {"TERM": "xterm-256color"} | environment,
    ) as process:
        try:
            yield Terminal(process, person)
        finally:
            process.kill()
            os.close(program)
            os.close(person)


def clean_environment() -> dict[str, str]:
    """This one, without keys and places of whoever runs the tests."""
    ours = ("ANDES_API_KEY", "OPENAI_API_KEY", "ANDES_CONFIG", "ANDES_DATA_DIR")
    return {name: value for name, value in os.environ.items() if name not in ours}
