"""What the chat makes of servers, good and bad, over real HTTP."""

import json
import logging
import traceback
from typing import Any

import pytest
from andes_demos.bursty_server import running
from andes_demos.chat.key import Key
from andes_demos.chat.offline import GUIDE, offline
from andes_demos.chat.server import Server, ServerError, base_url
from rich.console import Console
from rich.traceback import Traceback
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from andes_client import reading, wire
from tests.demos.chat_room import AT_ONCE, answering, events, serving

pytestmark = pytest.mark.asyncio

SECRET = "sk-very-secret-0123456789"
ASKED = [{"role": "user", "content": "Why?"}]


def chunk(text: str, finish_reason: str | None = None) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}]})


async def heard(server: Server) -> str:
    try:
        return "".join([text async for text in server.answer("m", ASKED)])
    finally:
        await server.aclose()


async def complaint(response: Response, key: Key | None = None) -> str:
    with answering(lambda *_: response) as served:
        server = Server(served.url, key, reading)
        with pytest.raises(ServerError) as refused:
            await heard(server)
    return str(refused.value)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("https://a.example/v1/", "https://a.example/v1"),
        ("https://a.example/v1/chat/completions", "https://a.example/v1"),
        (" https://a.example/some/api ", "https://a.example/some/api"),
    ],
)
async def test_the_address_may_be_given_in_several_ways(given: str, url: str) -> None:
    assert base_url(given) == url


@pytest.mark.parametrize("given", ["", "localhost:8000", "ftp://a", "http://", "x"])
async def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="must be a URL such as http://localhost:8000/v1"):
        base_url(given)


@pytest.mark.parametrize("given", [f"http://u:{SECRET}@a", f"http://a/v1?key={SECRET}"])
async def test_a_key_in_the_address_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ValueError, match="put a key into ANDES_API_KEY") as refused:
        base_url(given)
    assert SECRET not in str(refused.value)


async def test_an_answer_comes_whole_and_the_expectation_goes_along() -> None:
    text = "All *right*\u2028 漢字 👩🏽‍🚀\r\n\0 data: [DONE]"
    with serving(text, AT_ONCE) as served:
        assert await heard(Server(served.url, None, lambda: reading(wpm=300))) == text
    (asked,) = served.asked
    assert asked["messages"] == ASKED
    assert wire.decode(asked[wire.FIELD]).tds == pytest.approx(300 / 60 * 4 / 3)


async def test_a_server_need_not_be_told() -> None:
    with serving() as served:
        await heard(Server(served.url))
    assert wire.FIELD not in served.asked[0]


async def test_the_key_is_sent_as_a_bearer() -> None:
    sent: list[str] = []

    def respond(_: Any, request: Any) -> Response:
        sent.append(request.headers["authorization"])
        return events(chunk("Yes.", "stop"))

    with answering(respond) as served:
        assert await heard(Server(served.url, Key(SECRET, "a test"))) == "Yes."
    assert sent == [f"Bearer {SECRET}"]


async def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    with answering(lambda *_: events(chunk("a\ud83db", "stop"))) as served:
        assert await heard(Server(served.url)) == "a\ufffdb"


async def test_refusals_say_what_to_do_and_never_the_key() -> None:
    said = JSONResponse({"error": {"message": f"Bad key: {SECRET}."}}, 401)
    assert await complaint(said, Key(SECRET, "a test")) == (
        "The server refused: 401 Unauthorized. Bad key: [key]. The key was not accepted."
    )
    assert "set ANDES_API_KEY" in await complaint(JSONResponse({}, 401))
    assert "Are the address http" in await complaint(PlainTextResponse("no", 404))
    assert "tell_server = false" in await complaint(JSONResponse({"error": "vllm_xargs?"}, 400))
    assert "try again later" in await complaint(PlainTextResponse("", 429))
    long = await complaint(PlainTextResponse("x" * 10_000, 500))
    assert len(long) < 400


async def test_a_server_that_dies_in_the_middle_is_said_to() -> None:
    middle = "The server broke off in the middle of the answer."
    assert await complaint(events(chunk("Half"), dies=True)) == middle
    assert await complaint(events(chunk("Half"))) == middle  # closed as if it were the end
    assert "limit on length" in await complaint(events(chunk("Half", "length")))


async def test_what_is_no_stream_of_chunks_is_said_to_be_none() -> None:
    assert "expected text/event-stream" in await complaint(PlainTextResponse("hello"))
    assert "not a JSON object" in await complaint(events("hello"))
    assert "overloaded" in await complaint(events('{"error": {"message": "overloaded"}}'))
    assert "cannot understand" in await complaint(events('{"choices": 7}'))


async def test_a_server_that_is_not_there() -> None:
    server = Server("http://127.0.0.1:9")
    for call in (heard(server), Server("http://127.0.0.1:9").models()):
        with pytest.raises(ServerError, match=r"127\.0\.0\.1:9/v1 cannot be reached"):
            await call


async def test_models_are_listed() -> None:
    with answering(lambda *_: Response()) as served:
        server = Server(served.url)
        assert await server.models() == ["first", "second"]
        await server.aclose()


async def test_no_traceback_log_or_chained_exception_shows_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    key = Key(SECRET, "a test")
    for response in (events("{}", dies=True), events("hello"), JSONResponse({}, 401)):
        with answering(lambda *_, r=response: r) as served:
            try:
                await heard(Server(served.url, key))
            except ServerError as error:
                console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, ASYNC230
                console.print(
                    Traceback.from_exception(
                        type(error), error, error.__traceback__, show_locals=True
                    )
                )
                console.file.close()
                shown = console.export_text() + "".join(traceback.format_exception(error))
                assert "ServerError" in shown
                assert SECRET not in shown
            else:
                pytest.fail("no error")
    assert SECRET not in caplog.text


async def test_the_built_in_server_answers_with_the_guide_and_then_a_story() -> None:
    with offline(AT_ONCE) as url:
        server = Server(url)
        first = "".join([text async for text in server.answer("m", ASKED)])
        then = "".join([text async for text in server.answer("m", ASKED * 2)])
        await server.aclose()
    assert first == GUIDE
    assert then.startswith("The Mole had been working")


async def test_a_server_elsewhere_is_asked_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        # A proxy is asked for whole addresses.
        await events(chunk(scope["path"], "stop"))(scope, receive, send)

    with running(proxy) as url, serving("Here.", AT_ONCE) as here:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        elsewhere = "http://somewhere.example/v1"
        assert await heard(Server(elsewhere)) == f"{elsewhere}/chat/completions"
        assert await heard(Server(here.url)) == "Here."
        monkeypatch.setenv("no_proxy", "somewhere.example")
        with pytest.raises(ServerError, match="cannot be reached"):
            await heard(Server(elsewhere))
