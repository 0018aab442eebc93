"""The examples for web frameworks: how each is started, and where a visitor clicks in it."""

import contextlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = [
    "APPS",
    "EXAMPLES",
    "PYTHON",
    "App",
    "NotStartedError",
    "free_port",
    "interpreter",
    "serving",
]

_ROOT: Final = Path(__file__).parents[2]

EXAMPLES: Final = _ROOT / "examples" / "screens"

PYTHON: Final = Path(os.environ.get("ANDES_SCREENS_PYTHON", _ROOT / ".venv-screens/bin/python"))
"""The interpreter that has the frameworks; `make screens` makes it."""

_PATIENCE_S: Final = 180.0  # until an app is ready, on a slow machine


class NotStartedError(Exception):
    """An app is not ready in time, or has ended; the message has what it printed."""


@dataclass(frozen=True)
class App:
    """One example."""

    name: str
    packages: tuple[str, ...]
    """Whose versions the table says; they are imported by the same names."""
    file: str
    command: str
    """The module and its arguments; {port} and {file} are filled in."""
    question: str = "#question"
    """Where a question is typed: a CSS selector."""
    stop: str = "#stop"
    environment: Mapping[str, str] = field(default_factory=dict)


APPS: Final = (
    App(
        "FastAPI",
        ("fastapi", "starlette", "uvicorn"),
        "fastapi_app.py",
        "uvicorn fastapi_app:app --port {port}",
    ),
    App("Flask", ("flask", "werkzeug"), "flask_app.py", "flask --app flask_app run --port {port}"),
    App(
        "Django, ASGI",
        ("django", "uvicorn"),
        "django_app.py",
        "uvicorn django_app:app --port {port} --lifespan off",
    ),
    App(
        "Django, WSGI",
        ("django", "gunicorn"),
        "django_wsgi_app.py",
        "gunicorn --bind 127.0.0.1:{port} --threads 8 django_wsgi_app:app",
    ),
    App(
        "Streamlit",
        ("streamlit",),
        "streamlit_app.py",
        "streamlit run {file} --server.port {port} --server.address 127.0.0.1 "
        "--server.headless true --browser.gatherUsageStats false --server.fileWatcherType none",
        question='[data-testid="stChatInputTextArea"]',
        stop='[data-testid="stBaseButton-header"]:not([data-testid="stAppDeployButton"] *)',
    ),
    App(
        "Gradio",
        ("gradio",),
        "gradio_app.py",
        "gradio_app",
        question="textarea",
        stop="button.stop-button",
        environment={"GRADIO_SERVER_PORT": "{port}", "GRADIO_ANALYTICS_ENABLED": "False"},
    ),
    App(
        "NiceGUI",
        ("nicegui",),
        "nicegui_app.py",
        "nicegui_app",
        question="input",
        stop="button.stop",
        environment={"PORT": "{port}"},
    ),
    App(
        "Chainlit",
        ("chainlit",),
        "chainlit_app.py",
        "chainlit run {file} --headless --host 127.0.0.1 --port {port}",
        question="#chat-input",
        stop="#stop-button",
    ),
)


def interpreter(app: App) -> Path | None:
    """That of the frameworks; or this one, if it has what the app needs; or none."""
    if PYTHON.exists():
        return PYTHON
    here = all(importlib.util.find_spec(name) for name in (*app.packages, "openai"))
    return Path(sys.executable) if here else None


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(app: App, model: str, folder: Path, *, own: bool = False) -> Iterator[str]:
    """The address of an app that runs, for the length of the block.

    Args:
        model: the address of the server that it asks.
        folder: where it may write, with its log in it.
        own: without our pacing: the framework's own stream.

    Raises:
        NotStartedError: it does not run.
    """
    port, log = free_port(), folder / f"{app.file}{'.own' * own}.log"
    filled = [one.format(port=port, file=EXAMPLES / app.file) for one in app.command.split()]
    stand_in = [str(Path(__file__).with_name("screen_own.py"))] if own else []
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(interpreter(app)), *stand_in, "-m", *filled],
            cwd=folder,  # some frameworks leave files there
            env=_environment(app, model, port, folder),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url, process, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(app: App, model: str, port: int, folder: Path) -> dict[str, str]:
    # NiceGUI behaves otherwise if it finds itself in a test.
    dropped = re.compile("PYTEST_|.*_proxy$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not dropped.match(name)}
    own = {name: value.format(port=port) for name, value in app.environment.items()}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(_ROOT), str(EXAMPLES)]),
        "HOME": str(folder),
        "OPENAI_BASE_URL": f"{model}/v1",
        "OPENAI_API_KEY": "none",
        **own,
    }


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), direct.open(url, timeout=10):
            return
        time.sleep(0.1)
    raise NotStartedError(log.read_text(errors="replace")[-3000:])
