"""The order of the Virtual Token Counters against the paper's loop; who gives way; fair QoE."""

import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend import AndesConfig
from andes_backend.policy import Decision, Snapshot, Table, make_policy
from andes_backend.policy.accounts import Accounts, Prices
from andes_backend.policy.fair import fair_share
from andes_backend.policy.latency import LatencyModel
from andes_client import Expectation

READER = Expectation(1.0, 5.0)


def snapshot(
    table: Table, waiting: list[int], running: list[int], *, now: float = 100.0, free: int = 0
) -> Snapshot:
    return Snapshot(
        now=now,
        everybody=table.rows(np.array(waiting + running, np.intp)),
        waits=len(waiting),
        block_size=16,
        free_blocks=free,
        total_blocks=100,
        max_running=64,
        times=LatencyModel().times,
        accounts=table.accounts,
    )


def vtc(view: Snapshot, **settings: float) -> Decision:
    return make_policy(AndesConfig.from_mapping({"policy": "vtc", **settings})).plan(view)


def received(table: Table, row: int, tokens: int) -> None:
    table.accounts.charge(np.array([table.data["user"][row]]), prompt=np.array([tokens]))


REQUESTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 500), st.booleans()), min_size=1, max_size=30
)


@given(REQUESTS, st.lists(st.integers(0, 1000), min_size=4, max_size=4))
def test_the_order_is_that_of_the_papers_loop(
    requests: list[tuple[str, int, bool]], before: list[int]
) -> None:
    """Take the first request of the user with the least counter, charge its prompt, repeat."""
    weights = {"a": 2.0, "b": 1.0, "c": 0.5, "d": 1.0}
    table = Table(Accounts(Prices(weights=weights)))
    rows = [
        table.add(float(i), prompt, READER, user) for i, (user, prompt, _) in enumerate(requests)
    ]
    for user, tokens in zip("abcd", before, strict=True):
        mine = [row for row, (whose, _, _) in zip(rows, requests, strict=True) if whose == user]
        if mine:
            received(table, mine[0], tokens)
    preempted = [row for row, (_, _, once) in zip(rows, requests, strict=True) if once]
    table.data["charged"][preempted] = 5  # these have been charged before
    counter = dict.fromkeys("abcd", 0.0)
    for row, (user, _, _) in zip(rows, requests, strict=True):
        counter[user] = float(table.accounts.counter[table.data["user"][row]])

    queues: dict[str, list[int]] = {}
    for position, (user, _, _) in enumerate(requests):
        queues.setdefault(user, []).append(position)
    heap = [(counter[user], queue[0], user) for user, queue in queues.items()]
    heapq.heapify(heap)
    expected = []
    while heap:
        ahead, position, user = heapq.heappop(heap)
        expected.append(position)
        queues[user].pop(0)
        _, prompt, once = requests[position]
        if queues[user]:
            ahead += 0 if once else prompt / weights[user]
            heapq.heappush(heap, (ahead, queues[user][0], user))
    decision = vtc(snapshot(table, rows, []))
    assert decision.waiting is not None
    assert decision.waiting.tolist() == expected
    assert decision.admit is None  # work-conserving
    assert decision.preempt is None


def crowded() -> tuple[Table, list[int]]:
    """A user who runs three requests of four blocks each, and another who waits."""
    table = Table()
    rows = [table.add(float(i), 63, READER, "greedy") for i in range(3)]
    rows.append(table.add(3.0, 63, READER, "waits"))
    table.note_queues(np.zeros(0, np.intp), np.array(rows[:3]), 4.0)
    received(table, rows[0], 811)  # with the prompts 1,000
    return table, rows


@pytest.mark.parametrize(("lead", "gone"), [(0, []), (1001, []), (999, [2])])
def test_who_has_received_too_much_more_gives_way(lead: float, gone: list[int]) -> None:
    table, rows = crowded()
    decision = vtc(snapshot(table, rows[3:], rows[:3]), vtc_preempt_lead=lead)
    assert (decision.preempt is None) == (not gone)
    assert decision.preempt is None or decision.preempt.tolist() == gone


def test_nobody_gives_way_while_there_is_room() -> None:
    table, rows = crowded()
    assert vtc(snapshot(table, rows[3:], rows[:3], free=4), vtc_preempt_lead=1).preempt is None


def test_who_has_received_most_is_preempted_first_when_memory_runs_out() -> None:
    table = Table()
    rows = [table.add(float(i), 10, READER, user) for i, user in enumerate("abc")]
    table.note_queues(np.zeros(0, np.intp), np.array(rows), 3.0)
    received(table, rows[1], 500)
    received(table, rows[0], 200)
    decision = vtc(snapshot(table, [], rows))
    assert decision.running is not None
    assert decision.running.tolist() == [2, 0, 1]


def test_what_was_forecast_and_not_generated_is_given_back() -> None:
    table = Table(Accounts(forecast="average", assumed_output=100.0))
    row, other = table.add(0.0, 10, READER, "reader"), table.add(0.0, 10, READER, "other")
    user, counter = table.data["user"][row], table.accounts.counter
    table.note_queues(np.zeros(0, np.intp), np.array([row]), 1.0)
    assert counter[user] == 10 + 2 * 100
    table.deliver(np.array([row]), np.array([30]), 2.0)
    assert counter[user] == 10 + 2 * 100
    table.remove(row, complete=True)
    assert counter[user] == 10 + 2 * 30
    assert counter[table.data["user"][other]] == 0


def test_more_than_was_forecast_is_charged_as_it_comes() -> None:
    table = Table(Accounts(forecast="average", assumed_output=20.0))
    row = table.add(0.0, 10, READER, "reader")
    table.deliver(np.array([row]), np.array([50]), 2.0)  # nobody had noted that it ran
    assert table.accounts.counter[table.data["user"][row]] == 10 + 2 * 50


# Fairness as a part of the QoE policy


def fair(view: Snapshot, fairness: float) -> list[float]:
    users = np.concatenate([view.waiting["user"], view.running["user"]])
    return [float(share) for share in fair_share(view, users, fairness)]


def test_a_lead_halves_what_a_request_is_worth() -> None:
    table, rows = crowded()
    received(table, rows[0], 9000)  # now ahead by 10,000
    view = snapshot(table, rows[3:], rows[:3])
    assert fair(view, 0.5) == [1.0, 0.5, 0.5, 0.5]
    assert fair(view, 0.8) == pytest.approx([1.0, 1 / 16, 1 / 16, 1 / 16])
    assert fair(view, 1.0) == [1.0] + [2.0**-500] * 3


def test_at_full_fairness_no_gain_makes_up_for_a_lead() -> None:
    """Of leads of 10,000, of half and of a tenth of that, each is a world away from the next."""
    table = Table()
    leads = (0, 1000, 5000, 10_000)
    rows = [table.add(0.0, 100, READER, f"user {i}") for i in range(len(leads))]
    for row, lead in zip(rows, leads, strict=True):
        received(table, row, lead)
    shares = fair(snapshot(table, rows, []), 1.0)
    assert all(more > 1e9 * less for more, less in itertools.pairwise(shares))


def test_a_lead_over_somebody_whose_text_is_not_due_yet_is_fair() -> None:
    table, rows = crowded()
    received(table, rows[0], 9000)
    assert fair(snapshot(table, rows[3:], rows[:3], now=3.9), 0.5) == [1.0] * 4


@given(st.floats(0, 1e12), st.floats(1e-3, 1.0))
def test_a_share_is_never_nothing(lead: float, fairness: float) -> None:
    table, rows = crowded()
    received(table, rows[0], int(lead))
    assert all(0.0 < share <= 1.0 for share in fair(snapshot(table, rows[3:], rows[:3]), fairness))
