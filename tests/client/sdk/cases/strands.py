"""Strands Agents, over chat completions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat

__all__ = ["CASES", "agent"]


def agent(server: ScriptedServer) -> Any:
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel

    @tool  # type: ignore[untyped-decorator]  # it is not installed here
    def look(at: int) -> str:
        """Looks."""
        return f"{at + 41} degrees"

    client = {"base_url": server.url + "/v1", "api_key": "none", "max_retries": 0}
    model = OpenAIModel(client_args=client, model_id="scripted")
    return Agent(model=model, tools=[look], callback_handler=None)


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    yield agent(server).stream_async("Hi")


def _told(event: Any) -> str:
    raw = event.get("event") or {}
    if "metadata" in raw:
        return f"<{raw['metadata']['usage']['outputTokens']} tokens>"
    tool = (raw.get("contentBlockStart") or {}).get("start", {}).get("toolUse")
    return f"<{tool['name']}>" if tool else ""


CASES = [
    Case(
        name="strands",
        distribution="strands-agents",
        module="strands",
        extra="sdks-openai2",
        source="strands",
        wire=Chat,
        stream=_stream,
        told=_told,
        turns=True,
        after_a_tool="\n\n",
        failure=("APIError",),
        repeats=True,
    ),
]
