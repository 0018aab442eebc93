"""The real anthropic SDK, over HTTP, from a scripted server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import anyio
import pytest
from anthropic import Anthropic, AsyncAnthropic

from andes_client import pace, pace_blocking
from andes_client.sources import pace_events
from andes_client.sources.anthropic import split, text, text_blocking
from tests.client.scripted_server import (
    DEADLINE_S,
    QUICK,
    SLOW,
    BreakOff,
    Gate,
    ScriptedServer,
    on_real_loops,
    sse,
)

# On trio the SDK itself may leave generators behind; asyncio says nothing of them.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Async generator '{name}:ResourceWarning")
    for name in ("anthropic", "httpx2", "httpcore2")
]

ASK: dict[str, Any] = {
    "model": "scripted",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}


def event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    return [
        event("content_block_start", index=index, content_block=start),
        *[event("content_block_delta", index=index, delta=delta) for delta in deltas],
        event("content_block_stop", index=index),
    ]


def text_block(index: int, *texts: str) -> list[bytes]:
    deltas = [{"type": "text_delta", "text": text} for text in texts]
    return block(index, {"type": "text", "text": ""}, *deltas)


MESSAGE: dict[str, Any] = {
    "id": "msg-1",
    "type": "message",
    "role": "assistant",
    "model": "scripted",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 0},
}
START = [event("message_start", message=MESSAGE), event("ping")]
THINKING = block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "Hm."},
    {"type": "signature_delta", "signature": "s"},
)
CALLING = block(
    2,
    {"type": "tool_use", "id": "t-1", "name": "look", "input": {}},
    {"type": "input_json_delta", "partial_json": '{"at"'},
    {"type": "input_json_delta", "partial_json": ": 1}"},
)
END = [
    event(
        "message_delta",
        delta={"stop_reason": "tool_use", "stop_sequence": None},
        usage={"output_tokens": 5},
    ),
    event("message_stop"),
]
ANSWER = [*START, *THINKING, *text_block(1, "Let me\u2028 ", "look. "), *CALLING, *END]


@asynccontextmanager
async def client(server: ScriptedServer) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0) as opened:
        yield opened


async def passed(stream: Any) -> str:
    """Text as it is, other events by their kinds."""
    items = []
    async with pace_events(stream, QUICK, split=split) as paced:
        async for item in paced:
            items.append(item if isinstance(item, str) else f"<{item.type}>")
    return "".join(items)


@pytest.mark.anyio
@on_real_loops
class TestAsync:
    async def test_text(self, server: ScriptedServer) -> None:
        server.says(*ANSWER)
        async with client(server) as sdk:
            stream = await sdk.messages.create(**ASK, stream=True)
            async with pace(text(stream), QUICK) as paced:
                assert "".join([word async for word in paced]) == "Let me\u2028 look. "

    async def test_other_events_keep_their_places(self, server: ScriptedServer) -> None:
        server.says(*ANSWER)
        async with client(server) as sdk:
            stream = await sdk.messages.create(**ASK, stream=True)
            start, delta, stop = (f"<content_block_{what}>" for what in ("start", "delta", "stop"))
            assert await passed(stream) == "".join(
                [
                    "<message_start>",
                    *[start, delta, delta, stop],
                    *[start, "Let me\u2028 look. ", stop],
                    *[start, delta, delta, stop],
                    "<message_delta><message_stop>",
                ]
            )

    async def test_the_sdks_own_event_stream(self, server: ScriptedServer) -> None:
        """`messages.stream` says the same twice; text comes once, and its result is whole."""
        server.says(*ANSWER)
        async with client(server) as sdk, sdk.messages.stream(**ASK) as stream:
            items = await passed(stream)
            message = await stream.get_final_message()
        assert items.count("Let me\u2028 look. ") == 1
        assert "<text>" not in items
        assert items.count("<input_json>") == 2
        thinking, written, call = message.content
        assert thinking.type == "thinking"
        assert written.type == "text"
        assert written.text == "Let me\u2028 look. "
        assert call.type == "tool_use"
        assert call.input == {"at": 1}

    async def test_a_tool_call_is_not_held_back_by_text(self, server: ScriptedServer) -> None:
        """The reader would take hours over the text before it."""
        server.says(*START, *text_block(0, "One two three"), *CALLING[:1], Gate())
        async with client(server) as sdk, sdk.messages.stream(**ASK) as stream:
            items: list[Any] = []
            with anyio.fail_after(DEADLINE_S):
                async with pace_events(stream, SLOW, split=split) as paced:
                    async for item in paced:
                        items.append(item)
                        if (
                            not isinstance(item, str)
                            and item.type == "content_block_start"
                            and item.index == 2
                        ):
                            break
            assert "".join(item for item in items if isinstance(item, str)) == "One two three"
            assert await server.client_left()

    async def test_leaving_early_closes_the_connection(self, server: ScriptedServer) -> None:
        server.says(*START, *text_block(0, "One two ")[:2], Gate())
        async with client(server) as sdk:
            stream = await sdk.messages.create(**ASK, stream=True)
            async with pace(text(stream), QUICK) as paced:
                async for _ in paced:
                    break
            assert await server.client_left()

    async def test_cancellation_closes_the_connection(self, server: ScriptedServer) -> None:
        server.says(*START, *text_block(0, "One two ")[:2], Gate())
        async with client(server) as sdk, sdk.messages.stream(**ASK) as stream:
            with anyio.CancelScope() as scope:
                async with pace(text(stream), QUICK) as paced:
                    async for _ in paced:
                        scope.cancel()
            assert await server.client_left()

    async def test_an_error_in_the_stream_comes_after_the_text(
        self, server: ScriptedServer
    ) -> None:
        error = event("error", error={"type": "overloaded_error", "message": "too much"})
        server.says(*START, *text_block(0, "One two"), error)
        seen = []
        async with client(server) as sdk:
            stream = await sdk.messages.create(**ASK, stream=True)
            with pytest.raises(anthropic.APIStatusError, match="too much"):
                async with pace(text(stream), QUICK) as paced:
                    async for word in paced:
                        seen.append(word)
        assert "".join(seen) == "One two"

    async def test_a_connection_that_breaks_is_an_error(self, server: ScriptedServer) -> None:
        server.says(*START, *text_block(0, "One two"), BreakOff())
        seen = []
        async with client(server) as sdk:
            stream = await sdk.messages.create(**ASK, stream=True)
            with pytest.raises(Exception, match="peer closed connection"):
                async with pace(text(stream), QUICK) as paced:
                    async for word in paced:
                        seen.append(word)
        assert "".join(seen) == "One two"


class TestBlocking:
    def test_text(self, server: ScriptedServer) -> None:
        server.says(*ANSWER)
        with (
            Anthropic(base_url=server.url, api_key="none") as sdk,
            sdk.messages.stream(**ASK) as stream,
            pace_blocking(text_blocking(stream), QUICK) as paced,
        ):
            assert "".join(paced) == "Let me\u2028 look. "

    def test_leaving_early_closes_the_connection(self, server: ScriptedServer) -> None:
        server.says(*START, *text_block(0, "One two ")[:2], Gate())
        with Anthropic(base_url=server.url, api_key="none") as sdk:
            stream = sdk.messages.create(**ASK, stream=True)
            with pace_blocking(text_blocking(stream), QUICK) as paced:
                assert next(paced) == "One"
            assert server.left.wait(DEADLINE_S)


def test_a_manager_is_to_be_entered(server: ScriptedServer) -> None:
    sdk = AsyncAnthropic(base_url=server.url, api_key="none")
    manager = sdk.messages.stream(**ASK)
    with pytest.raises(TypeError, match="AsyncMessageStreamManager: enter it first"):
        text(manager)  # type: ignore[arg-type]
    manager._AsyncMessageStreamManager__api_request.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("content_block_start", {"content_block": {"type": "text", "text": "Hi"}}, "in turn"),
        ("content_block_start", {"content_block": {"type": "server_tool_use"}}, "at once"),
        ("content_block_delta", {"delta": {"type": "citations_delta"}}, "in turn"),
        ("content_block_delta", {"delta": {"type": "text_delta", "text": "Hi"}}, "nothing"),
        ("content_block_delta", {"delta": {"type": "news_to_us_delta"}}, "at once"),
        ("news_to_us", {}, "at once"),
    ],
)
def test_plain_json_is_taken_apart_too(kind: str, fields: dict[str, Any], expected: str) -> None:
    said = "Hi" if "Hi" in str(fields) else ""
    assert split({"type": kind, **fields}) == (said, expected)
