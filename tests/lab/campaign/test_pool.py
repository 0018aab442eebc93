"""The pool, with real processes: order, failures, deaths, and its end."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from andes_backend.lab.campaign.pool import Done, Event, Failed, Progressed, Started, run_tasks
from tests.lab.campaign import pool_tasks


def run(function: Callable[..., Any], tasks: Sequence[Any], **more: Any) -> list[Event[Any]]:
    return list(run_tasks(function, tasks, **{"jobs": 2, **more}))


def values(events: list[Event[Any]]) -> dict[int, Any]:
    return {event.index: event.value for event in events if isinstance(event, Done)}


def errors(events: list[Event[Any]]) -> dict[int, str]:
    return {event.index: event.error for event in events if isinstance(event, Failed)}


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_tasks_are_started_in_order_and_each_ends_once() -> None:
    events = run(pool_tasks.double, range(7))
    assert [event.index for event in events if isinstance(event, Started)] == list(range(7))
    assert values(events) == {i: 2 * i for i in range(7)}
    assert not errors(events)


def test_the_events_of_a_task_come_in_order() -> None:
    events = run(pool_tasks.double, [5], jobs=1)
    assert events == [Started(0), Progressed(0, 5, 100), Done(0, 10)]


def test_a_process_is_used_again() -> None:
    """Starting one is dear: it imports vLLM."""
    assert len(set(values(run(pool_tasks.process_id, range(6))).values())) <= 2
    (only,) = set(values(run(pool_tasks.process_id, range(3), jobs=1)).values())
    assert only != os.getpid()


def test_there_are_no_more_processes_than_tasks() -> None:
    assert len(values(run(pool_tasks.process_id, [0], jobs=64))) == 1
    assert run(pool_tasks.process_id, []) == []


def test_a_task_that_raises_fails_alone_and_its_process_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    events = run(pool_tasks.ends, ["well", "raise", "bare", "fine"], jobs=1, log=log)
    assert values(events) == {0: "well", 3: "fine"}
    assert errors(events) == {1: "ValueError: two lines", 2: "KeyError"}
    assert 'raise ValueError("two\\nlines")' in log.read_text()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("task", "error"),
    [
        ("exit", "its process ended with status 3"),
        ("kill", "its process was killed by SIGKILL (was memory short?)"),
    ],
)
def test_a_process_that_dies_takes_one_task_with_it(jobs: int, task: str, error: str) -> None:
    events = run(pool_tasks.ends, ["a", task, "b", task, "c"], jobs=jobs)
    assert values(events) == {0: "a", 2: "b", 4: "c"}
    assert errors(events) == {1: error, 3: error}


def test_a_last_task_whose_process_dies_ends_the_run() -> None:
    assert errors(run(pool_tasks.ends, ["kill", "kill"])).keys() == {0, 1}


def test_what_cannot_be_sent_back_fails_alone() -> None:
    events = run(pool_tasks.ends, ["unsendable", "well"], jobs=1)
    assert values(events) == {1: "well"}
    assert "pickle" in errors(events)[0]


def test_a_task_that_cannot_be_read_there_fails_alone() -> None:
    events = run(pool_tasks.ends, [pool_tasks.Unreadable(), "well"], jobs=1)
    assert values(events) == {1: "well"}
    assert errors(events) == {0: "RuntimeError: no way back"}


def test_the_environment_is_set_there_and_only_there() -> None:
    events = run(pool_tasks.variable, ["ANDES_TEST"], environment={"ANDES_TEST": "1"})
    assert values(events) == {0: "1"}
    assert "ANDES_TEST" not in os.environ


def test_all_output_goes_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    run(pool_tasks.speak, ["hello"], log=log)
    assert log.read_text().splitlines() == ["before", "hello", "hello from another program"]
    assert capfd.readouterr() == ("", "")


def test_closing_the_iterator_ends_all_processes_at_once(tmp_path: Path) -> None:
    events = run_tasks(pool_tasks.hang, [tmp_path] * 3, jobs=2)
    running = 0
    for event in events:
        running += isinstance(event, Progressed)
        if running == 2:
            break
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert all(is_running(pid) for pid in pids)
    events.close()
    assert not any(is_running(pid) for pid in pids)


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from andes_backend.lab.campaign.pool import Progressed, run_tasks
from tests.lab.campaign import pool_tasks

if __name__ == "__main__":
    try:
        for event in run_tasks(pool_tasks.hang, [Path({out!r})] * 2, jobs=2):
            if isinstance(event, Progressed):
                print("running", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def start_program(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """A program of its own whose two tasks hang, in a process group of its own."""
    out = folder / "running"
    out.mkdir()
    path = folder / "program.py"
    path.write_text(PROGRAM.format(root=str(Path(__file__).parents[3]), out=str(out)))
    program = subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert program.stdout is not None
    assert [program.stdout.readline() for _ in range(2)] == ["running\n"] * 2
    return program, [int(entry.name) for entry in out.iterdir()]


def test_ctrl_c_ends_all_processes_without_a_word_from_them(tmp_path: Path) -> None:
    """As a terminal sends it: to the whole group at once."""
    program, pids = start_program(tmp_path)
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=30)
    assert (program.returncode, out, err) == (0, "interrupted\n", "")
    assert not any(is_running(pid) for pid in pids)


def test_processes_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    program, pids = start_program(tmp_path)
    ends = [os.pidfd_open(pid) for pid in pids]
    program.kill()
    program.communicate()
    for end in ends:
        assert select.select([end], [], [], 30) == ([end], [], [])
        os.close(end)


def test_a_pool_needs_a_job() -> None:
    with pytest.raises(ValueError, match="jobs must be 1 or more, not 0"):
        run(pool_tasks.double, [1], jobs=0)
