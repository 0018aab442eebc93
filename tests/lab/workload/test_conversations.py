"""Conversations: each prompt begins with all that was said before."""

from itertools import groupby, pairwise
from operator import attrgetter

import pytest

from andes_backend.lab.workload import Request, WorkloadError
from andes_backend.lab.workload.conversations import Talk, make_conversations


def talks(requests: tuple[Request, ...]) -> list[list[Request]]:
    """The rounds of each conversation."""
    whose = attrgetter("conversation")
    return [list(rounds) for _, rounds in groupby(sorted(requests, key=whose), whose)]


def test_a_prompt_is_all_that_was_said_and_a_question() -> None:
    made = make_conversations(500, rate=4.0, seed=1)
    pairs = [pair for rounds in talks(made.requests) for pair in pairwise(rounds)]
    assert len(pairs) > 100
    for before, after in pairs:
        assert after.prompt_tokens > before.prompt_tokens + before.output_tokens
        assert after.expectation == before.expectation
        reads_s = before.output_tokens / before.expectation.tds
        assert after.arrival_s > before.arrival_s + reads_s


def test_as_many_come_as_are_asked_for_at_about_the_rate() -> None:
    made = make_conversations(2000, rate=5.0, seed=0)
    times = [request.arrival_s for request in made.requests]
    assert len(times) == 2000
    assert times == sorted(times)
    assert times[0] >= 0
    assert 2000 / times[-1] == pytest.approx(5.0, rel=0.15)


def test_conversations_are_under_way_from_the_start() -> None:
    made = make_conversations(400, rate=4.0, seed=2, talk=Talk(opening_tokens=1000))
    early, late = made.requests[:100], made.requests[-100:]
    mean = [sum(r.prompt_tokens for r in part) / 100 for part in (early, late)]
    assert mean[0] == pytest.approx(mean[1], rel=0.3)
    assert min(request.prompt_tokens for request in made.requests) > 1000


def test_the_same_seed_makes_the_same() -> None:
    one, same, other = (make_conversations(50, rate=1.0, seed=seed) for seed in (3, 3, 4))
    assert one == same
    assert one != other


def test_no_request_is_longer_than_allowed() -> None:
    made = make_conversations(300, rate=2.0, seed=0, max_length=900)
    assert max(r.prompt_tokens + r.output_tokens for r in made.requests) <= 900


def test_who_asks_once_has_nothing_to_find() -> None:
    made = make_conversations(50, rate=1.0, seed=0, talk=Talk(rounds=1))
    assert len(talks(made.requests)) == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rounds": 0.5}, "rounds"), ({"pause_s": -1}, "pause_s"), ({"opening_tokens": -1}, "open")],
)
def test_talk_that_makes_no_sense_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        Talk(**change)  # type: ignore[arg-type]


def test_a_document_that_leaves_no_room_for_talk_is_refused() -> None:
    with pytest.raises(WorkloadError, match="half of max_length"):
        make_conversations(5, rate=1.0, seed=0, talk=Talk(opening_tokens=5000))
    with pytest.raises(ValueError, match="rate above 0"):
        make_conversations(5, rate=0.0, seed=0)
