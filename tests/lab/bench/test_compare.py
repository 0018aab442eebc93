"""A whole comparison, with a small real server in vLLM's place: files, table, and going on."""

import asyncio
import contextlib
import dataclasses
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from andes_backend.lab.bench import compare as module
from andes_backend.lab.bench.compare import Comparison, compare
from andes_backend.lab.bench.kept import read_options
from andes_backend.lab.bench.measure import Plan, SessionError
from andes_backend.lab.bench.server import Server, ServerError
from andes_backend.lab.workload import make_workload
from tests.lab.bench.fake_server import FakeServer, every_token

pytest.importorskip("tokenizers")  # `compare` makes the tiny model

RATES = (400.0, 500.5)


def plan(out: Path, rate: float, count: int = 6) -> Plan:
    return Plan(make_workload(count, rate=rate, seed=0, max_length=20), {"rate": rate}, out)


def comparison(out: Path, *rates: float, **policies: str | None) -> Comparison:
    return Comparison(
        plans=[plan(out, rate) for rate in rates],
        policies=policies or {"stock": None, "qoe": "qoe"},
        settings={"fairness": 0},
        layers=10,
        words=["--rate", ",".join(map(str, rates))],
    )


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def only_directory(out: Path) -> Path:
    (directory,) = out.glob("compare-*")
    return directory


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=200)


def in_place_of_vllm(server: FakeServer, patch: pytest.MonkeyPatch) -> list[str | None]:
    """The fake server, for whatever policy; returns the policies that are asked for.

    A policy called "broken" does not start.
    """
    policies: list[str | None] = []

    @contextlib.contextmanager
    def serve_fake(_model: Path, *, policy: str | None, log: Path, **_: object) -> Iterator[Server]:
        if policy == "broken":
            raise ServerError("the server ended with status 1")
        policies.append(policy)
        yield Server(server.url, "tiny", log, os.getpid())

    patch.setattr(module, "serve_tiny", serve_fake)
    return policies


@pytest.fixture
def served(fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    return in_place_of_vllm(fake_server, monkeypatch)


@dataclass(frozen=True)
class Complete:
    """A comparison that has been made."""

    out: Path
    """The directory above its own."""
    printed: str
    served: list[str | None]
    """The policies that were asked for."""
    bodies: list[dict[str, Any]]
    """What the server was sent."""

    @property
    def directory(self) -> Path:
        return only_directory(self.out)

    def copied(self, out: Path) -> Path:
        """The directory of a copy below `out`, to be changed."""
        shutil.copytree(self.out, out, dirs_exist_ok=True)
        return only_directory(out)


def completed(server: FakeServer, out: Path, *rates: float) -> Complete:
    server.forget()
    console = Console(file=StringIO(), width=200)
    with pytest.MonkeyPatch.context() as patch:
        served = in_place_of_vllm(server, patch)
        assert compare(comparison(out, *rates), console=console) == 0
    return Complete(out, printed(console), served, server.bodies.copy())


@pytest.fixture(scope="module")
def at_one_rate(_the_server: FakeServer, tmp_path_factory: pytest.TempPathFactory) -> Complete:
    return completed(_the_server, tmp_path_factory.mktemp("one-rate"), 500.0)


@pytest.fixture(scope="module")
def at_two_rates(_the_server: FakeServer, tmp_path_factory: pytest.TempPathFactory) -> Complete:
    return completed(_the_server, tmp_path_factory.mktemp("two-rates"), *RATES)


def test_every_policy_is_sent_the_same_work(at_one_rate: Complete) -> None:
    assert at_one_rate.served == [None, "qoe"]
    assert "qoe / stock" in at_one_rate.printed
    assert "Who waited; s beyond the expected time" in at_one_rate.printed
    directory = at_one_rate.directory
    files = {"stock-500.json", "qoe-500.json", "plot.png", "table.txt", "comparison.json"}
    assert names(directory) == files
    assert "Who waited; s beyond the expected time" in (directory / "table.txt").read_text()
    stock, qoe = (read(directory / f"{name}-500.json") for name in ("stock", "qoe"))
    assert stock["settings"] == {
        "rate": 500.0,
        "policy": "stock",
        "kv_blocks": 160,
        "layers": 10,
    }
    assert qoe["settings"] == {**stock["settings"], "policy": "qoe", "scheduler": {"fairness": 0}}
    assert stock["summary"]["preemptions"] == 6  # the fake counts the requests
    work = ("arrival_s", "prompt_tokens", "output_tokens", "expected_tds")
    assert [[r[name] for name in work] for r in stock["requests"]] == [
        [r[name] for name in work] for r in qoe["requests"]
    ]
    # 4 requests to warm up and 6 to measure, each time; the very same prompts.
    bodies = at_one_rate.bodies
    middle = len(bodies) // 2
    first, second = (
        sorted(str(body["prompt"]) for body in half) for half in (bodies[:middle], bodies[middle:])
    )
    assert first == second
    assert len(set(first)) == 10


@pytest.mark.slow
def test_rates_are_measured_one_after_the_other_and_shown_in_one_table(
    at_two_rates: Complete,
) -> None:
    """A fresh server for each run; all policies at a rate before the next rate."""
    assert at_two_rates.served == [None, "qoe", None, "qoe"]
    directory = at_two_rates.directory
    runs = {f"{policy}-{rate}.json" for policy in ("stock", "qoe") for rate in ("400", "500.5")}
    assert names(directory) == {*runs, "plot.png", "table.txt", "waits.txt", "comparison.json"}
    table = (directory / "table.txt").read_text()
    assert "│ 400 " in table
    assert "│ 500.5 " in table
    assert table.count("longest wait of all, s") == 2
    assert table.count("requests/s at QoE 0.9") == 1
    assert "longest wait of all, s" in at_two_rates.printed
    # Who waited would fill screens: it is in a file, for each rate.
    assert "Who waited" not in at_two_rates.printed + table
    waits = (directory / "waits.txt").read_text()
    assert "Who waited (400 requests/s); s beyond the expected time" in waits
    assert "Who waited (500.5 requests/s); s beyond the expected time" in waits
    assert max(map(len, waits.splitlines())) <= 110


def test_one_is_told_which_run_it_is_and_how_long_it_will_take(at_two_rates: Complete) -> None:
    starts = [line for line in at_two_rates.printed.splitlines() if "starting vLLM" in line]
    assert len(starts) == len(at_two_rates.served) == 4
    assert starts[0] == "run 1 of 4, stock at 400 requests/s: starting vLLM; about 4 min left"
    # What the fake server took is a better guide than what vLLM does.
    assert starts[3] == (
        "run 4 of 4, qoe at 500.5 requests/s: starting vLLM; less than a minute left"
    )


def test_a_policy_that_does_not_start_leaves_the_others_reported(
    served: list[str | None], tmp_path: Path, console: Console
) -> None:
    with pytest.raises(ServerError, match="ended with status 1"):
        compare(comparison(tmp_path, 500.0, stock=None, bad="broken"), console=console)
    assert served == [None]
    assert "QoE, mean" in printed(console)
    directory = only_directory(tmp_path)
    assert (directory / "stock-500.json").exists()
    assert f"to resume: andes bench compare --resume {directory}" in printed(console)


@pytest.mark.usefixtures("served")
def test_a_server_that_went_away_leaves_its_run_reported(
    tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its requests have failed; that nobody can say how many it preempted is no reason to stop."""
    asked = 0

    def gone(_: Server) -> dict[str, float]:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise ConnectionRefusedError
        return {}

    monkeypatch.setattr(Server, "metrics", gone)
    assert compare(comparison(tmp_path, 500.0), console=console) == 0
    directory = only_directory(tmp_path)
    assert read(directory / "stock-500.json")["summary"]["preemptions"] is None
    assert read(directory / "qoe-500.json")["summary"]["preemptions"] == 0


@pytest.mark.usefixtures("served")
def test_on_another_machine_the_model_has_as_many_layers_as_make_it_as_fast(
    tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes on has the same model, without another trial."""
    monkeypatch.setattr(module, "tokens_per_s", lambda layers, **_: 660 / layers)
    wanted = dataclasses.replace(comparison(tmp_path, 500.0), layers=None)
    assert compare(wanted, console=console) == 0
    assert "taking 2 layers: 1.00 times the speed" in printed(console)
    directory = only_directory(tmp_path)
    assert read_options(directory) == ["--rate", "500.0", "--layers", "2"]
    assert read(directory / "qoe-500.json")["settings"]["layers"] == 2
    assert read(tmp_path / "tiny-model-2" / "config.json")["num_hidden_layers"] == 2


def test_a_comparison_from_before_there_were_trials_goes_on_with_the_usual_model(
    at_one_rate: Complete,
    served: list[str | None],
    tmp_path: Path,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    directory = at_one_rate.copied(tmp_path)
    (directory / "qoe-500.json").unlink()
    monkeypatch.setattr(module, "tokens_per_s", lambda layers, **_: 660 / layers)
    wanted = dataclasses.replace(comparison(tmp_path, 500.0), layers=None)
    assert compare(wanted, resume=directory, console=console) == 0
    assert served == ["qoe"]
    assert read(directory / "qoe-500.json")["settings"]["layers"] == 10
    assert "how fast" not in printed(console)


@pytest.mark.usefixtures("served")
def test_ctrl_c_during_the_speed_trial_ends_it(
    tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(_layers: int, **_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "tokens_per_s", trial)
    wanted = dataclasses.replace(comparison(tmp_path, 500.0), layers=None)
    assert compare(wanted, console=console) == 130
    assert "interrupted before the first run" in printed(console)
    assert "to go on" not in printed(console)


# Going on


def interrupt(server: FakeServer, *, after: int, of: int) -> None:
    """After so many requests come so many more, one of which never ends: Ctrl-C once the others
    have."""
    ended = 0

    async def events(body: dict[str, Any]) -> AsyncIterator[str]:
        nonlocal ended
        of_the_run = len(server.bodies) > after
        async for event in every_token(body):
            yield event
        if of_the_run and body["vllm_xargs"]["andes_stream"] == "sharegpt-0-2":
            while ended < of - 1:  # noqa: ASYNC110 - the server's own thread counts
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)  # the others' last bytes are on their way
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        ended += of_the_run

    server.events = events


@pytest.mark.slow
def test_what_an_interrupted_comparison_has_is_kept_and_not_measured_again(
    fake_server: FakeServer, served: list[str | None], tmp_path: Path, console: Console
) -> None:
    """Ctrl-C in the second of four runs, then going on: the first is taken as it is."""
    wanted = comparison(tmp_path, *RATES)
    interrupt(fake_server, after=14, of=6)
    assert compare(wanted, console=console) == 130
    directory = only_directory(tmp_path)
    assert served == [None, "qoe"]
    first, second = (read(directory / f"{name}-400.json") for name in ("stock", "qoe"))
    assert (len(first["requests"]), len(second["requests"])) == (6, 5)
    assert " 5 of 6 " in printed(console)
    assert f"to resume: andes bench compare --resume {directory}" in printed(console)
    assert read_options(directory) == ["--rate", "400.0,500.5", "--layers", "10"]

    fake_server.forget()
    served.clear()
    again = Console(file=StringIO(), width=200)
    assert compare(wanted, resume=directory, console=again) == 0
    assert served == ["qoe", None, "qoe"]
    assert "1 of 4 runs are done\nrun 2 of 4, qoe at 400 requests/s: " in printed(again)
    assert read(directory / "stock-400.json") == first
    assert len(read(directory / "qoe-400.json")["requests"]) == 6
    assert "; reporting the results so far" in printed(console)
    assert "; reporting the results so far" not in printed(again)
    assert "to go on" not in printed(again)


def test_a_comparison_that_is_complete_is_only_shown_again(
    at_two_rates: Complete, served: list[str | None], tmp_path: Path, console: Console
) -> None:
    directory = at_two_rates.copied(tmp_path)
    before = (directory / "table.txt").read_text()
    (directory / "table.txt").unlink()
    assert compare(comparison(tmp_path, *RATES), resume=directory, console=console) == 0
    assert served == []
    assert "4 of 4 runs are done" in printed(console)
    assert (directory / "table.txt").read_text().splitlines()[:5] == before.splitlines()[:5]


def changed(path: Path, **values: Any) -> None:
    value = read(path)
    value["requests"][3].update(values)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prompt_tokens": 999}, r"stock-500\.json: request 3 differs from the workload's"),
        ({"arrival_s": 5.0}, r"request 3 differs from the workload's: the files or options"),
        ({"expected_tds": "inf"}, "request 3 differs from the workload's"),
        ({"index": 2}, "does not have each of the workload's 6 requests once"),
        ({"arrival_s": "soon"}, r"does not hold a run of `andes bench` \(ValueError.*delete it"),
    ],
)
def test_runs_of_another_workload_are_not_mixed_in(
    at_one_rate: Complete,
    served: list[str | None],
    tmp_path: Path,
    console: Console,
    values: dict[str, Any],
    message: str,
) -> None:
    directory = at_one_rate.copied(tmp_path)
    changed(directory / "stock-500.json", **values)
    with pytest.raises(SessionError, match=message):
        compare(comparison(tmp_path, 500.0), resume=directory, console=console)
    assert served == []


def test_runs_of_other_versions_are_owned_up_to(
    at_one_rate: Complete, served: list[str | None], tmp_path: Path, console: Console
) -> None:
    path = at_one_rate.copied(tmp_path) / "qoe-500.json"
    value = read(path)
    now = value["versions"]["numpy"]
    value["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(value))
    wanted = comparison(tmp_path, 500.0)
    assert compare(wanted, resume=path.parent, console=console) == 0
    assert f"{path}: measured with numpy 1.0, but this is {now}" in printed(console).replace(
        "\n", ""
    )
    assert served == []


@pytest.mark.parametrize("text", ["", "[]", '{"options": 3}', '{"options": [3]}', '{"date": ""}'])
def test_a_directory_that_is_no_comparisons_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(SessionError, match=r"does not describe a comparison .*: name a directory"):
        read_options(tmp_path)
