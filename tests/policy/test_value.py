import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.policy.state import Table
from andes_backend.policy.value import final_qoe, marginal_qoe
from andes_client import Expectation
from andes_client.qoe import qoe


@given(
    st.floats(0, 300),
    st.integers(0, 400),
    st.floats(0, 300),
    st.integers(1, 400),
    st.floats(0.5, 50),
)
def test_the_closed_form_is_the_formula(
    first_late: float, delivered: int, later_by: float, remaining: int, tds: float
) -> None:
    """A part comes so late, the rest still later: token by token, and in closed form."""
    expectation = Expectation(1.0, tds)
    lateness = first_late + later_by
    late = [first_late] * delivered + [lateness] * remaining
    times = [1.0 + by + i / tds for i, by in enumerate(late)]
    table = Table()
    row = np.array([table.add(0.0, 10, expectation)])
    for time in times[:delivered]:
        table.deliver(row, np.array([1]), time)
    if delivered + remaining < 2:
        return
    (closed,) = final_qoe(table.rows(row), np.array([float(remaining)]), np.array([lateness]))
    assert closed == pytest.approx(qoe(times, expectation), abs=1e-6)


def gains(now: float, *requests: tuple[float, int, float]) -> list[float]:
    """Marginal QoE over 4 s, 200 tokens to come, of (arrival, delivered at once, at)."""
    table = Table()
    rows = []
    for arrival, delivered, at in requests:
        rows.append(table.add(arrival, 50, Expectation(1.0, 4.0)))
        if delivered:
            table.deliver(np.array(rows[-1:]), np.array([delivered]), at)
    data = table.data[rows]
    return [float(gain) for gain in marginal_qoe(data, np.full(len(rows), 200.0), now, 4.0)]


def test_a_reader_with_text_in_hand_loses_nothing_by_waiting() -> None:
    in_time, slack = gains(10.0, (9.0, 0, 0.0), (0.0, 60, 1.0))  # 60 tokens last until 16 s
    assert slack == 0.0
    assert in_time > 0.0


def test_a_reader_who_has_run_dry_gains() -> None:
    (dry,) = gains(20.0, (0.0, 60, 1.0))
    assert dry > 0.0


def test_who_is_very_late_already_loses_least() -> None:
    fresh, late, very_late = gains(100.0, (98.0, 0, 0.0), (70.0, 0, 0.0), (0.0, 0, 0.0))
    assert fresh > late > very_late > 0.0


def test_of_two_who_have_run_dry_who_has_more_to_come_gains_more() -> None:
    table = Table()
    rows = [table.add(0.0, 50, Expectation(1.0, 4.0)) for _ in range(2)]
    table.deliver(np.array(rows), np.array([60, 60]), 1.0)
    few, many = marginal_qoe(table.data[rows], np.array([20.0, 200.0]), 18.0, 4.0).tolist()
    assert many > few > 0.0


def test_waiting_is_never_rewarded() -> None:
    """The formula would: of a late response with one token to come, the later the better."""
    table = Table()
    row = np.array([table.add(0.0, 50, Expectation(1.0, 4.0))])
    table.deliver(row, np.array([300]), 200.0)
    last = np.array([1.0])
    sooner, later = (final_qoe(table.rows(row), last, np.array([late])) for late in (200.0, 400.0))
    assert later > sooner
    assert marginal_qoe(table.rows(row), last, 300.0, 100.0).tolist() == [0.0]
