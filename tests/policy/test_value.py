import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.policy.state import Table
from andes_backend.policy.value import marginal_qoe, qoe_if_late
from andes_client import Expectation
from andes_client.qoe import qoe


@given(st.floats(0, 500), st.integers(2, 800), st.floats(0.5, 50))
def test_the_closed_form_is_the_formula(lateness: float, tokens: int, tds: float) -> None:
    expectation = Expectation(1.0, tds)
    times = [1.0 + lateness + i / tds for i in range(tokens)]
    (closed,) = qoe_if_late(np.array([lateness]), np.array([float(tokens)]), np.array([tds]))
    assert closed == pytest.approx(qoe(times, expectation), abs=1e-9)


def gains(now: float, *requests: tuple[float, int, float]) -> list[float]:
    """Marginal QoE over 4 s, 200 tokens to come, of (arrival, delivered at once, at)."""
    table = Table()
    rows = []
    for arrival, delivered, at in requests:
        rows.append(table.add(arrival, 50, Expectation(1.0, 4.0)))
        if delivered:
            table.deliver(np.array(rows[-1:]), np.array([delivered]), at)
    data = table.data[rows]
    return marginal_qoe(data, np.full(len(rows), 200.0), now, 4.0).tolist()


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
