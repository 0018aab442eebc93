"""Ray Serve LLM's HTTP ingress, which also takes what readers report, and ends what breaks off.

    serve.run(build_app([config]))

A stream whose replica dies ends with an error in the API's own form, which SDKs raise. Under Ray's
own ingress its connection breaks (Ray 2.60).

A report comes to the ingress, which does not know who serves the stream. So it asks all replicas:
the one that has the stream acts, and answers; the others drop the report unread. However many calls
come, each replica is asked once at a time (`andes_backend.engine.ear`).

Of Ray 2.60 this relies on `OpenAiIngress` and `make_fastapi_ingress`, on the parts from which
`build_openai_app` makes an application, and on the mixin with which Ray's own control plane calls
all replicas; these parts are private.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from ray import serve
from ray.exceptions import RayError
from ray.llm._internal.common.dict_utils import maybe_apply_llm_deployment_config_defaults
from ray.llm._internal.serve.core.configs.openai_api_models import to_model_metadata
from ray.llm._internal.serve.core.ingress.ingress import DEFAULT_ENDPOINTS
from ray.llm._internal.serve.core.ingress.mixins.broadcastable import ReplicaBroadcastable
from ray.serve.llm import LLMConfig, build_llm_deployment
from ray.serve.llm.ingress import OpenAiIngress, make_fastapi_ingress

from andes_backend.config import AndesConfig
from andes_backend.engine.ear import Answers, Ear
from andes_backend.engine.endpoint import PATH, ReportsEndpoint
from andes_backend.ray_serve.needed import check_policy

__all__ = ["REPLICAS", "AndesIngress", "build_app"]

REPLICAS: Final = "/v1/andes/replicas"
"""The path that says how the replicas are."""

_TRIES: Final = 5
_AGAIN_S: Final = 0.2
_BROKEN_OFF: Final = (
    "data: "
    + json.dumps(
        {
            "error": {
                "message": "the replica that served this response is gone: ask again",
                "type": "ServiceUnavailableError",
                "param": None,
                "code": 503,
            }
        }
    )
    + "\n\n"
)


class AndesIngress(OpenAiIngress, ReplicaBroadcastable):  # type: ignore[misc]  # no types
    """Ray's own, with POST /v1/andes/reports and GET /v1/andes/replicas."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._routed: set[str] = set()  # models whose router Ray has made
        self._reports = ReportsEndpoint()
        self._reports.listen(Ear(self._tell), AndesConfig().report_calls_per_s)

    async def reports(self, request: Request) -> Response:
        """Take in a call of readers' reports: 200, or an error in the API's own form."""
        return await self._reports.answer(request)

    async def replicas(self) -> Response:
        """How every replica is now: its name in Ray and its figures, docs/ray.md."""
        return JSONResponse({"replicas": await self._of_all_replicas("andes_status")})

    async def _get_response(self, **arguments: Any) -> AsyncGenerator[Any, None]:
        """What the replica sends; Ray's own method, private, from which all its answers come."""
        begun = False
        try:
            async for part in super()._get_response(**arguments):
                begun = True
                yield part
        except RayError:
            if not begun:
                raise  # Ray answers with an HTTP status
            yield _BROKEN_OFF

    async def _tell(self, reports: Sequence[object]) -> list[Answers]:
        said = await self._of_all_replicas("andes_hear", reports=reports)
        return [answers for of_one in said for answers in of_one]

    async def _of_all_replicas(self, method: str, **arguments: Any) -> list[Any]:
        """What the replicas of all models say."""
        said: list[Any] = []
        for model in self._model_cards:
            said += await self._broadcast(model, method, arguments)
        return said

    async def _broadcast(self, model: str, method: str, arguments: dict[str, Any]) -> list[Any]:
        """What the replicas of a model say.

        Ray makes its router when it is first used. If that is by a broadcast, which runs in a
        thread without an event loop, it is an error (2.60), and the next try finds the router made.
        """
        for left in reversed(range(_TRIES)):
            try:
                said: list[Any] = await self._broadcast_to_replicas(model, method, arguments)
                self._routed.add(model)
                return said
            except RuntimeError:
                if model in self._routed or not left:
                    raise
            await asyncio.sleep(_AGAIN_S)
        return []


_ENDPOINTS: Final[Mapping[str, Any]] = {
    **DEFAULT_ENDPOINTS,
    "reports": lambda app: app.post(PATH),
    "replicas": lambda app: app.get(REPLICAS),
}


def build_app(configs: Sequence[LLMConfig], **ingress_options: Any) -> Any:
    """Ray's `build_openai_app`, with our ingress.

    Args:
        configs: of the models; their `server_cls` is
            `andes_backend.ray_serve.server.AndesServer`.
        ingress_options: options of the ingress's deployment, `num_replicas=2` for one.

    Returns:
        The application, for `serve.run`.

    Raises:
        ValueError: a setting of our autoscaling policy is wrong.
    """
    for config in configs:
        check_policy(config.deployment_config)
    ingress = make_fastapi_ingress(AndesIngress, endpoint_map=dict(_ENDPOINTS))
    options = maybe_apply_llm_deployment_config_defaults(
        AndesIngress.get_deployment_options(list(configs)), ingress_options
    )
    return serve.deployment(ingress, **options).bind(
        llm_deployments={config.model_id: build_llm_deployment(config) for config in configs},
        model_cards={
            config.model_id: to_model_metadata(config.model_id, config) for config in configs
        },
        lora_paths={
            config.model_id: config.lora_config.dynamic_lora_loading_path
            for config in configs
            if config.lora_config is not None
        },
    )
