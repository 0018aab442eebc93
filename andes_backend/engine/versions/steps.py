"""What a step consists of, and what the next one is allowed to."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from vllm import __version__ as vllm_version
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request

__all__ = [
    "can_sit_out",
    "chunks_float",
    "chunks_limited",
    "found_in_cache",
    "has_prompts",
    "prompts_can_be_cut",
    "sit_out",
    "step_shape",
    "step_tokens",
]

_FLOATS: Final = "adaptive_long_prefill_threshold"


def found_in_cache(request: Request, scheduled: SchedulerOutput) -> int:
    """Tokens of a request that comes in by this step and that need not be computed in it.

    It relies on vLLM counting what it finds, in the prefix cache or elsewhere, as computed before
    the step, and adding what the step computes at the end of `schedule()`.
    """
    now = scheduled.num_scheduled_tokens.get(request.request_id, 0)
    return max(0, request.num_computed_tokens - now)


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


def chunks_float(scheduler: Scheduler) -> bool:
    """Whether the operator's limit of chunks floats with the number of requests (since 0.31)."""
    return bool(getattr(scheduler, _FLOATS, False))


@contextmanager
def chunks_limited(scheduler: Scheduler, tokens: int) -> Iterator[None]:
    """Let a step compute at most so many tokens of one prompt, 1 or more, in here.

    The operator's own limit (`--long-prefill-token-threshold`, 0 for none) stays where it is lower.
    vLLM reads it from the config in each schedule(). Where it floats, one who is alone has none.
    """
    config, is_floating = scheduler.scheduler_config, chunks_float(scheduler)
    theirs = config.long_prefill_token_threshold
    limit = theirs
    if is_floating:
        limit = max(theirs, config.max_num_batched_tokens // sum(scheduler.get_request_counts()))
    if theirs > 0 and limit <= tokens:
        yield
        return
    config.long_prefill_token_threshold = tokens
    if is_floating:
        setattr(scheduler, _FLOATS, False)
    try:
        yield
    finally:
        config.long_prefill_token_threshold = theirs
        if is_floating:
            setattr(scheduler, _FLOATS, True)


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
