"""What the answers of a server say together about what came in each chunk."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.lab.others.chunks import token_times

FLUSHES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5)
MADE = (1, 1, 6, 1, 3, 1)
"""Tokens that the engine had made for each running request since the flush before."""


def answer(first: int, last: int) -> tuple[list[float], int]:
    """The chunks of an answer that ran from one flush to another, and its tokens."""
    return list(FLUSHES[first : last + 1]), 1 + sum(MADE[first + 1 : last + 1])


def test_a_stall_of_the_server_is_found_where_all_answers_have_it() -> None:
    made = [answer(*one) for one in ((0, 2), (0, 3), (1, 4), (1, 5), (2, 3), (3, 5), (2, 5))]
    times = token_times([one for one, _ in made], [n for _, n in made], [0.0] * len(made))
    for (chunks, _), found in zip(made, times, strict=True):
        counts = Counter(found)
        start = FLUSHES.index(chunks[0])
        assert [counts[one] for one in chunks] == [1, *MADE[start + 1 : start + len(chunks)]]


def test_moments_are_those_of_one_clock() -> None:
    """The same answers, asked for at other times."""
    made = [answer(*one) for one in ((0, 3), (1, 4), (1, 5), (3, 5), (2, 5))]
    sent = [0.0, 0.2, 0.4, 0.6, 0.8]
    plain = token_times([one for one, _ in made], [n for _, n in made], [0.0] * len(made))
    since = [[t - at for t in one] for (one, _), at in zip(made, sent, strict=True)]
    shifted = token_times(since, [n for _, n in made], sent)
    for before, after, at in zip(plain, shifted, sent, strict=True):
        assert [t + at for t in after] == pytest.approx(before)


def test_one_answer_alone_shares_out_evenly() -> None:
    assert token_times([[1.0, 2.0, 3.0]], [5], [0.0]) == [(1.0, 2.0, 2.0, 3.0, 3.0)]


def test_without_answers_there_are_no_times() -> None:
    assert token_times([], [], []) == []
    assert token_times([[], [1.0], [1.0, 2.0]], [3, 4, 0], [0.0] * 3) == [(), (1.0,) * 4, ()]


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 60), unique=True, max_size=6).map(sorted),
            st.integers(0, 30),
            st.integers(0, 9),
        ),
        max_size=6,
    )
)
def test_no_token_is_lost_and_every_chunk_has_one(
    answers: Sequence[tuple[list[int], int, int]],
) -> None:
    chunks = [[t / 10 for t in one] for one, _, _ in answers]
    counts = [n for _, n, _ in answers]
    found = token_times(chunks, counts, [float(at) for _, _, at in answers])
    for times, came, count in zip(found, chunks, counts, strict=True):
        assert len(times) == (count if came else 0)
        assert list(times) == sorted(times)
        assert set(times) == set(came if count >= len(came) else came[:count])
