"""The same requests at several simulated servers, side by side on one virtual clock.

    race = Race(workload, [Setup(profile=profile), Setup(profile=profile, policy="qoe")])
    race.run(until_s=10.0)
    race.views()[0].qoe

The servers are the twin's: vLLM's own scheduler, and a latency profile in the place of a GPU.
"""

import copy
import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from andes_backend.lab.twin.audience import Audience
from andes_backend.lab.twin.engine import Engine
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Attention, Request, Workload, check_fits
from andes_backend.lab.workload.behaviour import STEADY, Act
from andes_client.expectation import Expectation
from andes_client.wire import Report
from andes_demos.board.view import Doing, Row, State, View

__all__ = ["Race"]

_LINGERS_S: Final = 3.0  # for so long who is done is still shown


class Race:
    """Servers that are sent the same requests at the same time.

    Args:
        workload: the requests.
        setups: the servers, each named by its policy.

    Raises:
        WorkloadError: a request can never fit the KV memory of one of them.
    """

    def __init__(self, workload: Workload, setups: Sequence[Setup]) -> None:
        for setup in setups:
            check_fits(workload, setup.profile.request_tokens)
        self._servers = [_Server(workload, setup) for setup in setups]

    @property
    def is_done(self) -> bool:
        """Whether everything has been served everywhere."""
        return all(server.is_done for server in self._servers)

    def run(self, until_s: float) -> None:
        """Let all servers work until then, virtual seconds since the start."""
        for server in self._servers:
            server.run(until_s)

    def views(self) -> tuple[View, ...]:
        """All servers as they are now, in the order in which they were given."""
        return tuple(server.view() for server in self._servers)


class _Reader:
    """A request, and what its reader has had of it."""

    __slots__ = ("_acts", "attention", "done_at", "request", "tokens")

    def __init__(self, request: Request) -> None:
        self.request = request
        # A program takes everything in at once; so that it has a slack, it is shown as a reader.
        tds = request.expectation.tds
        shown = Expectation(request.expectation.ttft, tds if tds < math.inf else 1e6)
        self.attention = Attention(shown, request.behaviour)
        self.tokens = 0
        self.done_at: float | None = None
        self._acts: list[Act] = []

    def hear(self, tokens: int, now: float) -> None:
        for _ in range(tokens):
            self._acts += self.attention.add(now - self.request.arrival_s)
        self.tokens += tokens

    def does(self, now: float) -> Doing:
        begun = [act for act in self._acts if act.time_s <= now - self.request.arrival_s]
        states = [act.state for act in sorted(begun, key=lambda act: act.time_s)]
        if "gone" in states:
            return "gone"
        if states and states[-1] == "paused":
            return "paused"
        hurries = self.request.behaviour.speed > 1.0 and self.tokens > 0
        return "skimming" if hurries or "revealed" in states else "reading"

    def slack_s(self, now: float) -> float:
        since = now - self.request.arrival_s
        return (self.attention.free_at if self.tokens else self.request.expectation.ttft) - since

    def qoe(self, now: float) -> float:
        meter = self.attention.meter
        if self.done_at is not None or self.slack_s(now) >= 0 or self.does(now) == "gone":
            return meter.qoe if self.tokens else 1.0
        # As if the next token came now, on a timeline in which pauses count for nothing.
        waited = copy.copy(meter)
        waited.add(
            meter.free_at - self.slack_s(now) if self.tokens else now - self.request.arrival_s
        )
        return waited.qoe


class _Server:
    def __init__(self, workload: Workload, setup: Setup) -> None:
        longest = max(one.prompt_tokens + one.output_tokens for one in workload.requests)
        self._label = f"{setup.policy}, heard" if setup.reports else setup.policy
        self._engine = Engine(setup, longest + 1)
        self._coming = deque(enumerate(workload.requests))
        self._readers: dict[int, _Reader] = {}  # all that have come, in order
        # Those whose readers do nothing but read need nobody who carries it to the server.
        calm = all(one.behaviour == STEADY for one in workload.requests) and not setup.reports
        self._audience = None if calm else Audience(workload, setup)
        self._until = 0.0

    @property
    def is_done(self) -> bool:
        return not self._coming and not self._engine.is_busy

    def run(self, until_s: float) -> None:
        engine, self._until = self._engine, max(self._until, until_s)
        while engine.now < until_s and not self.is_done:
            while self._coming and self._coming[0][1].arrival_s <= engine.now:
                index, request = self._coming.popleft()
                engine.admit(str(index), request)
                self._readers[index] = _Reader(request)
            self._told()
            following = min(until_s, self._coming[0][1].arrival_s if self._coming else math.inf)
            if engine.is_busy:
                self._hear(following)
            else:
                engine.now = following

    def _told(self) -> None:
        """What the readers do reaches the server: some close the connection, some report."""
        if self._audience is None:
            return
        for news in self._audience.news(self._engine.now):
            if isinstance(news, Report):
                ended, name = self._engine.tell(news) > 0, news.stream
            else:
                ended, name = self._engine.leave(news), news
            if ended:
                self._readers[int(name)].done_at = self._engine.now

    def _hear(self, following: float) -> None:
        outputs = self._engine.step(following)
        if self._audience is not None:
            came = ((one.request_id, len(one.new_token_ids)) for one in outputs)
            self._audience.deliver(came, self._engine.now)
        for output in outputs:
            reader = self._readers[int(output.request_id)]
            reader.hear(len(output.new_token_ids), self._engine.now)
            if output.finish_reason is not None:
                reader.done_at = self._engine.now

    def view(self) -> View:
        # A step is not cut: one that has ended a little later is seen as it then is.
        now = max(self._engine.now, self._until) if self.is_done else self._engine.now
        waiting, running, used, preemptions = self._engine.state()
        readers = self._readers.values()
        return View(
            label=self._label,
            now_s=now,
            rows=tuple(self._rows(now)),
            qoe=sum(one.qoe(now) for one in readers) / len(readers) if readers else 1.0,
            arrived=len(readers),
            finished=sum(one.done_at is not None for one in readers),
            waiting=waiting,
            running=running,
            preemptions=preemptions,
            memory=used / self._engine.total_blocks,
        )

    def _rows(self, now: float) -> list[Row]:
        held = {request.request_id for request in self._engine.scheduler.running}
        rows = []
        for number, reader in self._readers.items():
            if reader.done_at is not None and now - reader.done_at > _LINGERS_S:
                continue
            rows.append(
                Row(
                    number=number,
                    state=_state(reader, str(number) in held),
                    slack_s=reader.slack_s(now),
                    qoe=reader.qoe(now),
                    delivered=reader.tokens,
                    total=reader.request.output_tokens,
                    reader=reader.does(now),
                )
            )
        return rows


def _state(reader: _Reader, is_held: bool) -> State:
    if reader.done_at is not None:
        return "done"
    if is_held:
        return "running"
    return "preempted" if reader.tokens else "waiting"
