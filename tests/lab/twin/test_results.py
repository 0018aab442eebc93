"""The file of results and the tables: strict JSON, and the order of the sweep."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from andes_backend.config import AndesConfig
from andes_backend.lab.campaign.files import read_lines
from andes_backend.lab.report.run import versions
from andes_backend.lab.twin.measure import Measured
from andes_backend.lab.twin.results import NOT_REPEATABLE, PointFile, record
from andes_backend.lab.twin.sweep.points import Sweep
from andes_backend.lab.twin.sweep.tables import axis_value, groups, tables
from tests.lab.twin.made_results import COUNT, measured, sweep

NOW = "2026-11-20T10:00:00+00:00"
ABOUT: dict[str, Any] = {"workload": {"requests": COUNT}, "versions": {"python": "3"}, "date": NOW}


def strictly(line: str) -> Any:
    return json.loads(line, parse_constant=pytest.fail)


def as_read(line: dict[str, Any]) -> Any:
    """As it is in the file: JSON has no tuples."""
    return strictly(json.dumps(line))


def test_a_line_has_the_point_its_settings_and_its_figures() -> None:
    point = sweep(settings={"horizon_s": [2]}).points()[1]
    done = measured(0.5, preemptions=3)
    line = record(point, done, **ABOUT)
    assert line["point"] == 1
    assert (line["profile"], line["kv_tokens"]) == ("opt-66b-4xa100", 59_000)
    assert (line["rate"], line["arrivals"], line["seed"]) == (3.0, "poisson", 0)
    assert (line["prefix_caching"], line["kv_restore_gb_s"]) == (True, None)
    assert line["summary"] == asdict(done.summary)
    assert line["waits"] == asdict(done.waits)
    assert strictly(json.dumps(line))["waits"]["longest"][0]["index"] == COUNT - 1
    assert (line["steps"], line["preemptions"], line["wall_s"]) == (50, 3, 0.5)
    assert (line["error"], line["date"], line["versions"]) == (None, NOW, {"python": "3"})
    # All of our scheduler's settings, so that another default tomorrow is no riddle.
    assert line["policy"] == "qoe"
    assert line["settings"]["horizon_s"] == 2
    assert {"policy": "qoe", **line["settings"]} == asdict(AndesConfig(horizon_s=2))


def test_vllms_own_policies_have_no_settings_of_ours() -> None:
    point = sweep(settings={"horizon_s": [2]}).points()[0]
    assert record(point, measured(0.0), **ABOUT)["settings"] == {}


def test_a_point_that_failed_has_a_line_that_says_why() -> None:
    line = record(sweep().points()[0], "ValueError: no", **ABOUT)
    assert line["error"] == "ValueError: no"
    assert (
        line["summary"]
        is line["waits"]
        is line["steps"]
        is line["preemptions"]
        is line["wall_s"]
        is None
    )


def test_what_is_not_repeatable_is_in_every_line() -> None:
    assert set(NOT_REPEATABLE) < record(sweep().points()[0], measured(0.0), **ABOUT).keys()


def test_lines_are_there_at_once_and_sorted_at_the_end(tmp_path: Path) -> None:
    file = PointFile(tmp_path, {"requests": COUNT})
    points = sweep(rates=[2.0, 3.0]).points()
    lines = {}
    for place in (2, 0, 3):
        file.keep(points[place], measured(0.1))
        lines[place] = read_lines(file.path)[-1]
        about = {**ABOUT, "versions": versions(), "date": lines[place]["date"]}
        assert lines[place] == as_read(record(points[place], measured(0.1), **about))
    file.sort()
    assert read_lines(file.path) == [lines[0], lines[2], lines[3]]
    assert [strictly(line)["point"] for line in file.path.read_text().splitlines()] == [0, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_further_entries_come_first(tmp_path: Path) -> None:
    file = PointFile(tmp_path, {})
    file.keep(sweep().points()[0], "ValueError: no", scenario="as told")
    (line,) = read_lines(file.path)
    assert list(line.items())[:2] == [("scenario", "as told"), ("point", 0)]


# Tables


def rows(table: Table) -> list[list[str]]:
    """The table's cells, headings first."""
    headings = [str(column.header) for column in table.columns]
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    return [headings, *(list(row) for row in zip(*cells, strict=True))]


def text(table: Table, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def results(made: Sweep, **late: float) -> dict[int, Measured]:
    """By policy, how late all is; a little more for each seed, and at each higher rate."""
    return {
        p.index: measured(late[p.policy.replace("-", "_")] + p.seed + (p.cell.rate or 0))
        for p in made.points()
    }


def test_qoe_by_policy_comes_first_then_the_ratio_to_the_first() -> None:
    made = sweep(rates=[4.0, 2.0])
    found = results(made, stock=8.0, qoe=0.0)
    heading, *body = rows(tables(made, found)[0])
    assert heading == ["requests\n/s", "stock", "qoe", "qoe\n/ stock"]
    stock, qoe = (found[index].summary.qoe_mean for index in (0, 1))
    assert stock is not None
    assert qoe is not None
    assert body[0] == ["4", f"{stock:.3f}", f"{qoe:.3f}", f"{qoe / stock:.2f}"]
    assert body[1][0] == "2"
    assert len(body) == 2


def test_seeds_are_one_cell_with_the_interval_of_their_mean() -> None:
    made = sweep(seeds=[0, 1, 2])
    found = results(made, stock=8.0, qoe=0.0)
    stock = [found[index].summary.qoe_mean or 0.0 for index in (0, 2, 4)]
    qoe = [found[index].summary.qoe_mean or 0.0 for index in (1, 3, 5)]
    *_, cells = rows(tables(made, found)[0])
    assert cells[0] == spread(stock, 3)
    assert cells[1] == spread(qoe, 3)
    # Seed by seed: a seed that is hard for both makes the ratio no less sure.
    assert cells[2] == spread([ours / theirs for ours, theirs in zip(qoe, stock, strict=True)], 2)


def spread(three: Sequence[float], digits: int) -> str:
    """What a cell shows of three seeds; 4.303 is Student's t for two degrees of freedom."""
    mean = sum(three) / 3
    deviation = (sum((value - mean) ** 2 for value in three) / 2) ** 0.5
    return f"{mean:.{digits}f} ±{4.30265 * deviation / 3**0.5:.{digits}f}"


def test_a_ratio_needs_both_policies_of_a_seed() -> None:
    made = sweep(seeds=[0, 1])
    found = results(made, stock=8.0, qoe=0.0)
    del found[0], found[3]  # stock of the first seed, qoe of the second
    *_, cells = rows(tables(made, found)[0])
    assert cells[2] == "-"


def test_a_point_that_failed_is_missing_and_said_to_be() -> None:
    made = sweep(seeds=[0, 1], rates=[3.0, 4.0])
    found = results(made, stock=1.0, qoe=0.0)
    del found[0], found[4], found[6]  # stock: a seed at rate 3, both at rate 4
    *_, first, second = rows(tables(made, found)[0])
    assert first[1] == f"{found[2].summary.qoe_mean:.3f} (1 of 2)"
    assert (second[1], second[3]) == ("-", "-")
    *_, last, _ = rows(tables(made, found)[1])
    assert last[:3] == ["4", "stock", "-"]


def test_the_second_table_has_the_rest_by_policy() -> None:
    made = sweep()
    found = {0: measured(2.0, preemptions=6), 1: measured(0.0)}
    table = rows(tables(made, found)[1])
    summary = found[0].summary
    assert table[1] == [
        "stock",
        f"{summary.qoe_p10:.3f}",
        f"{summary.ttft_p50:.2f}",
        f"{summary.ttft_p90:.2f}",
        f"{summary.stalls_mean:.2f}",
        f"{summary.stalled_s_mean:.1f}",
        f"{summary.tokens_per_s:.0f}",
        "0.50",  # 6 preemptions of 12 requests
    ]
    assert table[2][-1] == "0.00"


def test_a_policy_without_settings_is_beside_every_setting() -> None:
    made = sweep(settings={"horizon_s": [2, 4]})
    found = {index: measured(late) for index, late in enumerate((9.0, 0.0, 1.0))}
    *_, first, second = rows(tables(made, found)[0])
    assert (first[0], second[0]) == ("2", "4")
    assert first[1] == second[1] == f"{found[0].summary.qoe_mean:.3f}"
    assert first[2] != second[2]


def test_many_policies_and_axes_stay_within_100_columns() -> None:
    policies = ["stock", "priority", "qoe", "fcfs", "round-robin", "shortest-first"]
    made = sweep(policies=policies, kv_tokens=[40_000, 59_000], rates=[1, 2.5], seeds=[0, 1])
    late = {policy.replace("-", "_"): float(i) for i, policy in enumerate(policies)}
    shown = tables(made, results(made, **late))
    assert len(shown) == 3  # the ratios have a table of their own
    for table in shown:
        assert "…" not in text(table)  # what stands in the place of what is cut off
        assert max(map(len, text(table).splitlines())) <= 100
        assert "shortest-first" in text(table)


def test_groups_hold_each_point_once() -> None:
    made = sweep(rates=[2.0, 3.0], seeds=[0, 1], policies=["qoe", "fcfs"])
    held = [p.index for group in groups(made) for points in group.points.values() for p in points]
    assert sorted(held) == list(range(8))


@pytest.mark.parametrize(
    ("axis", "value", "shown"),
    [
        ("rate", 3.0, "3"),
        ("rate", None, "the trace's"),
        ("kv_restore_gb_s", None, "off"),
        ("kv_restore_gb_s", 20.0, "20"),
        ("max_num_active_seqs", None, "the profile's"),
        ("max_num_active_seqs", 8, "8"),
        ("prefix_caching", False, "off"),
        ("arrivals", "gamma:cv=3.0", "gamma:cv=3.0"),
        ("kv_tokens", 59_000, "59000"),
    ],
)
def test_values_are_shown_as_a_person_writes_them(axis: str, value: Any, shown: str) -> None:
    assert axis_value(axis, value) == shown
