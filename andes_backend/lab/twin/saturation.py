"""About how many requests a second a server completes at most: where a search may start."""

from statistics import fmean

from andes_backend.lab.workload import Workload
from andes_backend.profile import Profile

__all__ = ["saturation"]


def saturation(profile: Profile, workload: Workload) -> float:
    """Requests/s that a server completes when its memory is full of requests of mean length.

    Args:
        profile: the model and its GPUs.
        workload: requests; only their lengths count.
    """
    prompt = round(fmean(request.prompt_tokens for request in workload.requests))
    output = fmean(request.output_tokens for request in workload.requests)
    held = prompt + output / 2  # on average over a response
    sequences = max(1, min(profile.max_sequences, int(profile.request_tokens / held)))
    context = round(sequences * held)
    step_s = profile.step_s([], sequences, context)
    prefill_s = profile.step_s([prompt], sequences, context) - step_s
    return 1 / (prefill_s + output * step_s / sequences)
