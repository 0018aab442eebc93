"""All that depends on the version of vLLM: its scheduler interface is not public.

Tested: see `TESTED`. Another version is refused when the server starts, unless
`ANDES_ANY_VLLM=1` is set in its environment.
"""

import os
import time
from collections.abc import Sequence
from typing import Any, Final

from vllm import __version__ as vllm_version
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.request_queue import FCFSRequestQueue
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request

__all__ = [
    "TESTED",
    "block_counts",
    "check_version",
    "extra_args",
    "limit_admissions",
    "preempt",
    "set_waiting",
    "step_shape",
    "waiting_is_ordered_by_us",
]

TESTED: Final = ("0.30", "0.31", "0.32", "0.33")
"""The releases of vLLM, as "major.minor", on which the scheduler has run.

0.32 is what the tests install; benchmarks/vllm_versions.py runs the same workload on all.
"""


def check_version(version: str = vllm_version) -> None:
    """Raise RuntimeError if this vLLM is not one we have tested and nobody insists."""
    release = ".".join(version.split(".")[:2])
    if release not in TESTED and os.environ.get("ANDES_ANY_VLLM") != "1":
        raise RuntimeError(
            f"andes_backend is tested with vLLM {', '.join(TESTED)}, but this is {version}. "
            "Install a tested version, or set ANDES_ANY_VLLM=1 to try anyway."
        )


def extra_args(request: Request) -> dict[str, Any] | None:
    """What the request carried in `vllm_xargs`; None without sampling parameters (pooling)."""
    params = request.sampling_params
    return None if params is None else params.extra_args


def block_counts(scheduler: Scheduler) -> tuple[int, int]:
    """KV blocks: (free, total)."""
    pool = scheduler.kv_cache_manager.block_pool
    return pool.get_num_free_blocks(), pool.num_gpu_blocks


def waiting_is_ordered_by_us(scheduler: Scheduler) -> bool:
    """False under `--scheduling-policy priority`, where vLLM keeps the queue as a heap."""
    return isinstance(scheduler.waiting, FCFSRequestQueue)


def set_waiting(scheduler: Scheduler, requests: Sequence[Request]) -> None:
    """Put the same requests into the waiting queue in this order."""
    queue = scheduler.waiting
    assert isinstance(queue, FCFSRequestQueue)  # checked at start
    queue.clear()
    queue.extend(requests)


def limit_admissions(scheduler: Scheduler, admit: int | None) -> None:
    """Let at most `admit` waiting requests in during the next step; None lifts the limit.

    vLLM compares the number of running requests with this limit before it admits another.
    """
    config = scheduler.scheduler_config
    limit = getattr(config, "max_num_active_seqs", None) or config.max_num_seqs
    if admit is not None:
        limit = min(limit, len(scheduler.running) + admit)
    if hasattr(scheduler, "max_num_active_reqs"):
        scheduler.max_num_active_reqs = limit
    else:  # vLLM 0.30 has one limit for both
        scheduler.max_num_running_reqs = limit


def preempt(scheduler: Scheduler, request: Request) -> None:
    """Take a running request off the GPU: it gives its KV blocks up and waits.

    vLLM puts it at the head of the waiting queue, delivers what is in flight, and does not
    resume it before that.
    """
    scheduler.running.remove(request)
    # vLLM stamps its own events with this clock; no decision of ours reads it.
    scheduler._preempt_request(request, time.monotonic())


def step_shape(scheduler: Scheduler, scheduled: SchedulerOutput) -> tuple[int, int, int]:
    """What a step consists of.

    Returns:
        Requests that get one more token, the tokens that these have in the KV cache, and the
        tokens of prompts (or of responses that are computed again).
    """
    requests = scheduler.requests
    sequences = context = 0
    for name, tokens in scheduled.num_scheduled_tokens.items():
        if tokens == 1:
            sequences += 1
            request = requests.get(name)  # None if it ended or was aborted meanwhile
            if request is not None:
                context += request.num_computed_tokens
    return sequences, context, scheduled.total_num_scheduled_tokens - sequences
