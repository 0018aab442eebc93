"""How many replicas readers need: the arithmetic that the twin and Ray's policy share."""

from dataclasses import replace

import pytest

from andes_backend.routing import BANDS, ReplicaFigures, band_of
from andes_backend.routing.scaling import (
    Arrivals,
    Lately,
    busy_s,
    needed_tokens,
    replicas_needed,
)

IDLE = ReplicaFigures(
    waiting=0,
    running=0,
    kv_tokens=1000,
    free_tokens=1000,
    step_s=0.05,
    prompt_token_s=0.001,
    output_tokens=200.0,
    horizon_s=4.0,
    demand=(0.0,) * len(BANDS),
)


def wants(tokens: float, worth: float, readers: int = 0) -> ReplicaFigures:
    demand = [0.0] * len(BANDS)
    demand[band_of(worth)] = tokens
    return replace(IDLE, demand=tuple(demand), waiting=readers)


def after(requests: int, prompts: int, found: int = 0) -> ReplicaFigures:
    """To which so much has come since it started."""
    return replace(IDLE, arrived=requests, arrived_tokens=prompts, found_tokens=found)


def test_all_memory_is_needed_if_nobody_may_lose_anything() -> None:
    assert needed_tokens([wants(2500, 0.04), wants(100, 1e-4)], 0.0) == 2600


def test_the_least_valuable_tokens_are_left_out_first() -> None:
    dear, cheap = wants(1000, BANDS[0]), wants(1000, BANDS[20])
    all_cheap_ones = 1000 * BANDS[20]
    assert needed_tokens([dear, cheap], all_cheap_ones) == pytest.approx(1000)
    assert needed_tokens([dear, cheap], all_cheap_ones / 2) == pytest.approx(1500)
    assert needed_tokens([dear, cheap], all_cheap_ones + 10 * BANDS[0]) == pytest.approx(990)


def test_replicas_are_needed_for_those_who_would_lose_or_for_what_comes() -> None:
    crowded = [wants(2500, 0.04), IDLE]
    assert replicas_needed(crowded, 0.0, target=1.0) == pytest.approx(2.5)
    assert replicas_needed(crowded, 3.0, target=1.0) == pytest.approx(3.0)
    assert replicas_needed(crowded, 3.0, target=0.5) == pytest.approx(6.0)
    assert replicas_needed([], 0.0, target=1.0) == 0.0


def test_readers_who_may_lose_need_less() -> None:
    many = wants(2500, 0.04, readers=100)
    some, more = (replicas_needed([many], 0.0, target=1.0, lost_each=lost) for lost in (0.001, 0.5))
    assert 2.4 < some < 2.5
    assert more == pytest.approx(1.24, abs=0.3)


def test_what_comes_takes_the_engine_for_prompts_and_its_share_of_the_memory() -> None:
    """Four prompts of 100 tokens at a millisecond; (100 + 100) of 1,000 tokens for 200 steps."""
    assert busy_s(None, after(4, 400)) == pytest.approx(0.4 + 4 * 0.2 * 200 * 0.05)
    assert busy_s(after(4, 400), after(4, 400)) == 0.0
    assert busy_s(after(4, 400), after(8, 800)) == busy_s(None, after(4, 400))


def test_what_is_found_in_the_cache_takes_memory_and_no_time() -> None:
    whole, found = busy_s(None, after(4, 400)), busy_s(None, after(4, 400, found=300))
    assert whole - found == pytest.approx(0.3)


def test_an_engine_that_has_started_anew_counts_from_its_start() -> None:
    assert busy_s(after(90, 9000), after(4, 400)) == busy_s(None, after(4, 400))


def test_arrivals_are_counted_from_one_look_to_the_next() -> None:
    arrivals = Arrivals()
    assert arrivals.look({"a": after(90, 9000)}, 100.0) == 0.0, "nobody knows since when"
    each = busy_s(None, after(1, 100))
    assert arrivals.look({"a": after(95, 9500)}, 110.0) == pytest.approx(5 * each / 10)
    both = {"a": after(95, 9500), "b": after(3, 300)}  # b is new
    assert arrivals.look(both, 130.0) == pytest.approx(3 * each / 20)
    assert arrivals.look({"b": after(4, 400)}, 140.0) == pytest.approx(each / 10)


def test_the_mean_of_late_is_rounded_up_and_what_is_old_forgotten() -> None:
    lately = Lately(60.0)
    lately.add(9.0, 0.0)
    assert lately.wanted == 9
    lately.add(1.0, 30.0)
    assert lately.wanted == 5
    lately.add(1.2, 61.0)
    assert lately.wanted == 2


def test_a_mean_of_whole_numbers_is_not_rounded_up_by_its_error() -> None:
    lately = Lately(60.0)
    for second in range(3):
        lately.add(0.1 + 0.2 + 0.7, float(second))
    assert lately.wanted == 1
