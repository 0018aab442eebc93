"""The real openai SDK, over HTTP, from a scripted server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from andes_client import pace, pace_blocking
from andes_client.sources import pace_events
from andes_client.sources.openai import split, text, text_blocking
from tests.client.scripted_server import (
    DEADLINE_S,
    DONE,
    QUICK,
    SLOW,
    USAGE,
    BreakOff,
    Gate,
    ScriptedServer,
    chat,
    on_real_loops,
    sse,
    tool_call,
)

# On trio the SDK itself leaves generators behind after [DONE]; asyncio says nothing of them.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Async generator '{name}:ResourceWarning")
    for name in ("openai", "httpx2", "httpcore2")
]

ASK: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}


@asynccontextmanager
async def client(server: ScriptedServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as opened:
        yield opened


@contextmanager
def blocking_client(server: ScriptedServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as opened:
        yield opened


async def shown(stream: Any, **options: Any) -> tuple[str, list[Any]]:
    """All text and all other events of a stream."""
    texts: list[str] = []
    events: list[Any] = []
    async with pace_events(stream, QUICK, split=split, **options) as paced:
        async for item in paced:
            (texts if isinstance(item, str) else events).append(item)
    return "".join(texts), events


@pytest.mark.anyio
@on_real_loops
class TestChatCompletions:
    async def test_text(self, server: ScriptedServer) -> None:
        words = ["The ", "quick\u2028brown ", "\u0085fox ", "👩🏽‍🚀 ", "漢字\n"]
        server.says(chat(role="assistant", content=""), *[chat(content=w) for w in words], DONE)
        async with client(server) as sdk:
            stream = await sdk.chat.completions.create(**ASK, stream=True)
            async with pace(text(stream), QUICK) as paced:
                assert "".join([word async for word in paced]) == "".join(words)

    async def test_other_events_keep_their_places(self, server: ScriptedServer) -> None:
        server.says(
            chat(role="assistant", content=""),
            chat(reasoning="Hm."),
            chat(content="Let me look. "),
            chat(tool_calls=[tool_call("", "look")]),
            chat(tool_calls=[tool_call('{"at": 1}')]),
            chat(content="There"),
            chat(content=" it is.", finish_reason="stop"),
            chat(usage=USAGE),
            DONE,
        )
        async with client(server) as sdk:
            stream = await sdk.chat.completions.create(**ASK, stream=True)
            items: list[str] = []
            async with pace_events(stream, QUICK, split=split) as paced:
                async for item in paced:
                    if isinstance(item, str):
                        items.append(item)
                    elif item.usage is not None:
                        items.append(f"<{item.usage.completion_tokens} tokens>")
                    else:
                        (choice,) = item.choices
                        delta = choice.delta
                        call = delta.tool_calls and delta.tool_calls[0].function.arguments
                        thought = getattr(delta, "reasoning", None)
                        items.append(f"<{choice.finish_reason or thought or call or delta.role}>")
        assert "".join(items) == (
            '<assistant><Hm.>Let me look. <None><{"at": 1}>There it is.<stop><5 tokens>'
        )

    async def test_a_tool_call_is_not_held_back_by_text(self, server: ScriptedServer) -> None:
        """The reader would take hours over the text before it."""
        gate = Gate()
        server.says(chat(content="One two three"), chat(tool_calls=[tool_call("", "look")]), gate)
        async with client(server) as sdk:
            stream = await sdk.chat.completions.create(**ASK, stream=True)
            items: list[Any] = []
            with anyio.fail_after(DEADLINE_S):
                async with pace_events(stream, SLOW, split=split) as paced:
                    async for item in paced:
                        items.append(item)
                        if not isinstance(item, str):
                            break
        assert "".join(items[:-1]) == "One two three"
        assert items[-1].choices[0].delta.tool_calls[0].function.name == "look"
        assert await server.client_left()

    async def test_a_refusal_is_an_event(self, server: ScriptedServer) -> None:
        server.says(chat(refusal="I will not."), chat(finish_reason="stop"), DONE)
        async with client(server) as sdk:
            written, (refused, end) = await shown(
                await sdk.chat.completions.create(**ASK, stream=True)
            )
        assert written == ""
        assert refused.choices[0].delta.refusal == "I will not."
        assert end.choices[0].finish_reason == "stop"

    async def test_text_is_that_of_the_first_choice(self, server: ScriptedServer) -> None:
        other = {"index": 1, "delta": {"content": "another"}, "finish_reason": None}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
        server.says(chat(content="one"), sse({**chunk, "choices": [other]}), DONE)
        async with client(server) as sdk:
            written, (event,) = await shown(await sdk.chat.completions.create(**ASK, stream=True))
        assert written == "one"
        assert event.choices[0].delta.content == "another"

    async def test_usage_on_every_chunk_comes_through(self, server: ScriptedServer) -> None:
        server.says(*[chat(content=word, usage=USAGE) for word in ("One ", "two")], DONE)
        async with client(server) as sdk:
            written, events = await shown(await sdk.chat.completions.create(**ASK, stream=True))
        assert written == "One two"
        assert [event.usage.total_tokens for event in events] == [8, 8]

    async def test_the_sdks_own_event_stream(self, server: ScriptedServer) -> None:
        """`.stream()` says everything twice; text comes once, and its result is whole."""
        server.says(
            chat(role="assistant", content=""),
            chat(content="Let me "),
            chat(content="look."),
            chat(tool_calls=[tool_call("", "look")]),
            chat(tool_calls=[tool_call("{}")]),
            chat(finish_reason="tool_calls"),
            chat(usage=USAGE),
            DONE,
        )
        async with client(server) as sdk, sdk.chat.completions.stream(**ASK) as stream:
            written, events = await shown(stream)
            completion = await stream.get_final_completion()
        assert written == completion.choices[0].message.content == "Let me look."
        kinds = [event.type for event in events if event.type != "chunk"]
        assert kinds == [
            "tool_calls.function.arguments.delta",
            "content.done",
            "tool_calls.function.arguments.delta",
            "tool_calls.function.arguments.done",
        ]
        assert events[-1].chunk.usage.total_tokens == 8

    async def test_leaving_early_closes_the_connection(self, server: ScriptedServer) -> None:
        server.says(chat(content="One two "), Gate())
        async with client(server) as sdk:
            stream = await sdk.chat.completions.create(**ASK, stream=True)
            async with pace(text(stream), QUICK) as paced:
                async for _ in paced:
                    break
            assert await server.client_left()

    async def test_cancellation_closes_the_connection(self, server: ScriptedServer) -> None:
        server.says(chat(content="One two "), Gate())
        async with client(server) as sdk:
            with anyio.CancelScope() as scope:
                stream = await sdk.chat.completions.create(**ASK, stream=True)
                async with pace(text(stream), QUICK) as paced:
                    async for _ in paced:
                        scope.cancel()
            assert await server.client_left()

    async def test_an_error_in_the_stream_comes_after_the_text(
        self, server: ScriptedServer
    ) -> None:
        server.says(chat(content="One two"), sse({"error": {"message": "out of memory"}}), DONE)
        seen = []
        async with client(server) as sdk:
            stream = await sdk.chat.completions.create(**ASK, stream=True)
            with pytest.raises(openai.APIError, match="out of memory"):
                async with pace(text(stream), QUICK) as paced:
                    async for word in paced:
                        seen.append(word)
        assert "".join(seen) == "One two"

    async def test_a_connection_that_breaks_is_an_error(self, server: ScriptedServer) -> None:
        server.says(chat(content="One two"), BreakOff())
        seen = []
        async with client(server) as sdk:
            stream = await sdk.chat.completions.create(**ASK, stream=True)
            with pytest.raises(openai.APIConnectionError):
                async with pace_events(stream, QUICK, split=split) as paced:
                    async for item in paced:
                        seen.append(item)
        assert "".join(seen) == "One two"


@pytest.mark.anyio
@on_real_loops
class TestCompletions:
    async def test_text_and_its_end(self, server: ScriptedServer) -> None:
        def chunk(text: str, finish_reason: str | None = None) -> bytes:
            choice = {"index": 0, "text": text, "finish_reason": finish_reason, "logprobs": None}
            return sse({"id": "1", "object": "text_completion", "created": 1, "choices": [choice]})

        server.says(chunk("One"), chunk(" two", "length"), DONE)
        async with client(server) as sdk:
            stream = await sdk.completions.create(model="scripted", prompt="Hi", stream=True)
            written, (end,) = await shown(stream)
        assert written == "One two"
        assert end.choices[0].finish_reason == "length"


def responses(*events: dict[str, Any]) -> list[bytes]:
    """A stream of the Responses API; it numbers its events and has no [DONE]."""
    return [
        sse({"sequence_number": number, **event}, event["type"])
        for number, event in enumerate(events)
    ]


def response(status: str, *output: Any) -> dict[str, Any]:
    return {
        "id": "resp-1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "scripted",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


MESSAGE = {
    "id": "msg-1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "One two", "annotations": []}],
}
CALL = {"id": "fc-1", "type": "function_call", "call_id": "call-1", "name": "look"}
IN_MESSAGE = {"item_id": "msg-1", "output_index": 0, "content_index": 0}
IN_CALL = {"item_id": "fc-1", "output_index": 1}
ANSWER: list[dict[str, Any]] = [
    {"type": "response.created", "response": response("in_progress")},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**MESSAGE, "status": "in_progress", "content": []},
    },
    {
        "type": "response.content_part.added",
        **IN_MESSAGE,
        "part": {"type": "output_text", "text": "", "annotations": []},
    },
    {"type": "response.output_text.delta", **IN_MESSAGE, "delta": "One", "logprobs": []},
    {"type": "response.output_text.delta", **IN_MESSAGE, "delta": " two", "logprobs": []},
    {"type": "response.output_text.done", **IN_MESSAGE, "text": "One two", "logprobs": []},
    {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
]
CALLING: list[dict[str, Any]] = [
    {"type": "response.output_item.added", "output_index": 1, "item": {**CALL, "arguments": ""}},
    {"type": "response.function_call_arguments.delta", **IN_CALL, "delta": "{}"},
    {"type": "response.function_call_arguments.done", **IN_CALL, "arguments": "{}"},
    {"type": "response.output_item.done", "output_index": 1, "item": {**CALL, "arguments": "{}"}},
]
COMPLETED: dict[str, Any] = {
    "type": "response.completed",
    "response": response("completed", MESSAGE, {**CALL, "arguments": "{}"}),
}


@pytest.mark.anyio
@on_real_loops
class TestResponses:
    async def test_text(self, server: ScriptedServer) -> None:
        server.says(*responses(*ANSWER, *CALLING, COMPLETED))
        async with client(server) as sdk:
            stream = await sdk.responses.create(model="scripted", input="Hi", stream=True)
            async with pace(text(stream), QUICK) as paced:
                assert "".join([word async for word in paced]) == "One two"

    async def test_other_events_keep_their_places(self, server: ScriptedServer) -> None:
        server.says(*responses(*ANSWER, *CALLING, COMPLETED))
        async with client(server) as sdk:
            stream = await sdk.responses.create(model="scripted", input="Hi", stream=True)
            items: list[str] = []
            async with pace_events(stream, QUICK, split=split) as paced:
                async for item in paced:
                    items.append(item if isinstance(item, str) else f"<{item.type}>")
        kinds = [f"<{event['type']}>" for event in [*ANSWER, *CALLING, COMPLETED]]
        assert "".join(items) == "".join([*kinds[:3], "One two", *kinds[5:]])

    async def test_a_tool_call_is_not_held_back_by_text(self, server: ScriptedServer) -> None:
        server.says(*responses(*ANSWER, *CALLING), Gate())
        async with client(server) as sdk:
            stream = await sdk.responses.create(model="scripted", input="Hi", stream=True)
            with anyio.fail_after(DEADLINE_S):
                async with pace_events(stream, SLOW, split=split) as paced:
                    async for item in paced:
                        if not isinstance(item, str) and item.type.startswith("response.function"):
                            break
            assert await server.client_left()

    async def test_the_sdks_own_event_stream(self, server: ScriptedServer) -> None:
        server.says(*responses(*ANSWER, *CALLING, COMPLETED))
        async with (
            client(server) as sdk,
            sdk.responses.stream(model="scripted", input="Hi") as stream,
        ):
            written, events = await shown(stream)
            final = await stream.get_final_response()
        assert written == final.output_text == "One two"
        assert events[-1].type == "response.completed"

    async def test_reasoning_and_refusals_are_events(self, server: ScriptedServer) -> None:
        other = [
            {"type": "response.reasoning_text.delta", **IN_MESSAGE, "delta": "Hm."},
            {"type": "response.reasoning_summary_text.delta", **IN_MESSAGE, "delta": "Hm."},
            {"type": "response.refusal.delta", **IN_MESSAGE, "delta": "No."},
        ]
        server.says(*responses(*other, COMPLETED))
        async with client(server) as sdk:
            stream = await sdk.responses.create(model="scripted", input="Hi", stream=True)
            written, events = await shown(stream)
        assert written == ""
        assert [event.delta for event in events[:-1]] == ["Hm.", "Hm.", "No."]


class TestBlocking:
    def test_text(self, server: ScriptedServer) -> None:
        server.says(chat(content="One "), chat(content="two"), chat(finish_reason="stop"), DONE)
        with blocking_client(server) as sdk:
            stream = sdk.chat.completions.create(**ASK, stream=True)
            with pace_blocking(text_blocking(stream), QUICK) as paced:
                assert "".join(paced) == "One two"

    def test_leaving_early_closes_the_connection(self, server: ScriptedServer) -> None:
        gate = Gate()
        server.says(chat(content="One two "), gate, *[chat(content="word ")] * 1000)
        with blocking_client(server) as sdk:
            stream = sdk.chat.completions.create(**ASK, stream=True)
            with pace_blocking(text_blocking(stream), QUICK) as paced:
                assert next(paced) == "One"
            assert server.left.wait(DEADLINE_S)


class TestMistakes:
    async def coroutine(self) -> None:
        """What is awaited for a stream."""

    def test_a_coroutine_is_to_be_awaited(self) -> None:
        waiting = self.coroutine()
        with pytest.raises(TypeError, match="coroutine: await it first"):
            text(waiting)  # type: ignore[arg-type]
        waiting.close()

    def test_a_manager_is_to_be_entered(self, server: ScriptedServer) -> None:
        with (
            blocking_client(server) as sdk,
            pytest.raises(TypeError, match="ResponseStreamManager: enter it first"),
        ):
            text_blocking(sdk.responses.stream(model="scripted", input="Hi"))  # type: ignore[arg-type]

    def test_the_plain_client_needs_the_plain_function(self, server: ScriptedServer) -> None:
        server.says(DONE)
        with (
            blocking_client(server) as sdk,
            sdk.chat.completions.create(**ASK, stream=True) as stream,
            pytest.raises(TypeError, match="Stream; for that there is text_blocking"),
        ):
            text(stream)
