"""What a policy is."""

from typing import Protocol

from andes_backend.policy.decision import Decision
from andes_backend.policy.state import Snapshot

__all__ = ["Policy"]


class Policy(Protocol):
    """Decides, once an engine step, who is served. Knows nothing of vLLM, reads no clock."""

    def plan(self, snapshot: Snapshot) -> Decision:
        """The decision for this step."""
        ...

    def finished(self, output_tokens: int) -> None:
        """A response of this many tokens has ended by itself."""
        ...
