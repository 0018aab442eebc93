"""The anthropic SDK, against the Messages API."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import ScriptedServer, sse
from tests.client.sdk.case import Case
from tests.client.sdk.cases.openai import ASK
from tests.client.sdk.moves import Wire

__all__ = ["CASES", "Messages"]


class Messages(Wire):
    """A message of blocks; tools are the server's own, so that text follows their use."""

    def __init__(self) -> None:
        self._index = -1
        self._open = ""

    def begins(self) -> bytes:
        usage = {"input_tokens": 3, "output_tokens": 0}
        message = {"id": "1", "type": "message", "role": "assistant", "model": "scripted"}
        return _event("message_start", message={**message, "content": [], "usage": usage})

    def says(self, text: str) -> bytes:
        return self._block("text", text="") + self._delta("text_delta", text=text)

    def thinks(self, text: str) -> bytes:
        opened = self._block("thinking", thinking="", signature="")
        return opened + self._delta("thinking_delta", thinking=text)

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        opened = self._block("server_tool_use", id="call-1", name=tool, input={})
        written = json.dumps(arguments)
        return opened + self._delta("input_json_delta", partial_json=written) + self._close()

    def ends(self, reason: str) -> bytes:
        said = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use"}[reason]
        stops = _event("message_delta", delta={"stop_reason": said}, usage={"output_tokens": 5})
        return self._close() + stops + _event("message_stop")

    def fails(self, said: str) -> bytes:
        return _event("error", error={"type": "overloaded_error", "message": said})

    def _block(self, kind: str, **fields: Any) -> bytes:
        if self._open == kind:
            return b""
        closed = self._close()
        self._index, self._open = self._index + 1, kind
        return closed + _event(
            "content_block_start", index=self._index, content_block={"type": kind, **fields}
        )

    def _delta(self, kind: str, **fields: Any) -> bytes:
        return _event("content_block_delta", index=self._index, delta={"type": kind, **fields})

    def _close(self) -> bytes:
        closed = _event("content_block_stop", index=self._index) if self._open else b""
        self._open = ""
        return closed


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, event=kind)


def _told(event: Any) -> str:
    if event.type == "message_delta":
        return f"<{event.usage.output_tokens} tokens>"
    if event.type == "content_block_start" and event.content_block.type == "server_tool_use":
        return f"<{event.content_block.name}>"
    return ""


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    import anthropic

    async with anthropic.AsyncAnthropic(
        base_url=server.url, api_key="none", max_retries=0
    ) as client:
        yield await client.messages.create(**ASK, max_tokens=99, stream=True)


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    import anthropic

    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client.messages.create(**ASK, max_tokens=99, stream=True)


CASES = [
    Case(
        name="anthropic",
        distribution="anthropic",
        module="anthropic",
        source="anthropic",
        wire=Messages,
        stream=_stream,
        plain=_plain,
        told=_told,
        backends=("asyncio", "trio"),
        after_a_tool="\n\n",
        failure=("APIStatusError",),
    ),
]
