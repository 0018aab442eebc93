"""What vLLM admits waiting requests by: all the limits that a plan has to keep to, in one place.

A plan that does not know one of them preempts requests for others who then do not come in. What
`Scheduler.schedule()` of vLLM 0.29 to 0.33 asks before it admits somebody, and what becomes of it:

- places: `--max-num-seqs`, `--max-num-active-seqs` (since 0.31), and paused sessions, which keep
  their place: `room`;
- KV blocks for the whole prompt, and those that `--watermark` keeps free: `room`;
- adapters in a batch, `--max-loras`: `adapter_places`, and `policy.adapters`;
- whether it is paused: `versions.is_paused`, and then there is no plan;
- tokens in a step (`--max-num-batched-tokens`), the budgets of encoders, `--prefill-schedule-
  interval`, a grammar or KV blocks that are still on their way: these put an admission off by some
  steps and change nothing about whose turn it is, so no plan is about them;
- `--long-prefill-token-threshold`: cuts prompts and keeps nobody out; see `step_budget`;
- `--max-num-queued-reqs` and `-tokens`: the front end refuses, and the scheduler never hears of it.

Our own limit, how many a plan lets in, is set here, too.
"""

from dataclasses import dataclass
from typing import Any

from vllm.v1.core.sched.request_queue import RequestQueue
from vllm.v1.core.sched.scheduler import Scheduler

__all__ = [
    "Room",
    "adapter_places",
    "admissions_left",
    "held_elsewhere",
    "held_queue",
    "limit_admissions",
    "room",
]


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to give to those who wait."""

    most_running: int
    """Most requests that can run at once."""
    free_blocks: int
    """KV blocks that can be given to whom is admitted now; below 0 where those who run have grown
    into what is kept free of newcomers."""
    total_blocks: int
    """The same while nobody runs, and one more: vLLM keeps block 0 for itself."""


def room(scheduler: Scheduler) -> Room:
    """What vLLM would give to those who wait.

    A server with a watermark admits as one does that has so much less memory; those who run may
    take what is kept free. vLLM (0.29 to 0.33) counts it in blocks, and makes an exception: where
    nobody runs, it admits one request whatever is left free.
    """
    pool, manager = scheduler.kv_cache_manager.block_pool, scheduler.kv_cache_manager
    kept_free = manager.watermark_blocks
    return Room(
        most_running=_places(scheduler) - _paused_sessions(scheduler),
        free_blocks=pool.get_num_free_blocks() - kept_free,
        total_blocks=pool.num_gpu_blocks - kept_free,
    )


def adapter_places(scheduler: Scheduler) -> int | None:
    """Most adapters in a batch; None: there are no adapters, or no limit."""
    return None if scheduler.lora_config is None else scheduler.lora_config.max_loras


def limit_admissions(scheduler: Scheduler, admit: int | None) -> None:
    """Let at most `admit` waiting requests in during the next step; None lifts the limit.

    vLLM compares the number of running requests, and of paused sessions, with this limit before it
    admits another. Those that hold KV blocks while they wait, loaded from elsewhere, say, come in
    besides; paused sessions are among them.

    Since 0.31 the limit is an attribute of its own. vLLM reads it in schedule() only, and until
    0.30 asserts there that no more are running: so the limit is never below those that run already.
    """
    limit = _places(scheduler)
    if admit is not None:
        limit = min(limit, len(scheduler.running) + held_elsewhere(scheduler) + admit)
    if hasattr(scheduler, "max_num_active_reqs"):
        scheduler.max_num_active_reqs = limit
    else:  # vLLM 0.29 and 0.30 have one limit for both
        scheduler.max_num_running_reqs = limit


def admissions_left(scheduler: Scheduler) -> int:
    """How many more requests vLLM would let in, as `limit_admissions` has it at present."""
    limit = getattr(scheduler, "max_num_active_reqs", scheduler.max_num_running_reqs)
    places = limit - len(scheduler.running) - _paused_sessions(scheduler)
    return max(0, min(places, len(scheduler.waiting)))


def held_elsewhere(scheduler: Scheduler) -> int:
    """How many waiting requests are not in the queue that we order."""
    return len(held_queue(scheduler))


def held_queue(scheduler: Scheduler) -> RequestQueue:
    """Waiting requests that are not in the queue that we order, in vLLM's own order.

    Since 0.31 those that hold KV blocks already have a queue of their own, which vLLM empties
    first. In 0.29 and 0.30 they are in one with all that could not be scheduled when it was their
    turn, and vLLM tries these first, too.
    """
    anyone: Any = scheduler
    if hasattr(scheduler, "kv_holding_waiting"):
        queue: RequestQueue = anyone.kv_holding_waiting
    else:
        queue = anyone.skipped_waiting
    return queue


def _places(scheduler: Scheduler) -> int:
    """Most requests that can run or be paused at once.

    `max_num_active_seqs` may be lower than the number of places of the model runner; it is None
    where it is not set.
    """
    config = scheduler.scheduler_config
    return getattr(config, "max_num_active_seqs", None) or config.max_num_seqs


def _paused_sessions(scheduler: Scheduler) -> int:
    """Sessions that wait for more input: they do not run, but keep their place of the runner."""
    return scheduler.num_waiting_for_streaming_input
