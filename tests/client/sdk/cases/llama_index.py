"""LlamaIndex: a model, and an agent, over chat completions."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat

__all__ = ["CASES", "model"]


def model(server: ScriptedServer, **clients: Any) -> Any:
    from llama_index.llms.openai_like import OpenAILike

    return OpenAILike(
        model="scripted",
        api_base=server.url + "/v1",
        api_key="none",
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=0,
        context_window=9999,
        **clients,
    )


def ask() -> list[Any]:
    from llama_index.core.llms import ChatMessage

    return [ChatMessage("Hi")]


@asynccontextmanager
async def _chat(server: ScriptedServer) -> AsyncIterator[Any]:
    import openai

    async with openai.DefaultAsyncHttpxClient() as client:
        yield await model(server, async_http_client=client).astream_chat(ask())


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    import openai

    with openai.DefaultHttpxClient() as client:
        yield model(server, http_client=client).stream_chat(ask())


@asynccontextmanager
async def _agent(server: ScriptedServer) -> AsyncIterator[Any]:
    import openai
    from llama_index.core.agent.workflow import FunctionAgent

    async def look(at: int) -> str:
        """Looks."""
        return f"{at + 41} degrees"

    async with openai.DefaultAsyncHttpxClient() as client:
        agent: Any = FunctionAgent(tools=[look], llm=model(server, async_http_client=client))
        yield agent.run("Hi")


@asynccontextmanager
async def _events(server: ScriptedServer) -> AsyncIterator[Any]:
    async with _agent(server) as handler:
        yield handler.stream_events()


def _told(event: Any) -> str:
    raw = getattr(event, "raw", None)
    if raw is None or not hasattr(event, "delta"):
        return ""
    raw = raw if isinstance(raw, dict) else raw.model_dump()
    if usage := raw.get("usage"):
        return f"<{usage['completion_tokens']} tokens>"
    calls = [call for choice in raw["choices"] for call in choice["delta"]["tool_calls"] or ()]
    names = [call["function"]["name"] for call in calls]
    return "".join(f"<{name}>" for name in names if name)


CASES = [
    Case(
        name="llama_index",
        distribution="llama-index-core",
        module="llama_index.llms.openai_like",
        extra="sdks-openai2",
        source="llama_index",
        wire=Chat,
        stream=_chat,
        plain=_plain,
        told=_told,
        after_a_tool=None,
        failure=("APIError",),
    ),
    *(
        Case(
            name=name,
            distribution="llama-index-core",
            module="llama_index.llms.openai_like",
            extra="sdks-openai2",
            source="llama_index",
            wire=Chat,
            stream=stream,
            told=_told,
            turns=True,
            after_a_tool="\n\n",
            failure=("APIError", "StreamError"),
        )
        for name, stream in {"llama_index: agent": _agent, "llama_index: events": _events}.items()
    ),
]
