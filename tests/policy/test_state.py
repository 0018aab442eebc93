"""The table's digest timelines against the client's meter, which is the formula itself."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from andes_backend.policy.state import Table
from andes_client import Expectation
from andes_client.qoe import Meter

EXPECTATIONS = st.builds(Expectation, ttft=st.floats(0, 20), tds=st.floats(0.1, 100))
DELIVERIES = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=40)


def row(number: int) -> np.ndarray:
    return np.array([number], dtype=np.intp)


@given(EXPECTATIONS, st.floats(0, 1e4), DELIVERIES)
@example(Expectation(0.8, 1.0), 128.0, [(0.8, 1)])
def test_a_row_is_the_meter_of_its_response(
    expectation: Expectation, arrival: float, deliveries: list[tuple[float, int]]
) -> None:
    """Waits between deliveries, and how many tokens each brings (several after a preemption)."""
    table, meter, now = Table(), Meter(expectation), arrival
    number = table.add(arrival, prompt_tokens=9, expectation=expectation)
    assert table.qoe(row(number))[0] == 0.0
    for wait, tokens in deliveries:
        now += wait
        table.deliver(row(number), np.array([tokens]), now)
        for _ in range(tokens):
            meter.add(now - arrival)
    data = table.data[number]
    assert data["delivered"] == meter.count
    assert data["dry_at"] - arrival == pytest.approx(meter.free_at, abs=1e-6)
    assert data["delay"] == pytest.approx(meter.delay, abs=1e-6, rel=1e-9)
    # One token, late by the rounding of its arrival: the formula divides two zeros.
    if meter.count != 1 or not 0 < max(meter.delay, data["delay"]) < 1e-6:
        assert table.qoe(row(number))[0] == pytest.approx(meter.qoe, abs=1e-6)


def test_one_delivery_serves_many_rows() -> None:
    table = Table()
    rows = np.array([table.add(0.0, 10, Expectation(1.0, tds)) for tds in (1.0, 2.0, 4.0)])
    table.deliver(rows, np.array([1, 2, 3]), now=3.0)
    assert table.data["delivered"][rows].tolist() == [1, 2, 3]
    assert table.data["dry_at"][rows].tolist() == [4.0, 4.0, 3.75]
    assert table.data["lateness"][rows].tolist() == [2.0, 2.0, 2.0]
    assert table.data["delay"][rows].tolist() == [2.0, 4.0, 6.0]


def test_rows_are_reused_and_the_table_grows() -> None:
    table = Table()
    numbers = [table.add(float(i), i, Expectation(1.0, 4.0)) for i in range(300)]
    assert len(set(numbers)) == len(table) == 300
    assert table.data["arrival"][numbers].tolist() == [float(i) for i in range(300)]
    table.deliver(row(numbers[7]), np.array([1]), now=400.0)
    for number in numbers[:100]:
        table.remove(number)
    assert len(table) == 200
    again = table.add(9.0, 5, Expectation(1.0, 4.0))
    assert again in numbers[:100]
    assert table.data["delivered"][again] == 0
    assert table.data["delay"][again] == 0.0


def test_turns_begin_when_a_request_changes_queues() -> None:
    table = Table()
    a, b = (table.add(1.0, 10, Expectation(1.0, 4.0)) for _ in range(2))
    assert table.data["since"][[a, b]].tolist() == [1.0, 1.0]
    table.note_queues(row(a), row(b), now=2.0)
    assert table.data["since"][[a, b]].tolist() == [1.0, 2.0]
    table.deliver(row(b), np.array([3]), now=3.0)
    table.note_queues(row(a), row(b), now=3.0)  # nothing has changed
    assert table.data["since"][[a, b]].tolist() == [1.0, 2.0]
    table.note_queues(row(b), row(a), now=4.0)
    assert table.data["since"][[a, b]].tolist() == [4.0, 4.0]
    assert table.data["turn_began"][[a, b]].tolist() == [0, 3]
    assert table.data["running"][[a, b]].tolist() == [True, False]


def test_a_new_request_inherits_nothing_from_its_row() -> None:
    table = Table()
    first = table.add(1.0, 10, Expectation(1.0, 4.0))
    table.note_queues(row(0)[:0], row(first), now=2.0)
    table.remove(first)
    second = table.add(5.0, 10, Expectation(1.0, 4.0))
    assert second == first
    assert not table.data["running"][second]
    assert table.data["since"][second] == 5.0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["same", "same", "same", "others", "several", "hear", "away", "back"]),
        st.floats(0.0, 3.0),
        st.lists(st.integers(0, 5), unique=True, min_size=1, max_size=6),
    ),
    max_size=90,
)


@given(STEPS)
def test_tokens_that_are_noted_first_and_read_later_count_as_if_read_at_once(
    steps: list[tuple[str, float, list[int]]],
) -> None:
    """Of one table somebody reads after each step, of the other nobody until the end."""
    stalls: list[list[tuple[int, float]]] = [[], []]
    eager, lazy = (Table(stalled=lambda *stall, to=to: to.append(stall)) for to in stalls)
    readers = [Expectation(1.0, tds) for tds in (0.5, 1.0, 2.0, 4.0, 8.0, 20.0)]
    for table in (eager, lazy):
        for number, reader in enumerate(readers):
            table.add(0.0, 10 * number, reader, "user" if number % 2 else None)
    rows = np.flatnonzero(eager.data["serial"])
    served, now = rows, 0.0
    for deed, wait, indexes in steps:
        now += wait
        some = rows[indexes]
        one = int(some[0])
        served = some if deed == "others" else served
        for table in (eager, lazy):
            if deed == "hear":
                table.hear(one, now=now, way_s=0.1, shown=1.0, buffer_s=wait)
            elif deed in ("away", "back"):
                table.turn(one, now=now, speed=1.0 + wait, away=deed == "away")
            elif deed == "several":
                table.deliver(some, np.array(indexes) + 1, now)
            else:
                table.deliver(served, None, now)
        assert len(eager.data)
    assert lazy.data.tolist() == eager.data.tolist()
    assert lazy.accounts.counter.tolist() == eager.accounts.counter.tolist()
    assert sum(count for count, _ in stalls[1]) == sum(count for count, _ in stalls[0])
    assert sum(s for _, s in stalls[1]) == pytest.approx(sum(s for _, s in stalls[0]))


def test_a_request_that_leaves_has_had_all_that_was_noted_for_it() -> None:
    table = Table()
    numbers = [table.add(0.0, 10, Expectation(1.0, 1.0), "user") for _ in range(2)]
    both = np.array(numbers)
    for now in (1.0, 2.0, 3.0):
        table.deliver(both, None, now)
    assert table.service(numbers[0]) == 10 + 2 * 3
    table.deliver(both, None, 4.0)
    table.remove(numbers[0], complete=True)
    other = table.add(5.0, 10, Expectation(1.0, 1.0))
    assert other == numbers[0]
    assert table.data["delivered"][both].tolist() == [0, 4]
    assert table.prompt_tokens == 20
