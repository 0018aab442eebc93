"""The real vLLM server, read with the real SDKs through the pacer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import anyio.to_thread
import httpx2
import openai
import pytest

from andes_backend.lab.bench.server import Server
from andes_client import Expectation, pace, pace_blocking, wire
from andes_client.sources import anthropic as anthropic_source
from andes_client.sources import openai as openai_source
from andes_client.sources import pace_events, sse
from andes_client.transport import httpx2_transport, httpx2_transport_blocking

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

READER = Expectation(ttft=1.0, tds=200.0)
QUESTION: list[Any] = [{"role": "user", "content": "Tell me about the river."}]
TOKENS = 60
# The model's weights are random: the same seed is needed to hear the same answer twice.
SAMPLED: dict[str, Any] = {"temperature": 1.0, "extra_body": {"seed": 7, "ignore_eos": True}}


@pytest.fixture
def server(qoe_server: Server) -> Server:
    return qoe_server


@asynccontextmanager
async def openai_sdk(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    http = openai.DefaultAsyncHttpxClient(transport=httpx2_transport(READER, user="sdk"))
    async with openai.AsyncOpenAI(
        base_url=server.url + "/v1", api_key="none", max_retries=0, http_client=http
    ) as client:
        yield client


@asynccontextmanager
async def anthropic_sdk(server: Server) -> AsyncIterator[anthropic.AsyncAnthropic]:
    http = anthropic.DefaultAsyncHttpxClient(transport=httpx2_transport(READER, user="sdk"))
    async with anthropic.AsyncAnthropic(
        base_url=server.url, api_key="none", max_retries=0, http_client=http
    ) as client:
        yield client


async def paced(text: Any) -> str:
    async with pace(text, READER) as words:
        return "".join([word async for word in words])


def nothing_failed(server: Server) -> bool:
    log = server.log.read_text(errors="replace")
    return "andes: planning failed" not in log and "Traceback" not in log


async def test_chat_completions(server: Server) -> None:
    asked = {"model": server.model, "messages": QUESTION, "max_tokens": TOKENS, **SAMPLED}
    async with openai_sdk(server) as sdk:
        whole = await sdk.chat.completions.create(**asked)
        stream = await sdk.chat.completions.create(**asked, stream=True)
        assert await paced(openai_source.text(stream)) == whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens == TOKENS
    assert nothing_failed(server)


async def test_chat_completions_with_other_events(server: Server) -> None:
    """What vLLM sends beside text: the role, the end, and usage if it is asked for."""
    asked = {"model": server.model, "messages": QUESTION, "max_tokens": TOKENS, **SAMPLED}
    texts: list[str] = []
    events: list[Any] = []
    async with openai_sdk(server) as sdk:
        whole = await sdk.chat.completions.create(**asked)
        stream = await sdk.chat.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}
        )
        async with pace_events(stream, READER, split=openai_source.split) as items:
            async for item in items:
                (texts if isinstance(item, str) else events).append(item)
            assert items.text.statistics().qoe > 0
    assert "".join(texts) == whole.choices[0].message.content
    first, *_, ended, counted = events
    assert first.choices[0].delta.role == "assistant"
    assert ended.choices[0].finish_reason == "length"
    assert counted.usage.completion_tokens == TOKENS
    assert nothing_failed(server)


async def test_responses(server: Server) -> None:
    texts: list[str] = []
    events: list[Any] = []
    async with openai_sdk(server) as sdk:
        stream = await sdk.responses.create(
            model=server.model,
            input="Tell me about the river.",
            max_output_tokens=TOKENS,
            stream=True,
            **SAMPLED,
        )
        async with pace_events(stream, READER, split=openai_source.split) as items:
            async for item in items:
                (texts if isinstance(item, str) else events).append(item)
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    assert kinds[-1] in ("response.completed", "response.incomplete")
    assert "response.output_text.delta" not in kinds
    assert "".join(texts) == events[-1].response.output_text != ""
    assert nothing_failed(server)


async def test_messages(server: Server) -> None:
    # Here there is no seed; what is most likely is the same each time.
    greedy = {"temperature": 0.0}
    asked: dict[str, Any] = {
        "model": server.model,
        "messages": QUESTION,
        "max_tokens": TOKENS,
        "extra_body": greedy,
    }
    async with anthropic_sdk(server) as sdk:
        async with sdk.messages.stream(**asked) as stream:
            texts: list[str] = []
            events: list[Any] = []
            async with pace_events(stream, READER, split=anthropic_source.split) as items:
                async for item in items:
                    if isinstance(item, str):
                        texts.append(item)
                    else:
                        events.append(item)
            message = await stream.get_final_message()
        raw = await sdk.messages.create(**asked, stream=True)
        again = await paced(anthropic_source.text(raw))
    (block,) = message.content
    assert block.type == "text"
    assert "".join(texts) == again == block.text != ""
    assert message.stop_reason == "max_tokens"
    assert [event.type for event in events][-1] == "message_stop"
    assert nothing_failed(server)


async def test_plain_http(server: Server) -> None:
    body = {
        "model": server.model,
        "messages": QUESTION,
        "max_tokens": TOKENS,
        "seed": 7,
        "ignore_eos": True,
        "stream": True,
    }
    async with (
        httpx2.AsyncClient(transport=httpx2_transport(READER), timeout=60) as client,
        client.stream("POST", server.url + "/v1/chat/completions", json=body) as response,
    ):
        written = await paced(sse.text(response))
    async with openai_sdk(server) as sdk:
        whole = await sdk.chat.completions.create(
            model=server.model, messages=QUESTION, max_tokens=TOKENS, **SAMPLED
        )
    assert written == whole.choices[0].message.content


async def test_the_plain_client(server: Server) -> None:
    def ask() -> None:
        http = openai.DefaultHttpxClient(transport=httpx2_transport_blocking(READER))
        asked = {"model": server.model, "messages": QUESTION, "max_tokens": TOKENS, **SAMPLED}
        with openai.OpenAI(base_url=server.url + "/v1", api_key="none", http_client=http) as sdk:
            whole = sdk.chat.completions.create(**asked)
            stream = sdk.chat.completions.create(**asked, stream=True)
            with pace_blocking(openai_source.text_blocking(stream), READER) as words:
                assert "".join(words) == whole.choices[0].message.content

    await anyio.to_thread.run_sync(ask)


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("chat/completions", {"messages": QUESTION}),
        ("completions", {"prompt": "The river"}),
        ("responses", {"input": "The river"}),
        ("messages", {"messages": QUESTION, "max_tokens": 3}),
    ],
)
async def test_every_endpoint_knows_the_field(
    server: Server, path: str, question: dict[str, Any]
) -> None:
    """vLLM checks the types of the field's values wherever it reads it: so it does read it."""
    hints = {wire.FIELD: {wire.TDS: {"not": "a number"}}}
    async with httpx2.AsyncClient(timeout=60) as client:
        response = await client.post(
            f"{server.url}/v1/{path}", json={"model": server.model, **question, **hints}
        )
    assert response.status_code == 400
    assert wire.FIELD in response.text


async def test_a_reader_who_leaves_ends_the_request_on_the_server(server: Server) -> None:
    asked = {"model": server.model, "messages": QUESTION, "max_tokens": 3500, **SAMPLED}
    before = server.metrics()["vllm:generation_tokens_total"]
    async with openai_sdk(server) as sdk:
        stream = await sdk.chat.completions.create(**asked, stream=True)
        async with pace(openai_source.text(stream), READER) as words:
            await anext(words)
        # The next request is answered by a server that has been rid of the first.
        await sdk.chat.completions.create(**{**asked, "max_tokens": 5})
    assert server.metrics()["vllm:num_requests_running"] == 0
    assert server.metrics()["vllm:generation_tokens_total"] - before < 3500
