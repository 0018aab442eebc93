"""The scheduler class that vLLM loads: --scheduler-cls andes_backend.AndesScheduler."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vllm.logger import init_logger
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.engine import EngineCoreOutputs
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request

from andes_backend.config import AndesConfig
from andes_backend.engine import versions
from andes_backend.engine.ledger import Ledger
from andes_backend.policy import Policy, Snapshot, make_policy
from andes_backend.policy.decision import Decision
from andes_backend.policy.latency import LatencyModel

__all__ = ["AndesScheduler", "Counters"]

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown

_REPORT_EVERY_S: Final = 60.0
_MOST_UNDER_WAY: Final = 64  # steps between their schedule and their output


@dataclass(slots=True)
class Counters:
    """What has happened since the server started."""

    steps: int = 0
    """Engine steps for which the policy was asked."""
    fallbacks: int = 0
    """Of them, steps that kept vLLM's own order because planning raised."""
    preemptions: int = 0
    """Requests that the policy itself preempted."""
    responses: int = 0
    """Responses that ended by themselves."""
    qoe_sum: float = 0.0
    """Sum of their QoE, as of the moments when tokens left the engine."""


class AndesScheduler(AsyncScheduler):
    """vLLM's AsyncScheduler, with the queues put in the policy's order before each step.

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
        self.andes_ledger = Ledger(self.andes_config)
        self.andes_counters = Counters()
        self.andes_latency = LatencyModel()
        self._scheduled_at: dict[int, float] = {}  # by the id of a step's output
        self._last_output_at = 0.0
        self._next_report = self.clock() + _REPORT_EVERY_S
        _log.info("andes: scheduling with %s", self.andes_config)

    def clock(self) -> float:
        """Seconds; a subclass on a virtual clock overrides it."""
        return time.monotonic()

    def make_policy(self, config: AndesConfig) -> Policy:
        """The policy that the settings name; a subclass may know more of them."""
        return make_policy(config)

    def add_request(self, request: Request) -> None:
        super().add_request(request)
        self.andes_ledger.add(request, self.clock())

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        # Before vLLM's own: after a preemption inside it, it admits nobody in that step.
        if self.waiting or self.running:
            self.andes_counters.steps += 1
            try:
                self._apply(self._plan())
            except Exception:
                self._count_fallback()
        scheduled = super().schedule(*args, **kwargs)
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
        except Exception:
            self._count_fallback()
        return outputs

    def _plan(self) -> Decision:
        now, ledger = self.clock(), self.andes_ledger
        waiting, running = ledger.rows(self.waiting, now), ledger.rows(self.running, now)
        ledger.retain(self.requests)
        ledger.table.note_queues(waiting, running, now)
        free, total = versions.block_counts(self)
        decision = self.andes_policy.plan(
            Snapshot(
                now=now,
                waiting=ledger.table.data[waiting],
                running=ledger.table.data[running],
                block_size=self.block_size,
                free_blocks=free,
                total_blocks=total,
                max_running=self.scheduler_config.max_num_seqs,
                times=self.andes_latency.times,
            )
        )
        decision.check(len(waiting), len(running))
        return decision

    def _apply(self, decision: Decision) -> None:
        waiting, running = list(self.waiting), list(self.running)
        victims = [] if decision.preempt is None else [running[i] for i in decision.preempt]
        if decision.waiting is not None:
            waiting = [waiting[i] for i in decision.waiting]
        if decision.running is not None:
            self.running = [running[i] for i in decision.running]
        for request in victims:
            versions.preempt(self, request)
        self.andes_counters.preemptions += len(victims)
        versions.limit_admissions(self, decision.admit)
        if victims or decision.waiting is not None:
            # A victim goes to the end: at the head, where vLLM puts it, it would at once
            # take back what it has just given up.
            versions.set_waiting(self, waiting + victims)

    def _observe(self, scheduled: SchedulerOutput) -> None:
        """Learn how long the step took that has just come back."""
        now = self.clock()
        # Steps are scheduled while earlier ones still run: a step begins when the one before
        # it has ended.
        began = max(self._scheduled_at.pop(id(scheduled), now), self._last_output_at)
        self._last_output_at = now
        if scheduled.total_num_scheduled_tokens and now > began:
            sequences, context, prompts = versions.step_shape(self, scheduled)
            self.andes_latency.observe(now - began, sequences, context, prompts)

    def _deliver(self, outputs: dict[int, EngineCoreOutputs]) -> None:
        now, counters = self.clock(), self.andes_counters
        for tokens, qoe in self.andes_ledger.deliver(outputs.values(), now):
            counters.responses += 1
            counters.qoe_sum += qoe
            self.andes_policy.finished(tokens)
        if now >= self._next_report and counters.responses:
            self._next_report = now + _REPORT_EVERY_S
            _log.info(
                "andes: %d responses with a mean QoE of %.3f; %d of %d steps kept vLLM's own "
                "order because planning failed",
                counters.responses,
                counters.qoe_sum / counters.responses,
                counters.fallbacks,
                counters.steps,
            )

    def _count_fallback(self) -> None:
        versions.limit_admissions(self, None)
        self.andes_counters.fallbacks += 1
        if self.andes_counters.fallbacks == 1:
            _log.exception(
                "andes: planning failed; this step keeps vLLM's own order. Further failures "
                "are counted, not logged."
            )
