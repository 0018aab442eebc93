"""What the router in front of a simulated fleet knows of a request."""

import math

from andes_backend.config import AndesConfig
from andes_backend.lab.workload import Request
from andes_backend.routing import Asked
from andes_backend.routing.prefixes import BLOCK_TOKENS

__all__ = ["asked_of"]


def asked_of(request: Request, *, prefixes: bool) -> Asked:
    """What our scheduler would know of it, and how its prompt begins.

    Args:
        request: of a workload.
        prefixes: whether the router looks at how prompts begin.
    """
    config = AndesConfig()
    reader = request.hint or config.default_expectation
    talk = request.conversation
    blocks = range(request.prompt_tokens // BLOCK_TOKENS) if prefixes and talk is not None else ()
    return Asked(
        prompt_tokens=request.prompt_tokens,
        ttft=reader.ttft,
        tds=config.program_tds if math.isinf(reader.tds) else reader.tds,
        blocks=tuple((talk, block) for block in blocks),
    )
