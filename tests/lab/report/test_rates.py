"""Several rates in one table, and the rate that a policy can bear."""

import math
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.rates import Capacity, capacity, rates_table
from andes_backend.lab.report.run import Run
from andes_backend.lab.workload import Request
from andes_client.expectation import Expectation


def run(label: str, *late_s: float, planned: int | None = None) -> Run:
    """Requests for 19 tokens at one a second, late from the first on: QoE = 9/(9 + late)."""
    outcomes = [
        Outcome(i, request, 0.0, tuple(1.0 + late + j for j in range(19)))
        for i, late in enumerate(late_s)
        for request in [Request(0.0, 10, 19, Expectation(1.0, 1.0))]
    ]
    return Run(label, {}, outcomes, len(outcomes) if planned is None else planned, preemptions=3)


def rendered(labels: list[str], runs: dict[float, list[Run]]) -> list[list[str]]:
    console = Console(file=StringIO(), width=200)
    console.print(rates_table(labels, runs))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().replace("┃", "│").splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]


def row(table: list[list[str]], name: str) -> list[list[str]]:
    """The cells of the rows of this name: one for each rate."""
    return [cells[2:] for cells in table if cells[1] == name]


def test_each_rate_has_a_section_with_the_policies_side_by_side() -> None:
    table = rendered(
        ["stock", "andes", "qoe"],
        {
            1.6: [run("stock", 1.0), run("andes", 0.0), run("qoe", 0.0)],
            3.0: [run("stock", 9.0), run("andes", 3.0), run("qoe", 0.0)],
        },
    )
    assert table[0] == ["", "", "", "", "", "andes", "qoe"]
    assert table[1] == ["requests/s", "", "stock", "andes", "qoe", "/ stock", "/ stock"]
    assert [cells[0] for cells in table[2:] if cells[0]] == ["1.6", "3", "all"]
    assert row(table, "QoE, mean") == [
        ["0.900", "1.000", "1.000", "1.11", "1.11"],
        ["0.500", "0.750", "1.000", "1.50", "2.00"],
    ]
    assert row(table, "longest wait of all, s")[1] == ["9.00", "3.00", "0.00", "0.33", "0.00"]
    assert row(table, "tokens in excess")[0] == ["0", "0", "0", "-", "-"]
    assert row(table, "requests/s at QoE 0.9") == [["1.60", "2.16", "> 3.00", "1.35", "> 1.88"]]


def test_what_is_missing_leaves_its_cells_empty() -> None:
    table = rendered(
        ["stock", "qoe"],
        {1.0: [run("stock", 0.0, 0.0, 9.0, 9.0), run("qoe", 0.0, planned=4)], 2.0: []},
    )
    assert row(table, "requests") == [["4", "1 of 4", ""], ["-", "-", ""]]
    assert row(table, "QoE, mean") == [["0.750", "1.000", "1.33"], ["-", "-", "-"]]
    # One run too bad already, the other cut short: it has served the lucky ones only.
    assert row(table, "requests/s at QoE 0.9") == [["< 1.00", "-", "-"]]


def test_a_table_of_rates_needs_both() -> None:
    for labels, runs in (([], {1.0: []}), (["stock"], {})):
        with pytest.raises(ValueError, match="at least one policy and one rate"):
            rates_table(labels, runs)


@pytest.mark.parametrize(
    ("qoe", "shown"),
    [
        ({1.0: 1.0, 2.0: 0.8}, "1.50"),
        ({2.0: 0.8, 1.0: 1.0}, "1.50"),
        ({1.0: 0.9, 2.0: 0.8}, "1.00"),
        ({1.0: 0.89, 2.0: 0.3}, "< 1.00"),
        ({1.0: 1.0, 2.0: 0.9}, "> 2.00"),
        ({1.0: 1.0, 3.0: 0.85, 4.0: 0.95, 5.0: 0.1}, "2.33"),  # the lowest such place
    ],
)
def test_a_capacity_is_interpolated_when_it_is_inside(qoe: dict[float, float], shown: str) -> None:
    assert str(capacity(qoe)) == shown


def test_a_capacity_needs_a_rate() -> None:
    with pytest.raises(ValueError, match="at least one rate"):
        capacity({})


@pytest.mark.parametrize(
    ("ours", "theirs", "shown"),
    [
        (Capacity(4.0, 4.0), Capacity(2.0, 2.0), "2.00"),
        (Capacity(4.0, 4.0), Capacity(0.0, 1.6), "> 2.50"),
        (Capacity(5.0, math.inf), Capacity(2.0, 2.0), "> 2.50"),
        (Capacity(5.0, math.inf), Capacity(0.0, 1.6), "> 3.12"),
        (Capacity(0.0, 1.6), Capacity(2.0, 2.0), "< 0.80"),
        (Capacity(2.0, 2.0), Capacity(5.0, math.inf), "< 0.40"),
        (Capacity(0.0, 1.6), Capacity(0.0, 1.6), "-"),
        (Capacity(5.0, math.inf), Capacity(5.0, math.inf), "-"),
    ],
)
def test_a_ratio_says_no_more_than_is_known(ours: Capacity, theirs: Capacity, shown: str) -> None:
    assert ours.ratio(theirs) == shown


@given(
    st.dictionaries(st.floats(0.1, 9.0), st.floats(0.0, 1.0), min_size=1, max_size=6),
    st.floats(0.05, 0.95),
)
def test_a_capacity_is_where_it_was_measured_or_says_on_which_side(
    qoe: dict[float, float], bound: float
) -> None:
    found = capacity(qoe, bound)
    below = [rate for rate in qoe if qoe[rate] < bound]
    first = min(below, default=math.inf)
    assert 0.0 <= found.at_least <= found.at_most <= first
    if found.at_least == found.at_most:
        assert max(rate for rate in qoe if rate < first) <= found.at_least
