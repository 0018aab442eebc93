"""The waiting queue that notes who comes and who leaves, against vLLM's own."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vllm.v1.core.sched.request_queue import (
    FCFSRequestQueue,
    PriorityRequestQueue,
    RequestQueue,
)
from vllm.v1.request import Request

from andes_backend.config import AndesConfig
from andes_backend.engine.ledger import Ledger
from andes_backend.engine.queues import Waiting
from andes_backend.engine.waiting import NotedPriorityQueue, NotedQueue, WaitingQueue
from tests.engine.real_scheduler import request
from tests.thorough import cases

EVERYBODY = [request(f"r{index}", 4, 4) for index in range(12)]
OURS: dict[str, tuple[type[RequestQueue], type[NotedQueue]]] = {
    "first come": (FCFSRequestQueue, WaitingQueue),
    "priority": (PriorityRequestQueue, NotedPriorityQueue),
}

deeds = st.lists(
    st.tuples(
        st.sampled_from(["add", "prepend", "prepend all", "pop", "remove", "remove all", "look"]),
        st.lists(st.integers(0, len(EVERYBODY) - 1), unique=True, min_size=1, max_size=4),
    ),
    max_size=60,
)


def do(queue: RequestQueue, deed: str, chosen: list[Request]) -> None:
    """One of the ways in which vLLM changes its queue."""
    here = set(queue)
    out = [one for one in chosen if one not in here]
    inside = [one for one in chosen if one in here]
    if deed == "add" and out:
        queue.add_request(out[0])
    elif deed == "prepend" and out:
        queue.prepend_request(out[0])
    elif deed == "prepend all":
        queue.prepend_requests(out)
    elif deed == "pop" and queue:
        assert queue.peek_request() is queue.pop_request()
    elif deed == "remove" and inside:
        queue.remove_request(inside[0])
    elif deed == "remove all":
        queue.remove_requests(chosen)


@pytest.mark.parametrize("kind", OURS)
@settings(max_examples=cases(100))
@given(deeds=deeds)
def test_it_does_what_vllms_own_does_and_misses_nobody(
    kind: str, deeds: list[tuple[str, list[int]]]
) -> None:
    """Whoever goes by the news alone knows who waits, and which row each has."""
    theirs, ours = (make() for make in OURS[kind])
    assert isinstance(ours, NotedQueue)
    ledger = Ledger(AndesConfig())
    waiting, known = Waiting(ledger), set[Request]()
    for deed, chosen in deeds:
        if deed == "look":
            here = set(ours)
            assert ours.has_changed or known == here
            come = waiting.look(ours, 0.0).tolist()
            assert not ours.has_changed
            assert set(come) >= set(ledger.rows(here - known, 0.0).tolist())
            assert set(come) <= set(ledger.rows(here, 0.0).tolist())
            flagged = ledger.table.waits.nonzero()[0]
            assert sorted(flagged) == sorted(ledger.rows(here, 0.0))
            assert set(waiting.requests(flagged)) == here
            known = here
            continue
        for queue in (theirs, ours):
            do(queue, deed, [EVERYBODY[index] for index in chosen])
        assert list(ours) == list(theirs)
        assert (len(ours), bool(ours)) == (len(theirs), bool(theirs))
        assert set(ours.in_any_order()) == set(theirs)


@pytest.fixture
def queue() -> Iterator[WaitingQueue]:
    queue = WaitingQueue(EVERYBODY[:4])
    queue.take_news()
    yield queue
    assert len(set(queue)) == len(list(queue)) == len(queue)


def test_those_put_first_are_first_in_their_order_and_the_rest_stand(queue: WaitingQueue) -> None:
    a, b, c, d = EVERYBODY[:4]
    queue.put_first([c, b])
    assert list(queue) == [c, b, a, d]
    assert not queue.has_changed
    with pytest.raises(KeyError):
        queue.put_first([EVERYBODY[5]])


def test_who_is_taken_out_and_put_back_is_no_news(queue: WaitingQueue) -> None:
    """So vLLM does with a request that cannot run in a step."""
    first = queue.pop_request()
    assert queue.has_changed
    queue.prepend_requests([first])
    assert queue.take_news() == ([], [])


def test_another_request_under_the_same_name_is_news(queue: WaitingQueue) -> None:
    """The turn of a session that begins anew is the same object with a new row."""
    ledger = Ledger(AndesConfig())
    waiting, session = Waiting(ledger), EVERYBODY[1]
    queue.renew(session)
    assert queue.take_news() == ([session], [])
    queue.renew(EVERYBODY[9])
    assert not queue.has_changed, "it does not wait"
    for one in queue:
        queue.renew(one)
    before = waiting.look(queue, 0.0).tolist()
    anew = ledger.add(session, 1.0)
    queue.renew(session)
    assert waiting.look(queue, 1.0).tolist() == [anew]
    assert sorted(ledger.table.waits.nonzero()[0]) == sorted({*before[:1], anew, *before[2:]})


@pytest.mark.parametrize("kind", OURS)
def test_an_empty_queue_has_no_first(kind: str) -> None:
    ours = OURS[kind][1]()
    for first in (ours.peek_request, ours.pop_request):
        with pytest.raises(IndexError):
            first()
    with pytest.raises(ValueError, match=r"does not wait|not in list"):
        ours.remove_request(EVERYBODY[0])


def test_the_first_come_queue_is_read_by_position_as_vllms_deque() -> None:
    queue = WaitingQueue(EVERYBODY)
    assert [queue[place] for place in range(len(queue))] == EVERYBODY
    assert queue[-1] is EVERYBODY[-1]
    with pytest.raises(IndexError, match="12 requests"):
        queue[12]
