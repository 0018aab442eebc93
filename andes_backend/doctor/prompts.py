"""Whether short requests wait behind long prompts, by the lengths that a server has seen."""

from collections.abc import Iterator
from typing import Final

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import Finding, better, ok

__all__ = ["check_prompts"]

_NAME: Final = "vllm:request_prompt_tokens"
_LONG: Final = 1000  # tokens; vLLM counts prompts up to this in a bucket of their own
_SHORT: Final = 200
_FEW: Final = 0.01  # a share of the requests
_FLAG: Final = "--long-prefill-token-threshold 256"


def check_prompts(exposition: Exposition) -> Iterator[Finding]:
    """A finding where prompts of a server are of both kinds; nothing if it does not say."""
    count = exposition.total(f"{_NAME}_count")
    if not count:
        return
    long = 1 - exposition.total(f"{_NAME}_bucket", le=f"{_LONG:.1f}") / count
    short = exposition.total(f"{_NAME}_bucket", le=f"{_SHORT:.1f}") / count
    mean = exposition.total(f"{_NAME}_sum") / count
    state = f"{mean:,.0f} tokens on average, {long:.0%} of more than {_LONG:,}"
    if long < _FEW or short < _FEW:
        yield ok("prompts", state)
        return
    yield better(
        "prompts",
        f"{state}, {short:.0%} of at most {_SHORT}.",
        why=WHY,
        do="Unless the server has it already, let a step compute only so many tokens of one "
        "prompt, and watch the long prompts' own time to first token.",
        flags=_FLAG,
    )


WHY: Final = (
    "A long prompt that fits a step takes it alone, and short requests that come meanwhile wait "
    "for their first text."
)
