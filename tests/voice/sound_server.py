"""A sound server without a sound card, for tests that play."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import skip_loudly

__all__ = ["server"]

DEADLINE_S = 60.0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A sound server without a sound card, that takes as long as one; the default of all players.

    What it plays can be recorded: the source "null.monitor".
    """
    if not all(map(shutil.which, ("pulseaudio", "pactl", "parec", "paplay"))):
        skip_loudly("playing", "pulseaudio and pulseaudio-utils are not installed.")
    socket = tmp_path / "socket"
    monkeypatch.setenv("PULSE_RUNTIME_PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PULSE_SERVER", f"unix:{socket}")
    listening = f"module-native-protocol-unix socket={socket} auth-anonymous=1"
    modules = (listening, "module-null-sink sink_name=null")
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    for module in modules:
        command += ["-L", module]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            deadline = time.monotonic() + DEADLINE_S
            while not _answers():
                if process.poll() is not None or time.monotonic() > deadline:
                    skip_loudly("playing", "pulseaudio does not start here.")
            yield
        finally:
            process.kill()


def _answers() -> bool:
    """Whether the sound server does; one that is asked while it starts may never."""
    try:
        asked = subprocess.run(["pactl", "info"], capture_output=True, timeout=10.0)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0
