"""How much of what preempted requests had computed is found again when they come back?"""

from collections.abc import Iterable
from typing import Final

from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.request import Request

from andes_backend.engine import versions

__all__ = ["FoundAgain"]

_MEMORY: Final = 0.95  # so much of what was known counts after one more request
_DOUBT: Final = 1.0  # requests of the usual length that have found nothing


class FoundAgain:
    """Learns from every request that comes back, in the prefix cache or from elsewhere."""

    def __init__(self) -> None:
        self._found = 0.0
        self._tokens = 0.0
        self._requests = 0.0

    @property
    def share(self) -> float:
        """Of the tokens of such requests, 0 to 1; 0 before any has come back."""
        if not self._tokens:
            return 0.0
        return self._found / (self._tokens * (1.0 + _DOUBT / self._requests))

    def came_in(self, requests: Iterable[Request], scheduled: SchedulerOutput) -> None:
        """These requests run from this step on, whether for the first time or again."""
        for request in requests:
            if request.num_preemptions:
                self._note(versions.found_in_cache(request, scheduled), request.num_tokens)

    def _note(self, found: int, tokens: int) -> None:
        self._found = _MEMORY * self._found + min(found, tokens)
        self._tokens = _MEMORY * self._tokens + tokens
        self._requests = _MEMORY * self._requests + 1.0
