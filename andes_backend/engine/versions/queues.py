"""vLLM's queues, and how a request leaves the GPU."""

import time
from collections.abc import Sequence

from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.request_queue import PriorityRequestQueue
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request

from andes_backend.engine.waiting import NotedPriorityQueue, NotedQueue, WaitingQueue

__all__ = [
    "block_counts",
    "preempt",
    "preempted_in",
    "preempted_since_last_step",
    "put_first",
    "waiting_is_ordered_by_us",
    "waiting_queue",
]


def waiting_is_ordered_by_us(scheduler: Scheduler) -> bool:
    """False under `--scheduling-policy priority`, where vLLM keeps the queue as a heap.

    Otherwise vLLM admits from the head of the queue.
    """
    return isinstance(waiting_queue(scheduler), WaitingQueue)


def waiting_queue(scheduler: Scheduler) -> NotedQueue:
    """The waiting queue, which is put in the place of vLLM's own when this is first called.

    It relies on vLLM knowing no more of it than the methods of its class `RequestQueue`, and
    keeping the order nowhere else.
    """
    queue = scheduler.waiting
    if not isinstance(queue, NotedQueue):
        if isinstance(queue, PriorityRequestQueue):
            queue = NotedPriorityQueue(queue._heap)
        else:
            queue = WaitingQueue(queue)
        scheduler.waiting = queue
    return queue


def put_first(scheduler: Scheduler, requests: Sequence[Request]) -> None:
    """These requests, which wait, go before all others in the queue, in this order."""
    queue = waiting_queue(scheduler)
    assert isinstance(queue, WaitingQueue)  # checked at start
    queue.put_first(requests)


def preempt(scheduler: Scheduler, request: Request) -> None:
    """Take a running request off the GPU: it gives its KV blocks up and waits.

    vLLM puts it at the head of the waiting queue, delivers what is in flight, and does not
    resume it before that. `_preempt_request` is private; it leaves it to its caller to take the
    request out of the running queue first.
    """
    running = scheduler.running
    # A policy's victims are at the end.
    last = next(place for place in reversed(range(len(running))) if running[place] is request)
    del running[last]
    # vLLM stamps its own events with this clock; no decision of ours reads it. Where the KV
    # cache is to be handed to another engine, a token without it is of no use.
    scheduler._preempt_request(
        request, time.monotonic(), drop_stale_output=scheduler.requires_kv_delivery
    )


def preempted_since_last_step(scheduler: Scheduler) -> int:
    """Requests that were preempted since the last `schedule()`, by us or to reset the cache.

    vLLM collects their names in a set, to which schedule() adds those that it preempts itself.
    """
    return len(scheduler.reset_preempted_req_ids)


def preempted_in(scheduled: SchedulerOutput) -> int:
    """Requests that were preempted between the end of the `schedule()` before and of this one.

    In the step's output vLLM hands out the set of `preempted_since_last_step`, and begins another.
    """
    return len(scheduled.preempted_req_ids or ())


def block_counts(scheduler: Scheduler) -> tuple[int, int]:
    """KV blocks: (free, total).

    Free are those that nobody holds, also if the prefix cache could still find what is in them.
    The total has one more than can be given out: vLLM keeps block 0 for itself.
    """
    pool = scheduler.kv_cache_manager.block_pool
    return pool.get_num_free_blocks(), pool.num_gpu_blocks
