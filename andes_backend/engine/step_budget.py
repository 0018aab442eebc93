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
from andes_backend.policy.step_budget import chunk, lasts_s, prompt_tokens, turns

__all__ = ["StepBudget", "applied", "step_budget"]


@dataclass(frozen=True, slots=True)
class StepBudget:
    """What vLLM is to keep to in one step."""

    chunk: int
    """Most tokens of one prompt."""
    sit_out: Sequence[Request] = ()
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

    A prompt is long if vLLM does not compute it in one step. Where several have begun, those for
    which there is no room sit out, as in vLLM's own steps: they would all take as long as the last.

    Args:
        scheduler: with its queues as they are before the step.
        admits: how many requests vLLM is to admit from the head of its waiting queue.
        ledger: knows the readers.
        steps: knows the steps that are still under way.
        times: what a step of this engine costs.
        now: seconds on the scheduler's clock.
    """
    begun = [r for r in scheduler.running if r.is_prefill_chunk]
    if not begun and not admits:
        return None
    new, room = list(islice(scheduler.waiting, admits)), versions.step_tokens(scheduler)
    prompts = [*begun, *new]
    readers = [r for r in scheduler.running if not r.is_prefill_chunk]
    if not readers or all(r.num_tokens <= room for r in prompts):
        return None
    if not versions.prompts_can_be_cut(scheduler, prompts):
        return None
    most = max(1, room - len(readers))
    tokens = _tokens(readers, most, ledger, steps, times, now)
    if tokens is None:
        return None
    take_part = turns(_needs(begun), tokens)
    # Who is new gets what the others leave; there is no time for them besides in a shorter step.
    share = _needs([*begun[:take_part], *(new if tokens < most or not begun else ())])
    return StepBudget(chunk(share, tokens), begun[take_part:])


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


def _tokens(
    readers: list[Request],
    most: int,
    ledger: Ledger,
    steps: StepTimer,
    times: StepTimes,
    now: float,
) -> int | None:
    """What the step may compute of prompts, see `prompt_tokens`."""
    begins_s = _ends_s(steps, times, now)
    coming = np.array([min(len(steps), r.num_output_placeholders) for r in readers])
    rows = ledger.table.seen(ledger.rows(readers, now), now)
    spare_s = float(lasts_s(rows, coming, begins_s, now).min()) - begins_s
    context = sum(r.num_computed_tokens for r in readers) + len(readers)
    return prompt_tokens(times, len(readers), context, spare_s, most)


def _needs(prompts: list[Request]) -> list[int]:
    return [request.num_tokens - request.num_computed_tokens for request in prompts]


def _ends_s(steps: StepTimer, times: StepTimes, now: float) -> float:
    """Seconds until the steps under way are through, one after the other."""
    ends = steps.last_output_at
    for step, scheduled_at in steps.under_way():
        ends = max(ends, scheduled_at) + times.step_s(*versions.step_shape(step))
    return max(0.0, ends - now)
