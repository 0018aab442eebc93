"""OpenAI's chat completions: of its own SDK, and of others' that give the same chunks."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer, sse
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Chat, Wire

__all__ = ["ASK", "CASES", "TOLD", "Responses", "told"]

ASK: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}
TOLD = {"stream_options": {"include_usage": True}}


def told(chunk: Any) -> str:
    """Of a chunk: the tool's name where it comes, and the tokens."""
    if usage := getattr(chunk, "usage", None):
        return f"<{usage.completion_tokens} tokens>"
    calls = [call for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    return "".join(f"<{call.function.name}>" for call in calls if call.function.name)


def _client(server: ScriptedServer) -> Any:
    import openai

    return openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def _plain_client(server: ScriptedServer) -> Any:
    import openai

    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


@asynccontextmanager
async def _openai(server: ScriptedServer) -> AsyncIterator[Any]:
    async with _client(server) as sdk:
        yield await sdk.chat.completions.create(**ASK, **TOLD, stream=True)


@contextmanager
def _plain_openai(server: ScriptedServer) -> Iterator[Any]:
    with _plain_client(server) as sdk:
        yield sdk.chat.completions.create(**ASK, **TOLD, stream=True)


class Responses(Wire):
    """The Responses API: a message for each text, with a call between them as an item."""

    def __init__(self) -> None:
        self._open = ""
        self._number = 0

    def begins(self) -> bytes:
        return self._event("response.created", response=_response("in_progress"))

    def says(self, text: str) -> bytes:
        return self._item("message") + self._delta(
            "output_text", text, content_index=0, logprobs=[]
        )

    def thinks(self, text: str) -> bytes:
        return self._item("reasoning") + self._delta("reasoning_text", text, content_index=0)

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        written = json.dumps(arguments)
        return self._item("function_call", tool) + self._delta("function_call_arguments", written)

    def ends(self, reason: str) -> bytes:
        usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}
        state = "incomplete" if reason == "length" else "completed"
        response = {**_response(state), "usage": usage}
        return self._event(f"response.{state}", response=response)

    def fails(self, said: str) -> bytes:
        return self._event("error", message=said, code="server_error", param=None)

    def _item(self, kind: str, name: str | None = None) -> bytes:
        if self._open == kind:
            return b""
        self._open = kind
        item = {"id": f"item-{self._number}", "type": kind, "status": "in_progress"}
        if kind == "message":
            item |= {"role": "assistant", "content": []}  # type: ignore[dict-item]
        elif kind == "function_call":
            item |= {"call_id": "call-1", "name": name or "", "arguments": ""}
        return self._event("response.output_item.added", output_index=0, item=item)

    def _delta(self, kind: str, text: str, **more: Any) -> bytes:
        return self._event(
            f"response.{kind}.delta", item_id="item", output_index=0, delta=text, **more
        )

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        return sse({"type": kind, "sequence_number": self._number, **fields}, event=kind)


def _response(status: str) -> dict[str, Any]:
    basics = {"id": "1", "object": "response", "created_at": 1, "model": "scripted"}
    return {**basics, "status": status, "output": [], "tools": [], "tool_choice": "auto"}


def _told_of_responses(event: Any) -> str:
    if event.type == "response.completed":
        return f"<{event.response.usage.output_tokens} tokens>"
    item = getattr(event, "item", None)
    return f"<{item.name}>" if item is not None and item.type == "function_call" else ""


@asynccontextmanager
async def _responses(server: ScriptedServer) -> AsyncIterator[Any]:
    async with _client(server) as sdk:
        yield await sdk.responses.create(model="scripted", input="Hi", stream=True)


@contextmanager
def _plain_responses(server: ScriptedServer) -> Iterator[Any]:
    with _plain_client(server) as sdk:
        yield sdk.responses.create(model="scripted", input="Hi", stream=True)


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
        name="openai: responses",
        distribution="openai",
        module="openai",
        source="openai",
        wire=Responses,
        stream=_responses,
        plain=_plain_responses,
        told=_told_of_responses,
        backends=("asyncio", "trio"),
        after_a_tool="\n\n",
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
