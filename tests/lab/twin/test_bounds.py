"""Bounds beside the policies of a sweep: `andes twin --bound`."""

import json
import math
import pickle
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from andes_backend.lab.bound import upper_bound
from andes_backend.lab.twin.sweep import session
from andes_backend.lab.twin.sweep.bounds import Bounded, Bounds, bound_tasks, carry_out
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.spec import SweepSpec, described
from tests.lab.twin.made_results import make_here_only, measured, sweep


def bounded(qoe: float) -> Bounded:
    return Bounded(qoe=qoe, gap=0.0, wall_s=1.0)


def shown(bounds: Bounds, results: dict[int, float]) -> str:
    console = Console(file=StringIO(), width=120)
    made = {index: measured(late) for index, late in results.items()}
    for table in bounds.tables(made):
        console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def spec(made: Sweep, out: Path, bounds: tuple[float, ...]) -> SweepSpec:
    return SweepSpec(sweep=made, workload={}, command=[], out=out, jobs=2, bounds=bounds)


def test_what_does_not_change_the_bound_does_not_multiply_it() -> None:
    many = sweep(
        policies=["stock", "qoe"],
        settings={"horizon_s": [2, 4]},
        prefix_caching=[True, False],
        kv_tokens=[40_000, 59_000],
        rates=[2.0, 3.0],
        seeds=[0, 1],
    )
    tasks = bound_tasks(many, [math.inf, 60.0])
    assert len(tasks) == len({task.key for task in tasks}) == 2 * 2 * 2 * 2
    assert {task.profile.kv_tokens for task in tasks} == {40_000, 59_000}
    assert bound_tasks(many, []) == ()


def test_a_task_comes_to_the_bound_of_its_workload_wherever_it_is_sent() -> None:
    (task,) = bound_tasks(sweep(), [60.0])
    told: list[tuple[int, int]] = []
    found = carry_out(pickle.loads(pickle.dumps(task)), lambda *so_far: told.append(so_far))
    assert isinstance(found, Bounded)
    workload = sweep().points()[0].workload()
    assert found.qoe == upper_bound(workload, task.profile, latest_s=60.0).qoe
    assert told


def test_the_table_says_how_far_below_each_policy_is(tmp_path: Path) -> None:
    bounds = Bounds(sweep(seeds=[0, 1]), [math.inf, 60.0], tmp_path / "bounds.jsonl")
    assert shown(bounds, {0: 1.0}) == ""
    qoe = measured(1.0).summary.qoe_mean
    assert qoe is not None
    for index, task in enumerate(bounds.tasks):
        bounds.note(index, bounded(0.99 if math.isinf(task.latest_s) else 0.98), date="today")
    text = shown(bounds, {0: 1.0, 2: 1.0})  # stock only, both seeds
    rows = [line.split() for line in text.splitlines() if "0.9" in line]
    assert rows == [
        ["any", "time", "0.990", f"{0.99 - qoe:.3f}", "-"],
        ["60", "s", "0.980", f"{0.98 - qoe:.3f}", "-"],
    ]


def test_every_bound_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bounds.jsonl"
    bounds = Bounds(sweep(rates=[2.0, 3.0]), [60.0], path)
    assert not path.exists()
    bounds.note(1, bounded(0.9), date="today")
    assert [line["rate"] for line in lines(path)] == [3.0]
    bounds.note(0, "MemoryError", date="today")
    first, second = lines(path)
    assert (first["error"], first["qoe_mean"]) == ("MemoryError", None)
    assert (second["qoe_mean"], second["latest_s"], second["seed"]) == (0.9, 60.0, 0)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def test_a_sweep_without_bounds_has_none(tmp_path: Path) -> None:
    bounds = Bounds(sweep(), [], tmp_path / "bounds.jsonl")
    assert bounds.tasks == ()
    assert bounds.tables({}) == []


def test_the_sweep_says_which_bounds_were_asked_for() -> None:
    value = described(spec(sweep(), Path(), (math.inf, 60.0)))
    assert value["bounds"] == [None, 60.0]


def test_a_bound_that_fails_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    console = Console(file=StringIO(), width=200)
    wanted = spec(sweep(make=make_here_only), tmp_path, (math.inf, 60.0))
    assert session.run(wanted, console=console) == 1
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    assert "late by 60 s, bound: failed: RuntimeError: no workload at 3.0 here" in said
    assert "4 of 4 points failed" in said
    (directory,) = tmp_path.iterdir()
    assert len(lines(directory / "bounds.jsonl")) == 2


@pytest.mark.slow
def test_a_real_sweep_has_its_bound_in_the_table_and_in_a_file(tmp_path: Path) -> None:
    pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")
    console = Console(file=StringIO(), width=100)
    assert session.run(spec(sweep(), tmp_path, (math.inf,)), console=console) == 0
    (directory,) = tmp_path.iterdir()
    (line,) = lines(directory / "bounds.jsonl")
    assert line["qoe_mean"] == pytest.approx(1.0, abs=1e-6)
    table = (directory / "table.txt").read_text()
    assert "bound, and below it" in table
    assert "any time" in table
