"""LiteLLM, which turns every provider's streams into OpenAI's form; here that of OpenAI itself."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.cases.openai import ASK, TOLD, told
from tests.client.sdk.moves import Chat

__all__ = ["CASES"]

# Else it asks the network for its prices as soon as it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


def _asked(server: ScriptedServer) -> dict[str, Any]:
    where = {"api_base": server.url + "/v1", "api_key": "none", "num_retries": 0}
    return {**ASK, **TOLD, **where, "model": "openai/scripted", "stream": True}


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    import litellm

    yield await litellm.acompletion(**_asked(server))


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    import litellm

    yield litellm.completion(**_asked(server))


CASES = [
    Case(
        name="litellm",
        distribution="litellm",
        module="litellm",
        # 1.83 says "stop" where a body just stops, and ends no plain request that is left.
        since=(1, 110),
        source="litellm",
        wire=Chat,
        stream=_stream,
        plain=_plain,
        told=told,
        failure=("APIError", "OpenAIError"),
        early="failed",
    ),
]
