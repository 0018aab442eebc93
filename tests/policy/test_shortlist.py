"""The shortlist of a long queue: who is on it, and how near its plans are to those about all."""

from typing import Any

import numpy as np
import pytest

from andes_backend import AndesConfig
from andes_backend.policy import Decision, Snapshot, Table, make_policy
from andes_backend.policy.latency import LatencyModel
from andes_backend.policy.qoe import MarginalQoE
from andes_backend.policy.shortlist import FEW, Shortlist
from andes_backend.policy.state import Rows
from andes_client import Expectation

COUNT = 3 * FEW
NOBODY = np.zeros(0, np.intp)


class Queue:
    """Requests that wait for a policy which chooses whom it looks at."""

    def __init__(self, count: int = COUNT, **settings: Any) -> None:
        self.random = np.random.default_rng(1)
        self.table, self.now = Table(), 1000.0
        policy = make_policy(AndesConfig(**settings))
        assert isinstance(policy, MarginalQoE)
        self.policy = policy
        self.come: list[int] = []
        for arrival in self.random.uniform(900.0, 1000.0, count).tolist():
            self.arrive(arrival)

    def arrive(self, arrival: float, prompt: int | None = None, user: str | None = None) -> int:
        prompt = int(self.random.integers(20, 900)) if prompt is None else prompt
        row = self.table.add(arrival, prompt, Expectation(1.0, 4.0), user)
        self.table.queue(np.array([row]), NOBODY)
        self.come.append(row)
        return row

    def leave(self, row: int) -> None:
        self.table.queue(NOBODY, np.array([row]))
        self.table.remove(row)

    @property
    def waiting(self) -> Rows:
        return np.flatnonzero(self.table.waits)

    def snapshot(self, rows: Rows) -> Snapshot:
        seen = self.table.seen(rows, self.now)
        times = LatencyModel().times
        return Snapshot(self.now, seen, len(seen), 16, 2000, 2000, 64, times, self.table.accounts)

    def choose(self) -> Rows:
        """Whom the policy looks at in this plan."""
        come, self.come = np.array(self.come, np.intp), []
        table = self.table
        chosen = self.policy.shortlist.choose(table, come, len(self.waiting), 64, self.now)
        return self.waiting if chosen is None else chosen

    def plan(self) -> tuple[Rows, Decision]:
        """Who is to come in, in order, and the decision."""
        rows = self.choose()
        decision = self.policy.plan(self.snapshot(rows))
        decision.check(len(rows), 0)
        assert decision.waiting is not None
        return rows.take(decision.waiting)[: decision.admit], decision


def test_all_of_a_short_queue_are_looked_at() -> None:
    queue = Queue(FEW)
    assert queue.choose().tolist() == queue.waiting.tolist()
    table, rows = queue.table, queue.waiting
    assert queue.policy.shortlist.choose(table, NOBODY, len(rows), 64, 0.0) is None


def test_the_first_plan_about_a_long_queue_is_about_all_and_the_next_is_not() -> None:
    queue = Queue()
    assert queue.choose().tolist() == queue.waiting.tolist()
    queue.plan()
    assert len(queue.choose()) < COUNT / 2


def test_after_some_plans_everybody_has_been_looked_at() -> None:
    queue = Queue()
    queue.plan()
    seen = set()
    for _ in range(16):
        seen |= set(queue.choose().tolist())
    assert seen == set(queue.waiting.tolist())


def test_who_has_come_or_has_reported_is_looked_at_at_once() -> None:
    queue = Queue()
    for _ in range(3):
        queue.plan()
    new = [queue.arrive(10.0, prompt=8000) for _ in range(5)]
    one = int(queue.waiting[np.isin(queue.waiting, queue.choose(), invert=True)][-1])
    queue.table.hear(one, now=queue.now)
    assert one in queue.choose()
    assert one not in queue.choose()
    queue.come = new
    assert set(new) <= set(queue.choose().tolist())


def test_nobody_is_chosen_who_does_not_wait() -> None:
    queue = Queue()
    for _ in range(20):
        queue.plan()
        for row in queue.random.choice(queue.waiting, 20, replace=False).tolist():
            queue.leave(row)
        gone = queue.arrive(999.0)
        queue.leave(gone)
        chosen = queue.choose()
        assert queue.table.waits[chosen].all()
        assert len(set(chosen.tolist())) == len(chosen)


def test_what_comes_in_is_nearly_what_a_look_at_everybody_lets_in() -> None:
    """A minute of two plans a second; those who come in leave, and as many others come."""
    queue = Queue(fairness=0.0, overdue_kv_share=0.0)
    same = total = 0
    for _ in range(120):
        queue.now += 0.5
        everybody = make_policy(AndesConfig(fairness=0.0, overdue_kv_share=0.0))
        rows = queue.waiting
        best = everybody.plan(queue.snapshot(rows))
        assert best.waiting is not None
        first, _ = queue.plan()
        count = min(3, len(first))
        total += count
        same += len(set(first[:count].tolist()) & set(rows.take(best.waiting)[:count].tolist()))
        for row in first[:count].tolist():
            queue.leave(row)
            queue.arrive(queue.now)
    assert total == 360
    assert same / total > 0.97


def test_those_who_are_overdue_longest_are_always_looked_at() -> None:
    """Others come who are overdue already, and readers go away, so that their text is due later."""
    queue = Queue()
    queue.plan()
    for _ in range(40):
        queue.now += 0.5
        chosen = queue.choose()
        waiting = queue.waiting
        facts = queue.table.seen(waiting, queue.now)
        due = facts["arrival"] + facts["ttft"]
        overdue = np.flatnonzero(queue.now - due > 30.0)
        oldest = waiting.take(overdue[np.argsort(due[overdue])][:16])
        assert set(oldest.tolist()) <= set(chosen.tolist())
        queue.leave(int(oldest[0]))
        queue.table.turn(int(oldest[1]), now=queue.now, away=True)
        queue.arrive(float(queue.random.uniform(900.0, queue.now)))


def test_who_is_in_the_lane_stays_on_the_list() -> None:
    queue = Queue(overdue_kv_share=0.02)
    queue.now = 1100.0
    rows = queue.choose()
    worth = np.arange(len(rows), dtype=float)
    worst = int(np.argmin(worth))
    queue.policy.shortlist.learn(queue.snapshot(rows), worth, np.array([worst]))
    for _ in range(3):
        chosen = queue.choose()
        assert rows[worst] in chosen


def test_the_least_served_user_whose_text_is_late_is_known() -> None:
    """By the lead over that one, all users are treated fairly: it may be worth nothing itself."""
    queue = Queue()
    ahead = [queue.arrive(950.0, user="ahead") for _ in range(FEW)]
    queue.table.accounts.charge(queue.table.data["user"][ahead[:1]], prompt=np.array([50_000]))
    poor = queue.arrive(1.0, prompt=100_000, user="poor")
    accounts = queue.table.accounts
    counter = accounts.counter
    counter[queue.table.data["user"][queue.waiting]] += 10.0
    counter[queue.table.data["user"][poor]] = 0.0
    queue.plan()
    for _ in range(5):
        queue.now += 0.5
        assert poor in queue.choose()
        queue.plan()


@pytest.mark.parametrize("waits", [0, 1])
def test_it_learns_nothing_from_a_plan_that_it_was_not_asked_for(waits: int) -> None:
    shortlist, queue = Shortlist(30.0), Queue(waits)
    shortlist.learn(queue.snapshot(queue.waiting), np.ones(waits), NOBODY)
    assert shortlist.choose(queue.table, NOBODY, waits, 64, 0.0) is None
