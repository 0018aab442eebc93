"""Server-sent events over plain HTTP: httpx2, httpx, and bodies of any other origin."""

import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from andes_client import pace
from andes_client.sources import anthropic, pace_events
from andes_client.sources.openai import split
from andes_client.sources.sse import Decoder, StreamError, events, text
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

# On trio the libraries leave generators behind when a body is not read to its end.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Async generator '{name}:ResourceWarning")
    for name in ("httpx", "httpcore", "httpcore2")
]

Opened = Callable[[ScriptedServer], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def httpx2_response(server: ScriptedServer) -> AsyncIterator[Any]:
    async with httpx2.AsyncClient() as client, client.stream("POST", server.url + "/v1") as body:
        yield body


@asynccontextmanager
async def httpx2_events(server: ScriptedServer) -> AsyncIterator[Any]:
    async with httpx2.AsyncClient() as client, client.sse(server.url + "/v1") as body:
        yield body


@asynccontextmanager
async def httpx_response(server: ScriptedServer) -> AsyncIterator[Any]:
    async with httpx.AsyncClient() as client, client.stream("POST", server.url + "/v1") as body:
        yield body


every_body = pytest.mark.parametrize("opened", [httpx2_response, httpx2_events, httpx_response])


@pytest.mark.anyio
@on_real_loops
@every_body
class TestHttp:
    async def test_text(self, server: ScriptedServer, opened: Opened) -> None:
        words = ["The ", "quick\u2028brown ", "\u0085fox ", "👩🏽‍🚀 ", "漢字\n"]
        server.says(chat(role="assistant", content=""), *[chat(content=w) for w in words], DONE)
        async with opened(server) as body, pace(text(body), QUICK) as paced:
            assert "".join([word async for word in paced]) == "".join(words)

    async def test_characters_that_come_in_halves(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        whole, gate = chat(content="漢字"), Gate()
        half = whole.index("漢".encode()) + 1
        server.says(chat(content="One "), whole[:half], gate, whole[half:], DONE)
        seen = []
        async with opened(server) as body, pace(text(body), QUICK) as paced:
            async for word in paced:
                seen.append(word)
                gate.open()
        assert "".join(seen) == "One 漢字"

    async def test_other_events_keep_their_places(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(
            b": a comment\n\n",
            chat(reasoning_content="Hm."),
            chat(content="Let me look."),
            chat(tool_calls=[tool_call("{}", "look")]),
            chat(finish_reason="tool_calls"),
            chat(usage=USAGE),
            DONE,
        )
        async with (
            opened(server) as body,
            pace_events(events(body), SLOW, split=split) as paced,
        ):
            items = [item async for item in paced]
        assert "".join(item for item in items[1:-3] if isinstance(item, str)) == "Let me look."
        thought, called, ended, counted = (item for item in items if not isinstance(item, str))
        assert thought["choices"][0]["delta"] == {"reasoning_content": "Hm."}
        assert called["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "look"
        assert ended["choices"][0]["finish_reason"] == "tool_calls"
        assert counted["usage"] == USAGE

    async def test_leaving_early_closes_the_connection(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(chat(content="One two "), Gate())
        async with opened(server) as body:
            async with pace(text(body), QUICK) as paced:
                async for _ in paced:
                    break
            assert await server.client_left()

    async def test_an_error_in_the_stream_comes_after_the_text(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(chat(content="One two"), sse({"error": {"message": "out of memory"}}), DONE)
        seen = []
        with pytest.raises(StreamError, match="out of memory"):
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                async for word in paced:
                    seen.append(word)
        assert "".join(seen) == "One two"

    async def test_a_connection_that_breaks_is_an_error(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(chat(content="One two"), BreakOff())
        seen = []
        with pytest.raises((httpx.RemoteProtocolError, httpx2.RemoteProtocolError)):
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                async for word in paced:
                    seen.append(word)
        assert "".join(seen) == "One two"

    async def test_an_http_error_is_not_an_empty_text(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(b'{"error": {"message": "no such model"}}')
        server.status, server.media_type = 404, "application/json"
        with pytest.raises((httpx.HTTPStatusError, httpx2.HTTPStatusError), match="404"):
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                await anext(paced)

    async def test_an_answer_that_is_no_stream_is_an_error(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(b'{"choices": []}')
        server.media_type = "application/json"
        with pytest.raises(StreamError, match=r"expected text/event-stream, .* application/json"):
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                await anext(paced)


async def pieces(*parts: bytes | str) -> AsyncGenerator[bytes | str, None]:
    for part in parts:
        yield part


async def said(body: AsyncIterable[Any], **options: Any) -> str:
    with anyio.fail_after(DEADLINE_S):
        return "".join([delta async for delta in text(body, **options)])


@pytest.mark.anyio
class TestAnyBody:
    async def test_bytes_or_text(self) -> None:
        assert await said(pieces(chat(content="One"), chat(content=" two").decode())) == "One two"

    async def test_a_body_may_end_without_a_word(self) -> None:
        assert await said(pieces(chat(content="One"), b'data: {"choices"')) == "One"

    async def test_nothing_counts_after_done(self) -> None:
        assert await said(pieces(chat(content="One"), DONE, b"data: rubbish\n\n")) == "One"

    async def test_empty_events_keep_a_connection_alive(self) -> None:
        assert await said(pieces(b"data:\n\n", chat(content="One"), b"event: ping\n\n")) == "One"

    async def test_the_responses_api(self) -> None:
        delta = {"type": "response.output_text.delta", "delta": "One"}
        assert await said(pieces(sse(delta), sse({"type": "response.completed"}))) == "One"

    async def test_another_form_of_json(self) -> None:
        delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "One"}}
        assert await said(pieces(sse(delta)), split=anthropic.split) == "One"

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ("rubbish", "not a JSON object: 'rubbish'"),
            ("[1]", "not a JSON object"),
            ('{"error": "overloaded"}', "overloaded"),
            ('{"error": {"code": 5}}', "5"),
            ('{"type": "error", "error": {"message": "too much"}}', "too much"),
            ('{"type": "error", "message": "too much"}', "too much"),
        ],
    )
    async def test_what_is_no_event_is_an_error(self, data: str, message: str) -> None:
        with pytest.raises(StreamError, match=message):
            await said(pieces(sse(data)))


def decoded(parts: list[bytes]) -> list[str]:
    decoder = Decoder()
    return [data for part in parts for data in decoder.decode(part)]


ASKED = httpx2.Request("POST", "http://127.0.0.1")


def as_httpx2_decodes(body: bytes) -> list[str]:
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    source = httpx2.EventSource(httpx2.Response(200, headers=headers, content=body, request=ASKED))
    return [event.data for event in source]


LINES = st.sampled_from(
    ["data: a", "data:b", "data:  c", "data", "data: \u2028\u0085é👩🏽‍🚀", ": no", "id: 1", "x", ""]
)


@example(lines=[("data: a", "\r"), ("", "\n"), ("", "\n")], cuts=[8, 9])
@given(
    lines=st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r", "\r\n"]))),
    cuts=st.lists(st.integers(0, 200)),
)
def test_wherever_the_body_is_cut_its_events_are_httpx2s(
    lines: list[tuple[str, str]], cuts: list[int]
) -> None:
    # By the end of the body a carriage return alone is a blank line to httpx2; not here.
    body = "".join(line + end for line, end in [*lines, (": end", "\n")]).encode()
    at = [0, *sorted(cuts), len(body)]
    parts = [body[start:stop] for start, stop in itertools.pairwise(at)]
    # httpx2 also gives events of no data (only an id, only a type), which are none by the
    # standard.
    assert [data for data in decoded(parts) if data] == [
        data for data in as_httpx2_decodes(body) if data
    ]


def test_a_byte_order_mark_at_the_beginning_is_no_text() -> None:
    assert decoded([b"\xef", b"\xbb\xbfdata: a\n\n"]) == ["a"]


def test_bytes_that_are_no_text_do_not_end_the_stream() -> None:
    assert decoded([b"data: a\xff\n\n"]) == ["a\ufffd"]


def test_a_long_line_in_small_pieces_takes_linear_time() -> None:
    body = b"data: " + b"x" * 300_000 + b"\n\n"
    assert decoded([body[i : i + 3] for i in range(0, len(body), 3)]) == ["x" * 300_000]


def test_json_of_a_whole_stream_is_what_was_sent() -> None:
    chunks = [chat(content="a\u2028b"), chat(usage=USAGE)]
    assert [json.loads(data).get("usage") for data in decoded(chunks)] == [None, USAGE]
