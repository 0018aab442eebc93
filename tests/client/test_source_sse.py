"""Server-sent events over plain HTTP: httpx2, httpx, and bodies of any other origin."""

import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from andes_client import pace, pace_blocking
from andes_client.sources import Ending, anthropic, openai, pace_events
from andes_client.sources.openai import split
from andes_client.sources.sse import Decoder, StreamError, events, text, text_blocking
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

    async def test_a_redirect_says_where_to(self, server: ScriptedServer, opened: Opened) -> None:
        server.status, server.headers = 308, {"location": "https://elsewhere.example/v1"}
        with pytest.raises(
            (httpx.HTTPStatusError, httpx2.HTTPStatusError),
            match=r"308 Permanent Redirect: it sends you to https://elsewhere.example/v1, and",
        ):
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                await anext(paced)

    async def test_a_refusal_has_the_servers_words_and_says_when_to_try_again(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(b'{"error": {"message": "Too many\\n tokens"}}')
        server.status, server.headers = 429, {"retry-after": "30"}
        with pytest.raises((httpx.HTTPStatusError, httpx2.HTTPStatusError)) as raised:
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                await anext(paced)
        assert str(raised.value) == (
            "the server answered 429 Too Many Requests: Too many tokens (Retry-After: 30)"
        )
        error: Any = raised.value
        assert error.response.status_code == 429
        assert "Too many" in error.response.text

    async def test_a_refusal_without_end_is_read_up_to_a_bound(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(b"Too many tokens. ", *[b"x" * 65536] * 4, Gate())
        server.status = 500
        with pytest.raises((httpx.HTTPStatusError, httpx2.HTTPStatusError)) as raised:
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                await anext(paced)
        assert str(raised.value).startswith("the server answered 500 Internal Server Error: Too")
        error: Any = raised.value
        assert len(error.response.content) == 64 * 1024
        assert await server.client_left()

    async def test_an_error_with_a_status_of_success_is_quoted(
        self, server: ScriptedServer, opened: Opened
    ) -> None:
        server.says(b'{"error": {"message": "no such model"}}')
        server.media_type = "application/json"
        with pytest.raises(StreamError, match=r"^no such model$"):
            async with opened(server) as body, pace(text(body), QUICK) as paced:
                await anext(paced)

    @pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/x-ndjson", ""])
    async def test_an_event_stream_under_another_name_is_one(
        self, server: ScriptedServer, opened: Opened, kind: str
    ) -> None:
        server.says(b"\r\n", chat(content="One "), chat(content="two"), DONE)
        server.media_type = kind
        async with opened(server) as body, pace(text(body), QUICK) as paced:
            assert "".join([word async for word in paced]) == "One two"

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
        body = pieces(chat(content="One"), chat(content=" two").decode(), DONE)
        assert await said(body) == "One two"

    @pytest.mark.parametrize(
        "end", [b"", b'data: {"choices"', b"data: [DO", b"data: \n\n", b": still here\n\n"]
    )
    async def test_a_body_that_just_stops_is_an_error_after_its_text(self, end: bytes) -> None:
        seen = []
        texts = text(pieces(chat(content="One"), end))
        with pytest.raises(StreamError, match="stopped before the answer was whole"):
            async for delta in texts:
                seen.append(delta)
        assert seen == ["One"]
        assert texts.ending == Ending("cut off")

    @pytest.mark.parametrize(
        "end",
        [
            b"data: [DONE] \n\n",
            b"data:[DONE]\r\n\r\n",
            b"data:  [DONE]\t\n\n",
            b"data: [DONE]\n",
            b"data: [DONE]",
            chat(finish_reason="stop").rstrip(),
        ],
    )
    async def test_every_mark_of_the_end_makes_the_answer_whole(self, end: bytes) -> None:
        texts = text(pieces(chat(content="One"), end))
        assert "".join([delta async for delta in texts]) == "One"
        assert texts.ending is not None
        assert texts.ending.reason == "complete"

    async def test_nothing_counts_after_done(self) -> None:
        assert await said(pieces(chat(content="One"), DONE, b"data: rubbish\n\n")) == "One"

    async def test_empty_events_keep_a_connection_alive(self) -> None:
        beats = [
            b"data:\n\n",
            b"event: ping\n\n",
            b"data: null\n\n",
            b"data:null \n\n",
            b"event: ping\ndata: still here\n\n",
            b"event: heartbeat\ndata: 7\n\n",
            b": ping - 2026-11-28\n\n",
        ]
        body = [piece for beat in beats for piece in (beat, chat(content="One "))]
        assert await said(pieces(*body, DONE)) == "One " * len(beats)
        received = events(pieces(*body, DONE))
        assert len([event async for event in received]) == len(beats)
        assert received.done

    async def test_the_responses_api(self) -> None:
        delta = {"type": "response.output_text.delta", "delta": "One"}
        assert await said(pieces(sse(delta), sse({"type": "response.completed"}))) == "One"

    async def test_another_form_of_json(self) -> None:
        delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "One"}}
        end = {"type": "message_stop"}
        assert await said(pieces(sse(delta), sse(end)), split=anthropic.split) == "One"
        with pytest.raises(StreamError, match="stopped before the answer was whole"):
            await said(pieces(sse(delta)), split=anthropic.split)

    async def test_its_events_are_whole_for_the_source_of_an_sdk(self) -> None:
        texts = openai.text(events(pieces(chat(content="One"), DONE)))
        assert "".join([delta async for delta in texts]) == "One"
        assert texts.ending == Ending("complete")

    async def test_a_form_of_ones_own_promises_no_end(self) -> None:
        texts = text(pieces(sse({"says": "One"})), lambda event: (event["says"], "nothing"))
        assert "".join([delta async for delta in texts]) == "One"
        assert texts.ending == Ending("unsaid")

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ("rubbish", "not a JSON object: 'rubbish'"),
            ("[1]", "not a JSON object"),
            ('{"error": "overloaded"}', "overloaded"),
            ('{"error": {"code": 5}}', "5"),
            ('{"type": "error", "error": {"message": "too much"}}', "too much"),
            ('{"type": "error", "message": "too much"}', "too much"),
            ('{"object": "error", "message": "too long", "code": 400}', "too long"),
            ('{"error": {"detail": [{"loc": ["x"], "msg": "bad"}, {"msg": "worse"}]}}', "bad; wor"),
            ("[" * 100_000, "not a JSON object"),
        ],
    )
    async def test_what_is_no_event_is_an_error(self, data: str, message: str) -> None:
        with pytest.raises(StreamError, match=message):
            await said(pieces(sse(data)))

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ("the engine is dead", "the engine is dead"),
            ('{"message": "the engine is dead"}', "the engine is dead"),
            ('{"detail": "the engine is dead"}', "the engine is dead"),
            ('"the engine is dead"', "the engine is dead"),
            ("null", "null"),
        ],
    )
    async def test_an_event_named_error_is_one_whatever_it_holds(
        self, data: str, message: str
    ) -> None:
        seen = []
        texts = text(pieces(chat(content="One"), sse(data, "error"), DONE))
        with pytest.raises(StreamError, match=message):
            async for delta in texts:
                seen.append(delta)
        assert seen == ["One"]
        assert texts.ending == Ending("failed", message)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ('{"error": {"message": "out of memory"}}', "^out of memory$"),
            ('\n {"error": "out of memory"}\n', "^out of memory$"),
            ('{"detail": "Not authenticated"}', "^Not authenticated$"),
            ("<html>Log in</html>", "no event stream: '<html>Log in"),
            ("{}", "no event stream"),
        ],
    )
    async def test_what_is_no_stream_is_quoted(self, body: str, message: str) -> None:
        for parts in ([body], list(body)):
            with pytest.raises(StreamError, match=message):
                await said(pieces(*parts))


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


def test_events_have_their_names() -> None:
    decoder = Decoder()
    ended = decoder.decode("event: error\ndata: a\n\ndata: b\n\nevent: c\n\ndata: d\n\n")
    assert [(data, data.event) for data in ended] == [
        ("a", "error"),
        ("b", "message"),
        ("d", "message"),
    ]


def test_the_end_may_take_the_place_of_the_blank_line() -> None:
    for end in ("", "\n", "\r", "\r\n"):
        decoder = Decoder()
        assert decoder.decode(f"event: x\ndata: a{end}") == []
        assert decoder.flush() == ["a"]
    assert Decoder().flush() == []


SECRET = "sk-very-secret-0123456789"
EVENTS = {"content-type": "text/event-stream"}
HTML = {"content-type": "text/html"}
QUOTING: list[tuple[int, dict[str, str], str]] = [
    (401, {}, json.dumps({"error": {"message": "x" * 290 + f" Bad key {SECRET}"}})),
    (401, {}, "x" * 290 + f" Bad key {SECRET}"),
    (302, {"location": f"http://127.0.0.1/login?key={SECRET}"}, ""),
    (429, {"retry-after": f"never, {SECRET}"}, "Too many"),
    (200, HTML, "<html>" + "x" * 60 + f" Bad key {SECRET}"),
    (200, HTML, "<html>" + "x" * 60 + f" Bad key {SECRET}" + "y" * 70_000),
    (200, {"content-type": f"text/x; {SECRET}"}, "This is no stream."),
    (200, EVENTS, "x" * 70 + f" Bad key {SECRET}"),
    (200, EVENTS, f'data: "Bad key {SECRET}"\n\n'),
    (200, EVENTS, "data: " + "x" * 190 + f" Bad key {SECRET}\n\n"),
    (200, EVENTS, "event: error\ndata: " + "x" * 290 + f" Bad key {SECRET}\n\n"),
    (200, EVENTS, f'data: {{"error": "Bad key {SECRET}"}}\n\n'),
    (200, EVENTS, f'data: {{"choices": [{{"error": "Bad key {SECRET}"}}]}}\n\n'),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "headers", "body"), QUOTING)
async def test_a_key_that_the_server_quotes_is_not_shown(
    status: int, headers: dict[str, str], body: str
) -> None:
    """Not even part of it, where only the beginning of what was said is quoted."""

    def quote(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers=headers, content=body, request=request)

    for key in ({"authorization": f"Bearer {SECRET}"}, {"x-api-key": SECRET}):
        async with (
            httpx2.AsyncClient(transport=httpx2.MockTransport(quote), headers=key) as client,
            client.stream("POST", "http://127.0.0.1/v1") as response,
        ):
            written = text(response)
            with pytest.raises((httpx2.HTTPStatusError, StreamError)) as raised:
                assert [delta async for delta in written]
        assert written.ending is not None
        for said in (str(raised.value), written.ending.said):
            assert said
            assert "sk-" not in said


@pytest.mark.anyio
@pytest.mark.parametrize("before", [0, 70, 290])
async def test_the_key_is_taken_out_of_whatever_the_server_says(before: int) -> None:
    """Before anything is cut: what is left of a key is not found any more."""
    secret = "sk-very-secret-0123456789"
    said = "x" * before + f" {secret} " + "y" * 400
    stream = {"content-type": "text/event-stream"}
    for response in (
        httpx2.Response(401, text=said),
        httpx2.Response(401, extensions={"reason_phrase": said.encode()}),
        httpx2.Response(429, headers={"retry-after": said}),
        httpx2.Response(307, headers={"location": f"http://b.example/{said}"}),
        httpx2.Response(200, headers=stream, text=f"data: {said}\n\n"),
        httpx2.Response(200, headers=stream, text=f"event: error\ndata: {said}\n\n"),
        httpx2.Response(200, headers=stream, text=said),
        httpx2.Response(200, headers={"content-type": "text/html"}, text=said),
        httpx2.Response(200, headers={"content-type": f"text/{said}"}, text="A page"),
        httpx2.Response(200, json={"error": said}),
    ):
        client = httpx2.AsyncClient(
            transport=httpx2.MockTransport(lambda _, response=response: response),
            headers={"authorization": f"Bearer {secret}"},
        )
        async with client, client.stream("POST", "http://127.0.0.1/v1") as streamed:
            with pytest.raises((httpx2.HTTPStatusError, StreamError)) as raised:
                assert [delta async for delta in text(streamed)]
        assert "sk-" not in str(raised.value), response
        assert "sk-" not in str(getattr(raised.value, "ending", ""))


@pytest.mark.anyio
@pytest.mark.parametrize("before", [65_536 - 30, 65_536 - 20, 65_536 - 1, 65_536])
@pytest.mark.parametrize("blank", [b" ", b"\n", b"x"])
async def test_no_part_of_the_key_is_left_where_a_long_body_is_cut(
    before: int, blank: bytes
) -> None:
    secret = "sk-very-secret-0123456789"
    body = b"No. " + blank * (before - 4) + secret.encode() + b" more" * 100
    response = httpx2.Response(401, content=body)
    client = httpx2.AsyncClient(
        transport=httpx2.MockTransport(lambda _: response),
        headers={"authorization": f"Bearer {secret}"},
    )
    async with client, client.stream("POST", "http://127.0.0.1/v1") as streamed:
        with pytest.raises(httpx2.HTTPStatusError, match=r"401 Unauthorized: No\.") as raised:
            assert [delta async for delta in text(streamed)]
    assert "sk-" not in str(raised.value)


class TestBlocking:
    """The plain clients of the same libraries, and requests."""

    @contextmanager
    def opened(self, kind: str, server: ScriptedServer) -> Iterator[Any]:
        url = server.url + "/v1"
        if kind == "requests":
            requests: Any = pytest.importorskip("requests")
            with requests.post(url, stream=True, timeout=DEADLINE_S) as response:
                yield response
            return
        library: Any = httpx if kind == "httpx" else httpx2
        with library.Client(trust_env=False, timeout=DEADLINE_S) as client:
            how = client.sse(url) if kind == "sse" else client.stream("POST", url)
            with how as body:
                yield body

    @pytest.mark.parametrize("kind", ["httpx2", "sse", "httpx", "requests"])
    def test_text_and_who_leaves(self, server: ScriptedServer, kind: str) -> None:
        words = ["The ", "quick\u2028brown ", "漢字\n"]
        server.says(*[chat(content=word) for word in words], chat(finish_reason="stop"), DONE)
        with self.opened(kind, server) as body:
            texts = text_blocking(body)
            with pace_blocking(texts, QUICK) as paced:
                assert "".join(paced) == "".join(words)
            assert texts.ending == Ending("complete", "stop")
        server.says(chat(content="One "), Gate())
        with self.opened(kind, server) as body, pace_blocking(text_blocking(body), QUICK) as paced:
            assert next(paced) == "One"
        assert server.left.wait(DEADLINE_S)

    @pytest.mark.parametrize("kind", ["httpx2", "httpx"])
    def test_a_refusal_has_the_servers_words(self, server: ScriptedServer, kind: str) -> None:
        server.status, server.media_type = 429, "application/json"
        server.headers = {"retry-after": "7"}
        server.says(b'{"error": {"message": "too many readers"}}')
        with (
            self.opened(kind, server) as body,
            pytest.raises(Exception, match=r"429 .*too many readers \(Retry-After: 7\)") as raised,
            pace_blocking(text_blocking(body), QUICK) as paced,
        ):
            next(paced)
        assert type(raised.value).__name__ == "HTTPStatusError"
        error: Any = raised.value
        assert error.response.json()["error"]["message"] == "too many readers"

    def test_a_refusal_of_requests_is_its_own_error(self, server: ScriptedServer) -> None:
        server.status = 500
        with (
            self.opened("requests", server) as body,
            pytest.raises(Exception, match="500 Server Error"),
            pace_blocking(text_blocking(body), QUICK) as paced,
        ):
            next(paced)

    def test_any_pieces(self) -> None:
        body = b"".join([chat(content="One "), chat(content="two"), DONE])
        pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
        with pace_blocking(text_blocking(pieces), QUICK) as paced:
            assert "".join(paced) == "One two"
        with (
            pytest.raises(StreamError, match="before the answer was whole"),
            pace_blocking(text_blocking(pieces[:-3]), QUICK) as paced,
        ):
            "".join(paced)
