"""The report: every figure by hand, the table, the file, and the picture."""

import json
import math
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.plot import plot
from andes_backend.lab.report.read import read_json
from andes_backend.lab.report.run import Run, summarise, table, versions, write_json
from andes_backend.lab.workload import Request
from andes_client.expectation import Expectation

READER = Expectation(ttft=1.0, tds=1.0)


def outcome(
    index: int,
    *times: float,
    arrival_s: float = 0.0,
    late_s: float = 0.0,
    tokens: int | None = None,
    error: str | None = None,
    reader: Expectation = READER,
) -> Outcome:
    request = Request(arrival_s, 10, len(times) if tokens is None else tokens, reader)
    return Outcome(index, request, arrival_s + late_s, times, error)


def run(*outcomes: Outcome, label: str = "stock", **more: Any) -> Run:
    return Run(label, {"rate": 3.0}, outcomes, **{"planned": len(outcomes), **more})


# QoE 1, TTFT 0.5, 1 token/s, no stall.
PERFECT = outcome(0, 0.5, 1.5, 2.5)
# Expected at 1, 2, 3, digested at 2, 3, 5: QoE 1 - (1 + 1 + 2)/(4 + 3 + 2); a stall of 1 s.
LATE = outcome(1, 2.0, 2.0, 5.0, arrival_s=4.0, late_s=0.25)
# 3 of 5 tokens, then an error; its TTFT and its speed do not count.
BROKEN = outcome(2, 9.0, 9.5, 9.9, arrival_s=1.0, tokens=5, error="broken")


def test_the_figures_of_a_run_by_hand() -> None:
    summary = summarise(run(PERFECT, LATE, BROKEN, preemptions=4))
    late = 5 / 9
    assert summary.requests == summary.planned == 3
    assert (summary.failed, summary.tokens_lost, summary.tokens_excess) == (1, 2, 0)
    assert summary.qoe_mean == pytest.approx((1 + late + 0) / 3)
    assert summary.qoe_p50 == pytest.approx(late)
    assert summary.qoe_p10 == pytest.approx(0.2 * late)  # a fifth of the way from 0 to the next
    assert summary.attainment == pytest.approx(1 / 3)
    assert summary.ttft_p50 == pytest.approx(1.25)
    assert summary.ttft_p90 == pytest.approx(0.5 + 0.9 * 1.5)
    assert summary.ttft_p99 == pytest.approx(0.5 + 0.99 * 1.5)
    assert summary.tds_p50 == pytest.approx((1.0 + 2 / 3) / 2)
    assert summary.stalls_mean == pytest.approx(0.5)
    assert summary.stalled_s_mean == pytest.approx(0.5)
    # PERFECT never waited; LATE waited a second for the first token, and one in its stall.
    assert summary.longest_wait_max == pytest.approx(1.0)
    assert summary.longest_wait_p99 == pytest.approx(0.99)
    # From the first submission, at 0 s, to the last token: 10.9 s of BROKEN.
    assert summary.duration_s == pytest.approx(10.9)
    assert summary.tokens_per_s == pytest.approx(9 / 10.9)
    assert summary.submitted_late_s == pytest.approx(0.25)
    assert summary.preemptions == 4


@pytest.mark.parametrize(
    ("times", "wait_s"),
    [
        ((), None),
        ((0.2, 0.2, 0.2), 0.0),
        ((4.0, 4.5, 5.5), 3.0),  # late from the start on, and never again
        ((1.5, 2.5, 7.0, 8.0), 3.5),  # the text ran out at 3.5; the first token was 0.5 late
        ((1.0, 2.0, 3.05), 0.0),  # too short to be a stall
        ((0.5, 3.0, 9.0, 12.0), 5.0),  # the longest of three
    ],
)
def test_the_longest_wait_is_for_the_first_token_or_in_a_stall(
    times: tuple[float, ...], wait_s: float | None
) -> None:
    waited = outcome(0, *times, tokens=5).longest_wait_s
    assert waited == (None if wait_s is None else pytest.approx(wait_s))


def test_tokens_in_excess_are_counted_apart_from_lost_ones() -> None:
    twice = outcome(0, 1.0, 1.0, tokens=1, error="2 instead of 1")
    summary = summarise(run(twice, BROKEN))
    assert (summary.tokens_lost, summary.tokens_excess) == (2, 1)


def test_a_reader_at_the_bound_counts_as_attained() -> None:
    """Late by 1 from the first of 19 tokens on: QoE = 9/(9 + 1) = 0.9, to the last digit."""
    times = [2.0 + i for i in range(19)]
    served = outcome(0, *times)
    assert served.qoe == 0.9
    assert summarise(run(served)).attainment == 1.0


def test_a_run_without_outcomes_has_no_figures() -> None:
    summary = summarise(run(planned=5))
    assert (summary.requests, summary.planned, summary.duration_s) == (0, 5, 0.0)
    assert summary.qoe_mean is summary.ttft_p99 is summary.tokens_per_s is None


def test_a_run_in_which_all_failed_has_a_qoe_of_zero_and_no_ttft() -> None:
    summary = summarise(run(outcome(0, tokens=3, error="HTTP 500"), BROKEN))
    assert (summary.failed, summary.qoe_mean, summary.attainment) == (2, 0.0, 0.0)
    assert summary.ttft_p50 is summary.tds_p50 is summary.stalls_mean is None
    assert summary.longest_wait_p99 is summary.longest_wait_max is None


# The table


def rendered(*runs: Run) -> dict[str, list[str]]:
    """The table's rows by their name, the header under the empty one."""
    console = Console(file=StringIO(), width=200)
    console.print(table(runs))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().replace("┃", "│").splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]
    return {name: cells for name, *cells in rows}


def test_one_run_is_shown_alone() -> None:
    rows = rendered(run(PERFECT, LATE, BROKEN))
    assert rows[""] == ["stock"]
    assert rows["QoE, mean"] == ["0.519"]
    assert rows["attainment (QoE >= 0.9)"] == ["33.3%"]
    assert rows["TTFT p50, s"] == ["1.25"]
    assert rows["tokens lost"] == ["2"]
    assert rows["preemptions"] == ["-"]


def test_runs_are_shown_side_by_side_with_the_ratio_of_the_last_to_the_first() -> None:
    rows = rendered(run(LATE), run(BROKEN, label="fcfs"), run(PERFECT, label="qoe"))
    assert rows[""] == ["stock", "fcfs", "qoe", "qoe / stock"]
    assert rows["QoE, mean"] == ["0.556", "0.000", "1.000", "1.80"]
    assert rows["TTFT p50, s"] == ["2.00", "-", "0.50", "0.25"]
    # Nothing is so many times nothing.
    assert rows["failed"] == ["0", "1", "0", "-"]


def test_an_interrupted_run_says_so() -> None:
    assert rendered(run(PERFECT, planned=9))[""] == ["stock (interrupted)"]


def test_a_table_needs_a_run() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        table([])


# The file and the picture


def test_the_file_holds_settings_versions_figures_and_every_request(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.json"
    program = outcome(3, 0.123456, reader=Expectation(0.5, math.inf))
    write_json(run(BROKEN, program, PERFECT), path, date="2026-11-20T10:00:00+00:00")
    value = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert value["date"] == "2026-11-20T10:00:00+00:00"
    assert (value["label"], value["settings"]) == ("stock", {"rate": 3.0})
    assert value["versions"] == versions()
    assert value["summary"]["requests"] == 3
    assert value["summary"]["failed"] == 1
    assert [request["index"] for request in value["requests"]] == [0, 2, 3]
    assert value["requests"][1] == {
        "index": 2,
        "arrival_s": 1.0,
        "submitted_s": 1.0,
        "prompt_tokens": 10,
        "output_tokens": 5,
        "user": None,
        "expected_ttft": 1.0,
        "expected_tds": 1.0,
        "qoe": 0.0,
        "error": "broken",
        "token_times_s": [9.0, 9.5, 9.9],
    }
    assert value["requests"][2]["expected_tds"] == "inf"
    assert value["requests"][2]["token_times_s"] == [0.1235]


def test_a_run_is_read_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    program = outcome(3, 0.5, 0.75, reader=Expectation(0.5, math.inf))
    written = run(PERFECT, LATE, BROKEN, program, planned=9, preemptions=4)
    write_json(written, path, date="2026-11-20T10:00:00+00:00")
    record = read_json(path)
    assert record.versions == versions()
    assert record.run == replace(written, outcomes=(PERFECT, LATE, BROKEN, program))
    assert record.run.interrupted
    assert summarise(record.run) == summarise(written)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_the_server_was_told_is_read_back_too(tmp_path: Path) -> None:
    path, reader = tmp_path / "run.json", Expectation(1.0, 6.5)
    hints: tuple[dict[str, Any], ...]
    hints = ({}, {"told": Expectation(1.0, 5.0)}, {"told": Expectation.program()}, {"silent": True})
    outcomes = tuple(
        Outcome(index, Request(float(index), 10, 5, reader, **hint), float(index), (1.0,))
        for index, hint in enumerate(hints)
    )
    write_json(run(*outcomes), path, date="2026-11-20T10:00:00+00:00")
    assert read_json(path).run.outcomes == outcomes
    told = [
        request.get("told_tds", "the truth") for request in json.loads(path.read_text())["requests"]
    ]
    assert told == ["the truth", 5.0, "inf", None]


@pytest.mark.parametrize(
    "change",
    [
        {"requests": None},
        {"requests": [{"index": 0}]},
        {"summary": {}},
        {"versions": 3},
    ],
)
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "run.json"
    write_json(run(PERFECT), path, date="2026-11-20T10:00:00+00:00")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(
        ValueError, match=r"run\.json does not hold a run of `andes bench` \(\w+Error: "
    ):
        read_json(path)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(
        ValueError, match=r"x\.json does not hold a run of `andes bench` \(JSONDecode"
    ):
        read_json(tmp_path / "x.json")


def test_versions_name_what_a_result_depends_on() -> None:
    assert {"python", "platform", "andes-streaming", "httpx2", "numpy"} <= versions().keys()


@pytest.mark.parametrize(
    "rows",
    [
        {"": [run(PERFECT, LATE, BROKEN), run(LATE, PERFECT, label="qoe")]},
        {"": [run(planned=3)]},
        {"": [run(outcome(0, tokens=2, error="HTTP 500"))]},
    ],
    ids=["two", "empty", "all failed"],
)
def test_the_picture_is_a_png(tmp_path: Path, rows: dict[str, list[Run]]) -> None:
    path = tmp_path / "deep" / "plot.png"
    plot(rows, path)
    assert size(path) == (1650, 495)
    assert path.stat().st_size > 10_000


def size(png: Path) -> tuple[int, int]:
    """Width and height as the file's header says, pixels."""
    head = png.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n")
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def test_the_picture_has_a_row_of_panels_for_each_rate(tmp_path: Path) -> None:
    """A policy that is missing at one rate, too: what an interrupted comparison leaves."""
    rows = {"1.6 requests/s": [run(PERFECT), run(LATE, label="qoe")], "3": [run(LATE, label="qoe")]}
    plot(rows, tmp_path / "plot.png")
    assert size(tmp_path / "plot.png") == (1650, 990)


def test_a_picture_needs_a_row(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        plot({}, tmp_path / "plot.png")
