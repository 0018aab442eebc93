"""What goes over the wire with the transport and without it, as a real server receives it."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anthropic
import anyio
import httpx
import httpx2
import openai
import pytest

from andes_client import Expectation, reading, wire
from andes_client.transport import (
    httpx2_transport,
    httpx2_transport_blocking,
    httpx_transport,
    httpx_transport_blocking,
)
from tests.client.scripted_server import DONE, Received, ScriptedServer, chat, on_real_loops

# On trio openai's SDK leaves generators behind after [DONE]; asyncio says nothing of them.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Async generator '{name}:ResourceWarning")
    for name in ("openai", "httpx2", "httpcore2")
]

READER = Expectation(ttft=1.5, tds=4.8)
HINTS = {"andes_ttft": 1.5, "andes_tds": 4.8}
STREAMED = {"model": "m", "stream": True, "prompt": "é🚀", "top_p": 0.30000000000000004}

Send = Callable[..., Any]


def send_httpx2(url: str, transport: bool, **request: Any) -> None:
    inner = httpx2_transport_blocking(READER) if transport else None
    with httpx2.Client(transport=inner) as client:
        client.request(**{"method": "POST", "url": url, **request})


def send_httpx(url: str, transport: bool, **request: Any) -> None:
    inner = httpx_transport_blocking(READER) if transport else None
    with httpx.Client(transport=inner) as client:
        client.request(**{"method": "POST", "url": url, **request})


def send_httpx2_async(url: str, transport: bool, **request: Any) -> None:
    async def main() -> None:
        inner = httpx2_transport(READER) if transport else None
        async with httpx2.AsyncClient(transport=inner) as client:
            await client.request(**{"method": "POST", "url": url, **request})

    anyio.run(main)


def send_httpx_async(url: str, transport: bool, **request: Any) -> None:
    async def main() -> None:
        inner = httpx_transport(READER) if transport else None
        async with httpx.AsyncClient(transport=inner) as client:
            await client.request(**{"method": "POST", "url": url, **request})

    anyio.run(main)


EVERY_CLIENT = [send_httpx2, send_httpx2_async, send_httpx, send_httpx_async]
every_client = pytest.mark.parametrize("send", EVERY_CLIENT, ids=lambda send: send.__name__)


def received(server: ScriptedServer) -> Received:
    """The last request."""
    server.says(DONE)
    return server.received[-1]


@every_client
class TestEveryClient:
    @pytest.mark.parametrize(
        "path", ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"]
    )
    def test_streams_of_text_carry_the_hints(
        self, server: ScriptedServer, send: Send, path: str
    ) -> None:
        send(server.url + path, True, json=STREAMED)
        request = received(server)
        assert request.json() == {**STREAMED, wire.FIELD: HINTS}
        assert list(request.json()) == [*STREAMED, wire.FIELD]
        assert request.header(b"content-length") == str(len(request.body)).encode()

    def test_all_else_about_the_request_is_as_it_was(
        self, server: ScriptedServer, send: Send
    ) -> None:
        url = server.url + "/v1/chat/completions?api-version=1&x=%2F"
        headers = [("x-a", "1"), ("X-A", "2"), ("authorization", "Bearer none")]
        send(url, False, json=STREAMED, headers=headers)
        send(url, True, json=STREAMED, headers=headers)
        plain, hinted = server.received
        assert (hinted.method, hinted.path) == (plain.method, plain.path)
        lengths = [b"content-length"]
        assert [h for h in hinted.headers if h[0] not in lengths] == [
            h for h in plain.headers if h[0] not in lengths
        ]
        assert len(hinted.headers) == len(plain.headers)

    @pytest.mark.parametrize(
        "request_",
        [
            {"json": {**STREAMED, "stream": False}},
            {"json": {"model": "m"}},
            {"json": {**STREAMED, "stream": "yes"}},
            {"json": [STREAMED]},
            {"content": b'{"stream": true, '},
            {"content": b"\xff\xfe\x00"},
            {"content": b""},
            {"json": {**STREAMED, wire.FIELD: "mine"}},
            {"method": "PUT", "json": STREAMED},
            {"method": "GET"},
        ],
        ids=str,
    )
    def test_other_requests_to_the_same_place_are_left_alone(
        self, server: ScriptedServer, send: Send, request_: dict[str, Any]
    ) -> None:
        for transport in (False, True):
            send(server.url + "/v1/chat/completions", transport, **request_)
        plain, passed = server.received
        assert passed == plain

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/embeddings",
            "/v1/responses/resp_1/cancel",
            "/v1/chat/completions/render",
            "/v1/messages/count_tokens",
            "/v1/audio/transcriptions",
            "/",
        ],
    )
    def test_other_places_are_left_alone(
        self, server: ScriptedServer, send: Send, path: str
    ) -> None:
        for transport in (False, True):
            send(server.url + path, transport, content=b'{ "stream" :true}')
        plain, passed = server.received
        assert passed == plain
        assert passed.body == b'{ "stream" :true}'

    def test_what_the_caller_says_stands(self, server: ScriptedServer, send: Send) -> None:
        own = {"andes_tds": "inf", "session_id": "s"}
        send(server.url + "/v1/completions", True, json={**STREAMED, wire.FIELD: own})
        assert received(server).json()[wire.FIELD] == {**HINTS, **own}

    def test_a_field_of_null_is_no_field(self, server: ScriptedServer, send: Send) -> None:
        send(server.url + "/v1/completions", True, json={**STREAMED, wire.FIELD: None})
        assert received(server).json()[wire.FIELD] == HINTS

    def test_half_a_character_survives(self, server: ScriptedServer, send: Send) -> None:
        """JSON may hold one half of a surrogate pair, and UTF-8 may not."""
        body = b'{"stream": true, "prompt": "\\ud83d"}'
        send(server.url + "/v1/completions", True, content=body)
        assert received(server).json()["prompt"] == "\ud83d"


def sent_in_pieces() -> Iterator[bytes]:
    yield b'{"stream"'
    yield b": true}"


async def sent_in_pieces_async() -> AsyncIterator[bytes]:
    for piece in sent_in_pieces():
        yield piece


@every_client
class TestABodyThatIsMadeWhileItIsSent:
    def content(self, send: Send) -> Any:
        return sent_in_pieces_async() if "async" in send.__name__ else sent_in_pieces()

    def test_is_read_if_it_may_be_for_a_stream(self, server: ScriptedServer, send: Send) -> None:
        send(server.url + "/v1/completions", True, content=self.content(send))
        request = received(server)
        assert request.json() == {"stream": True, wire.FIELD: HINTS}
        assert request.header(b"transfer-encoding") is None
        assert request.header(b"content-length") == str(len(request.body)).encode()

    def test_passes_as_it_is_if_not(self, server: ScriptedServer, send: Send) -> None:
        send(server.url + "/v1/files", True, content=self.content(send))
        request = received(server)
        assert request.body == b'{"stream": true}'
        assert request.header(b"transfer-encoding") == b"chunked"


@pytest.mark.anyio
@on_real_loops
class TestSdks:
    async def test_openai(self, server: ScriptedServer) -> None:
        server.says(chat(content="Hi"), DONE)
        transport = httpx2_transport(READER, user="tenant")
        async with openai.AsyncOpenAI(
            base_url=server.url + "/v1",
            api_key="none",
            http_client=openai.DefaultAsyncHttpxClient(transport=transport),
        ) as sdk:
            messages: Any = [{"role": "user", "content": "Hi"}]
            async with await sdk.chat.completions.create(
                model="m", messages=messages, stream=True
            ) as stream:
                assert [chunk.choices[0].delta.content async for chunk in stream] == ["Hi"]
        assert received(server).json()[wire.FIELD] == {**HINTS, "andes_user": "tenant"}

    async def test_anthropic(self, server: ScriptedServer) -> None:
        async with anthropic.AsyncAnthropic(
            base_url=server.url,
            api_key="none",
            http_client=anthropic.DefaultAsyncHttpxClient(transport=httpx2_transport(READER)),
        ) as sdk:
            messages: Any = [{"role": "user", "content": "Hi"}]
            async with await sdk.messages.create(
                model="m", max_tokens=5, messages=messages, stream=True
            ) as stream:
                assert [event async for event in stream] == []
        assert received(server).json()[wire.FIELD] == HINTS


class TestPerRequest:
    def test_each_request_can_have_its_own(self, server: ScriptedServer) -> None:
        def by_user(request: Any) -> Expectation | None:
            return {"slow": READER, "fast": Expectation.program()}.get(request.headers["x-user"])

        numbers = iter(range(10))
        transport = httpx2_transport_blocking(
            by_user,
            stream=lambda _: f"stream-{next(numbers)}",
            user=lambda request: str(request.headers["x-user"]),
        )
        with httpx2.Client(transport=transport) as client:
            for user in ("slow", "fast", "unknown"):
                url = server.url + "/v1/completions"
                client.post(url, json={"stream": True}, headers={"x-user": user})
        slow, fast, unknown = (request.json().get(wire.FIELD) for request in server.received)
        assert slow == {**HINTS, "andes_stream": "stream-0", "andes_user": "slow"}
        assert fast["andes_tds"] == "inf"
        assert fast["andes_stream"] == "stream-1"
        assert unknown is None

    def test_what_is_sent_is_what_the_server_reads(self, server: ScriptedServer) -> None:
        expectation = reading(wpm=300)
        transport = httpx2_transport_blocking(expectation, stream="a", user="b")
        with httpx2.Client(transport=transport) as client:
            client.post(server.url + "/v1/completions", json={"stream": True})
        hints = wire.decode(received(server).json()[wire.FIELD])
        assert hints == wire.Hints(expectation.ttft, expectation.tds, "a", "b")


class TestMistakes:
    def test_no_expectation(self) -> None:
        with pytest.raises(TypeError, match="needs an Expectation"):
            httpx2_transport(4.8)  # type: ignore[arg-type]

    def test_an_expectation_that_no_server_takes(self) -> None:
        with pytest.raises(wire.WireError, match="andes_tds"):
            httpx2_transport(Expectation(ttft=1.0, tds=1e9))

    def test_a_name_that_no_server_takes(self) -> None:
        with pytest.raises(wire.WireError, match="andes_user"):
            httpx_transport(READER, user="")

    def test_one_of_a_function(self, server: ScriptedServer) -> None:
        transport = httpx2_transport_blocking(lambda _: READER, user=lambda _: "")
        with httpx2.Client(transport=transport) as client, pytest.raises(wire.WireError):
            client.post(server.url + "/v1/completions", json={"stream": True})
        assert server.received == []


class Inner(httpx2.MockTransport):
    """A transport of the user's own, which counts how it is treated."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        super().__init__(self.answer)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.calls.append(json.loads(request.content)["model"])
        return httpx2.Response(200)

    def __enter__(self) -> "Inner":
        self.calls.append("entered")
        return self

    def close(self) -> None:
        self.calls.append("closed")

    async def __aenter__(self) -> "Inner":
        self.calls.append("entered")
        return self

    async def aclose(self) -> None:
        self.calls.append("closed")


class TestAnInnerTransport:
    def test_is_used_entered_and_closed(self) -> None:
        inner = Inner()
        with httpx2.Client(transport=httpx2_transport_blocking(READER, inner)) as client:
            client.post("http://127.0.0.1/v1/completions", json=STREAMED)
        assert inner.calls == ["entered", "m", "closed"]

    def test_is_closed_without_a_block(self) -> None:
        inner = Inner()
        httpx2.Client(transport=httpx2_transport_blocking(READER, inner)).close()
        assert inner.calls == ["closed"]

    @pytest.mark.anyio
    async def test_is_used_entered_and_closed_by_async_clients(self) -> None:
        inner = Inner()
        async with httpx2.AsyncClient(transport=httpx2_transport(READER, inner)) as client:
            await client.post("http://127.0.0.1/v1/completions", json=STREAMED)
        assert inner.calls == ["entered", "m", "closed"]
