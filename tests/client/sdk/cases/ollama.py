"""The ollama SDK, against Ollama's own API: a JSON object a line."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.cases.openai import ASK
from tests.client.sdk.moves import Wire

__all__ = ["CASES", "Ollama"]


class Ollama(Wire):
    """`/api/chat`."""

    media_type = "application/x-ndjson"

    def says(self, text: str) -> bytes:
        return _line(message={"content": text})

    def thinks(self, text: str) -> bytes:
        return _line(message={"content": "", "thinking": text})

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        call = {"function": {"name": tool, "arguments": arguments}}
        return _line(message={"content": "", "tool_calls": [call]})

    def ends(self, reason: str) -> bytes:
        said = {"tool": "stop"}.get(reason, reason)
        counts = {"prompt_eval_count": 3, "eval_count": 5}
        return _line(message={"content": ""}, done=True, done_reason=said, **counts)

    def fails(self, said: str) -> bytes:
        return json.dumps({"error": said}).encode() + b"\n"


def _line(message: dict[str, Any], *, done: bool = False, **more: Any) -> bytes:
    """As Go writes it: U+2028 escaped, U+0085 not."""
    part = {
        "model": "scripted",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", **message},
        "done": done,
        **more,
    }
    written = json.dumps(part, ensure_ascii=False).replace("\u2028", "\\u2028")
    return written.encode() + b"\n"


def _told(part: Any) -> str:
    if part.done:
        return f"<{part.eval_count} tokens>"
    return "".join(f"<{call.function.name}>" for call in part.message.tool_calls or ())


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    import ollama

    async with ollama.AsyncClient(host=server.url) as client:
        yield await client.chat(**ASK, stream=True)


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    import ollama

    with ollama.Client(host=server.url) as client:
        yield client.chat(**ASK, stream=True)


CASES = [
    Case(
        name="ollama",
        distribution="ollama",
        module="ollama",
        source="ollama",
        wire=Ollama,
        stream=_stream,
        plain=_plain,
        told=_told,
        backends=("asyncio", "trio"),
        failure=("ResponseError",),
        # ollama 0.6.3 takes U+0085, which Ollama sends as it is, for the end of a line, and fails.
        odd_characters="quick\u2028brown fox ",
    ),
]
