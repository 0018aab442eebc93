"""Several engines behind one front end, as with data parallelism: does each count for itself?"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.twin.engine import Engine
from andes_backend.lab.twin.record import Recorder
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request, Workload
from andes_backend.policy.accounts import Accounts

__all__ = ["simulate_ranks"]

_EVERY_S = 1.0


@dataclass
class _Rank:
    engine: Engine
    coming: deque[tuple[str, Request]] = field(default_factory=deque)
    told: dict[str, float] = field(default_factory=dict)
    """What the others know that it has served."""

    @property
    def is_done(self) -> bool:
        return not self.coming and not self.engine.is_busy

    @property
    def accounts(self) -> Accounts:
        scheduler: Any = self.engine.scheduler
        accounts: Accounts = scheduler.andes_ledger.table.accounts
        return accounts

    def run(self, until: float, record: Recorder) -> None:
        """Serve until then, or a little longer: a step is not cut."""
        engine = self.engine
        while engine.now < until and not self.is_done:
            while self.coming and self.coming[0][1].arrival_s <= engine.now:
                engine.admit(*self.coming.popleft())
            following = self.coming[0][1].arrival_s if self.coming else math.inf
            if engine.is_busy:
                record.deliver(engine.step(min(following, until)), engine.now)
            else:
                engine.now = min(following, until)

    def news(self) -> dict[str, float]:
        """What it has served each user since it last told."""
        given = self.accounts.given()
        news = {
            # Less than before: it had forgotten the user.
            name: served - before if served >= before else served
            for name, served in given.items()
            if (before := self.told.get(name, 0.0)) != served
        }
        self.told = given
        return news


def simulate_ranks(
    workload: Workload,
    setup: Setup,
    place: Callable[[int, Request], int],
    *,
    ranks: int,
    shared: bool,
) -> tuple[Outcome, ...]:
    """Serve a workload with several engines.

    Args:
        workload: the requests.
        setup: of each engine; the policy is one of ours.
        place: which engine a request goes to, from its index and the request.
        ranks: engines.
        shared: whether they tell each other once a second what they have served.

    Returns:
        What became of every request, in the order of the workload.
    """
    longest = max(r.prompt_tokens + r.output_tokens for r in workload.requests)
    engines = [_Rank(Engine(setup, longest + 1)) for _ in range(ranks)]
    for index, request in enumerate(workload.requests):
        engines[place(index, request)].coming.append((str(index), request))
    record, time_s = Recorder(workload), 0.0
    while not all(rank.is_done for rank in engines):
        time_s += _EVERY_S
        for rank in engines:
            rank.run(time_s, record)
        if shared:
            news = [rank.news() for rank in engines]
            for rank in engines:
                for other, heard in zip(engines, news, strict=True):
                    if other is not rank:
                        rank.accounts.credit(heard)
    return record.outcomes(setup.profile.outside_s)
