"""First come, first served: vLLM's own order, for comparison."""

import math

from andes_backend.config import AndesConfig
from andes_backend.policy.decision import Decision
from andes_backend.policy.state import Snapshot

__all__ = ["Fcfs"]


class Fcfs:
    """Decides nothing, so vLLM's own order stands."""

    def __init__(self, config: AndesConfig) -> None:
        del config

    def plan(self, snapshot: Snapshot) -> Decision:
        del snapshot
        return Decision(again_in_s=math.inf)

    def finished(self, output_tokens: int) -> None:
        del output_tokens
