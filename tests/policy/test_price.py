"""What a preemption costs, and who may give way at all."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend import AndesConfig
from andes_backend.policy import Decision, Snapshot, Table, make_policy
from andes_backend.policy.latency import StepTimes
from andes_backend.policy.price import PreemptionPrice, decode_s, pays_for_itself, recompute_s
from andes_client import Expectation

TIMES = StepTimes(0.04, 3e-4, 7e-7, 2e-4)


def scene(
    *prompts: int, served: int = 100, turn: int | None = None, found: float = 0.0
) -> Snapshot:
    """Requests that run and fill the memory, and a fresh one that waits and needs a quarter of it.

    Args:
        prompts: of those that run, tokens.
        served: tokens that each of them has been delivered, 50 s ago.
        turn: how many of these in its present turn; None: all.
        found: share that preempted requests find again.
    """
    table = Table()
    rows = [table.add(0.0, prompt, Expectation(1.0, 4.0)) for prompt in prompts]
    for row in rows:
        table.deliver(np.array([row]), np.array([served]), 0.5)
    table.data["turn_began"][rows] = 0 if turn is None else served - turn
    blocks = sum(-(-(prompt + served) // 16) for prompt in prompts)
    fresh = table.add(4.0, 16 * blocks // 4, Expectation(1.0, 4.0))
    return Snapshot(
        now=5.0,
        everybody=table.rows(np.array([fresh, *rows])),
        waits=1,
        block_size=16,
        free_blocks=0,
        total_blocks=blocks,
        max_running=64,
        times=TIMES,
        accounts=table.accounts,
        found_again=found,
    )


def price(snapshot: Snapshot, constant: float | None = None) -> float:
    """In units of what a block is worth on average, which here is 2."""
    n = len(snapshot.everybody)
    worth, blocks, remaining = np.full(n, 2.0), np.ones(n), np.full(n, 100.0)
    return PreemptionPrice().margin(snapshot, worth, blocks, remaining, constant) / 2.0


def test_it_is_what_recomputation_takes_of_what_decoding_takes() -> None:
    snapshot = scene(3000, 5000, 1000)
    snapshot = replace(snapshot, times=replace(TIMES, per_prompt_token=4e-3))
    ratio = recompute_s(snapshot).sum() / decode_s(snapshot, np.full(3, 100.0)).sum()
    assert ratio > 5
    assert price(snapshot) == pytest.approx(2 * ratio)


def test_computing_again_takes_the_prompt_and_what_was_generated() -> None:
    snapshot = scene(3000, 500)
    assert recompute_s(snapshot) == pytest.approx([2e-4 * 3100, 2e-4 * 600])


def test_decoding_takes_a_share_of_every_step_by_the_memory_held() -> None:
    """Two that fill the memory share the base of the step between them."""
    snapshot = scene(1500, 1500)
    both = decode_s(snapshot, np.ones(2)).sum()
    context = 2 * (1600 + 0.5)
    assert both == pytest.approx(TIMES.step_s(2, context), rel=0.02)


@given(found=st.floats(0.0, 1.0))
def test_what_is_found_again_is_not_paid_for(found: float) -> None:
    slow = replace(TIMES, per_prompt_token=4e-3)
    dear = price(replace(scene(4000, 4000), times=slow))
    some = price(replace(scene(4000, 4000, found=found), times=slow))
    assert dear > 5
    assert some == pytest.approx(max(1.2, dear * (1 - found)))


def test_it_moves_slowly_and_a_constant_takes_its_place() -> None:
    one = PreemptionPrice()
    slow = replace(TIMES, per_prompt_token=4e-3)
    long = replace(scene(8000, 8000), times=slow)
    short = replace(scene(10, 10, served=2), times=slow, now=10.0)

    def asked(snapshot: Snapshot) -> float:
        n = len(snapshot.everybody)
        return one.margin(snapshot, np.ones(n), np.ones(n), np.full(n, 100.0))

    first = asked(long)
    assert 0.85 * first < asked(short) < first
    assert price(long, constant=1.5) == pytest.approx(1.5)
    assert price(long, constant=0.0) == 0.0


def test_an_empty_server_has_a_price_too() -> None:
    table = Table()
    table.add(0.0, 10, Expectation(1.0, 4.0))
    empty = replace(scene(10), everybody=table.rows(np.array([0])), waits=1)
    assert price(empty) == pytest.approx(1.2)


def plan(snapshot: Snapshot, **settings: float) -> Decision:
    return make_policy(AndesConfig(**settings)).plan(snapshot)  # type: ignore[arg-type]


def test_a_long_prompt_that_has_just_been_computed_does_not_give_way() -> None:
    """All have text in hand for 95 s; two have been computed again a moment ago."""
    snapshot = scene(300, 300, 300, served=400)
    assert plan(snapshot).preempt is not None
    snapshot.everybody["turn_began"][2:] = 399
    (victim,) = plan(snapshot).preempt.tolist()  # type: ignore[union-attr]
    assert victim == 0
    snapshot.everybody["turn_began"][1:] = 399
    assert plan(snapshot).preempt is None


def test_for_an_overdue_request_even_they_give_way() -> None:
    snapshot = scene(300, 300, 300, turn=1)
    snapshot.everybody["arrival"][0] -= 100.0
    assert plan(snapshot).preempt is not None


@given(
    prompts=st.lists(st.integers(1, 8000), min_size=1, max_size=8),
    served=st.integers(0, 2000),
    turn=st.integers(0, 2000),
    found=st.floats(0.0, 1.0),
    base=st.floats(1e-3, 0.1),
    prompt_token=st.floats(1e-6, 1e-3),
)
def test_who_gives_way_has_been_served_for_what_computing_it_again_takes(
    prompts: list[int],
    served: int,
    turn: int,
    found: float,
    base: float,
    prompt_token: float,
) -> None:
    """So two requests cannot only displace each other: each is served in between."""
    snapshot = scene(*prompts, served=served + 1, turn=min(turn, served), found=found)
    snapshot = replace(snapshot, times=replace(TIMES, base=base, per_prompt_token=prompt_token))
    preempt = plan(snapshot).preempt
    victims = np.zeros(0, np.intp) if preempt is None else preempt
    turns = decode_s(snapshot, np.full(len(prompts), float(min(turn, served))))
    assert (turns[victims] >= recompute_s(snapshot)[victims]).all()
    assert pays_for_itself(snapshot)[victims].all()
