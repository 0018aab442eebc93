"""Whether short requests wait behind long prompts, by what a server has seen."""

from collections.abc import Iterator
from typing import Final

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import Finding, better, ok

__all__ = ["check_prompts"]

_PROMPT: Final = "vllm:request_prompt_tokens"
_COMPUTED: Final = "vllm:request_prefill_time_seconds"

# Ends of vLLM's own buckets.
_LONG: Final = 1000  # tokens
_SHORT: Final = 200
_SLOW_S: Final = 0.5

_FEW: Final = 0.01  # a share of the requests
_FLAG: Final = "--long-prefill-token-threshold"
_CHUNKS: Final = (256, 128, 64)  # tokens
# Who comes waits for the chunk that is computed, the one that is scheduled already, and their own.
_CHUNK_S: Final = 0.15


def check_prompts(exposition: Exposition) -> Iterator[Finding]:
    """A finding about the prompts; nothing if the server does not tell their lengths."""
    count = exposition.total(f"{_PROMPT}_count")
    if not count:
        return
    state = f"{exposition.total(f'{_PROMPT}_sum') / count:,.0f} tokens on average"
    short, up_to_long = (_share(exposition, _PROMPT, end) for end in (_SHORT, _LONG))
    slow = 1 - (_share(exposition, _COMPUTED, _SLOW_S) or 0.0)
    if short is None or up_to_long is None:
        yield ok("prompts", state)
        return
    state += f", {1 - up_to_long:.0%} of more than {_LONG:,}"
    if 1 - up_to_long < _FEW or short < _FEW or slow < _FEW:
        yield ok("prompts", state)
        return
    yield better(
        "prompts",
        f"{state}, {short:.0%} of at most {_SHORT}; to compute one took {slow:.0%} of the requests "
        f"more than {_SLOW_S:g} s.",
        why="A step lasts as long as the prompts in it take, and a short request that comes "
        "meanwhile waits for its end.",
        do="Let a step compute only so many tokens of one prompt, unless the server does so "
        "already, and watch the long prompts' own time to first token.",
        flags=f"{_FLAG} {_chunk(exposition)}",
    )


def _chunk(exposition: Exposition) -> int:
    """Tokens that this server computes in a short time, as far as it has been seen."""
    taken, tokens = exposition.total(f"{_COMPUTED}_sum"), exposition.total(f"{_PROMPT}_sum")
    return next((n for n in _CHUNKS if n * taken <= _CHUNK_S * tokens), _CHUNKS[-1])


def _share(exposition: Exposition, name: str, end: float) -> float | None:
    """Of the requests, those up to the end of a bucket; None where there is no such bucket."""
    count, label = exposition.total(f"{name}_count"), str(float(end))
    if not any(sample.labels.get("le") == label for sample in exposition.of(f"{name}_bucket")):
        return None
    return exposition.total(f"{name}_bucket", le=label) / count if count else None
