"""The search for the highest rate, on curves whose answer is known."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from andes_backend.lab.plan.search import WIDTH, next_rate, settled, slope_near

Curve = Callable[[float], float]


def like_stock(root: float) -> Curve:
    """All is well until memory is full, then the margin falls at once."""
    return lambda rate: 0.1 - 0.8 * max(0.0, math.log(rate / root) + 0.125)


def like_qoe(root: float) -> Curve:
    """The margin falls slowly."""
    return lambda rate: min(0.1, -0.2 * math.log(rate / root))


def search(
    curve: Curve, start: float, slope: float | None = None, least: float = 0.0
) -> dict[float, float]:
    margins: dict[float, float] = {}
    while (rate := next_rate(margins, start=start, slope=slope)) is not None:
        assert rate not in margins
        assert rate >= least
        margins[rate] = curve(rate)
    return margins


@pytest.mark.parametrize("like", [like_stock, like_qoe])
@given(start=some.floats(0.5, 20), off=some.floats(0.3, 3))
def test_it_finds_the_rate_with_few_simulations(
    like: Callable[[float], Curve], start: float, off: float
) -> None:
    root = start * off
    margins = search(like(root), start)
    found = settled(margins)
    assert found.at_least == found.at_most == pytest.approx(root, rel=WIDTH / 4)
    assert len(margins) <= 11


@given(start=some.floats(0.5, 20), off=some.floats(0.9, 1.1))
def test_with_a_slope_a_start_close_by_needs_three_at_most(start: float, off: float) -> None:
    root = start * off
    margins = search(like_qoe(root), start, slope=-0.2)
    found = settled(margins, slope=-0.2)
    assert found.at_least == found.at_most == pytest.approx(root, rel=WIDTH / 4)
    assert len(margins) <= 3


@given(noise=some.lists(some.floats(-0.01, 0.01), min_size=1, max_size=20))
def test_noise_moves_the_rate_and_never_keeps_it_from_ending(noise: list[float]) -> None:
    count = 0

    def noisy(rate: float) -> float:
        nonlocal count
        count += 1
        return like_qoe(4.0)(rate) + noise[count % len(noise)]

    found = settled(search(noisy, 3.0))
    # 0.01 of QoE is 5 % of the rate on this curve, on either side.
    assert found.at_least == found.at_most == pytest.approx(4.0, rel=0.12)


def test_what_is_never_reached_or_never_missed_is_a_bound() -> None:
    never = search(lambda _: -0.2, 3.0)
    assert settled(never).at_least == 0
    assert settled(never).at_most == pytest.approx(3.0 / 8)
    always = search(lambda _: 0.1, 3.0)
    assert settled(always).at_least == pytest.approx(3.0 * 8)
    assert math.isinf(settled(always).at_most)


def test_an_unfinished_search_has_a_range() -> None:
    assert str(settled({})) == "-"
    assert (settled({3.0: 0.1, 4.0: -0.3}).at_least, settled({3.0: 0.1, 4.0: -0.3}).at_most) == (
        3.0,
        4.0,
    )


def test_of_two_places_where_the_bound_is_passed_the_lower_counts() -> None:
    margins = {3.0: 0.1, 3.1: -0.01, 3.2: 0.01, 3.3: -0.05}
    found = settled(margins)
    assert 3.0 < found.at_least == found.at_most < 3.1


def test_the_slope_is_that_around_the_rate() -> None:
    margins = {rate: like_qoe(4.0)(rate) for rate in (1.0, 3.6, 3.9, 4.1, 4.4, 9.0)}
    assert slope_near(margins, 4.0) == pytest.approx(-0.2)
    assert slope_near({4.0: 0.1}, 4.0) is None
    assert slope_near({4.0: 0.1, 4.1: 0.2}, 4.0) is None
