"""mistralai, against Mistral's chat completions."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import DONE, ScriptedServer, chat, sse, tool_call
from tests.client.sdk.case import Case
from tests.client.sdk.cases.openai import ASK, told
from tests.client.sdk.moves import Chat

__all__ = ["CASES"]


class Mistral(Chat):
    """Reasoning is a part of a list; the usage comes with the finish reason."""

    def thinks(self, text: str) -> bytes:
        return chat(content=[{"type": "thinking", "thinking": [{"type": "text", "text": text}]}])

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        return chat(tool_calls=[tool_call(json.dumps(arguments), tool)])

    def ends(self, reason: str) -> bytes:
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        said = {"tool": "tool_calls"}.get(reason, reason)
        return chat(finish_reason=said, usage=usage, content="") + DONE

    def fails(self, said: str) -> bytes:
        error = {"object": "error", "message": said, "type": "internal_error", "code": "3000"}
        return sse(error)


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    from mistralai.client import Mistral as Client

    async with Client(api_key="none", server_url=server.url) as client:
        yield await client.chat.stream_async(**ASK)


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    from mistralai.client import Mistral as Client

    with Client(api_key="none", server_url=server.url) as client:
        yield client.chat.stream(**ASK)


CASES = [
    Case(
        name="mistralai",
        distribution="mistralai",
        module="mistralai.client",
        source="mistral",
        wire=Mistral,
        stream=_stream,
        plain=_plain,
        told=lambda event: told(event.data),
        failure=("ResponseValidationError",),
        failure_says="validation failed",  # the server's words are in the error's `body`
    ),
]
