"""Intervals over seeds, GPUs and money: small numbers whose answers are worked out by hand."""

import math

import numpy as np
import pytest

from andes_backend.lab.plan.estimate import (
    Reach,
    gpus,
    gpus_saved,
    ratio,
    share,
)
from andes_backend.lab.report.interval import Interval, interval
from andes_backend.lab.report.rates import Capacity


def reach(policy: str, *rates: float, **more: Capacity) -> Reach:
    capacities = {seed: Capacity(rate, rate) for seed, rate in enumerate(rates)}
    capacities |= {100 + i: found for i, found in enumerate(more.values())}
    return Reach(policy=policy, capacities=capacities, so_far=Capacity(0, math.inf), simulations=1)


def test_an_interval_is_student_s() -> None:
    # Of 5 values, t at 97.5 % is 2.7764 (any table of it); the standard error here is 0.7071.
    found = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3.0
    assert found.low == pytest.approx(3 - 2.7764 * math.sqrt(0.5), abs=1e-4)
    assert found.high == pytest.approx(3 + 2.7764 * math.sqrt(0.5), abs=1e-4)
    assert interval([2.0]) == Interval(2.0, None, None)
    with pytest.raises(ValueError, match="at least one value"):
        interval([])


def test_95_of_100_intervals_hold_the_true_mean() -> None:
    rng = np.random.default_rng(0)
    drawn = (interval(rng.normal(3.0, 0.5, 5).tolist()) for _ in range(2000))
    hit = [one for one in drawn if one.low and one.high and one.low <= 3.0 <= one.high]
    assert len(hit) / 2000 == pytest.approx(0.95, abs=0.015)


def test_what_a_seed_does_to_both_is_no_uncertainty_of_the_ratio() -> None:
    """Capacities differ by a factor of 3 between seeds, and their ratio not at all."""
    first, other = reach("stock", 1.0, 2.0, 3.0), reach("qoe", 1.5, 3.0, 4.5)
    times = ratio(other, first)
    assert times is not None
    assert (times.mean, times.low, times.high) == pytest.approx((1.5, 1.5, 1.5))
    less = share(other, first)
    assert less is not None
    assert (less.mean, less.low, less.high) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    alone = other.capacity
    assert alone is not None
    assert alone.low is not None
    assert alone.high is not None
    assert alone.mean == pytest.approx(1.5 * 6 ** (1 / 3))
    assert 0 < alone.low < alone.mean < alone.high


def test_seeds_that_only_one_of_them_has_do_not_count() -> None:
    times = ratio(reach("qoe", 2.0), reach("stock", 1.0, 5.0))
    assert times is not None
    assert times == Interval(times.mean, None, None)
    assert times.mean == pytest.approx(2.0)


def test_a_seed_without_a_rate_makes_the_mean_unknown() -> None:
    """Leaving it out would flatter: it is the seed on which the policy did worst."""
    missed = reach("stock", 1.0, low=Capacity(0.0, 0.4))
    assert missed.capacity is None
    assert ratio(reach("qoe", 2.0), missed) is None
    assert gpus_saved(reach("qoe", 2.0), missed, 10.0, 4) is None
    assert reach("stock").capacity is None


@pytest.mark.parametrize(
    ("demand", "rate", "needed"), [(100, 2.5, 160), (100, 2.49, 164), (0.1, 3, 4), (9, 3, 12)]
)
def test_gpus_come_in_whole_servers(demand: float, rate: float, needed: int) -> None:
    assert gpus(demand, rate, 4) == needed


def test_the_gpus_saved_are_the_difference_of_what_both_need() -> None:
    first, other = reach("stock", 1.9, 2.0, 2.1), reach("qoe", 3.7, 4.0, 4.3)
    saved = gpus_saved(other, first, 100.0, 4)
    assert saved is not None
    assert first.capacity is not None
    assert other.capacity is not None
    assert saved.mean == gpus(100, first.capacity.mean, 4) - gpus(100, other.capacity.mean, 4)
    assert saved.low is not None
    assert saved.high is not None
    assert saved.low <= saved.mean <= saved.high
    assert saved.low % 4 == saved.high % 4 == 0


def test_how_an_interval_is_shown() -> None:
    assert Interval(2.75, 2.7, 2.8).text(".2f") == "2.75 (2.70 to 2.80)"
    assert Interval(2.75, 2.7, 2.8).text(".2f", cell=True) == "2.75\n2.70–2.80"
    assert Interval(2.75, None, None).text(".2f") == "2.75"
