"""The scheduler class that vLLM loads: --scheduler-cls andes_backend.AndesScheduler."""

import time
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from vllm.logger import init_logger
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.engine import EngineCoreOutputs
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus

from andes_backend.config import AndesConfig
from andes_backend.engine import admission, listener, releases, versions
from andes_backend.engine.announce import MinuteLine, start_lines
from andes_backend.engine.exchange import exchange_of
from andes_backend.engine.figures import figures_of
from andes_backend.engine.found_again import FoundAgain
from andes_backend.engine.guard import Guard, checked
from andes_backend.engine.ledger import Ledger
from andes_backend.engine.metrics import send_news
from andes_backend.engine.plan import PlanInForce, Queues
from andes_backend.engine.reports import Checked
from andes_backend.engine.step_budget import StepBudget, applied, step_budget
from andes_backend.engine.step_timer import StepTimer
from andes_backend.engine.tally import Counters
from andes_backend.policy import Policy, Snapshot, make_policy
from andes_backend.policy.adapters import have_places
from andes_backend.policy.decision import Decision
from andes_backend.policy.latency import LatencyModel
from andes_backend.policy.shortlist import Shortlist
from andes_backend.policy.state import Rows
from andes_backend.routing import prospects
from andes_client.wire import Forecast

__all__ = ["AndesScheduler"]

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown

_LOOK_EVERY_S: Final = 1.0  # at how long readers wait
_KEEPS_READERS_SUPPLIED: Final = ("qoe",)  # policies under which long prompts leave readers time


class AndesScheduler(versions.EitherScheduler):
    """vLLM's own scheduler, with the queues put in the policy's order before each step.

    It never takes the server down: when planning raises, the step keeps vLLM's own order,
    the first error is logged with its traceback, and all are counted.

    What it overrides is called by vLLM's engine core, with these names and arguments in 0.29 to
    0.33. What it relies on inside vLLM's scheduler is in `versions`, or said where it is used.

    Raises:
        ValueError: the settings are wrong; RuntimeError: the vLLM is not a tested one.
    """

    andes_made = False
    """Whether the constructor has run. vLLM's own tests make schedulers without it: such a one does
    what vLLM's does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        releases.check_version()
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
        self.andes_plan = PlanInForce(self.andes_ledger, self.andes_config.plan_every_s)
        self.andes_steps = StepTimer()
        self.andes_found_again = FoundAgain()
        self._prompts_begun = False  # maybe computed in part
        self._next_look = self.clock()
        self._exchange = exchange_of(self.andes_config)
        self._minute = MinuteLine(self.andes_counters, self.clock())
        listener.install()
        for line in start_lines(self.andes_config, self.vllm_config, self.log_stats):
            _log.info("andes: %s", line)
        self.andes_made = True

    def clock(self) -> float:
        """Seconds; a subclass on a virtual clock overrides it."""
        return time.monotonic()

    def make_policy(self, config: AndesConfig) -> Policy:
        """The policy that the settings name; a subclass may know more of them."""
        return make_policy(config)

    def add_request(self, request: Request) -> None:
        goes_on = versions.goes_on(self, request)
        super().add_request(request)
        # vLLM (0.29 to 0.33) gives what a session sends later to the session's first request, and
        # drops the new one; a new one without input ends the session.
        live = self.requests.get(request.request_id)
        if live is not None and not goes_on and self.andes_made:
            self.andes_ledger.add(live, self.clock())
            versions.waiting_queue(self).renew(live)

    def finish_requests(self, *args: Any, **kwargs: Any) -> list[Request]:
        finished = super().finish_requests(*args, **kwargs)
        if self.andes_made:
            self.andes_ledger.retain(self.requests)
        return finished

    def andes_streams(self) -> KeysView[str]:
        """The ids of streams that can be reported of: one request here has each, and one only."""
        return self.andes_ledger.reports.streams

    def andes_tell(self, reports: Iterable[Checked]) -> list[Request]:
        """Readers report; the next step goes by it.

        Args:
            reports: of any streams; those of streams that are not here are dropped.

        Returns:
            The requests whose readers have left. They have been aborted, and their memory is free;
            the caller tells vLLM's front end, which waits for their end.
        """
        with self._failing_safely():
            told = self.andes_ledger.reports.tell(reports, self.clock())
            self.andes_counters.hear(told.heard, len(told.gone))
            if told.urgent:
                self.andes_plan.end()
            if told.gone:
                return self.finish_requests(told.gone, RequestStatus.FINISHED_ABORTED)
        return []

    def andes_expect(self, streams: Sequence[str]) -> dict[str, Forecast | None]:
        """When text can be expected for those of these streams that are here.

        None for one that is being served, or of which nothing is known yet.
        """
        expected: dict[str, Forecast | None] = {}
        with self._failing_safely():
            expected |= self.andes_ledger.expect(streams, self.clock())
        return expected or dict.fromkeys(self.andes_streams() & streams)

    def andes_outlook(self) -> Forecast | None:
        """When a request that arrives now can expect its first text; None: not known yet.

        Its reader and its prompt are those of the average request.
        """
        waiting = len(self.waiting) + admission.held_elsewhere(self)
        return self.andes_ledger.outlook(waiting, self.clock())

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        if not self.andes_made:
            return super().schedule(*args, **kwargs)
        now = self.clock()
        self.andes_plan.next_step()
        # We preempt before vLLM's own schedule(), not inside it: after a preemption in there,
        # vLLM (0.29 to 0.33) admits nobody in that step.
        if self._has_work() and not self.andes_plan.holds(queues := self._queues(), now):
            self._plan_and_apply(queues, now)
        if not self.requests:
            self.andes_plan.forget(self._queues(), now)
        preempted, ran = versions.preempted_since_last_step(self), len(self.running)
        try:
            with applied(self, self._budget(now)):
                scheduled = super().schedule(*args, **kwargs)
        finally:
            self._let_victims_wait()
        self._prompts_begun = versions.has_prompts(scheduled) or (
            self._prompts_begun and any(request.is_prefill_chunk for request in self.running)
        )
        self._settle(scheduled, versions.preempted_in(scheduled) - preempted, ran)
        self.andes_steps.scheduled(scheduled, self.clock())
        return scheduled

    def update_from_output(
        self, scheduler_output: SchedulerOutput, model_runner_output: ModelRunnerOutput
    ) -> dict[int, EngineCoreOutputs]:
        outputs = super().update_from_output(scheduler_output, model_runner_output)
        if not self.andes_made:
            return outputs
        with self._failing_safely():
            self._observe(scheduler_output)
            self._deliver(outputs)
        with self._failing_safely():
            self._tell(outputs)
        return outputs

    def shutdown(self) -> None:
        if self._exchange is not None:
            self._exchange.close()
        super().shutdown()

    # The plan: whether there is one to make, making it, applying it, and its end.

    def _has_work(self) -> bool:
        """Somebody is there, and the engine is not paused.

        A request preempted in a pause would not end in it, and so neither would the pause.
        """
        return bool(self.waiting or self.running) and not versions.is_paused(self)

    def _queues(self) -> Queues:
        return Queues(versions.waiting_queue(self), self.running, admission.held_elsewhere(self))

    def _plan_and_apply(self, queues: Queues, now: float) -> None:
        """Put a new plan in force, unless planning fails or has to pause."""
        self.andes_plan.end()
        if not self.andes_guard.may_plan(now):
            admission.limit_admissions(self, None)  # that of the plan that has ended
            return
        with self._failing_safely():
            self._apply(*self._decide(queues), queues)
        self.andes_guard.planned(now, self.clock())

    def _decide(self, queues: Queues) -> tuple[Rows, Decision]:
        """Ask the policy about the queues as they are.

        Returns:
            The rows of those who wait and whom the decision is about, and the decision.
        """
        now, ledger = self.clock(), self.andes_ledger
        come, running = self.andes_plan.look(queues, now)
        ledger.retain(self.requests)
        ledger.table.note_queues(come, running, now)
        ledger.wait(come, len(queues.waiting), now)
        room = admission.room(self)
        waiting = self._candidates(queues, come, room.most_running, now)
        waiting = self._with_adapter_places(waiting, running, now)
        decision = self.andes_policy.plan(
            Snapshot(
                now=now,
                everybody=ledger.table.seen(np.concatenate([waiting, running]), now),
                waits=len(waiting),
                block_size=self.block_size,
                free_blocks=room.free_blocks,
                total_blocks=room.total_blocks,
                max_running=room.most_running,
                times=self.andes_latency.times,
                accounts=ledger.table.accounts,
                found_again=self.andes_found_again.share,
            )
        )
        return waiting, checked(decision, len(waiting), len(running))

    def _candidates(self, queues: Queues, come: Rows, most: int, now: float) -> Rows:
        """The rows of those who wait and whom the policy is to see: all, or those it chooses."""
        # Only a policy that does not look at all who wait has one.
        shortlist: Shortlist | None = getattr(self.andes_policy, "shortlist", None)
        chosen = None
        if shortlist is not None:
            chosen = shortlist.choose(self.andes_ledger.table, come, len(queues.waiting), most, now)
        return self.andes_plan.everybody_waiting(queues, now) if chosen is None else chosen

    def _with_adapter_places(self, waiting: Rows, running: Rows, now: float) -> Rows:
        """Those of them who can come in as far as their adapters go."""
        places = admission.adapter_places(self)
        if places is None:
            return waiting
        seen, after_s = self.andes_ledger.table.seen, self.andes_config.overdue_after_s
        mask = have_places(seen(waiting, now), seen(running, now), places, now, after_s)
        shortlist: Shortlist | None = getattr(self.andes_policy, "shortlist", None)
        if shortlist is not None:
            shortlist.narrow(mask)
        return waiting[mask]

    def _apply(self, waiting: Rows, decision: Decision, queues: Queues) -> None:
        """Change vLLM's queues and limits as decided; the rest is vLLM's own schedule()."""
        victims = [] if decision.preempt is None else [self.running[i] for i in decision.preempt]
        first, self.running = self.andes_plan.reorder(queues, waiting, decision)
        for request in victims:
            versions.preempt(self, request)
        self.andes_counters.preempt("policy", len(victims))
        held_elsewhere = admission.held_elsewhere(self)
        admission.limit_admissions(self, decision.admit)
        if first:
            versions.put_first(self, first)
        queues.waiting.remove_requests(victims)
        self.andes_plan.begin(decision, victims, held_elsewhere, self.clock())

    def _budget(self, now: float) -> StepBudget | None:
        """How much of long prompts this step may compute; None: as much as vLLM likes."""
        budget = None
        if not self._prompts_begun and not admission.admissions_left(self):
            return None  # mostly so: there is no prompt
        if not self.andes_latency.learned:
            return None  # by a guess, prompts would be held back for nothing
        if self.andes_config.policy in _KEEPS_READERS_SUPPLIED:
            with self._failing_safely():
                times = self.andes_latency.times
                budget = step_budget(self, self.andes_ledger, self.andes_steps, times, now)
        return budget

    def _let_victims_wait(self) -> None:
        """Requests that were preempted for this step wait from the next one on.

        In this step they would take back what they have just given up, and a KV connector does
        not expect a request that is preempted and resumed at once.
        """
        for victim in self.andes_plan.victims:
            self.waiting.add_request(victim)

    def _settle(self, scheduled: SchedulerOutput, for_memory: int, ran: int) -> None:
        """vLLM has carried the plan out, or has done something else.

        Args:
            scheduled: the step.
            for_memory: how many requests vLLM preempted in it.
            ran: the length of the running queue before. vLLM (0.29 to 0.33) appends those that
                it admits, and takes nobody out in schedule() but those that it preempts.
        """
        self.andes_counters.preempt("memory", for_memory)
        if not for_memory:  # else nobody has come in
            with self._failing_safely():
                self.andes_found_again.came_in(self.running[ran:], scheduled)
                self.andes_ledger.came_in(self.running[ran:], scheduled)
        if not scheduled.total_num_scheduled_tokens:
            self.andes_plan.end()  # nobody runs: ask again at once
        elif not for_memory and len(self.running) - ran == self.andes_plan.admits:
            with self._failing_safely():
                self.andes_plan.settle(self._queues(), self.running[ran:], self.clock())

    @contextmanager
    def _failing_safely(self) -> Iterator[None]:
        """An exception in here ends the plan, is counted, and leaves vLLM its own order."""
        try:
            yield
        except Exception as error:
            admission.limit_admissions(self, None)
            self.andes_plan.end()
            self.andes_guard.failed(error)

    # What comes back from a step.

    def _observe(self, scheduled: SchedulerOutput) -> None:
        """Learn how long the step took that has just come back."""
        seconds = self.andes_steps.took(scheduled, self.clock())
        if scheduled.total_num_scheduled_tokens and seconds > 0:
            sequences, context, prompts = versions.step_shape(scheduled)
            self.andes_latency.observe(seconds, sequences, context, prompts)

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
            self.andes_counters.expect(self.andes_outlook())
            if self.log_stats:
                next_one = prospects(figures_of(self), self.andes_ledger.average_request())
                self.andes_counters.next_request(next_one.room, next_one.loss)
            if self._exchange is not None:
                accounts = self.andes_ledger.table.accounts
                accounts.credit(self._exchange.swap(accounts.given()))
        if (line := self._minute.due(now)) is not None:
            _log.info("andes: %s", line)
        send_news(outputs.values(), self.andes_counters.take_news())
