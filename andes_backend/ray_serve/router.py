"""A request router for Ray Serve: a request goes to the replica where readers lose least by it.

    deployment_config={"request_router_config": {
        "request_router_class": "andes_backend.ray_serve.router.ReaderRouter",
        "request_router_kwargs": {"too_old_s": 10.0},       # the default
        "request_routing_stats_period_s": 1.0,              # Ray's own is 10
    }}

The replicas publish their figures with `andes_backend.ray_serve.server.AndesServer`. Where these
are missing or too old, Ray's own power of two choices decides, as it does for a LoRA adapter, which
is best served where it is loaded.

Of Ray 2.60 this relies on the extension point `ray.serve.request_router`, which is alpha, and on
the private module of its own choice.
"""

import time
from collections.abc import Sequence
from typing import Any

from ray.serve._private.request_router import PowerOfTwoChoicesRequestRouter
from ray.serve.request_router import (
    LocalityMixin,
    MultiplexMixin,
    PendingRequest,
    ReplicaID,
    RequestRouter,
    RunningReplica,
)
from ray.util import metrics

from andes_backend.config import AndesConfig
from andes_backend.ray_serve.asked import asked_of
from andes_backend.ray_serve.heard import Heard
from andes_backend.routing import Asked, Router

__all__ = ["ReaderRouter"]


class ReaderRouter(LocalityMixin, MultiplexMixin, RequestRouter):  # type: ignore[misc]  # no types
    """Ranks the replicas by what readers lose; Ray takes the first that has a place free.

    Each request gets the replica that was chosen for it. Ray's own choice is a FIFO one: it gives a
    replica to whoever has waited longest, which is no difference where one is as good as the other.
    """

    def initialize_state(self, too_old_s: float = 10.0, settings: Any = None) -> None:
        """Called by Ray with `request_router_kwargs`.

        Args:
            too_old_s: figures older than this are not used, seconds.
            settings: the replicas' own, as under "andes" in their `additional_config`: of them the
                defaults for readers of whom a request says nothing.

        Raises:
            ValueError: a setting is wrong.
        """
        self._defaults = AndesConfig.from_mapping(settings)
        self._heard = Heard(Router(too_old_s))
        self._chosen = metrics.Counter(
            "andes_routed_requests",
            description="Requests by who chose the replica: our figures, or Ray without them.",
            tag_keys=("by",),
        )

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        """Called by Ray when replicas come or go, and when one has published new figures."""
        super().update_replicas(replicas)
        now, clock = time.monotonic(), time.time()
        for replica in replicas:
            self._heard.hear(_name(replica.replica_id), replica.routing_stats, now, clock)
        self._heard.keep(_name(replica.replica_id) for replica in replicas)

    def on_replica_actor_died(self, replica_id: ReplicaID) -> None:
        """Called by Ray when it finds that one has died."""
        super().on_replica_actor_died(replica_id)
        self._heard.keep(_name(one) for one in self.curr_replicas)

    async def choose_replicas(
        self,
        candidate_replicas: list[RunningReplica],
        pending_request: PendingRequest | None = None,
    ) -> list[list[RunningReplica]]:
        """Called by Ray: groups of replicas, the best group first."""
        by_ray: list[list[RunningReplica]] = await PowerOfTwoChoicesRequestRouter.choose_replicas(
            self, candidate_replicas, pending_request
        )
        asked = self._asked(pending_request)
        if asked is None:
            return by_ray
        named = {_name(replica.replica_id): replica for replica in candidate_replicas}
        ranked = self._heard.rank(asked, list(named), time.monotonic())
        self._chosen.inc(tags={"by": "ray" if ranked is None else "readers"})
        if ranked is None:
            return by_ray
        return [[named[choice.replica]] for choice in ranked]

    def on_request_routed(
        self, pending_request: PendingRequest, replica_id: ReplicaID, result: object
    ) -> None:
        """Called by Ray when it has sent a request."""
        super().on_request_routed(pending_request, replica_id, result)
        if (asked := self._asked(pending_request)) is not None:
            self._heard.sent(_name(replica_id), asked, time.monotonic())

    def _asked(self, pending: PendingRequest | None) -> Asked | None:
        if pending is None or pending.metadata.multiplexed_model_id:
            return None
        arguments: Sequence[object] = pending.args
        return asked_of(arguments, self._defaults)


def _name(replica: ReplicaID) -> str:
    name: str = replica.unique_id
    return name
