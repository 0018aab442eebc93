from hypothesis import given
from hypothesis import strategies as st

from andes_client import Expectation
from andes_client.playout import Playout
from andes_client.qoe import digest

ARRIVALS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), max_size=60)


@given(ARRIVALS, st.floats(0.1, 100))
def test_text_is_released_at_its_digest_times(units: list[tuple[float, float]], tds: float) -> None:
    expectation = Expectation(1.0, tds)
    arrivals, costs = sorted(a for a, _ in units), [c for _, c in units]
    playout, released = Playout(expectation), []
    for arrival, cost in zip(arrivals, costs, strict=True):
        due = playout.due(arrival)
        playout.released(due, due, cost)
        released.append(due)
    assert released == digest(arrivals, expectation, costs)


def test_a_late_timer_does_not_slow_the_reader_down() -> None:
    playout = Playout(Expectation(1.0, 2.0))
    playout.released(at=1.02, due=1.0, cost=1.0)
    assert playout.due(arrival=0.0) == 1.5


def test_a_reader_who_was_away_is_not_shown_everything_at_once() -> None:
    playout = Playout(Expectation(1.0, 2.0))
    playout.released(at=9.0, due=1.0, cost=1.0)
    assert playout.due(arrival=0.0) == 9.5
