"""The predicted QoE is the formula's, token by token."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.policy.andes.prediction import Outlook
from andes_backend.policy.state import Table
from andes_client.expectation import Expectation
from andes_client.qoe import digest, qoe


def outlook(times: list[float], expectation: Expectation, remaining: int) -> Outlook:
    """A request of time 0 that got a token at each of these times."""
    table = Table()
    row = np.array([table.add(0.0, 50, expectation)])
    for time in times:
        table.deliver(row, np.array([1]), time)
    return Outlook.of(table.data[row], np.array([float(remaining)]))


def reference(
    past: list[float], coming: list[float], expectation: Expectation, remaining: int, until: float
) -> float:
    """The definition, with a loop over all tokens that count at that moment."""
    total = len(past) + remaining
    expected = [expectation.ttft + i / expectation.tds for i in range(total)]
    taken_in = digest([*past, *coming], expectation)
    counted = [i for i, e in enumerate(expected) if i < len(past) or e <= until]
    if not counted:
        return 1.0
    # What has been delivered counts as the table counts it: with all of its lateness.
    stopped = [
        taken_in[i] if i < len(past) else min(until, taken_in[i]) if i < len(taken_in) else until
        for i in counted
    ]
    delay = sum(max(0.0, u - expected[i]) for i, u in zip(counted, stopped, strict=True))
    if counted[-1] == total - 1 and len(taken_in) == total and taken_in[-1] <= until:
        end = taken_in[-1]
    elif len(counted) == len(past):
        end = taken_in[len(past) - 1]
    else:
        end = max([until, *taken_in[: len(past)]])
    whole = sum(max(0.0, end - expected[i]) for i in counted)
    return 1.0 if delay < 1e-9 else 1.0 - delay / whole


READERS = st.builds(Expectation, st.floats(0, 3), st.floats(2, 8))
PAST = st.lists(st.floats(0, 40), max_size=25).map(sorted)


@given(PAST, READERS, st.integers(1, 60), st.floats(0, 3), st.floats(0.02, 0.6), st.floats(0, 40))
def test_a_request_that_is_served(
    past: list[float],
    reader: Expectation,
    remaining: int,
    wait: float,
    interval: float,
    horizon: float,
) -> None:
    start, until = 40.0 + wait, 40.0 + horizon
    coming = [start + interval * (1 + j) for j in range(remaining)]
    wanted = reference(past, coming, reader, remaining, until)
    (got,) = outlook(past, reader, remaining).served(until, np.array([start]), interval)
    assert got == pytest.approx(wanted, abs=1e-6)


@given(PAST, READERS, st.integers(1, 60), st.floats(0, 40))
def test_a_request_that_is_paused(
    past: list[float], reader: Expectation, remaining: int, horizon: float
) -> None:
    wanted = reference(past, [], reader, remaining, 40.0 + horizon)
    (got,) = outlook(past, reader, remaining).paused(40.0 + horizon)
    assert got == pytest.approx(wanted, abs=1e-6)


@given(PAST, READERS, st.integers(1, 60), st.floats(0.02, 0.6))
def test_a_response_that_is_over_by_then_has_the_qoe_of_the_formula(
    past: list[float], reader: Expectation, remaining: int, interval: float
) -> None:
    coming = [40.0 + interval * (1 + j) for j in range(remaining)]
    (got,) = outlook(past, reader, remaining).served(1000.0, np.array([40.0]), interval)
    assert got == pytest.approx(qoe([*past, *coming], reader), abs=1e-6)


@given(PAST, READERS, st.floats(0.02, 0.6), st.floats(0, 5), st.floats(0.1, 40))
def test_serving_is_never_worse_than_pausing_nor_sooner_than_later(
    past: list[float], reader: Expectation, interval: float, later: float, horizon: float
) -> None:
    request, until = outlook(past, reader, 1000), 40.0 + horizon
    now, then = request.served(until, np.array([[40.0], [40.0 + later]]), interval)[:, 0]
    (paused,) = request.paused(until)
    assert now >= then - 1e-9
    assert then >= paused - 1e-9


def test_a_reader_with_text_until_then_loses_nothing_by_a_pause() -> None:
    reader = Expectation(1.0, 5.0)
    request = outlook([0.5] * 60, reader, 100)  # 12 s of text
    assert request.paused(12.0).tolist() == [1.0]
    assert request.paused(20.0)[0] < 1.0


def test_every_batch_size_has_a_row() -> None:
    request = outlook([], Expectation(1.0, 5.0), 100)
    intervals = np.array([[0.05], [0.2], [0.5]])
    fast, enough, slow = request.served(20.0, np.array([0.0]), intervals)[:, 0]
    assert fast == enough == 1.0 > slow > 0.0
