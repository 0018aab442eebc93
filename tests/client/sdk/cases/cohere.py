"""cohere, against version 2 of its chat API."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.client.scripted_server import DONE, ScriptedServer, sse
from tests.client.sdk.case import Case
from tests.client.sdk.cases.openai import ASK
from tests.client.sdk.moves import Wire

__all__ = ["CASES"]


class Cohere(Wire):
    """`/v2/chat`: blocks of content with a frame each, then calls, then the message's end."""

    def __init__(self) -> None:
        self._index = -1
        self._open = ""

    def begins(self) -> bytes:
        return _event("message-start", id="1", delta={"message": {"role": "assistant"}})

    def says(self, text: str) -> bytes:
        return self._content("text", text)

    def thinks(self, text: str) -> bytes:
        return self._content("thinking", text)

    def calls(self, tool: str, arguments: dict[str, Any]) -> bytes:
        opened = self._close()
        self._index += 1
        function = {"name": tool, "arguments": ""}
        call = {"id": "call-1", "type": "function", "function": function}
        more = {"function": {"arguments": json.dumps(arguments)}}
        return (
            opened
            + self._of("tool-call-start", {"tool_calls": call})
            + self._of("tool-call-delta", {"tool_calls": more})
            + _event("tool-call-end", index=self._index)
        )

    def ends(self, reason: str) -> bytes:
        said = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool": "TOOL_CALL"}[reason]
        usage = {"tokens": {"input_tokens": 3, "output_tokens": 5}}
        delta = {"finish_reason": said, "usage": usage}
        return self._close() + _event("message-end", delta=delta) + DONE

    def fails(self, said: str) -> bytes:
        return _event("message-end", delta={"finish_reason": "ERROR", "error": said})

    def _content(self, kind: str, text: str) -> bytes:
        opened = b""
        if self._open != kind:
            opened, self._open = self._close(), kind
            self._index += 1
            opened += self._of("content-start", {"content": {"type": kind, kind: ""}})
        return opened + self._of("content-delta", {"content": {kind: text}})

    def _of(self, kind: str, message: dict[str, Any]) -> bytes:
        return _event(kind, index=self._index, delta={"message": message})

    def _close(self) -> bytes:
        closed = _event("content-end", index=self._index) if self._open else b""
        self._open = ""
        return closed


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, event=kind)


def _told(event: Any) -> str:
    if event.type == "message-end":
        return f"<{event.delta.usage.tokens.output_tokens:.0f} tokens>"
    if event.type == "tool-call-start":
        return f"<{event.delta.message.tool_calls.function.name}>"
    return ""


@asynccontextmanager
async def _stream(server: ScriptedServer) -> AsyncIterator[Any]:
    import cohere

    async with cohere.AsyncClientV2(api_key="none", base_url=server.url) as client:
        yield client.chat_stream(**ASK)


@contextmanager
def _plain(server: ScriptedServer) -> Iterator[Any]:
    import cohere

    with cohere.ClientV2(api_key="none", base_url=server.url) as client:
        yield client.chat_stream(**ASK)


CASES = [
    Case(
        name="cohere",
        distribution="cohere",
        module="cohere",
        source="cohere",
        wire=Cohere,
        stream=_stream,
        plain=_plain,
        told=_told,
        backends=("asyncio", "trio"),
        after_a_tool="\n\n",
    ),
]
