"""What several rooms' tests share."""

import importlib.util
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from hypothesis import settings

pytest_plugins = ["tests.live"]

HAS_CHROMIUM = all(map(shutil.which, ("chromium", "chromedriver")))
HAS_VLLM = importlib.util.find_spec("vllm") is not None
ROOT = Path(__file__).parent.parent

# They share servers: those of tests/engine/conftest.py, and the one asked by its environment.
_SHARING: Final = (
    "test_live_chat",
    "test_live_features",
    "test_live_operator",
    "test_live_preemption",
    "test_live_reports",
)

# What they start is forked from a process that has imported vLLM: one is enough, see forked.py.
_FORKING: Final = ("test_doctor_probe", "test_hints", "test_metrics", "test_plugin")

_LOUD: Final = "LOUD: "  # begins the reason of a skip that the end of the run repeats

_running: Final[dict[str, None]] = {}  # in any process; a set that keeps its order

# A test never fails for being slow: the machine may be busy with something else.
settings.register_profile("andes", deadline=None)
settings.load_profile("andes")


def pytest_configure() -> None:
    """Take signals as programs usually do, in us and in the programs that tests start.

    A shell's script has what it runs in the background ignore Ctrl-C and Ctrl-\\, and nohup a
    hang-up: a test that sends one would wait for ever. A polite kill ends us like Ctrl-C: no
    server stays behind.
    """
    # Some tests read vLLM's log, which who runs them may have silenced.
    os.environ.pop("VLLM_LOGGING_LEVEL", None)
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def in_live_lane(nodeid: str) -> bool:
    """Whether a test needs a live server; such modules are called test_live_*.py."""
    return _module(nodeid).startswith("test_live_")


def lane(nodeid: str) -> str:
    """Tests of one lane run in one process, one after the other.

    The live servers of a session are shared within a process: modules with the same servers are in
    the same lane. There are two such lanes, about as long as each other. Any other module is a lane
    of its own, for the process that has time; but for some short ones that share a process.
    """
    if _module(nodeid) in _FORKING:
        return "forking"
    if not in_live_lane(nodeid):
        return nodeid.partition("::")[0]
    return "live, sharing" if _module(nodeid) in _SHARING else "live"


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[2].removesuffix(".py")


def check_ids(nodeids: Iterable[str]) -> None:
    """Nothing, if they are the same in every process: else no process is given any test.

    Raises:
        pytest.UsageError: one has an address in it, of a function, say.
    """
    for nodeid in nodeids:
        if " at 0x" in nodeid:
            raise pytest.UsageError(
                f"{nodeid}: its name is another one in each process; give the parameter an id"
            )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The live tests come first, then the modules that have slow ones.

    On two cores the others then run beside them to the end, which comes for all at about the same
    time.
    """
    check_ids(item.nodeid for item in items)
    slow = {lane(item.nodeid) for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not in_live_lane(item.nodeid), lane(item.nodeid) not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`-n 3` runs the two lanes of live tests, and beside them the other modules.

    Live servers and terminals wait for each other half of the time: three processes keep two cores
    busy. xdist's own groups do not work with pytest 9.2, whose items have no `_nodeid` any longer
    (pytest-xdist 3.8).
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return lane(nodeid)

    config.option.loadscopereorder = False  # which would put the modules with most tests first
    return Lanes(config, log)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without vLLM the engine's tests cannot even be imported."""
    if collection_path == ROOT / "tests" / "engine" and not HAS_VLLM:
        if os.environ.get("ANDES_REQUIRE_VLLM") == "1":
            raise pytest.UsageError("ANDES_REQUIRE_VLLM=1, but vLLM is not installed")
        return True
    return None


@pytest.fixture(scope="session", autouse=True)
def deprecated_calls_fail_in_every_process() -> Iterator[None]:
    """In the programs that tests start, the live servers among them, as they do in this one.

    Only what our adapter to vLLM calls: of what other packages say of each other a server's log is
    full. Python takes no pattern here, so its modules are named one by one.
    """
    modules = sorted(path.stem for path in (ROOT / "andes_backend" / "engine").glob("*.py"))
    filters = (f"error::DeprecationWarning:andes_backend.engine.{module}" for module in modules)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONWARNINGS", ",".join(filters), prepend=",")
        yield


def pytest_runtest_logstart(nodeid: str) -> None:
    _running[nodeid] = None


def pytest_runtest_logfinish(nodeid: str) -> None:
    _running.pop(nodeid, None)


def pytest_keyboard_interrupt() -> None:
    """Whoever ends a run that takes too long learns what it was at; also by a polite kill."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    print("\nInterrupted while these ran:", *_running, sep="\n  ", file=sys.__stderr__, flush=True)


def skip_loudly(what: str, why: str) -> NoReturn:
    """Skip this test, with a section at the end of the run that says what was not tested."""
    pytest.skip(f"{_LOUD}{what}: {why}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
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
    # A skip may come from another process: its reason is all that comes with it.
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for reason in dict.fromkeys(text.partition(_LOUD)[2].rstrip(")'") for text in skipped):
        what, _, why = reason.partition(": ")
        if what:
            terminalreporter.section(f"SKIPPED: {what}", red=True, bold=True)
            terminalreporter.line(why)
