"""Long prompts share a step with readers: how much of them does vLLM compute in the next one?"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request

from andes_backend.engine import versions
from andes_backend.engine.ledger import Ledger
from andes_backend.engine.step_timer import StepTimer
from andes_backend.policy.latency import StepTimes
from andes_backend.policy.step_budget import Load, lasts_s, prompt_tokens

__all__ = ["StepBudget", "applied", "step_budget"]


@dataclass(frozen=True, slots=True)
class StepBudget:
    """What vLLM is to keep to in one step."""

    chunk: int
    """Most tokens of one prompt."""
    sit_out: tuple[Request, ...] = ()
    """Running requests whose prompts are not computed in this step."""


def step_budget(
    scheduler: Scheduler,
    admits: int,
    ledger: Ledger,
    steps: StepTimer,
    times: StepTimes,
    now: float,
) -> StepBudget | None:
    """The budget of the next step; None: there is no long prompt, or no reader would notice it.

    A prompt is long if vLLM does not compute it in one step. Of those that have begun, the one
    that is due first goes on, and the others sit out: they would all take as long as the last one.

    Args:
        scheduler: with its queues as they are before the step.
        admits: how many requests vLLM is to admit from the head of its waiting queue.
        ledger: knows the readers.
        steps: knows the steps that are still under way.
        times: what a step of this engine costs.
        now: seconds on the scheduler's clock.
    """
    prompts = [r for r in scheduler.running if r.is_prefill_chunk]
    if not prompts and not admits:
        return None
    room = versions.step_tokens(scheduler)
    new = list(islice(scheduler.waiting, admits)) if admits else []
    long = [r for r in prompts if r.num_tokens > room]
    new_long = sum(r.num_tokens > room for r in new)
    readers = [r for r in scheduler.running if not r.is_prefill_chunk]
    if (
        not (long or new_long)
        or not readers
        or not versions.prompts_can_be_cut(scheduler, [*long, *new])
    ):
        return None
    left = sum(r.num_tokens - r.num_computed_tokens for r in prompts if r.num_tokens <= room)
    under_way = steps.under_way()
    load = Load(
        begins_s=_ends_s(steps, times, now),
        readers=len(readers),
        context_tokens=sum(r.num_computed_tokens for r in readers) + len(readers),
        other_tokens=min(room, left + sum(r.num_tokens for r in new if r.num_tokens <= room)),
    )
    coming = np.array([min(len(under_way), r.num_output_placeholders) for r in readers])
    rows = ledger.table.seen(ledger.rows(readers, now), now)
    lasts = lasts_s(rows, coming, load.begins_s, now)
    tokens = prompt_tokens(times, load, lasts, max(1, room - len(readers)))
    if tokens is None:
        return None
    return StepBudget(max(1, tokens // (new_long + bool(long))), _others(long, ledger, now))


@contextmanager
def applied(scheduler: Scheduler, budget: StepBudget | None) -> Iterator[None]:
    """vLLM keeps to the budget in here, and to the operator's own limits; and not afterwards."""
    if budget is None:
        yield
        return
    for request in budget.sit_out:
        versions.sit_out(scheduler, request)
    with versions.chunks_limited(scheduler, budget.chunk):
        yield


def _others(long: Sequence[Request], ledger: Ledger, now: float) -> tuple[Request, ...]:
    """All but the one that is due first."""
    if len(long) < 2:
        return ()
    rows = ledger.table.seen(ledger.rows(long, now), now)
    first = int(np.argmin(rows["arrival"] + rows["ttft"]))
    return tuple(r for place, r in enumerate(long) if place != first)


def _ends_s(steps: StepTimer, times: StepTimes, now: float) -> float:
    """Seconds until the steps under way are through, one after the other."""
    ends = steps.last_output_at
    for step, scheduled_at in steps.under_way():
        ends = max(ends, scheduled_at) + times.step_s(*versions.step_shape(step))
    return max(0.0, ends - now)
