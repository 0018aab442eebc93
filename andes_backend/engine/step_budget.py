"""Long prompts share a step with readers: how much of them does vLLM compute in the next one?"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request

from andes_backend.engine import admission, versions
from andes_backend.engine.ledger import Ledger
from andes_backend.engine.step_timer import StepTimer
from andes_backend.policy.latency import StepTimes
from andes_backend.policy.step_budget import Step, lasts_s, share_out

__all__ = ["StepBudget", "applied", "step_budget"]


@dataclass(frozen=True, slots=True)
class StepBudget:
    """What vLLM is to keep to in one step."""

    chunk: int
    """Most tokens of one prompt."""
    sit_out: Sequence[Request] = ()
    """Running requests that are not computed in this step."""


def step_budget(
    scheduler: Scheduler, ledger: Ledger, steps: StepTimer, times: StepTimes, now: float
) -> StepBudget | None:
    """The budget of the next step; None: there is no long prompt, or no reader would notice it.

    A prompt is long if vLLM never computes it in one step.

    Args:
        scheduler: with its queues and limits as they are before the step.
        ledger: knows the readers.
        steps: knows the steps that are still under way.
        times: what a step of this engine costs.
        now: seconds on the scheduler's clock.
    """
    begun = [r for r in scheduler.running if r.is_prefill_chunk]
    admits, room = admission.admissions_left(scheduler), versions.step_tokens(scheduler)
    if not begun and not admits:
        return None
    new = _next(scheduler, admits, room)
    if not versions.prompts_can_be_cut(scheduler, [*begun, *new]):
        return None
    readers = [r for r in scheduler.running if not r.is_prefill_chunk]
    if not readers or all(r.num_tokens <= room for r in (*begun, *new)):
        return None
    step = Step(
        room=room,
        spare_s=_spare_s(readers, ledger, steps, times, now),
        context_tokens=sum(r.num_computed_tokens for r in readers) + len(readers),
        begun=[r.num_tokens - r.num_computed_tokens for r in begun],
        new=[r.num_tokens for r in new],
        others_wait=len(scheduler.waiting) > admits,
    )
    share = share_out(times, step)
    if share is None:
        return None
    if not versions.can_sit_out(scheduler):
        return StepBudget(share.chunk)
    lenders = [readers[place] for place in share.lenders.tolist()]
    return StepBudget(share.chunk, [*begun[share.begun :], *lenders])


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


def _next(scheduler: Scheduler, admits: int, room: int) -> list[Request]:
    """Those that may begin in this step: at most so many as it has tokens for."""
    new: list[Request] = []
    for request in islice(scheduler.waiting, admits):
        if room <= 0:
            break
        new.append(request)
        room -= request.num_tokens
    return new


def _spare_s(
    readers: list[Request], ledger: Ledger, steps: StepTimer, times: StepTimes, now: float
) -> NDArray[np.float64]:
    """From the beginning of the next step until each reader runs dry, seconds, shape (n,)."""
    begins_s = _ends_s(steps, times, now)
    coming = np.array([min(len(steps), r.num_output_placeholders) for r in readers])
    rows = ledger.table.seen(ledger.rows(readers, now), now)
    return lasts_s(rows, coming, begins_s, now) - begins_s


def _ends_s(steps: StepTimer, times: StepTimes, now: float) -> float:
    """Seconds until the steps under way are through, one after the other."""
    ends = steps.last_output_at
    for step, scheduled_at in steps.under_way():
        ends = max(ends, scheduled_at) + times.step_s(*versions.step_shape(step))
    return max(0.0, ends - now)
