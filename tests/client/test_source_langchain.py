"""The real langchain-core, and a chat model of its own maker's over HTTP."""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import openai
import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    ToolMessage,
    ToolMessageChunk,
)
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from andes_client import Expectation, pace, pace_blocking
from andes_client.sources import pace_events
from andes_client.sources.langchain import split, text, text_blocking
from tests.client.scripted_server import (
    DEADLINE_S,
    DONE,
    QUICK,
    SLOW,
    USAGE,
    Gate,
    ScriptedServer,
    chat,
    tool_call,
)


def model(server: ScriptedServer, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model="scripted",
        base_url=server.url + "/v1",
        api_key=SecretStr("none"),
        max_retries=0,
        **options,
    )


@pytest.fixture
async def over_http(server: ScriptedServer) -> AsyncGenerator[ChatOpenAI, None]:
    """With an HTTP client of its own: the one it has by default outlives the event loop."""
    async with openai.DefaultAsyncHttpxClient() as client:
        yield model(server, http_async_client=client, stream_usage=True)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # it knows no other
class TestOverHttp:
    async def test_text(self, server: ScriptedServer, over_http: ChatOpenAI) -> None:
        words = ["The ", "quick\u2028brown ", "fox ", "👩🏽‍🚀 ", "漢字\n"]
        server.says(*[chat(content=word) for word in words], chat(finish_reason="stop"), DONE)
        async with pace(text(over_http.astream("Hi")), QUICK) as paced:
            assert "".join([word async for word in paced]) == "".join(words)

    async def test_other_events_keep_their_places(
        self, server: ScriptedServer, over_http: ChatOpenAI
    ) -> None:
        server.says(
            chat(role="assistant", content=""),
            chat(content="Let me look. "),
            chat(tool_calls=[tool_call("", "look")]),
            chat(tool_calls=[tool_call('{"at": 1}')]),
            chat(finish_reason="tool_calls"),
            chat(usage=USAGE),
            DONE,
        )
        items: list[str] = []
        whole: Any = None
        stream = over_http.astream("Hi")
        async with pace_events(stream, QUICK, split=split) as paced:
            async for item in paced:
                if isinstance(item, str):
                    items.append(item)
                    continue
                whole = item if whole is None else whole + item
                items += [f"<{call['name'] or call['args']}>" for call in item.tool_call_chunks]
        assert "".join(items) == 'Let me look. <look><{"at": 1}>'
        assert [call["args"] for call in whole.tool_calls] == [{"at": 1}]
        assert whole.response_metadata["finish_reason"] == "tool_calls"
        assert whole.usage_metadata["total_tokens"] == 8

    async def test_a_tool_call_is_not_held_back_by_text(
        self, server: ScriptedServer, over_http: ChatOpenAI
    ) -> None:
        calls = [tool_call("", "look")]
        server.says(chat(content="One two three"), chat(tool_calls=calls), Gate())
        seen = ""
        with anyio.fail_after(DEADLINE_S):
            async with pace_events(over_http.astream("Hi"), SLOW, split=split) as paced:
                async for item in paced:
                    if not isinstance(item, str):
                        break
                    seen += item
        assert seen == "One two three"
        assert await server.client_left()

    async def test_leaving_early_closes_the_connection(
        self, server: ScriptedServer, over_http: ChatOpenAI
    ) -> None:
        server.says(chat(content="One two "), Gate())
        async with pace(text(over_http.astream("Hi")), QUICK) as paced:
            async for _ in paced:
                break
        assert await server.client_left()


def test_plain_text(server: ScriptedServer) -> None:
    server.says(chat(content="One "), chat(content="two"), chat(finish_reason="stop"), DONE)
    with pace_blocking(text_blocking(model(server).stream("Hi")), QUICK) as paced:
        assert "".join(paced) == "One two"


BLOCKS: list[tuple[AIMessageChunk, str, str]] = [
    (AIMessageChunk(content="One"), "One", "nothing"),
    (AIMessageChunk(content=""), "", "in turn"),
    (AIMessageChunk(content=["One", {"type": "text", "text": " two"}]), "One two", "nothing"),
    (AIMessageChunk(content=[]), "", "in turn"),
    (AIMessageChunk(content=[{"type": "text", "text": ""}]), "", "in turn"),
    (AIMessageChunk(content=[{"type": "text", "text": "One", "index": 0}]), "One", "nothing"),
    (AIMessageChunk(content=[{"type": "reasoning", "reasoning": "Hm."}]), "", "at once"),
    (AIMessageChunk(content=[{"type": "thinking", "thinking": "Hm."}]), "", "at once"),
    (AIMessageChunk(content=[{"type": "image", "url": "x"}, "One"]), "One", "at once"),
    (AIMessageChunk(content="", additional_kwargs={"reasoning_content": "Hm."}), "", "at once"),
    (
        AIMessageChunk(content="One", response_metadata={"finish_reason": "stop"}),
        "One",
        "in turn",
    ),
    (
        AIMessageChunk(
            content="", tool_call_chunks=[{"name": "look", "args": "", "id": "1", "index": 0}]
        ),
        "",
        "at once",
    ),
]


OTHERS: list[BaseMessage] = [
    ToolMessage(content="42 degrees", tool_call_id="1"),
    ToolMessageChunk(content="42 degrees", tool_call_id="1"),
    ToolMessage(content=[{"type": "text", "text": "42 degrees"}], tool_call_id="1"),
    FunctionMessage(content="42 degrees", name="look"),
    HumanMessage(content="How warm?"),
    HumanMessageChunk(content="How warm?"),
    SystemMessage(content="Be brief."),
    ChatMessage(content="How warm?", role="user"),
    ChatMessageChunk(content="Be brief.", role="system"),
]


@pytest.mark.parametrize("message", OTHERS, ids=lambda message: type(message).__name__)
def test_messages_of_others_are_not_read_aloud(message: BaseMessage) -> None:
    assert split(message) == ("", "at once")
    said = [AIMessageChunk(content="One "), message, AIMessage(content="two")]
    assert "".join(text_blocking(said)) == "One two"


def test_a_whole_message_that_asks_for_a_tool_is_passed_on() -> None:
    calls: list[Any] = [{"name": "look", "args": {}, "id": "1"}]
    assert split(AIMessage(content="One", tool_calls=calls)) == ("One", "at once")


@pytest.mark.parametrize(
    "message",
    [
        AIMessage(content="One"),
        ChatMessage(content="One", role="assistant"),
        ChatMessageChunk(content="One", role="assistant"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_message_of_the_model_is_text(message: BaseMessage) -> None:
    assert split(message) == ("One", "nothing")


@pytest.mark.parametrize(("chunk", "written", "rest"), BLOCKS)
def test_content_of_every_form(chunk: AIMessageChunk, written: str, rest: str) -> None:
    assert split(chunk) == (written, rest)


@pytest.mark.anyio
async def test_a_stream_of_blocks_paced() -> None:
    """On a virtual clock: thinking comes at once, text at the reader's pace."""

    async def chunks() -> AsyncGenerator[AIMessageChunk, None]:
        yield AIMessageChunk(content=[{"type": "thinking", "thinking": "Hm."}])
        yield AIMessageChunk(content=[{"type": "text", "text": "One two"}])
        yield AIMessageChunk(content=[{"type": "thinking", "thinking": "Or?"}])
        yield AIMessageChunk(content=[{"type": "text", "text": " three four"}])

    start = anyio.current_time()
    moments = []
    async with pace_events(chunks(), Expectation(1.0, 4 / 3), split=split) as paced:
        async for item in paced:
            kind = item if isinstance(item, str) else "<thinking>"
            moments.append((round(anyio.current_time() - start), kind))
    assert moments == [
        (0, "<thinking>"),
        (0, "One two"),
        (0, "<thinking>"),
        (0, " three"),
        (1, " four"),
    ]
