"""Who waited: groups by hand, whatever the outcomes are, over seeds, and the tables."""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.read import read_json
from andes_backend.lab.report.run import Run, write_json
from andes_backend.lab.report.waits import CAME, TEXT, Group, Waits, over_seeds, waits
from andes_backend.lab.report.waits_table import waits_tables
from andes_backend.lab.workload import Request
from andes_client.expectation import Expectation

READER = Expectation(ttft=1.0, tds=1.0)


def outcome(
    index: int, tokens: int, *, late_s: float = 0.0, stall_s: float = 0.0, error: str | None = None
) -> Outcome:
    """Sent at its index; late from the first token on, and again before the last."""
    times = [1.0 + late_s + i for i in range(tokens)]
    times[-1] += stall_s
    request = Request(float(index), 10, tokens, READER)
    return Outcome(index, request, float(index), () if error else tuple(times), error)


def group(found: Waits, came: str, text: str) -> Group:
    (one,) = [one for one in found.groups if (one.came, one.text) == (came, text)]
    return one


# Nine requests: of each third of the arrivals one is short, one middling and one long.
LENGTHS = (2, 20, 200, 3, 30, 300, 4, 40, 400)


def test_each_group_has_its_own_figures() -> None:
    late = {1: 4.0, 5: 12.0, 8: 7.0}
    stalls = {2: 5.0, 8: 30.0}
    made = [
        outcome(i, n, late_s=late.get(i, 0.0), stall_s=stalls.get(i, 0.0))
        for i, n in enumerate(LENGTHS)
    ]
    random.Random(1).shuffle(made)  # a live server's come in the order in which they end
    found = waits(made)
    assert [(one.came, one.text) for one in found.groups] == [(c, t) for c in CAME for t in TEXT]
    assert {one.requests for one in found.groups} == {1}
    assert found.came_s == {"first": (0, 2), "middle": (3, 5), "last": (6, 8)}
    assert found.text_tokens == {"short": (2, 4), "middle": (20, 40), "long": (200, 400)}
    assert group(found, "first", "short").first_p50_s == 0.0
    assert group(found, "first", "middle").first_p95_s == pytest.approx(4.0)
    assert group(found, "first", "long").longest_stall_s == pytest.approx(5.0)
    assert group(found, "middle", "long").first_p50_s == pytest.approx(12.0)
    assert group(found, "middle", "long").qoe_mean == pytest.approx(made_qoe(made, 5))
    assert group(found, "last", "long").longest_stall_s == pytest.approx(30.0)
    waited = [(one.index, round(one.waited_s, 6), one.in_the_middle) for one in found.longest]
    assert waited == [(8, 30.0, True), (5, 12.0, False), (2, 5.0, True), (1, 4.0, False)]
    assert (found.longest[1].came_s, found.longest[1].output_tokens) == (5.0, 300)


def made_qoe(made: Sequence[Outcome], index: int) -> float:
    (one,) = [one for one in made if one.index == index]
    return one.qoe


def test_median_and_95th_percentile_are_over_those_who_got_text() -> None:
    """A failed one counts as a request of its group, and with a QoE of 0."""
    made = [outcome(i, 10, late_s=float(i % 3)) for i in range(3)]
    one = group(waits([*made, outcome(1, 10, error="HTTP 500")]), "middle", "middle")
    assert one.requests == 2
    assert one.qoe_mean == pytest.approx(made[1].qoe / 2)
    assert one.first_p95_s == pytest.approx(1.0)


def test_a_group_in_which_all_failed_has_no_waits() -> None:
    (one,) = waits([outcome(0, 5, error="HTTP 500")]).groups
    assert (one.requests, one.qoe_mean) == (1, 0.0)
    assert one.first_p50_s is one.first_p95_s is one.longest_stall_s is None


def test_answers_of_one_length_are_not_told_apart() -> None:
    found = waits([outcome(i, 128) for i in range(30)])
    assert [(one.came, one.text, one.requests) for one in found.groups] == [
        (came, "middle", 10) for came in CAME
    ]
    assert not found.longest


def test_equal_lengths_stay_together() -> None:
    """Seven of ten have the same: they are where the middle of them is."""
    found = waits([outcome(i, 50 if i < 3 else 128) for i in range(10)])
    assert found.text_tokens == {"short": (50, 50), "middle": (128, 128)}


def test_nobody_waits_where_nobody_came() -> None:
    found = waits([])
    assert (found.groups, found.longest) == ((), ())
    assert over_seeds([]) == over_seeds([found, found]) == found
    assert waits_tables({"stock": found}) == []


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 500)), min_size=1, max_size=40))
def test_every_request_is_in_one_group_and_thirds_are_in_order(
    made: list[tuple[int, float]],
) -> None:
    outcomes = [outcome(i, n, late_s=late) for i, (n, late) in enumerate(made)]
    found = waits(outcomes)
    assert sum(one.requests for one in found.groups) == len(made)
    total = sum(one.requests * one.qoe_mean for one in found.groups)
    assert total == pytest.approx(sum(one.qoe for one in outcomes))
    for ranges, names in ((found.came_s, CAME), (found.text_tokens, TEXT)):
        there = [ranges[name] for name in names if name in ranges]
        assert all(low <= high for low, high in there)
        assert all(there[i][1] < there[i + 1][0] for i in range(len(there) - 1))
    # Arrivals are all different, so that no third of them is larger than another by two.
    sizes = [sum(g.requests for g in found.groups if g.came == came) for came in CAME]
    assert max(sizes) - min(sizes) <= 1
    longest = max(one.longest_wait_s or 0.0 for one in outcomes)
    assert (found.longest[0].waited_s if found.longest else 0.0) == longest


def test_seeds_are_averaged_and_the_longest_is_of_all() -> None:
    one = waits([outcome(0, 10, late_s=2.0), outcome(1, 10, stall_s=9.0), outcome(2, 10)])
    other = waits([outcome(0, 10, late_s=4.0), outcome(1, 10), outcome(2, 20, late_s=7.0)])
    found = over_seeds([one, other])
    first = group(found, "first", "middle")
    assert first.requests == 2
    assert first.first_p50_s == pytest.approx(3.0)
    # Late by D throughout: QoE is half the nine seconds over that and D.
    assert first.qoe_mean == pytest.approx((4.5 / (4.5 + 2) + 4.5 / (4.5 + 4)) / 2)
    stalled = group(found, "middle", "middle")
    assert stalled.requests == 2
    assert stalled.longest_stall_s == pytest.approx(9.0)
    # A group that one run lacks is the other's.
    assert group(found, "last", "long") == group(other, "last", "long")
    assert found.came_s == {"first": (0, 0), "middle": (1, 1), "last": (2, 2)}
    assert found.text_tokens == {"middle": (10, 10), "long": (20, 20)}
    assert [w.waited_s for w in found.longest] == pytest.approx([9.0, 7.0, 4.0, 2.0])


# The file and the tables


def test_the_file_of_a_run_says_who_waited(tmp_path: Path) -> None:
    made = [outcome(i, n, late_s=float(i)) for i, n in enumerate(LENGTHS)]
    write_json(Run("qoe", {}, made, 9), tmp_path / "run.json", date="2026-11-29T10:00:00+00:00")
    value = json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)
    assert value["waits"] == json.loads(json.dumps(asdict(waits(made))))
    assert len(value["waits"]["groups"]) == 9
    assert value["waits"]["longest"][0]["index"] == 8
    assert waits(read_json(tmp_path / "run.json").run.outcomes) == waits(made)


def rendered(found: dict[str, Waits], title: str = "", width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    for table in waits_tables(found, title=title):
        console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_runs_stand_below_each_other_in_each_group() -> None:
    made = {
        label: waits([outcome(i, n, late_s=late) for i, n in enumerate(LENGTHS)])
        for label, late in (("stock", 40.0), ("round-robin", 3.25), ("qoe", 0.0))
    }
    text = rendered(made, title="requests/s 3")
    lines = [line.split() for line in text.splitlines()]
    assert "Who waited (requests/s 3); s beyond the expected time" in text
    assert "came: first to 2 s, middle to 5 s, last to 8 s" in text
    assert "text: short to 4 tokens, middle to 40 tokens, long to 400 tokens" in text
    assert lines[5] == ["first", "short", "stock", "1", "40.0", "40.0", "0.0", "0.012"]
    assert lines[6] == ["round-robin", "1", "3.2", "3.2", "0.0", "0.133"]
    assert [line[:2] for line in lines].count(["long", "stock"]) == 3
    # Of qoe nobody waited: it is not among those who waited longest.
    tail = text.partition("Who waited longest (requests/s 3)")[2]
    assert "round-robin" in tail
    assert "qoe" not in tail
    assert tail.count("the first text") == 6


def test_the_tables_fit_a_narrow_terminal() -> None:
    made = waits([outcome(i, n, late_s=1234.5) for i, n in enumerate(LENGTHS)])
    assert "…" not in rendered({"shortest-first": made}, width=80)
