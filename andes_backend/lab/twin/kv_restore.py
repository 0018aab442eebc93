"""KV restore: keys and values come back from CPU memory, as with vLLM's offloading.

vLLM's scheduler asks a "KV connector" what is stored elsewhere, allocates blocks for it,
and lets the request wait until it hears that all of it has arrived. Here every preempted
request has been copied out in full by the time it is preempted, as vLLM's own offloading
does while a request runs, and one link brings requests back one after the other.
"""

from collections import deque
from typing import Any

from vllm.distributed.kv_transfer.kv_connector.v1.base import (
    KVConnectorBase_V1,
    KVConnectorMetadata,
)

__all__ = ["KVRestoreConnector", "Link"]


class Link:
    """What is on its way from CPU memory; one transfer at a time.

    Args:
        tokens_per_s: tokens whose keys and values it carries in a second.
    """

    def __init__(self, tokens_per_s: float) -> None:
        self._tokens_per_s = tokens_per_s
        self._kept: dict[str, int] = {}
        self._asked: list[tuple[str, int]] = []
        self._coming: deque[tuple[float, str]] = deque()
        self._free_at = 0.0

    def keep(self, request_id: str, tokens: int) -> None:
        """A request with so many computed tokens has given its KV memory up."""
        self._kept[request_id] = tokens

    def kept(self, request_id: str) -> int:
        """Tokens of a request that could be brought back."""
        return self._kept.get(request_id, 0)

    def ask(self, request_id: str, tokens: int) -> None:
        """Bring so many tokens of a request back as soon as the link is free."""
        self._kept.pop(request_id, None)
        self._asked.append((request_id, tokens))

    def forget(self, request_id: str) -> None:
        """The request is over."""
        self._kept.pop(request_id, None)

    def start(self, now: float) -> None:
        """The transfers that were asked for since begin, one after the other."""
        for request_id, tokens in self._asked:
            self._free_at = max(self._free_at, now) + tokens / self._tokens_per_s
            self._coming.append((self._free_at, request_id))
        self._asked.clear()

    def arrived(self, now: float) -> set[str]:
        """Requests that are back since this was last asked."""
        back = set()
        while self._coming and self._coming[0][0] <= now:
            back.add(self._coming.popleft()[1])
        return back

    @property
    def next_arrival(self) -> float | None:
        """When the next request will be back; None if nothing is on its way."""
        return self._coming[0][0] if self._coming else None


class KVRestoreConnector(KVConnectorBase_V1):
    """The scheduler's half of a connector; the twin moves nothing, it only takes the time."""

    link: Link
    """Set once the scheduler has made its connector, which takes no arguments of ours."""

    def get_num_new_matched_tokens(
        self, request: Any, num_computed_tokens: int
    ) -> tuple[int | None, bool]:
        # Whole blocks, and never the last token: computing it is what yields the next.
        size = self._vllm_config.cache_config.block_size
        kept = min(self.link.kept(request.request_id), request.num_tokens - 1) // size * size
        more = max(0, kept - num_computed_tokens)
        return more, more > 0

    def update_state_after_alloc(self, request: Any, blocks: Any, num_external_tokens: int) -> None:
        del blocks
        if num_external_tokens:
            self.link.ask(request.request_id, num_external_tokens)

    def build_connector_meta(self, scheduler_output: Any) -> KVConnectorMetadata:
        del scheduler_output
        return KVConnectorMetadata()

    def request_finished(self, request: Any, block_ids: Any) -> tuple[bool, dict[str, Any] | None]:
        del block_ids
        self.link.forget(request.request_id)
        return False, None

    def start_load_kv(self, forward_context: Any, **kwargs: Any) -> None:
        raise NotImplementedError("the twin has no workers")

    def wait_for_layer_load(self, layer_name: str) -> None:
        raise NotImplementedError("the twin has no workers")

    def save_kv_layer(
        self, layer_name: str, kv_layer: Any, attn_metadata: Any, **kwargs: Any
    ) -> None:
        raise NotImplementedError("the twin has no workers")

    def wait_for_save(self) -> None:
        raise NotImplementedError("the twin has no workers")
