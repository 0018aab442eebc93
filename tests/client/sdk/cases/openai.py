"""OpenAI's chat completions: of its own SDK, and of others' that give the same chunks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat

__all__ = ["ASK", "CASES", "told"]

ASK: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}
TOLD = {"stream_options": {"include_usage": True}}


def told(chunk: Any) -> str:
    """Of a chunk: the tool's name where it comes, and the tokens."""
    if usage := getattr(chunk, "usage", None):
        return f"<{usage.completion_tokens} tokens>"
    calls = [call for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    return "".join(f"<{call.function.name}>" for call in calls if call.function.name)


@asynccontextmanager
async def _openai(server: ScriptedServer) -> AsyncIterator[Any]:
    import openai

    async with openai.AsyncOpenAI(
        base_url=server.url + "/v1", api_key="none", max_retries=0
    ) as sdk:
        yield await sdk.chat.completions.create(**ASK, **TOLD, stream=True)


@contextmanager
def _plain_openai(server: ScriptedServer) -> Iterator[Any]:
    import openai

    with openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as sdk:
        yield sdk.chat.completions.create(**ASK, **TOLD, stream=True)


@asynccontextmanager
async def _groq(server: ScriptedServer) -> AsyncIterator[Any]:
    import groq

    async with groq.AsyncGroq(base_url=server.url, api_key="none", max_retries=0) as sdk:
        yield await sdk.chat.completions.create(**ASK, stream=True)


@contextmanager
def _plain_groq(server: ScriptedServer) -> Iterator[Any]:
    import groq

    with groq.Groq(base_url=server.url, api_key="none", max_retries=0) as sdk:
        yield sdk.chat.completions.create(**ASK, stream=True)


@asynccontextmanager
async def _together(server: ScriptedServer) -> AsyncIterator[Any]:
    import together

    async with together.AsyncTogether(base_url=server.url, api_key="none", max_retries=0) as sdk:
        yield await sdk.chat.completions.create(**ASK, stream=True)


@contextmanager
def _plain_together(server: ScriptedServer) -> Iterator[Any]:
    import together

    with together.Together(base_url=server.url, api_key="none", max_retries=0) as sdk:
        yield sdk.chat.completions.create(**ASK, stream=True)


@asynccontextmanager
async def _hugging_face(server: ScriptedServer) -> AsyncIterator[Any]:
    import huggingface_hub

    async with huggingface_hub.AsyncInferenceClient(server.url, token="none") as sdk:
        yield await sdk.chat_completion(ASK["messages"], **TOLD, stream=True)


@contextmanager
def _plain_hugging_face(server: ScriptedServer) -> Iterator[Any]:
    import huggingface_hub

    with huggingface_hub.InferenceClient(server.url, token="none") as sdk:
        yield sdk.chat_completion(ASK["messages"], **TOLD, stream=True)


CASES = [
    Case(
        name="openai",
        distribution="openai",
        module="openai",
        source="openai",
        wire=Chat,
        stream=_openai,
        plain=_plain_openai,
        told=told,
        backends=("asyncio", "trio"),
        failure=("APIError",),
    ),
    Case(
        name="groq",
        distribution="groq",
        module="groq",
        source="openai",
        wire=Chat,
        stream=_groq,
        plain=_plain_groq,
        told=told,
        backends=("asyncio", "trio"),
        failure=("APIError",),
    ),
    Case(
        name="together",
        distribution="together",
        module="together",
        source="openai",
        wire=Chat,
        stream=_together,
        plain=_plain_together,
        told=told,
        backends=("asyncio", "trio"),
        failure=("APIError",),
    ),
    Case(
        name="huggingface_hub",
        distribution="huggingface_hub",
        module="huggingface_hub",
        source="openai",
        wire=lambda: Chat("reasoning"),
        failure=("TextGenerationError",),
        # huggingface_hub 2.4 takes either for the end of a line, and fails.
        odd_characters="quick brown fox ",
        stream=_hugging_face,
        plain=_plain_hugging_face,
        told=told,
    ),
]
