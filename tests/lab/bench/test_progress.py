"""The progress of a run, on a virtual clock: lines off a terminal, a bar on one."""

import asyncio
from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from andes_backend.lab.bench.load import Load, LoadStatistics, Target
from andes_backend.lab.bench.progress import run_watched
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Workload, make_workload
from andes_client.testing import VirtualClockLoop

Left = Callable[[LoadStatistics, float], float]


class ScriptedLoad(Load):
    """Every 9 s a request ends, the second one failed; 3 in all. No network."""

    def __init__(self) -> None:
        requests = tuple(make_workload(3, rate=1, seed=0, max_length=20).requests)
        super().__init__(Workload("scripted", 0, requests), Target(url="", model=""))

    async def run(self) -> None:
        for index, request in enumerate(self.workload.requests):
            self._sent += 1
            await asyncio.sleep(9)
            error = "broken" if index == 1 else None
            self.outcomes.append(Outcome(index, request, 0.0, (0.5,) * 60, error))


def watched(load: Load, console: Console, left: Left | None = None) -> str:
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(run_watched(load, "stock", console, left))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_off_a_terminal_there_is_a_plain_line_now_and_then() -> None:
    """At 15 s; the run ends at 27 s. 60 tokens came in those 15 s."""
    printed = watched(ScriptedLoad(), Console(file=StringIO(), width=200))
    assert printed.splitlines()[0] == "stock: 1 of 2 sent (3), QoE 1.000, 4 tokens/s"
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    ("terminal", "shown"),
    [
        (False, "1 of 2 sent (3), QoE 1.000, 4 tokens/s, about 16 min left"),  # 985 s at 15 s
        (True, "2 of 3 sent (3), 1 failed, QoE 0.500, 0 tokens/s, about 33 min left"),
    ],
)
def test_the_time_left_shows_if_somebody_knows_it(terminal: bool, shown: str) -> None:
    """Asked with what is known so far, and the seconds since the start."""

    def left(now: LoadStatistics, elapsed_s: float) -> float:
        return 1000.0 * now.finished - elapsed_s

    console = Console(file=StringIO(), width=200, force_terminal=terminal)
    assert shown in watched(ScriptedLoad(), console, left)


def test_failures_show() -> None:
    class Slower(ScriptedLoad):
        async def run(self) -> None:
            await super().run()
            await asyncio.sleep(10)

    printed = watched(Slower(), Console(file=StringIO(), width=200))
    assert printed.splitlines()[1] == "stock: 3 of 3 sent (3), 1 failed, QoE 0.667, 8 tokens/s"


def test_on_a_terminal_there_is_a_bar() -> None:
    console = Console(file=StringIO(), width=200, force_terminal=True)
    printed = watched(ScriptedLoad(), console)
    assert "stock" in printed
    assert "2 of 3 sent (3), 1 failed" in printed


def test_an_error_of_the_run_comes_through_and_ends_the_watch() -> None:
    class Broken(ScriptedLoad):
        async def run(self) -> None:
            raise RuntimeError("no")

    with pytest.raises(ExceptionGroup) as failed:
        watched(Broken(), Console(file=StringIO()))
    assert failed.value.exceptions[0].args == ("no",)
