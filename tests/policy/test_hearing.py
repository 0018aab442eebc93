"""What a reader reports moves their timeline: pauses, other speeds, a way through the network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.policy.overdue import due_at
from andes_backend.policy.state import Table
from andes_backend.policy.value import marginal_qoe
from andes_client import Expectation
from andes_client.qoe import Meter

READER = Expectation(1.0, 4.0)


def row(number: int) -> np.ndarray:
    return np.array([number], dtype=np.intp)


def served(table: Table, tokens: int, at: float, arrival: float = 0.0) -> int:
    """A request that got so many tokens at once; returns its row."""
    number = table.add(arrival, prompt_tokens=9, expectation=READER)
    if tokens:
        table.deliver(row(number), np.array([tokens]), at)
    return number


def hear(
    table: Table,
    number: int,
    now: float,
    *,
    speed: float = 1.0,
    way_s: float = 0.0,
    in_hand: tuple[float, float] | None = None,
    away: bool = False,
) -> None:
    shown, buffer_s = (None, 0.0) if in_hand is None else in_hand
    table.hear(number, way_s=way_s, shown=shown, buffer_s=buffer_s, now=now)
    table.turn(number, speed=speed, away=away, now=now)


def seen(table: Table, number: int, now: float) -> np.void:
    one: np.void = table.seen(row(number), now)[0]
    return one


def worth(table: Table, number: int, now: float) -> float:
    """What serving it now is worth, with 40 tokens to come."""
    return float(marginal_qoe(table.seen(row(number), now), np.array([40.0]), now, 10.0)[0])


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5)), min_size=2, max_size=20),
    st.floats(0.1, 60),
    st.floats(0, 1),
)
def test_after_a_pause_all_goes_on_as_if_it_had_not_been(
    deliveries: list[tuple[float, int]], pause_s: float, part: float
) -> None:
    """What comes after it comes later by the pause: the reader's QoE is that without a pause."""
    table, meter, now = Table(), Meter(READER), 0.0
    number = table.add(0.0, 9, READER)
    pause_before = 1 + int(part * (len(deliveries) - 2))
    for place, (wait, tokens) in enumerate(deliveries):
        if place == pause_before:
            hear(table, number, now, away=True)
            now += pause_s
            hear(table, number, now)
        now += wait
        table.deliver(row(number), np.array([tokens]), now)
        for _ in range(tokens):
            meter.add(now - (pause_s if place >= pause_before else 0.0))
    assert table.data[number]["delay"] == pytest.approx(meter.delay, abs=1e-6)
    if meter.delay > 1e-6:
        assert table.qoe(row(number))[0] == pytest.approx(meter.qoe, abs=1e-6)
    assert table.data[number]["dry_at"] == pytest.approx(meter.free_at + pause_s, abs=1e-6)


def test_who_is_away_has_slack_and_who_is_back_has_what_they_had() -> None:
    table = Table()
    number = served(table, 8, at=1.0)  # text for two seconds
    assert worth(table, number, 4.0) > 0
    hear(table, number, 2.0, away=True)
    assert worth(table, number, 4.0) > 0  # it has lasted two seconds
    assert worth(table, number, 12.0) == 0.0
    assert seen(table, number, 12.0)["dry_at"] == pytest.approx(3.0 + 10.0 + 10.0)
    hear(table, number, 12.0, away=True)
    assert seen(table, number, 14.0)["dry_at"] == pytest.approx(3.0 + 12.0 + 12.0)
    assert due_at(table.seen(row(number), 500.0))[0] > 500.0
    hear(table, number, 32.0)
    assert seen(table, number, 32.0)["dry_at"] == pytest.approx(3.0 + 30.0)
    assert worth(table, number, 34.0) > 0


def test_what_comes_in_a_pause_is_not_late() -> None:
    table = Table()
    number = served(table, 8, at=1.0)  # until 3 s
    hear(table, number, 2.0, away=True)
    table.deliver(row(number), np.array([2]), 30.0)
    assert table.data[number]["delay"] == table.data[number]["lateness"] == 0.0
    hear(table, number, 32.0)
    assert table.data[number]["dry_at"] == pytest.approx(3.0 + 30.0 + 0.5)
    assert table.qoe(row(number))[0] == 1.0


def test_a_pause_that_is_told_twice_is_one_pause() -> None:
    table = Table()
    number = served(table, 8, at=1.0)
    for now in (2.0, 7.0, 11.0):
        hear(table, number, now, away=True)
    hear(table, number, 12.0)
    assert table.data[number]["dry_at"] == pytest.approx(13.0)
    assert table.data[number]["arrival"] == pytest.approx(10.0)


def test_a_pause_goes_on_whatever_its_reader_says_of_their_text() -> None:
    table = Table()
    number = served(table, 8, at=1.0)
    hear(table, number, 2.0, away=True)
    table.hear(number, now=7.0, way_s=0.5)
    assert table.data[number]["away_at"] == 7.0
    hear(table, number, 12.0)
    assert table.data[number]["dry_at"] == pytest.approx(13.0)
    assert table.data[number]["arrival"] == pytest.approx(10.0)


def test_a_table_that_has_grown_hears_all_its_readers() -> None:
    table = Table()
    numbers = [served(table, 8, at=1.0) for _ in range(200)]
    for number in numbers:
        hear(table, number, 2.0, away=True, way_s=0.25)
    for number in numbers:
        hear(table, number, 12.0, speed=2.0)
    rows = table.rows(np.array(numbers))
    assert rows["dry_at"] == pytest.approx(12.5)
    assert rows["tds"] == pytest.approx(8.0)
    assert rows["way"] == pytest.approx(0.0)


def test_who_reads_twice_as_fast_runs_dry_sooner() -> None:
    table = Table()
    number = served(table, 40, at=1.0)  # until 11 s
    hear(table, number, 6.0, speed=2.0)
    assert table.data[number]["dry_at"] == pytest.approx(8.5)
    # The next token was due at 11 s: of twenty unread, each is now expected in half the time.
    one = table.data[number]
    assert one["arrival"] + one["ttft"] + one["delivered"] / one["tds"] == pytest.approx(8.5)
    hear(table, number, 6.0)
    assert table.data[number]["dry_at"] == pytest.approx(11.0)
    assert table.data[number]["arrival"] == pytest.approx(0.0)


def test_a_skimmer_is_worth_serving_sooner() -> None:
    table = Table()
    fast, slow = served(table, 40, at=1.0), served(table, 40, at=1.0)
    hear(table, fast, 2.0, speed=2.0)
    assert worth(table, fast, 3.0) > worth(table, slow, 3.0)


def test_a_long_way_makes_all_due_sooner() -> None:
    table = Table()
    number = served(table, 8, at=1.0)
    hear(table, number, 1.5, way_s=0.5)
    assert seen(table, number, 1.5)["dry_at"] == pytest.approx(2.5)
    table.deliver(row(number), np.array([1]), 3.0)  # is there at 3.5, half a second late
    assert table.data[number]["lateness"] == pytest.approx(0.5)


def test_the_clients_buffer_is_believed_as_far_as_it_can_be() -> None:
    table = Table()
    number = served(table, 40, at=1.0)
    hear(table, number, 5.0, in_hand=(24.0, 4.0))  # 24 shown, 16 in the buffer
    assert table.data[number]["dry_at"] == pytest.approx(9.0)
    hear(table, number, 5.0, in_hand=(24.0, 3.5))  # two tokens are on their way
    assert table.data[number]["dry_at"] == pytest.approx(9.0)
    hear(table, number, 5.0, in_hand=(0.0, 0.0))  # a second's text at most is
    assert table.data[number]["dry_at"] == pytest.approx(6.0)
    hear(table, number, 5.0, in_hand=(0.0, 86_400.0))  # nobody has more than has been served
    assert table.data[number]["dry_at"] == pytest.approx(15.0)


def test_before_the_first_token_only_the_way_and_the_speed_count() -> None:
    table = Table()
    number = served(table, 0, at=0.0, arrival=3.0)
    hear(table, number, 3.5, in_hand=(0.0, 9.0), speed=2.0, way_s=0.25)
    assert due_at(table.seen(row(number), 3.5))[0] == pytest.approx(3.75)
    assert table.data[number]["tds"] == 8.0


def test_rows_of_who_reports_nothing_are_seen_as_they_are() -> None:
    table = Table()
    first, second = served(table, 8, at=1.0), served(table, 8, at=1.0)
    assert table.seen(row(first), 2.0).tolist() == table.rows(row(first)).tolist()
    hear(table, second, 2.0, away=True, way_s=1.0)
    assert table.seen(row(first), 2.0).tolist() == table.rows(row(first)).tolist()


REPORTS = st.lists(
    st.tuples(
        st.floats(0, 10), st.floats(0.25, 4), st.floats(0, 2),
        st.none() | st.tuples(st.floats(0, 1e7), st.floats(0, 86_400)), st.booleans(),
        st.integers(0, 3),
    ),
    max_size=20,
)  # fmt: skip


@given(REPORTS)
def test_whatever_is_reported_times_stay_finite_and_qoe_a_share(
    reports: list[tuple[float, float, float, tuple[float, float] | None, bool, int]],
) -> None:
    table, now = Table(), 0.0
    number = table.add(0.0, 9, READER)
    for wait, speed, way_s, in_hand, away, tokens in reports:
        now += wait
        hear(table, number, now, speed=speed, way_s=way_s, in_hand=in_hand, away=away)
        if tokens:
            table.deliver(row(number), np.array([tokens]), now)
        one = seen(table, number, now)
        assert all(np.isfinite(one[name]) for name in ("arrival", "tds", "dry_at", "lateness"))
        assert 0 <= table.qoe(row(number))[0] <= 1
        assert 0 <= worth(table, number, now) <= 1
