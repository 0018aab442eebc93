"""A sweep from its spec to its files, as far as that goes without vLLM."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from andes_backend.lab.campaign.files import read_lines
from andes_backend.lab.campaign.spec import SpecError
from andes_backend.lab.twin.sweep import session
from andes_backend.lab.twin.sweep.spec import SweepSpec, check, described, shown_in_detail
from tests.lab.twin.made_results import COUNT, make_here_only, sweep


def spec(out: Path = Path("nowhere"), **more: Any) -> SweepSpec:
    running = {name: more.pop(name) for name in ("detail", "request") if name in more}
    made = sweep(**more)
    return SweepSpec(sweep=made, workload={}, command=["andes", "twin"], out=out, jobs=2, **running)


def test_points_that_fail_are_reported_and_the_others_go_on(tmp_path: Path) -> None:
    console = Console(file=StringIO(), width=200)
    wanted = spec(tmp_path, rates=[2.0, 3.0], make=make_here_only)
    assert check(wanted) == []
    assert session.run(wanted, console=console) == 1
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    assert "requests/s 2, stock: failed: RuntimeError: no workload at 2.0 here" in said
    assert "4 of 4 points failed" in said
    (directory,) = tmp_path.iterdir()
    lines = read_lines(directory / "results.jsonl")
    assert [(line["point"], line["policy"]) for line in lines] == [
        (0, "stock"), (1, "qoe"), (2, "stock"), (3, "qoe")
    ]  # fmt: skip
    assert {line["error"] for line in lines} == {
        "RuntimeError: no workload at 2.0 here",
        "RuntimeError: no workload at 3.0 here",
    }
    assert "Traceback" in (directory / "worker.log").read_text()


def test_every_run_has_a_directory_of_its_own(tmp_path: Path) -> None:
    for _ in range(2):
        session.run(spec(tmp_path, make=make_here_only), console=Console(file=StringIO()))
    assert len(list(tmp_path.iterdir())) == 2


def test_one_workload_is_shown_in_detail() -> None:
    shown = shown_in_detail(spec(seeds=[5, 6], settings={"horizon_s": [2, 4]}))
    assert list(shown) == ["stock", "qoe"]
    assert [point.seed for point in shown.values()] == [5, 5]
    assert dict(shown["qoe"].settings) == {"horizon_s": 2}


def test_of_many_workloads_one_must_be_chosen() -> None:
    rates: dict[str, Any] = {"rates": [2.0, 3.0], "kv_tokens": [40_000, 50_000]}
    assert shown_in_detail(spec(**rates)) == {}
    shown = shown_in_detail(spec(**rates, detail=3.0))
    assert {(p.cell.rate, p.cell.kv_tokens) for p in shown.values()} == {(3.0, 40_000)}
    with pytest.raises(SpecError, match=r"--detail 2\.5 is not one of the rates"):
        shown_in_detail(spec(**rates, detail=2.5))


def test_a_request_to_draw_must_be_there() -> None:
    assert check(spec(request=COUNT - 1)) == []
    with pytest.raises(SpecError, match=f"--request {COUNT}: the requests are 0 to {COUNT - 1}"):
        check(spec(request=COUNT))


def test_the_sweep_is_described_in_strict_json() -> None:
    text = json.dumps(described(spec(kv_restore_gb_s=[None, 20.0])))
    value = json.loads(text, parse_constant=pytest.fail)
    assert value["kv_restore_gb_s"] == [None, 20.0]
    assert value["profiles"]["opt-66b-4xa100"]["kv_tokens"] == 59_000
