"""Pydantic AI's agent, over chat completions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat

__all__ = ["CASES", "agent"]


def agent(client: Any) -> Any:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    made: Any = Agent(OpenAIChatModel("scripted", provider=OpenAIProvider(openai_client=client)))

    @made.tool_plain  # type: ignore[untyped-decorator]  # it is not installed here
    def look(at: int) -> str:
        return f"{at + 41} degrees"

    return made


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    import openai

    async with (
        openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as client,
        agent(client).run_stream_events("Hi") as events,
    ):
        yield events


def _told(event: Any) -> str:
    if event.event_kind == "agent_run_result":
        return f"<{event.result.response.usage.output_tokens} tokens>"
    called = event.event_kind == "part_start" and event.part.part_kind == "tool-call"
    return f"<{event.part.tool_name}>" if called else ""


CASES = [
    Case(
        name="pydantic_ai",
        distribution="pydantic-ai-slim",
        module="pydantic_ai",
        source="pydantic_ai",
        wire=Chat,
        stream=_stream,
        told=_told,
        turns=True,
        after_a_tool="\n\n",
        failure=("ModelAPIError",),
    ),
]
