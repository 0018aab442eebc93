"""The board's panels and its chart: what is drawn fits, and says what is there."""

import pytest
from andes_demos.board.chart import chart
from andes_demos.board.panel import panel
from andes_demos.board.view import Row, View
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

ROWS = (
    Row(7, "running", 12.5, 1.0, 80, 200),
    Row(8, "preempted", 3.0, 0.95, 60, 300),
    Row(9, "waiting", -4.0, 0.0, 0, 50),
    Row(10, "done", -9.0, 0.4, 10, 10),
)
VIEW = View("qoe", 30.0, ROWS, 0.587, 11, 7, 2, 1, 5, 0.5)


def lines(text: Text) -> list[str]:
    return text.plain.split("\n")


def test_a_wide_panel_says_everything() -> None:
    assert lines(panel(VIEW, "red", width=70, height=20)) == [
        "qoe  QoE 0.587  of 11",
        "1 running, 2 waiting, 7 done, 5 preemptions",
        "KV memory ██████████░░░░░░░░░░ 50%",
        "  nr state       text in hand, s   QoE  tokens",
        "   9 · waiting   ██░░░░░░░░    -4.0  0.00  0/50",
        "   8 ‖ preempted ██░░░░░░░░    +3.0  0.95  60/300",
        "   7 ▶ running   ██████░░░░   +12.5  1.00  80/200",
        "  10 ✓ done                          0.40  10/10",
    ]


def test_a_narrow_one_has_signs_for_states() -> None:
    shown = lines(panel(VIEW, "red", width=38, height=20, by_need=False))
    assert shown[4:6] == ["   7 ▶ ██████░░░░   +12.5  1.00", "   8 ‖ ██░░░░░░░░    +3.0  0.95"]


def test_what_does_not_fit_is_counted() -> None:
    assert lines(panel(VIEW, "red", width=70, height=6))[-1] == "… and 3 more"
    assert len(lines(panel(VIEW, "red", width=70, height=8))) == 8


@given(st.integers(1, 90), st.integers(0, 12), st.booleans(), st.floats(-1e9, 1e9))
def test_a_panel_fits(width: int, height: int, by_need: bool, slack: float) -> None:
    view = View("stock", 1.0, (*ROWS, Row(11, "running", slack, 0.5, 1, 9)), 0.1, 1, 1, 1, 1, 1, 1)
    shown = lines(panel(view, "red", width=width, height=height, by_need=by_need))
    assert len(shown) <= max(1, height)
    assert all(len(line) <= width for line in shown)


def test_a_chart_has_two_dots_a_cell() -> None:
    drawn = chart({"red": [1.0, 0.9, 0.74, 0.5], "blue": [0.0, 0.0, 0.9, 0.4]}, width=9, height=2)
    assert lines(drawn) == [" 1.0 ▀▀█▄", " 0.0 ▄▄ ▀"]


def test_a_long_chart_shows_the_whole_time() -> None:
    rising = [i / 999 for i in range(1000)]
    drawn = lines(chart({"red": rising}, width=45, height=5))
    assert drawn[0].endswith("▄▄▄▄▀▀▀▀")
    assert drawn[-1].startswith(" 0.0 ▄▄▄▄▀▀▀▀")


@given(st.lists(st.floats(-1, 2), max_size=300), st.integers(1, 80), st.integers(1, 9))
def test_a_chart_fits(values: list[float], width: int, height: int) -> None:
    drawn = lines(chart({"red": values, "blue": values}, width=width, height=height))
    assert len(drawn) == height
    assert all(len(line) <= max(width, 6) for line in drawn)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_a_chart_of_nothing_yet_is_there(values: list[float]) -> None:
    assert len(lines(chart({"red": values}, width=20, height=4))) == 4
