"""A whole measurement against a small real server: what is written, printed and returned."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from andes_backend.lab.bench import measure, session
from andes_backend.lab.bench.load import Target
from andes_backend.lab.bench.measure import Plan, SessionError
from andes_backend.lab.workload import make_workload
from tests.lab.bench.fake_server import FakeServer, every_token, refusal


def plan(out: Path, count: int = 6) -> Plan:
    return Plan(make_workload(count, rate=500, seed=0, max_length=20), {"seed": 0}, out)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=200)


def test_run_measures_a_server_and_writes_what_it_found(
    fake_server: FakeServer, tmp_path: Path, console: Console
) -> None:
    target = Target(url=fake_server.url, model="m")
    assert session.run(plan(tmp_path), target, console=console) == 0
    (directory,) = tmp_path.iterdir()
    assert {path.name for path in directory.iterdir()} == {"run.json", "plot.png"}
    value = json.loads((directory / "run.json").read_text())
    assert value["settings"] == {"seed": 0, "url": fake_server.url, "model": "m"}
    assert [request["error"] for request in value["requests"]] == [None] * 6
    assert value["summary"]["preemptions"] is None
    assert sum(group["requests"] for group in value["waits"]["groups"]) == 6
    assert "QoE, mean" in printed(console)
    assert "Who waited; s beyond the expected time" in printed(console)
    assert len(fake_server.bodies) == 7  # one to see that it answers


def test_a_server_that_refuses_is_reported_before_the_load(
    fake_server: FakeServer, tmp_path: Path, console: Console
) -> None:
    fake_server.check = refusal(404, "The model `m` does not exist.")
    target = Target(url=fake_server.url, model="m")
    with pytest.raises(SessionError, match=r"HTTP 404: The model `m` does not exist"):
        session.run(plan(tmp_path), target, console=console)
    assert len(fake_server.bodies) == 1


def test_failed_requests_are_shown_and_make_the_status_one(
    fake_server: FakeServer, tmp_path: Path, console: Console
) -> None:
    async def check(_body: dict[str, Any]) -> Any:
        if len(fake_server.bodies) == 3:
            return await refusal(500, "out of luck")({})
        return None

    fake_server.check = check
    target = Target(url=fake_server.url, model="m")
    assert session.run(plan(tmp_path), target, console=console) == 1
    assert "failed: HTTP 500: out of luck" in printed(console)


@pytest.mark.parametrize(("allowed_s", "said"), [(3600.0, False), (0.0, True)])
def test_a_client_that_was_late_itself_is_owned_up_to(
    fake_server: FakeServer,
    tmp_path: Path,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
    allowed_s: float,
    said: bool,
) -> None:
    monkeypatch.setattr(measure, "_LATE_S", allowed_s)
    session.run(plan(tmp_path), Target(url=fake_server.url, model="m"), console=console)
    assert ("run: our own client sent a request" in printed(console)) is said


PROGRAM = """
import sys
from pathlib import Path
from andes_backend.lab.bench import session
from andes_backend.lab.bench.load import Target
from andes_backend.lab.bench.measure import Plan
from andes_backend.lab.workload import make_workload
plan = Plan(make_workload(6, rate=500, seed=0, max_length=20), {}, Path(sys.argv[2]))
sys.exit(session.run(plan, Target(url=sys.argv[1], model="m")))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_reports_what_is_there(
    fake_server: FakeServer, tmp_path: Path, number: signal.Signals
) -> None:
    """One request never ends; the signal comes when the five others have."""
    pid = 0

    async def events(body: dict[str, Any]) -> AsyncIterator[str]:
        async for event in every_token(body):
            yield event
        if body["vllm_xargs"]["andes_stream"] == "sharegpt-0-2":
            while len(fake_server.bodies) < 7:  # noqa: ASYNC110 - the bodies are a plain list
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)  # the others' last bytes are on their way
            os.kill(pid, number)
            await asyncio.Event().wait()

    fake_server.events = events
    command = [sys.executable, "-c", PROGRAM, fake_server.url, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        pid = process.pid
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run (interrupted)" in output
    (file,) = tmp_path.glob("run-*/run.json")
    value = json.loads(file.read_text())
    assert [request["index"] for request in value["requests"]] == [0, 1, 3, 4, 5]
    assert (value["summary"]["failed"], value["summary"]["planned"]) == (0, 6)
