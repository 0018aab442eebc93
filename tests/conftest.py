"""What several rooms' tests share: vLLM, and the tiny model that it serves."""

import importlib.util
import os
import shutil
import signal
from pathlib import Path
from typing import Final, NoReturn

import pytest
from hypothesis import settings

from andes_backend.lab.bench.tiny_model import make_tiny_model

HAS_CHROMIUM = all(map(shutil.which, ("chromium", "chromedriver")))
HAS_VLLM = importlib.util.find_spec("vllm") is not None
ROOT = Path(__file__).parent.parent

_LOUD: Final = pytest.StashKey[dict[str, str]]()

# A test never fails for being slow: the machine may be busy with something else.
settings.register_profile("andes", deadline=None)
settings.load_profile("andes")


def pytest_configure() -> None:
    """Take Ctrl-C as Python usually does, in us and in the programs that tests start.

    A shell's script has whatever it runs in the background ignore it, and a test that presses it
    would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without vLLM the engine's tests cannot even be imported."""
    if collection_path == ROOT / "tests" / "engine" and not HAS_VLLM:
        if os.environ.get("ANDES_REQUIRE_VLLM") == "1":
            raise pytest.UsageError("ANDES_REQUIRE_VLLM=1, but vLLM is not installed")
        return True
    return None


def skip_loudly(config: pytest.Config, what: str, why: str) -> NoReturn:
    """Skip this test, with a section at the end of the run that says what was not tested."""
    config.stash.setdefault(_LOUD, {})[what] = why
    pytest.skip(why)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not HAS_CHROMIUM:
        terminalreporter.section("SKIPPED: the web page in a browser", red=True, bold=True)
        terminalreporter.line("chromium and chromedriver are not installed: see scripts/chromium.")
    if not HAS_VLLM:
        terminalreporter.section(
            "SKIPPED: everything in tests/engine, and the twin", red=True, bold=True
        )
        terminalreporter.line(
            "vLLM is not installed: neither the scheduler nor the twin was tested."
        )
    for what, why in config.stash.get(_LOUD, {}).items():
        terminalreporter.section(f"SKIPPED: {what}", red=True, bold=True)
        terminalreporter.line(why)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Llama with random weights and a tokenizer of its own."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    make_tiny_model(path, hidden_size=256, layers=4)
    return path
