"""A step leaves no reader without text where it can, and every prompt goes on in the end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.policy.latency import StepTimes
from andes_backend.policy.state import Table
from andes_backend.policy.step_budget import Share, Step, lasts_s, share_out
from andes_client.expectation import Expectation

TIMES = StepTimes(0.03, 0.0, 0.0, 0.0001)  # 0.03 s, and 0.1 s more for 1,000 tokens of prompts


def step(spare_s: list[float], **other: object) -> Step:
    facts: dict[str, object] = {
        "room": 8000 + len(spare_s),
        "spare_s": np.array(spare_s),
        "context_tokens": 0,
        "begun": [30_000],
        "new": [],
        "others_wait": False,
    }
    return Step(**{**facts, **other})  # type: ignore[arg-type]


def share(spare_s: list[float], **other: object) -> Share:
    found = share_out(TIMES, step(spare_s, **other))
    assert found is not None
    return found


def test_a_step_ends_when_the_first_reader_runs_dry() -> None:
    assert share([9.0, 0.38, 2.0]).chunk == pytest.approx(3500, abs=1)


def test_readers_with_text_for_two_full_steps_leave_vllm_its_way() -> None:
    assert share_out(TIMES, step([1.67])) is None
    assert share_out(TIMES, step([1.65])) is not None


def test_a_prompt_is_not_slowed_down_beyond_measure() -> None:
    """For a reader who has no text at all no step is short enough."""
    least = share([-5.0]).chunk
    slow, fast = (TIMES.step_s(1, 0, tokens) / tokens for tokens in (least, 8000))
    assert slow == pytest.approx(1.15 * fast, rel=0.001)


def test_while_others_wait_no_step_is_cut_short() -> None:
    found = share([-5.0], others_wait=True)
    assert (found.chunk, found.lenders.tolist()) == (8000, [])


def test_the_others_lend_their_tokens_to_a_prompt() -> None:
    """One reader has no text beyond the next step; two have, and the richer comes first."""
    found = share([0.9, 5.0, 9.0])
    assert found.lenders.tolist() == [2, 1]
    assert found.chunk == 8002


def test_nobody_lends_more_than_the_prompts_can_use() -> None:
    assert share([0.9, 5.0, 9.0], begun=[8001]).lenders.tolist() == [2]
    assert share([0.9, 5.0, 9.0], begun=[100], new=[100]).lenders.tolist() == []


def test_a_step_cut_short_is_no_occasion_to_lend() -> None:
    """It has tokens to spare, and no time."""
    assert share([0.3, 9.0]).lenders.tolist() == []


def test_prompts_for_which_there_is_nothing_left_sit_out() -> None:
    assert share([0.9], begun=[30_000, 500, 30_000]).begun == 1
    assert share([0.9], begun=[500, 30_000, 40]).begun == 2
    assert share([0.3], begun=[30_000, 30_000]).begun == 1


def test_short_prompts_get_all_that_they_need_of_a_step_cut_short() -> None:
    """2,700 tokens fit in: 100 and 200 go to those who need no more, the rest is shared."""
    found = share([0.3], begun=[100, 30_000], new=[200, 5000])
    assert found.begun == 2
    assert found.chunk == pytest.approx(1200, abs=1)


def test_where_prompts_seem_to_cost_nothing_none_is_cut() -> None:
    """An engine may have seen no prompt yet."""
    found = share_out(StepTimes(0.5, 0.0, 0.0, 0.0), step([0.3]))
    assert found is not None
    assert found.chunk == 8000


counts = st.integers(1, 40_000)


@given(
    spare_s=st.lists(st.floats(-10, 30), min_size=1, max_size=8),
    room=st.integers(1, 9000),
    begun=st.lists(counts, max_size=5),
    new=st.lists(counts, max_size=4),
    others_wait=st.booleans(),
    base=st.floats(0, 0.1),
    per_prompt_token=st.floats(0, 1e-3),
)
def test_whatever_there_is_the_first_prompt_goes_on(
    spare_s: list[float],
    room: int,
    begun: list[int],
    new: list[int],
    others_wait: bool,
    base: float,
    per_prompt_token: float,
) -> None:
    times = StepTimes(base, 0.0, 0.0, per_prompt_token)
    found = share_out(
        times, step(spare_s, room=room, begun=begun, new=new or [1], others_wait=others_wait)
    )
    if found is None:
        return
    assert found.chunk >= 1
    assert 1 <= found.begun <= len(begun) or not begun
    readers = len(spare_s) - len(found.lenders)
    taken = sum(min(need, found.chunk) for need in begun[: found.begun])
    # Every reader who does not lend a token gets one, unless there is none for the prompts then.
    assert taken + readers <= max(room, len(spare_s) + found.begun)
    full_s = times.step_s(len(spare_s), 0, max(1, room - len(spare_s)))
    assert all(spare_s[place] >= 2 * full_s for place in found.lenders.tolist())


def test_text_on_its_way_lasts_from_when_it_comes() -> None:
    """Of three readers of 5 tokens/s two have run dry, and one of these gets nothing either."""
    table = Table()
    rows = np.array([table.add(0.0, 10, Expectation(1.0, 5.0)) for _ in range(3)])
    table.deliver(rows, np.array([1, 1, 50]), 1.0)  # until 1.2 s, and until 11 s
    lasts = lasts_s(table.seen(rows, 2.0), np.array([1, 0, 2]), 0.5, 2.0)
    assert lasts.tolist() == pytest.approx([0.7, -0.8, 9.4])
