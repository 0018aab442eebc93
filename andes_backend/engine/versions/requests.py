"""What vLLM knows of a request."""

from typing import Any

from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request, RequestStatus

__all__ = ["adapter", "extra_args", "goes_on", "is_one_token"]


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
