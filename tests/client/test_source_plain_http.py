"""JSON of several makers over plain HTTP: server-sent events, or an object a line."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import httpx2
import pytest

from andes_client import pace, pace_blocking
from andes_client.sources import (
    StreamError,
    cohere,
    gemini,
    ndjson,
    ollama,
    sse,
    text,
    text_blocking,
)
from tests.client.scripted_server import (
    DEADLINE_S,
    DONE,
    QUICK,
    Gate,
    ScriptedServer,
    on_real_loops,
)
from tests.client.sdk.cases.cohere import Cohere
from tests.client.sdk.cases.gemini import Gemini
from tests.client.sdk.cases.ollama import Ollama
from tests.client.sdk.moves import Calls, Ends, Fails, Move, Says, Thinks, Wire, played

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Async generator '{name}:ResourceWarning")
    for name in ("httpx2", "httpx", "httpcore2", "httpcore")
]

# How each is read by its own source, and by the one that finds out.
WIRES: list[tuple[Callable[[], Wire], Callable[..., Any]]] = [
    (Gemini, lambda body, **options: sse.text(body, gemini.split, **options)),
    (Cohere, lambda body, **options: sse.text(body, cohere.split, **options)),
    (Ollama, ollama.text),
    (Gemini, text),
    (Cohere, text),
    (Ollama, text),
]
MODULES: list[Any] = [httpx, httpx2]
each_wire = pytest.mark.parametrize(
    ("wire", "read"), WIRES, ids=["gemini", "cohere", "ollama", "gemini?", "cohere?", "ollama?"]
)


@asynccontextmanager
async def asked(server: ScriptedServer, module: Any = httpx2) -> AsyncIterator[Any]:
    async with (
        module.AsyncClient(trust_env=False) as client,
        client.stream("POST", server.url, json={}) as response,
    ):
        yield response


def play(server: ScriptedServer, wire: Callable[[], Wire], *moves: Move) -> None:
    server.media_type = wire().media_type
    server.says_in_turn(*played(wire, moves))


async def said(texts: Any) -> str:
    async with pace(texts, QUICK) as paced:
        return "".join([word async for word in paced])


@pytest.mark.anyio
@on_real_loops
@each_wire
class TestEachWire:
    @pytest.mark.parametrize("module", MODULES, ids=["httpx", "httpx2"])
    async def test_text_and_thinking(
        self, server: ScriptedServer, wire: Any, read: Any, module: Any
    ) -> None:
        odd = "quick\u2028brown \u0085fox 漢字"
        play(server, wire, Thinks("Hm."), Says("The "), Says(odd), Ends("length"))
        thoughts: list[str] = []
        async with asked(server, module) as response:
            texts = read(response, thinks=thoughts.append)
            assert await said(texts) == f"The {odd}"
        assert thoughts == ["Hm."]
        assert texts.ending is not None
        assert texts.ending.reason == "length"

    async def test_a_tools_call(self, server: ScriptedServer, wire: Any, read: Any) -> None:
        play(server, wire, Calls("look"), Ends("tool"))
        async with asked(server) as response:
            texts = read(response)
            assert await said(texts) == ""
        assert (texts.ending.reason, texts.ending.said) == ("tool call", "look")

    async def test_an_error(self, server: ScriptedServer, wire: Any, read: Any) -> None:
        play(server, wire, Says("One"), Fails("overloaded"))
        async with asked(server) as response:
            texts = read(response)
            with pytest.raises(StreamError, match="overloaded"):
                await said(texts)
        assert texts.ending.reason == "failed"

    async def test_what_ends_early(self, server: ScriptedServer, wire: Any, read: Any) -> None:
        play(server, wire, Says("One"))
        async with asked(server) as response:
            with pytest.raises(StreamError, match="before the answer was whole"):
                await said(read(response))

    async def test_who_leaves(self, server: ScriptedServer, wire: Any, read: Any) -> None:
        play(server, wire, Says("One "), Says("two "), Says("three "), Gate())
        async with asked(server) as response:
            async with pace(read(response), QUICK) as paced:
                async for _ in paced:
                    break
            assert await server.client_left()


@pytest.mark.parametrize("module", MODULES, ids=["httpx", "httpx2"])
@pytest.mark.parametrize("wire", [Gemini, Cohere, Ollama])
class TestPlainClients:
    @contextmanager
    def asked(self, server: ScriptedServer, module: Any) -> Iterator[Any]:
        with (
            module.Client(trust_env=False) as client,
            client.stream("POST", server.url, json={}) as response,
        ):
            yield response

    def test_text_and_thinking(
        self, server: ScriptedServer, wire: Callable[[], Wire], module: Any
    ) -> None:
        odd = "quick\u2028brown \u0085fox 漢字"
        play(server, wire, Thinks("Hm."), Says("The "), Says(odd), Ends())
        thoughts: list[str] = []
        with self.asked(server, module) as response:
            texts = text_blocking(response, thinks=thoughts.append)
            with pace_blocking(texts, QUICK) as paced:
                assert "".join(paced) == f"The {odd}"
        assert thoughts == ["Hm."]
        assert texts.ending is not None
        assert texts.ending.reason == "complete"

    def test_who_leaves(
        self, server: ScriptedServer, wire: Callable[[], Wire], module: Any
    ) -> None:
        play(server, wire, Says("One "), Says("two "), Says("three "), Gate())
        with self.asked(server, module) as response:
            with pace_blocking(text_blocking(response), QUICK) as paced:
                next(paced)
            assert server.left.wait(DEADLINE_S)


def test_ollamas_own_reads_a_plain_response(server: ScriptedServer) -> None:
    play(server, Ollama, Says("One"), Fails("overloaded"))
    with (
        httpx2.Client(trust_env=False) as client,
        client.stream("POST", server.url, json={}) as response,
        pytest.raises(StreamError, match="overloaded"),
    ):
        "".join(ollama.text_blocking(response))


@pytest.mark.anyio
@on_real_loops
@pytest.mark.parametrize("script", [[], [DONE]], ids=["nothing", "[DONE] alone"])
async def test_a_body_without_events(server: ScriptedServer, script: list[bytes]) -> None:
    server.says(*script)
    async with asked(server) as response:
        texts = text(response)
        if script:
            assert await said(texts) == ""
        else:
            with pytest.raises(StreamError, match="before the answer was whole"):
                await said(texts)


OBJECTS = [{"n": 1}, {"text": "a\u2028b\u0085c"}, {"n": [1, "漢字"]}]
WRITTEN = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in OBJECTS).encode()


async def pieces(*body: bytes) -> AsyncIterator[bytes]:
    for piece in body:
        yield piece


async def objects(*body: bytes) -> list[Any]:
    return [one async for one in ndjson.events(pieces(*body))]


@pytest.mark.anyio
class TestLines:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    async def test_the_cuts_change_nothing(self, size: int) -> None:
        body = [WRITTEN[at : at + size] for at in range(0, len(WRITTEN), size)]
        assert await objects(*body) == OBJECTS

    async def test_ends_and_blanks(self) -> None:
        assert await objects(b'\r\n{"n": 1}\r\n\n{"n": 2}') == [{"n": 1}, {"n": 2}]

    async def test_half_an_object_at_the_end_is_left_out(self) -> None:
        assert await objects(b'{"n": 1}\n{"n": ') == [{"n": 1}]

    @pytest.mark.parametrize("line", [b"<html>\n", b"[1]\n", b"3\n", b"\xff\xfe\n"])
    async def test_what_is_no_object_is_quoted(self, line: bytes) -> None:
        with pytest.raises(StreamError, match="a line is not a JSON object: '"):
            await objects(line)

    async def test_a_line_without_end(self) -> None:
        with pytest.raises(StreamError, match="longer than"):
            await objects(*[b"x" * 2**20] * 17)


@pytest.mark.anyio
@on_real_loops
async def test_a_server_that_refuses_is_quoted(server: ScriptedServer) -> None:
    server.status, server.media_type = 404, "application/json"
    server.says(b'{"error": "model \\"x\\" not found"}')
    async with asked(server) as response:
        with pytest.raises(httpx2.HTTPStatusError, match='404 Not Found: model "x" not found'):
            await said(ollama.text(response))
