"""The engine of the twin: vLLM's loop of schedule, run, update, with a profile for a GPU.

simulation = simulate(workload, Setup(profile=load_profile("opt-66b-4xa100"), policy="qoe"))
simulation.outcomes[0].qoe
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.engine import EngineCoreOutput
from vllm.v1.outputs import KVConnectorOutput, ModelRunnerOutput
from vllm.v1.request import RequestStatus

from andes_backend.engine import versions
from andes_backend.engine.reports import Checked
from andes_backend.engine.scheduler import AndesScheduler
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.twin.audience import Audience
from andes_backend.lab.twin.record import Recorder, Simulation, Steps
from andes_backend.lab.twin.scheduler import Clock, make_request, make_scheduler
from andes_backend.lab.twin.setup import Setup
from andes_backend.lab.workload import Request, Workload, check_fits
from andes_client.wire import Report

__all__ = [
    "Engine",
    "Simulation",
    "Steps",
    "TwinError",
    "check_engine",
    "check_outcomes",
    "simulate",
]

_TOKEN: Final = [7]  # what the model says; vLLM reads it and changes nothing about it
_IDLE_S: Final = 0.01  # a scheduler that admits nobody is asked again this much later
_IDLE_LIMIT_S: Final = 600.0
_TELL_EVERY: Final = 250  # steps


class TwinError(RuntimeError):
    """The scheduler did what no server could live with; the message says what."""


@dataclass(slots=True)
class _Flight:
    """A step that the GPU computes, or will."""

    scheduled: SchedulerOutput
    result: ModelRunnerOutput
    scheduled_at: float
    seconds: float


class Engine:
    """A server's engine: `admit` requests, and `step` while it `is_busy`.

    Args:
        setup: the server.
        max_model_len: most tokens of a request.
    """

    def __init__(self, setup: Setup, max_model_len: int) -> None:
        self._clock = Clock()
        self.scheduler = make_scheduler(setup, self._clock, max_model_len)
        self._setup = setup
        self._lag = 1 if setup.async_scheduling else 0  # steps on the GPU beside the oldest
        self._in_flight: deque[_Flight] = deque()
        self._gpu_free_at = 0.0
        self._idle_since: float | None = None

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self._clock.now

    @now.setter
    def now(self, time_s: float) -> None:
        self._clock.now = time_s

    @property
    def total_blocks(self) -> int:
        """KV blocks that requests can have; vLLM keeps one of all for itself."""
        return versions.block_counts(self.scheduler)[1] - 1

    def state(self) -> tuple[int, int, int, int]:
        """Requests waiting and running, KV blocks held, preemptions since the start."""
        scheduler = self.scheduler
        running, waiting = scheduler.get_request_counts()
        free, total = versions.block_counts(scheduler)
        return waiting, running, total - 1 - free, scheduler.preempted

    @property
    def failed_plans(self) -> int:
        """Steps that kept vLLM's own order because our policy raised."""
        counters = getattr(self.scheduler, "andes_counters", None)
        return 0 if counters is None else int(counters.fallbacks)

    @property
    def forecasts_held(self) -> float | None:
        """Share of the waits that ended within the 90th percentile of our forecast, if any did."""
        counters = getattr(self.scheduler, "andes_counters", None)
        if counters is None or not counters.forecasts:
            return None
        return float(counters.forecasts_held / counters.forecasts)

    @property
    def is_busy(self) -> bool:
        """Whether anything is left to compute or to deliver."""
        return bool(self._in_flight) or self.scheduler.has_unfinished_requests()

    def admit(self, name: str, request: Request) -> None:
        """A request arrives, now."""
        self.scheduler.add_request(make_request(name, request, self._setup))

    def leave(self, name: str) -> bool:
        """The connection of a request closes, now; returns whether it was still to be served.

        vLLM's front end then aborts the request, as here.
        """
        return bool(self.scheduler.finish_requests(name, RequestStatus.FINISHED_ABORTED))

    def tell(self, report: Report) -> int:
        """A reader's report arrives, now; returns how many requests end because of it."""
        if not isinstance(self.scheduler, AndesScheduler):
            return 0
        return len(self.scheduler.andes_tell([Checked.of(report)]))

    def step(self, next_arrival: float) -> list[EngineCoreOutput]:
        """Schedule a step, and take in the oldest that is under way.

        With async scheduling the next step is scheduled before the one that runs has ended,
        so it does not know yet what that one has produced, nor who arrives meanwhile.

        Args:
            next_arrival: when the next request comes, seconds; infinite if none does.

        Returns:
            What leaves the engine at the time that the clock then shows.
        """
        launched = self._launch(self.scheduler.schedule())
        if launched.seconds:
            self._idle_since = None
            self._in_flight.append(launched)
            if len(self._in_flight) <= self._lag:
                return []
        elif not self._in_flight:
            self._in_flight.append(launched)  # tells the scheduler of what has come back
            self._wait(next_arrival)
        flight = self._in_flight.popleft()
        start = max(flight.scheduled_at, self._gpu_free_at)
        self.now = max(self.now, start + flight.seconds)
        self._gpu_free_at = start + flight.seconds
        if self.scheduler.link is not None:
            back = self.scheduler.link.arrived(self.now)
            flight.result.kv_connector_output = KVConnectorOutput(finished_recving=back)
        outputs = self.scheduler.update_from_output(flight.scheduled, flight.result)
        return [output for batch in outputs.values() for output in batch.outputs]

    def _launch(self, scheduled: SchedulerOutput) -> _Flight:
        now = self.now
        if self.scheduler.link is not None:
            self.scheduler.link.start(now)
        return _Flight(scheduled, self._sampled(scheduled), now, self._seconds(scheduled))

    def _seconds(self, scheduled: SchedulerOutput) -> float:
        """How long the GPU takes for a step."""
        requests = self.scheduler.requests
        prompts: list[int | tuple[int, int]] = []
        sequences = context = 0
        for name, tokens in scheduled.num_scheduled_tokens.items():
            computed = requests[name].num_computed_tokens  # with those of this step
            if tokens == 1:
                sequences += 1
                context += computed
            else:
                prompts.append((tokens, computed - tokens))
        if not prompts and not sequences:
            return 0.0
        return self._setup.profile.step_s(prompts, sequences, context)

    def _sampled(self, scheduled: SchedulerOutput) -> ModelRunnerOutput:
        """A token for each request, except where a prompt is not through yet."""
        requests = self.scheduler.requests
        names = list(scheduled.num_scheduled_tokens)
        return ModelRunnerOutput(
            req_ids=names,
            req_id_to_index={name: index for index, name in enumerate(names)},
            sampled_token_ids=[[] if requests[n].is_prefill_chunk else _TOKEN for n in names],
            logprobs=None,
            prompt_logprobs_dict={},
            pooler_output=[],
        )

    def _wait(self, next_arrival: float) -> None:
        """Nothing can be computed now: move on to when that may change."""
        link = self.scheduler.link
        back = link.next_arrival if link is not None else None
        if self._idle_since is None:
            self._idle_since = self.now
        elif back is None and self.now - self._idle_since > _IDLE_LIMIT_S:
            raise TwinError(
                f"the policy {self._setup.policy} let {len(self.scheduler.waiting)} requests "
                f"wait for {_IDLE_LIMIT_S:g} s in front of an idle server"
            )
        soon = self.now + _IDLE_S if back is None else back
        self.now = max(self.now, min(soon, next_arrival))


def simulate(
    workload: Workload, setup: Setup, progress: Callable[[int, int], None] | None = None
) -> Simulation:
    """Serve a workload.

    Args:
        workload: the requests.
        setup: the server.
        progress: is told now and then how many requests have ended, of how many.

    Raises:
        WorkloadError: a request can never fit the KV cache.
        TwinError: tokens or KV blocks were lost, or nothing is ever served: the scheduler
            is broken.
    """
    check_fits(workload, setup.profile.request_tokens)
    began = time.perf_counter()
    longest = max(r.prompt_tokens + r.output_tokens for r in workload.requests)
    engine, record = Engine(setup, longest + 1), Recorder(workload)
    audience = Audience(workload, setup)
    coming = deque((str(index), request) for index, request in enumerate(workload.requests))
    while coming or engine.is_busy:
        while coming and coming[0][1].arrival_s <= engine.now:
            engine.admit(*coming.popleft())
        next_arrival = coming[0][1].arrival_s if coming else math.inf
        for news in audience.news(engine.now):
            ended = engine.tell(news) if isinstance(news, Report) else engine.leave(news)
            record.left(int(ended))
        if engine.is_busy:
            outputs = engine.step(next_arrival)
            record.deliver(outputs, engine.now)
            audience.deliver(((o.request_id, len(o.new_token_ids)) for o in outputs), engine.now)
            record.step(engine.now, *engine.state())
        else:
            engine.now = next_arrival
        if progress is not None and record.count % _TELL_EVERY == 0:
            progress(record.finished, len(workload.requests))
    outcomes = record.outcomes(setup.profile.outside_s, setup.jitter_s)
    check_engine(engine)
    check_outcomes(outcomes)
    return Simulation(
        outcomes=outcomes,
        steps=record.steps(engine.total_blocks),
        preemptions=engine.scheduler.preempted,
        forecasts_held=engine.forecasts_held,
        wall_s=time.perf_counter() - began,
    )


def check_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Check that every token came exactly once, to those that did not fail.

    Raises:
        TwinError: it did not.
    """
    for outcome in outcomes:
        if outcome.error is None and (outcome.lost or outcome.excess):
            raise TwinError(
                f"request {outcome.index} got {len(outcome.times)} tokens instead of "
                f"{outcome.request.output_tokens}"
            )


def check_engine(engine: Engine) -> None:
    """Check that every step was planned, and that an engine that has nothing to do holds nothing.

    Raises:
        TwinError: planning failed, or KV memory is still held.
    """
    failed = engine.failed_plans
    if failed:
        raise TwinError(
            f"planning failed in {failed} steps, which kept vLLM's own order; the log has the "
            "first error"
        )
    *_, used, _ = engine.state()
    if used:
        raise TwinError(f"{used} of {engine.total_blocks} KV blocks are still held at the end")
