"""All that depends on the version of vLLM: its scheduler interface is not public.

Each function says what it relies on inside vLLM. Where no version is named, 0.30 to 0.33 have it
alike; when a new release comes, these are the places to compare with its `v1/core/sched/`.

Tested: see `TESTED`. Another version is refused when the server starts, unless
`ANDES_ANY_VLLM=1` is set in its environment.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from vllm import __version__ as vllm_version
from vllm import plugins as vllm_plugins
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.interface import PauseState
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.request_queue import PriorityRequestQueue
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request, RequestStatus

from andes_backend.engine.waiting import NotedPriorityQueue, NotedQueue, WaitingQueue

__all__ = [
    "TESTED",
    "EitherScheduler",
    "adapter",
    "block_counts",
    "call_every_engine",
    "can_sit_out",
    "check_version",
    "chunks_limited",
    "end_streams",
    "engine_core",
    "extra_args",
    "found_in_cache",
    "goes_on",
    "has_endpoint_plugins",
    "has_prompts",
    "is_one_token",
    "is_paused",
    "preempt",
    "preempted_in",
    "preempted_since_last_step",
    "prompts_can_be_cut",
    "put_first",
    "sit_out",
    "step_shape",
    "step_tokens",
    "waiting_is_ordered_by_us",
    "waiting_queue",
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
            "Install a tested release: pip install 'vllm>=0.30,<0.34'. On Ray, ray[llm] chooses "
            "vLLM's release (ray[llm] 2.60.0 requires 0.29.0): install one of Ray's that requires "
            "a tested vLLM, or ray[serve] with a tested vLLM beside it. Or set ANDES_ANY_VLLM=1 in "
            "the server's environment to try anyway; on Ray, in the env_vars of your LLMConfig's "
            "runtime_env."
        )


class EitherScheduler(AsyncScheduler):
    """vLLM's AsyncScheduler; under `--no-async-scheduling` its Scheduler, by the same name.

    AsyncScheduler counts tokens before they are there, which the rest of a synchronous engine
    does not expect.

    It relies on AsyncScheduler overriding two methods of Scheduler and no others: these two in
    0.30 to 0.32; in 0.33 the first alone, and calling Scheduler's second then changes nothing.
    """

    runs_ahead = True
    """Whether steps are scheduled before the output of those before them is known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.runs_ahead = bool(self.scheduler_config.async_scheduling)

    def _update_after_schedule(self, scheduler_output: SchedulerOutput) -> None:
        if self.runs_ahead:
            super()._update_after_schedule(scheduler_output)
        else:
            Scheduler._update_after_schedule(self, scheduler_output)

    def _update_request_with_output(self, *args: Any, **kwargs: Any) -> tuple[list[int], bool]:
        if self.runs_ahead:
            return super()._update_request_with_output(*args, **kwargs)
        return Scheduler._update_request_with_output(self, *args, **kwargs)


def is_paused(scheduler: Scheduler) -> bool:
    """Whether the operator has paused the engine (`/pause`, or to sleep).

    A paused vLLM admits nobody new (PAUSED_NEW), or schedules nobody at all (PAUSED_ALL).
    """
    return scheduler.pause_state != PauseState.UNPAUSED


def goes_on(scheduler: Scheduler, request: Request) -> bool:
    """Whether this is more input for a request of the same name that is not done yet.

    A session that has answered and waits for more input begins anew. In vLLM that is a status;
    the request keeps its name and its object.
    """
    session = scheduler.requests.get(request.request_id)
    return session is not None and session.status != RequestStatus.WAITING_FOR_STREAMING_REQ


def extra_args(request: Request) -> dict[str, Any] | None:
    """What the request carried in `vllm_xargs`; None without sampling parameters (pooling)."""
    params = request.sampling_params
    return None if params is None else params.extra_args


def adapter(request: Request) -> int:
    """The number of the request's LoRA adapter, above 0; 0 if it has none."""
    return 0 if request.lora_request is None else request.lora_request.lora_int_id


def is_one_token(request: Request) -> bool:
    """Whether a request is for one token, which nobody reads as a stream.

    vLLM's beam search is made of such requests, one for each beam and token, and so are its scores
    and classifications. What a client limits to one token is no different.
    """
    return request.sampling_params is not None and request.max_tokens == 1


def found_in_cache(request: Request, scheduled: SchedulerOutput) -> int:
    """Tokens of a request that comes in by this step and that need not be computed in it.

    It relies on vLLM counting what it finds, in the prefix cache or elsewhere, as computed before
    the step, and adding what the step computes at the end of `schedule()`.
    """
    now = scheduled.num_scheduled_tokens.get(request.request_id, 0)
    return max(0, request.num_computed_tokens - now)


def block_counts(scheduler: Scheduler) -> tuple[int, int]:
    """KV blocks: (free, total).

    Free are those that nobody holds, also if the prefix cache could still find what is in them.
    The total has one more than can be given out: vLLM keeps block 0 for itself.
    """
    pool = scheduler.kv_cache_manager.block_pool
    return pool.get_num_free_blocks(), pool.num_gpu_blocks


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


def has_prompts(scheduled: SchedulerOutput) -> bool:
    """Whether somebody gets more than one token in a step, as prompts do."""
    return scheduled.total_num_scheduled_tokens > len(scheduled.num_scheduled_tokens)


def step_shape(scheduled: SchedulerOutput) -> tuple[int, int, int]:
    """What a step consists of.

    It relies on the output naming requests that are new to the workers apart from "cached" ones,
    which resumed ones are among, and counting their tokens as they were before this step.

    Returns:
        Requests that get one more token, the tokens that these have in the KV cache, and the
        tokens of prompts (or of responses that are computed again).
    """
    tokens, cached = scheduled.num_scheduled_tokens, scheduled.scheduled_cached_reqs
    computed = cached.num_computed_tokens
    if has_prompts(scheduled):
        computed = [
            before
            for name, before in zip(cached.req_ids, computed, strict=True)
            if tokens[name] == 1
        ]
    sequences = len(computed)
    context = sum(computed) + sequences  # with those of this step
    return sequences, context, scheduled.total_num_scheduled_tokens - sequences


def step_tokens(scheduler: Scheduler) -> int:
    """Most tokens in a step; vLLM reads both limits in each schedule()."""
    config = scheduler.scheduler_config
    return min(scheduler.max_num_scheduled_tokens, config.max_num_batched_tokens)


def prompts_can_be_cut(scheduler: Scheduler, requests: Iterable[Request]) -> bool:
    """Whether vLLM may compute these prompts in chunks of any size.

    Not without chunked prefill; and images may have to be computed whole, so that a chunk which
    ends within one never comes.
    """
    chunked = scheduler.scheduler_config.enable_chunked_prefill
    return chunked and not any(request.has_encoder_inputs for request in requests)


@contextmanager
def chunks_limited(scheduler: Scheduler, tokens: int) -> Iterator[None]:
    """Let a step compute at most so many tokens of one prompt, 1 or more, in here.

    The operator's own limit (`--long-prefill-token-threshold`, 0 for none) stays where it is lower.
    vLLM reads it from the config in each schedule(). Since 0.31 it can be made to float with the
    number of requests, and one who is alone has none.
    """
    config, floats = scheduler.scheduler_config, "adaptive_long_prefill_threshold"
    theirs, is_floating = config.long_prefill_token_threshold, getattr(scheduler, floats, False)
    limit = theirs
    if is_floating:
        limit = max(theirs, config.max_num_batched_tokens // sum(scheduler.get_request_counts()))
    if theirs > 0 and limit <= tokens:
        yield
        return
    config.long_prefill_token_threshold = tokens
    if is_floating:
        setattr(scheduler, floats, False)
    try:
        yield
    finally:
        config.long_prefill_token_threshold = theirs
        if is_floating:
            setattr(scheduler, floats, True)


def can_sit_out(scheduler: Scheduler) -> bool:
    """Whether a running request may be left out of a step.

    Until 0.32 vLLM counts the adapters of those in the step against `--max-loras`. Without one of
    those who run it may admit one adapter more, so that there are too many in the next step. This
    is read in its source; we have not seen what becomes of it.
    """
    before = ("0.29.", "0.30.", "0.31.", "0.32.")
    return scheduler.lora_config is None or not vllm_version.startswith(before)


def sit_out(scheduler: Scheduler, request: Request) -> None:
    """Leave a running request out of the next step; it keeps its place and its KV blocks.

    vLLM counts a step at the beginning of schedule(), and leaves those out whose turn comes later:
    with pipeline parallelism that keeps the tokens of one request apart.
    """
    later = scheduler.current_step + 2
    request.next_decode_eligible_step = max(request.next_decode_eligible_step, later)


def has_endpoint_plugins() -> bool:
    """Whether this vLLM knows plug-ins for HTTP routes; all tested releases do."""
    return hasattr(vllm_plugins, "load_endpoint_plugins")


async def call_every_engine(client: Any, method: str, *args: object) -> list[Any]:
    """Call a method of EngineCore, by its name, in every engine of a front end.

    Private until 0.31, which offers a call to the first engine only; from 0.32 on there is
    `call_utility_all_async`. Arguments and results are those that msgpack knows. An engine hears
    between two steps.

    Args:
        client: vLLM's EngineClient.
        method: the method's name.
        args: its arguments.

    Raises:
        Exception: the method raised, or there is none, or the engine is dead or shutting down.
    """
    core = client.engine_core
    if hasattr(core, "call_utility_all_async"):
        results: list[Any] = await core.call_utility_all_async(method, *args)
        return results
    calls = [core._call_utility_async(method, *args, engine=one) for one in core.core_engines]
    return await asyncio.gather(*calls)


def engine_core() -> type | None:
    """vLLM's class of engines, in a process that has engines; None in a simulation, say.

    Its module is loaded there, because it is what makes the scheduler. Elsewhere, loading it takes
    a second.
    """
    module = sys.modules.get("vllm.v1.engine.core")
    found: type | None = getattr(module, "EngineCore", None)
    return found


def end_streams(core: Any, aborted: list[Request]) -> None:
    """Tell the front ends that these requests have been aborted: their streams end.

    vLLM's scheduler leaves that to who asked it to abort them. EngineCoreProc does the same, by
    this private method, when an operator pauses it in the mode "abort". In the engine of a process
    that has no other (`LLM` without multiprocessing) there is nobody to tell.
    """
    if hasattr(core, "_send_abort_outputs"):
        core._send_abort_outputs(aborted)
