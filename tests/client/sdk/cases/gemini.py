"""google-genai, against Gemini's REST API with `alt=sse`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer, sse
from tests.client.sdk.case import Case
from tests.client.sdk.moves import Wire

__all__ = ["CASES"]


class Gemini(Wire):
    """Chunks of `streamGenerateContent`: each has the usage so far, but for that of the answer."""

    def says(self, text: str) -> bytes:
        return _chunk([{"text": text}])

    def thinks(self, text: str) -> bytes:
        return _chunk([{"text": text, "thought": True}])

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        return _chunk([{"functionCall": {"name": tool, "args": arguments}}])

    def ends(self, reason: str) -> bytes:
        usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
        said = {"length": "MAX_TOKENS"}.get(reason, "STOP")
        return _chunk([{"text": ""}], finish=said, usageMetadata=usage)

    def fails(self, said: str) -> bytes:
        return sse({"error": {"code": 503, "message": said, "status": "UNAVAILABLE"}})


def _chunk(parts: list[dict[str, Any]], finish: str | None = None, **more: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return sse({"candidates": [candidate], "modelVersion": "scripted", "responseId": "1", **more})


def _told(chunk: Any) -> str:
    if chunk.usage_metadata is not None:
        return f"<{chunk.usage_metadata.candidates_token_count} tokens>"
    return "".join(f"<{call.name}>" for call in chunk.function_calls or ())


def _client(server: ScriptedServer) -> Any:
    from google import genai

    options = genai.types.HttpOptions(base_url=server.url)
    return genai.Client(api_key="none-at-all", vertexai=False, http_options=options)


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    client = _client(server)
    try:
        yield await client.aio.models.generate_content_stream(model="scripted", contents="Hi")
    finally:
        await client.aio.aclose()
        client.close()


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    client = _client(server)
    try:
        yield client.models.generate_content_stream(model="scripted", contents="Hi")
    finally:
        client.close()


CASES = [
    Case(
        name="google-genai",
        distribution="google-genai",
        module="google.genai",
        source="gemini",
        wire=Gemini,
        stream=_stream,
        plain=_plain,
        told=_told,
        after_a_tool="\n\n",
        failure=("APIError",),
    ),
]
