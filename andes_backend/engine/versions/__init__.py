"""All that depends on the version of vLLM: its scheduler interface is not public.

Each function says what it relies on inside vLLM. Where no version is named, 0.29 to 0.33 have it
alike; when a new release comes, these are the places to compare with its `v1/core/sched/`. By
what vLLM is asked: requests, queues, the next step, and the engine around the scheduler. What it
admits requests by is in `admission`, and which releases are tested in `releases`.
"""

from andes_backend.engine.versions.engine import (
    EitherScheduler,
    call_every_engine,
    end_streams,
    engine_core,
    has_argument,
    has_endpoint_plugins,
    is_paused,
)
from andes_backend.engine.versions.queues import (
    block_counts,
    preempt,
    preempted_in,
    preempted_since_last_step,
    put_first,
    waiting_is_ordered_by_us,
    waiting_queue,
)
from andes_backend.engine.versions.requests import adapter, extra_args, goes_on, is_one_token
from andes_backend.engine.versions.steps import (
    can_sit_out,
    chunks_float,
    chunks_limited,
    found_in_cache,
    has_prompts,
    prompts_can_be_cut,
    sit_out,
    step_shape,
    step_tokens,
)

__all__ = [
    "EitherScheduler",
    "adapter",
    "block_counts",
    "call_every_engine",
    "can_sit_out",
    "chunks_float",
    "chunks_limited",
    "end_streams",
    "engine_core",
    "extra_args",
    "found_in_cache",
    "goes_on",
    "has_argument",
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
