"""OpenAI's Agents SDK, over chat completions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat

__all__ = ["CASES", "run"]


def run(client: Any) -> Any:
    from agents import (
        Agent,
        ModelSettings,
        OpenAIChatCompletionsModel,
        RunConfig,
        Runner,
        function_tool,
    )

    @function_tool  # type: ignore[untyped-decorator]  # it is not installed here
    def look(at: int) -> str:
        """Looks."""
        return f"{at + 41} degrees"

    agent = Agent(
        name="agent",
        model=OpenAIChatCompletionsModel("scripted", client),
        model_settings=ModelSettings(include_usage=True),
        tools=[look],
    )
    return Runner.run_streamed(agent, "Hi", run_config=RunConfig(tracing_disabled=True))


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    import openai

    async with openai.AsyncOpenAI(
        base_url=server.url + "/v1", api_key="none", max_retries=0
    ) as client:
        yield run(client)


@asynccontextmanager
async def _events(server: ScriptedServer) -> AsyncIterator[Any]:
    async with _stream(server) as result:
        yield result.stream_events()


def _told(event: Any) -> str:
    if event.type != "raw_response_event":
        return ""
    if event.data.type == "response.completed":
        return f"<{event.data.response.usage.output_tokens} tokens>"
    called = event.data.type == "response.output_item.added"
    called = called and event.data.item.type == "function_call"
    return f"<{event.data.item.name}>" if called else ""


CASES = [
    Case(
        name=name,
        distribution="openai-agents",
        module="agents",
        source="openai_agents",
        wire=Chat,
        stream=stream,
        told=_told,
        turns=True,
        after_a_tool="\n\n",
        failure=("APIError",),
        early="complete",
    )
    for name, stream in {"openai_agents": _stream, "openai_agents: events": _events}.items()
]
