"""An autoscaling policy for Ray Serve: as many replicas as readers need.

    deployment_config={"autoscaling_config": {
        "min_replicas": 1,
        "max_replicas": 8,
        "upscale_delay_s": 0,           # Ray's own is 30
        "downscale_delay_s": 120,       # Ray's own is 600
        "look_back_period_s": 60,       # Ray's own is 30
        "policy": {
            "policy_function": "andes_backend.ray_serve.autoscaling.ReadersNeed",
            "policy_kwargs": {"target": 1.0},       # the default
        },
    }}

The replicas say their figures with `andes_backend.ray_serve.server.AndesServer`. Where no replica
says any, Ray's own policy decides, by ongoing requests. Bounds and delays are Ray's in any case.

Of Ray 2.60 this relies on `policy_function` being a class if one likes, which its controller makes
one object of, and on the context that this is called with.
"""

import logging
import time
from typing import Any, Final

from ray.serve.autoscaling_policy import replica_queue_length_autoscaling_policy
from ray.serve.config import AutoscalingContext

from andes_backend.ray_serve.needed import Needed, figures_in

__all__ = ["ReadersNeed"]

_log: Final = logging.getLogger("ray.serve")  # what the controller writes down


class ReadersNeed:
    """What `andes_backend.routing.scaling` says, once every ten seconds.

    Args:
        target: how busy each replica shall be; 1 is all the time.
        lost_each: QoE that the readers who are there may lose by waiting, each on average.

    If a setting is wrong, an error in the controller's log says so, and Ray's own policy decides:
    to raise it would stop the controller from deploying anything. `build_app` of
    `andes_backend.ray_serve.ingress` finds it before that.
    """

    def __init__(self, **policy_kwargs: Any) -> None:
        self._needed: Needed | None = None
        try:
            self._needed = Needed(**policy_kwargs)
        except (TypeError, ValueError) as error:
            _log.error("andes: ReadersNeed: %s. Ray's own policy decides.", error)

    def __call__(self, context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
        """Called by Ray's controller, ten times a second: how many replicas there shall be."""
        needed, now = self._needed, time.monotonic()
        if needed is not None and context.current_num_replicas and needed.is_due(now):
            figures = figures_in(context.raw_metrics or {})
            needed.look(figures, context.config.look_back_period_s, now)
        if needed is None or needed.is_unknown:
            by_ray: tuple[float, dict[str, Any]] = replica_queue_length_autoscaling_policy(context)
            return by_ray
        wanted = needed.wanted
        if wanted is None or not context.current_num_replicas:
            return context.target_num_replicas, {}
        # Nobody may be there who would lose anything, and yet somebody who reads.
        return max(wanted, 1 if context.total_num_requests else 0), {}
