"""The exact packer is exact, and the greedy one stays within the limits."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from andes_backend.policy.andes.knapsack import (
    dynamic_programme,
    pack_exactly,
    pack_greedily,
)

Instance = tuple[NDArray[np.float64], NDArray[np.int64], int, int]
Pack = Callable[[NDArray[np.float64], NDArray[np.int64], int, int], NDArray[np.bool_]]


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Up to 10 requests; equal values and weights, and none that fits, come up as well."""
    size = draw(st.integers(0, 10))
    value = st.one_of(st.integers(0, 3).map(float), st.floats(0, 1))
    values = draw(st.lists(value, min_size=size, max_size=size))
    weights = draw(st.lists(st.integers(1, 9), min_size=size, max_size=size))
    capacity, most = draw(st.integers(0, 30)), draw(st.integers(0, 11))
    return np.array(values), np.array(weights, dtype=np.int64), capacity, most


def best_of_all(instance: Instance) -> float:
    """Every choice is tried."""
    values, weights, capacity, most = instance
    best = 0.0
    for bits in product((False, True), repeat=len(values)):
        chosen = np.array(bits, dtype=np.bool_)
        if weights[chosen].sum() <= capacity and chosen.sum() <= most:
            best = max(best, float(values[chosen].sum()))
    return best


def worth(chosen: NDArray[np.bool_], instance: Instance) -> float:
    """Its value, if it keeps to the limits."""
    values, weights, capacity, most = instance
    assert chosen.shape == values.shape
    assert chosen.dtype == np.bool_
    assert weights[chosen].sum() <= capacity
    assert chosen.sum() <= most
    return float(values[chosen].sum())


@pytest.mark.parametrize("pack", [pack_exactly, dynamic_programme])
@given(instance=instances())
def test_the_exact_packers_find_the_best_there_is(pack: Pack, instance: Instance) -> None:
    assert worth(pack(*instance), instance) == pytest.approx(best_of_all(instance), abs=1e-9)


@given(instances())
def test_greedy_keeps_to_the_limits_and_leaves_out_nobody_who_fits(instance: Instance) -> None:
    values, weights, capacity, most = instance
    chosen = pack_greedily(*instance)
    assert worth(chosen, instance) <= best_of_all(instance) + 1e-9
    if chosen.sum() < most:
        left = capacity - weights[chosen].sum()
        assert not ((values > 0) & ~chosen & (weights <= left)).any()


def crowd(seed: int, most: int) -> Instance:
    """Three hundred requests that want twice the memory there is."""
    draw = np.random.default_rng(seed)
    weights = np.ceil(draw.lognormal(1.5, 0.8, 300)).astype(np.int64)
    return draw.random(300) ** 3, weights, int(weights.sum()) // 2, most


@pytest.mark.parametrize("most", [20, 120, 300])
@pytest.mark.parametrize("seed", range(3))
def test_bounds_change_nothing_about_the_result_in_a_crowd(seed: int, most: int) -> None:
    instance = crowd(seed, most)
    plain, bounded = dynamic_programme(*instance), pack_exactly(*instance)
    assert worth(bounded, instance) == pytest.approx(worth(plain, instance), abs=1e-9)
    assert worth(pack_greedily(*instance), instance) >= 0.9 * worth(plain, instance)


def test_a_case_in_which_greedy_is_not_the_best() -> None:
    instance = np.array([3.0, 5.0, 5.0]), np.array([1, 2, 2]), 4, 3
    assert pack_greedily(*instance).tolist() == [True, True, False]
    assert pack_exactly(*instance).tolist() == [False, True, True]


def test_where_places_are_scarce_the_largest_values_count() -> None:
    instance = np.array([2.0, 2.0, 9.0]), np.array([1, 1, 8]), 10, 1
    assert pack_greedily(*instance).tolist() == [False, False, True]


def test_nobody_without_a_value_is_chosen() -> None:
    instance = np.array([0.0, 1.0]), np.array([1, 1]), 10, 10
    for pack in (pack_greedily, pack_exactly):
        assert pack(*instance).tolist() == [False, True]
