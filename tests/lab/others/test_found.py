"""Tokens that came in fewer chunks, and in more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.lab.others.found import share_out

CHUNKS = st.lists(st.integers(0, 50), unique=True, max_size=8).map(sorted)


@pytest.mark.parametrize(
    ("chunks", "tokens", "times"),
    [
        ([1, 2, 3], 3, (1, 2, 3)),
        ([1, 2, 3], 5, (1, 2, 2, 3, 3)),
        ([1, 2, 3], 6, (1, 2, 2, 2, 3, 3)),
        ([1, 2], 16, (1, *[2] * 15)),
        ([1], 3, (1, 1, 1)),
        ([1, 2, 3, 4, 5], 2, (1, 2)),
        ([1, 2], 0, ()),
        ([], 3, ()),
    ],
)
def test_the_first_chunk_has_one_token_and_the_others_share_the_rest(
    chunks: list[int], tokens: int, times: tuple[int, ...]
) -> None:
    assert share_out(chunks, tokens) == times


@given(CHUNKS, st.integers(0, 60))
def test_all_tokens_have_a_time_in_order_and_no_chunk_is_left_out(
    chunks: list[int], tokens: int
) -> None:
    times = share_out(chunks, tokens)
    assert len(times) == (tokens if chunks else 0)
    assert list(times) == sorted(times)
    if tokens >= len(chunks):
        assert set(times) == set(chunks)
    counts = [times.count(one) for one in chunks[1:]]
    assert not counts or tokens < len(chunks) or max(counts) - min(counts) <= 1
