"""The runner of campaigns, with real processes: what is kept and said, and how it ends."""

import math
import os
import re
import signal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from andes_backend.lab import campaign as room
from andes_backend.lab.campaign import progress
from andes_backend.lab.campaign.campaign import LOG, Campaign
from tests.lab.campaign import pool_tasks


@pytest.fixture(autouse=True)
def no_line_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first task waits until vLLM is loaded, on a busy machine longer than a line is due."""
    monkeypatch.setattr(progress, "_LINE_S", math.inf)


def campaign(folder: Path, *tasks: str) -> Campaign[str, str]:
    console = Console(file=StringIO(), width=40)
    made: Campaign[str, str] = Campaign(pool_tasks.ends, folder, 1, console)
    for task in tasks:
        made.add(task, f"task [{task}]")
    return made


def said(made: Campaign[str, str]) -> list[str]:
    assert isinstance(made.console.file, StringIO)
    return made.console.file.getvalue().splitlines()


def run(made: Campaign[str, str], end: signal.Signals | None = None) -> tuple[int, dict[int, str]]:
    """Its status, and what was kept; with a signal, which comes with the first outcome."""
    kept: dict[int, str] = {}
    concluded = []

    def keep(index: int, outcome: str) -> None:
        kept[index] = outcome
        if end is not None:
            os.kill(os.getpid(), end)

    status = made.run(keep, lambda: concluded.append(True))
    assert concluded == [True]
    return status, kept


def test_each_outcome_is_kept_and_nothing_is_said_if_all_goes_well(tmp_path: Path) -> None:
    made = campaign(tmp_path, "a", "b")
    assert run(made) == (0, {0: "a", 1: "b"})
    assert made.errors == {}
    assert said(made) == []


def test_a_task_that_fails_is_said_at_once_and_the_others_go_on(tmp_path: Path) -> None:
    made = campaign(tmp_path, "a", "raise", "b")
    assert run(made) == (1, {0: "a", 1: "ValueError: two lines", 2: "b"})
    assert made.errors == {1: "ValueError: two lines"}
    assert said(made) == ["task [raise]: failed: ValueError: two lines"]
    assert "Traceback" in (tmp_path / LOG).read_text()


def test_what_comes_out_may_ask_for_more(tmp_path: Path) -> None:
    made, kept = campaign(tmp_path, "a"), []

    def keep(index: int, outcome: str) -> None:
        kept.append((index, outcome))
        if index < 3:
            made.add("b", f"task {index + 1}")

    assert made.run(keep, lambda: None) == 0
    assert kept == [(0, "a"), (1, "b"), (2, "b"), (3, "b")]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_campaign_reports_what_is_there(end: signal.Signals, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    made = campaign(tmp_path, "raise", "b", "c")
    assert run(made, end) == (130, {0: "ValueError: two lines"})
    assert said(made)[-1] == "interrupted; reporting the results so far"
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_error_of_ours_is_not_taken_for_an_interruption(tmp_path: Path) -> None:
    def keep(index: int, outcome: str) -> None:
        raise OSError(f"no room for {index}, {outcome}")

    with pytest.raises(OSError, match="no room for 0, a"):
        campaign(tmp_path, "a").run(keep, lambda: pytest.fail("nothing to conclude"))


def test_the_processes_leave_the_cores_to_each_other(tmp_path: Path) -> None:
    made: Campaign[str, str | None] = Campaign(
        pool_tasks.variable, tmp_path, 1, Console(file=StringIO())
    )
    for name in ("OMP_NUM_THREADS", "VLLM_LOGGING_LEVEL"):
        made.add(name, name)
    kept = []
    assert made.run(lambda _, outcome: kept.append(outcome), lambda: None) == 0
    assert kept == ["1", "ERROR"]


def test_what_is_shown_is_in_a_file_too_as_wide_as_a_page(tmp_path: Path) -> None:
    made = campaign(tmp_path)
    table = Table("policy", "QoE")
    table.add_row("qoe", "0.95")
    made.show("table.txt", Text("[bold] 12 " + 60 * "x"), table)
    lines = (tmp_path / "table.txt").read_text().splitlines()
    assert lines[0] == "[bold] 12 " + 60 * "x"
    assert any("0.95" in line for line in lines)
    assert all(len(line) <= 40 for line in said(made))
    assert said(made)[-2:] == lines[-2:]


def test_what_is_said_can_be_copied(tmp_path: Path) -> None:
    made = campaign(tmp_path)
    made.say("written to /a/long/path/[of]/" + 50 * "x")
    assert said(made) == ["written to /a/long/path/[of]/" + 50 * "x"]


def test_the_runner_knows_none_of_the_campaigns() -> None:
    text = "".join(path.read_text() for path in Path(room.__path__[0]).glob("*.py"))
    assert set(re.findall(r"andes_backend\.lab\.(\w+)", text)) == {"campaign", "report", "workload"}
