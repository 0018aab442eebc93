"""The scheduler class that vLLM loads: --scheduler-cls andes_backend.AndesScheduler."""

import math
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from vllm.logger import init_logger
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.engine import EngineCoreOutputs
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request

from andes_backend.config import AndesConfig
from andes_backend.engine import versions
from andes_backend.engine.announce import MinuteLine, start_lines
from andes_backend.engine.exchange import exchange_of
from andes_backend.engine.guard import Guard, checked
from andes_backend.engine.ledger import Ledger
from andes_backend.engine.metrics import send_news
from andes_backend.engine.queues import Queue
from andes_backend.engine.tally import Counters
from andes_backend.policy import Policy, Snapshot, make_policy
from andes_backend.policy.decision import Decision
from andes_backend.policy.latency import LatencyModel

__all__ = ["AndesScheduler"]

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown

_LOOK_EVERY_S: Final = 1.0  # at how long readers wait
_MOST_UNDER_WAY: Final = 64  # steps between their schedule and their output


class AndesScheduler(versions.EitherScheduler):
    """vLLM's own scheduler, with the queues put in the policy's order before each step.

    It never takes the server down: when planning raises, the step keeps vLLM's own order,
    the first error is logged with its traceback, and all are counted.

    Raises:
        ValueError: the settings are wrong; RuntimeError: the vLLM is not a tested one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions.check_version()
        settings = self.vllm_config.additional_config
        self.andes_config = AndesConfig.from_mapping(
            settings.get("andes") if isinstance(settings, Mapping) else None
        )
        if self.andes_config.policy != "fcfs" and not versions.waiting_is_ordered_by_us(self):
            raise ValueError(
                "--scheduling-policy priority orders the queue by itself and cannot be combined "
                f"with andes.policy {self.andes_config.policy!r}: drop one of the two, or set "
                "andes.policy to 'fcfs'"
            )
        self.andes_policy = self.make_policy(self.andes_config)
        self.andes_counters = Counters()
        self.andes_ledger = Ledger(self.andes_config, self.andes_counters)
        self.andes_guard = Guard(self.andes_counters, self.andes_config.slow_plan_s)
        self.andes_latency = LatencyModel()
        self._waiting_queue, self._running_queue = (Queue(self.andes_ledger) for _ in range(2))
        self._plan_again_at = -math.inf
        self._held_elsewhere = 0  # when the last plan was made
        self._victims: list[Request] = []  # of this step's plan
        self._scheduled_at: dict[int, float] = {}  # by the id of a step's output
        self._last_output_at = 0.0
        self._next_look = self.clock()
        self._exchange = exchange_of(self.andes_config)
        self._minute = MinuteLine(self.andes_counters, self.clock())
        for line in start_lines(self.andes_config, self.vllm_config, self.log_stats):
            _log.info("andes: %s", line)

    def clock(self) -> float:
        """Seconds; a subclass on a virtual clock overrides it."""
        return time.monotonic()

    def make_policy(self, config: AndesConfig) -> Policy:
        """The policy that the settings name; a subclass may know more of them."""
        return make_policy(config)

    def add_request(self, request: Request) -> None:
        goes_on = versions.goes_on(self, request)
        super().add_request(request)
        live = self.requests.get(request.request_id)  # of a session, its first request
        if live is not None and not goes_on:
            self.andes_ledger.add(live, self.clock())

    def finish_requests(self, *args: Any, **kwargs: Any) -> list[Request]:
        finished = super().finish_requests(*args, **kwargs)
        self.andes_ledger.retain(self.requests)
        return finished

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        # Before vLLM's own: after a preemption inside it, it admits nobody in that step.
        # A request preempted in a pause would not end in it, and so neither would the pause.
        to_admit: int | None = None
        if (self.waiting or self.running) and not versions.is_paused(self):
            to_admit = self._decide()
        if not self.requests:
            self._forget()
        before, held = versions.preempted_since_last_step(self), len(self.running)
        victims = self._victims
        try:
            scheduled = super().schedule(*args, **kwargs)
        finally:
            self._let_victims_wait()
        memory = len(scheduled.preempted_req_ids or ()) - before
        self.andes_counters.preempt("memory", memory)
        if not scheduled.total_num_scheduled_tokens:
            self._plan_again_at = -math.inf  # nobody runs: ask again at once
        elif not memory and len(self.running) - held == to_admit:
            self._settle(self.running[held:], victims)
        if len(self._scheduled_at) > _MOST_UNDER_WAY:  # outputs that nobody has run
            self._scheduled_at.clear()
        self._scheduled_at[id(scheduled)] = self.clock()
        return scheduled

    def update_from_output(
        self, scheduler_output: SchedulerOutput, model_runner_output: ModelRunnerOutput
    ) -> dict[int, EngineCoreOutputs]:
        outputs = super().update_from_output(scheduler_output, model_runner_output)
        try:
            self._observe(scheduler_output)
            self._deliver(outputs)
        except Exception as error:
            self._fall_back(error)
        try:
            self._tell(outputs)
        except Exception as error:
            self._fall_back(error)
        return outputs

    def shutdown(self) -> None:
        if self._exchange is not None:
            self._exchange.close()
        super().shutdown()

    def _decide(self) -> int | None:
        """Plan if it is time to.

        Returns:
            How many requests the plan that was made lets in; None without a plan, or if it does
            not say.
        """
        began, to_admit = self.clock(), None
        if not self._is_due(began):
            return None
        self._plan_again_at = -math.inf  # unless this comes to a plan
        if not self.andes_guard.may_plan(began):
            versions.limit_admissions(self, None)  # the last one's was for the last step only
            return None
        try:
            decision = self._plan()
            self._apply(decision)
            to_admit = decision.admit
        except Exception as error:
            self._fall_back(error)
        self.andes_guard.planned(began, self.clock())
        return to_admit

    def _forget(self) -> None:
        """Nobody is left: keep nobody's prompt in memory until the next request comes."""
        for queue in (self._waiting_queue, self._running_queue):
            queue.look([], self.clock())

    def _is_due(self, now: float) -> bool:
        """The last plan is too old, or the queues are not as it left them."""
        return now >= self._plan_again_at or not (
            versions.held_elsewhere(self) == self._held_elsewhere
            and self._running_queue.is_still(self.running)
            and self._waiting_queue.is_still(versions.waiting_requests(self))
        )

    def _plan(self) -> Decision:
        now, ledger = self.clock(), self.andes_ledger
        waiting = self._waiting_queue.look(versions.waiting_requests(self), now)
        running = self._running_queue.look(self.running, now)
        ledger.retain(self.requests)
        ledger.table.note_queues(waiting, running, now)
        free, total = versions.block_counts(self)
        decision = self.andes_policy.plan(
            Snapshot(
                now=now,
                everybody=ledger.table.rows(np.concatenate([waiting, running])),
                waits=len(waiting),
                block_size=self.block_size,
                free_blocks=free,
                total_blocks=total,
                max_running=self.scheduler_config.max_num_seqs,
                times=self.andes_latency.times,
                accounts=ledger.table.accounts,
            )
        )
        return checked(decision, len(waiting), len(running))

    def _apply(self, decision: Decision) -> None:
        waiting = versions.waiting_requests(self)
        victims = [] if decision.preempt is None else [self.running[i] for i in decision.preempt]
        if decision.waiting is not None:
            waiting = self._waiting_queue.reorder(decision.waiting)
        if decision.running is not None:
            self.running = self._running_queue.reorder(decision.running)
        for request in victims:
            versions.preempt(self, request)
        self.andes_counters.preempt("policy", len(victims))
        self._held_elsewhere = versions.held_elsewhere(self)
        versions.limit_admissions(self, decision.admit)
        if victims or decision.waiting is not None:
            versions.set_waiting(self, waiting)
        self._victims = victims
        holds_s = decision.again_in_s
        self._plan_again_at = self.clock() + (
            self.andes_config.plan_every_s if holds_s is None else holds_s
        )

    def _let_victims_wait(self) -> None:
        """Who was preempted for this step waits from the next one on.

        In this step it would take back what it has just given up, and a KV connector does not
        expect a request that is preempted and resumed at once.
        """
        if self._victims:
            versions.set_waiting(self, [*versions.waiting_requests(self), *self._victims])
            self._victims = []

    def _settle(self, admitted: list[Request], victims: list[Request]) -> None:
        """What vLLM has made of the queues by carrying the plan out is no reason for another."""
        now, ledger = self.clock(), self.andes_ledger
        try:
            if admitted or victims:
                out, into = ledger.rows(victims, now), ledger.rows(admitted, now)
                ledger.table.note_queues(out, into, now)
            self._waiting_queue.settle(versions.waiting_requests(self))
            self._running_queue.settle(self.running.copy())
        except Exception as error:
            self._fall_back(error)

    def _observe(self, scheduled: SchedulerOutput) -> None:
        """Learn how long the step took that has just come back."""
        now = self.clock()
        # Steps are scheduled while earlier ones still run: a step begins when the one before
        # it has ended.
        began = max(self._scheduled_at.pop(id(scheduled), now), self._last_output_at)
        self._last_output_at = now
        if scheduled.total_num_scheduled_tokens and now > began:
            sequences, context, prompts = versions.step_shape(scheduled)
            self.andes_latency.observe(now - began, sequences, context, prompts)

    def _deliver(self, outputs: dict[int, EngineCoreOutputs]) -> None:
        for tokens, _ in self.andes_ledger.deliver(outputs.values(), self.clock()):
            self.andes_policy.finished(tokens)

    def _tell(self, outputs: dict[int, EngineCoreOutputs]) -> None:
        """The log and the server's /metrics learn what has happened."""
        now = self.clock()
        # The last step before the engine is idle, too: nobody waits any longer.
        if now >= self._next_look or not self.requests:
            self._next_look = now + _LOOK_EVERY_S
            self.andes_counters.waits(*self.andes_ledger.waits(now))
            if self._exchange is not None:
                accounts = self.andes_ledger.table.accounts
                accounts.credit(self._exchange.swap(accounts.given()))
        if (line := self._minute.due(now)) is not None:
            _log.info("andes: %s", line)
        send_news(outputs.values(), self.andes_counters.take_news())

    def _fall_back(self, error: Exception) -> None:
        versions.limit_admissions(self, None)
        self._plan_again_at = -math.inf
        self.andes_guard.failed(error)
