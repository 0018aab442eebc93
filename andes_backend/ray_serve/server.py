"""Ray Serve LLM's server of one replica, which also says how its readers fare and hears them.

    LLMConfig(..., server_cls="andes_backend.ray_serve.server.AndesServer")

Of Ray 2.60 this relies on `record_routing_stats`, which Ray's controller calls every
`request_routing_stats_period_s`, on `record_autoscaling_stats`, which the replica calls by itself
where there is an `autoscaling_config`, and on the private attribute of its vLLM engine that holds
vLLM's client.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ray import serve
from ray.serve.llm.deployment import LLMServer

from andes_backend.engine.plugin import is_ours, prepare_front_end
from andes_backend.ray_serve.heard import published
from andes_backend.ray_serve.needed import numbers_of
from andes_backend.routing import ReplicaFigures

__all__ = ["AndesServer"]

_PATIENCE_S: Final = 2.0  # an engine in a longer step has no figures this time


class AndesServer(LLMServer):  # type: ignore[misc]  # Ray has no types
    """Ray's own, with methods for Ray's controller and for our ingress to call."""

    async def start(self) -> None:
        """Start the engine, and show our metrics with Ray's.

        Where there is a GPU, Ray makes vLLM's configuration in another process than this one: our
        plug-in, which acts where that is made, does not reach the front end.
        """
        given = self._llm_config.engine_kwargs
        if is_ours(given.get("scheduler_cls")):
            prepare_front_end(given.get("additional_config"))
        await super().start()

    async def record_routing_stats(self) -> dict[str, Any]:
        """What Ray tells its routers: its own, and our figures where the engine has our scheduler.

        Without an answer the router knows by the age of the last ones that something is wrong.
        """
        stats: dict[str, Any] = await super().record_routing_stats()
        figures = await self.andes_figures()
        return stats if figures is None else {**stats, **published(figures)}

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What Ray tells its autoscaling policy, where the engine has our scheduler."""
        figures = await self.andes_figures()
        return {} if figures is None else numbers_of(figures)

    async def andes_status(self) -> dict[str, Any]:
        """The replica's name in Ray, and its figures now, or None: for people and programs."""
        figures = await self.andes_figures()
        return {
            "replica": serve.get_replica_context().replica_id.unique_id,
            "figures": None if figures is None else figures.to_mapping(),
        }

    async def andes_figures(self) -> ReplicaFigures | None:
        """The replica's figures now.

        None where the engine has another scheduler, is in a long step, or dead.
        """
        from andes_backend.engine.listener import FIGURES

        try:
            said = await asyncio.wait_for(self._ask_engines(FIGURES), _PATIENCE_S)
        except Exception:  # whatever it is, Ray's own check of health says so
            return None
        # One: under data parallelism Ray has a replica for each engine.
        return ReplicaFigures.from_mapping(said[0])

    async def andes_hear(self, reports: Sequence[object]) -> list[Mapping[str, Any]]:
        """Readers report; see `andes_backend.engine.listener`.

        Args:
            reports: of any streams, each as a list of the values of `Checked`.

        Returns:
            What the engine says of those that it holds.
        """
        from andes_backend.engine.listener import METHOD

        return await self._ask_engines(METHOD, reports)

    async def _ask_engines(self, method: str, *args: object) -> list[Any]:
        from andes_backend.engine import versions

        return await versions.call_every_engine(self.engine._engine_client, method, *args)
