"""What the chat makes of servers, good and bad, over real HTTP."""

import asyncio
import json
import logging
import re
import traceback
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from andes_demos.bursty_server import running
from andes_demos.chat.key import Key
from andes_demos.chat.offline import GUIDE, offline
from andes_demos.chat.server import Server, ServerError, base_url
from rich.console import Console
from rich.traceback import Traceback
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
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


async def complaints(*responses: Response, key: Key | None = None) -> list[str]:
    """What the chat says of each; one server gives them, for to end a server takes its time."""
    said, left = [], iter(responses)
    with answering(lambda *_: next(left)) as served:
        for _ in responses:
            with pytest.raises(ServerError) as refused:
                await heard(Server(served.url, key, reading))
            said.append(str(refused.value))
    return said


async def complaint(response: Response, key: Key | None = None) -> str:
    (said,) = await complaints(response, key=key)
    return said


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
    unknown, nowhere, bad, long = await complaints(
        JSONResponse({}, 401),
        PlainTextResponse("no", 404),
        JSONResponse({"error": "vllm_xargs?"}, 400),
        PlainTextResponse("x" * 10_000, 500),
    )
    assert "set ANDES_API_KEY" in unknown
    assert "Are the address http" in nowhere
    assert "tell_server = false" in bad
    assert len(long) < 400


async def without_end(begin: str) -> AsyncGenerator[str, None]:
    yield begin
    while True:
        yield " " * 65536
        await asyncio.sleep(0)


@pytest.mark.parametrize("status", [400, 429, 500])
async def test_a_refusal_without_end_is_read_up_to_a_bound(status: int) -> None:
    said = await complaint(StreamingResponse(without_end("Not now."), status))
    assert f"{status} " in said
    assert ". Not now" in said


@pytest.mark.parametrize("before", [65_536 - 20, 65_536 - 1])
async def test_no_part_of_the_key_is_left_where_a_long_refusal_is_cut(before: int) -> None:
    said = PlainTextResponse("No. " + " " * (before - 4) + SECRET + "y" * 9, 401)
    assert await complaint(said, Key(SECRET, "a test")) == (
        "The server refused: 401 Unauthorized. No. The key was not accepted."
    )


@pytest.mark.parametrize("status", [200, 404])
async def test_a_list_of_models_without_end_is_read_up_to_a_bound(status: int) -> None:
    async def listed(_: Request) -> Response:
        return StreamingResponse(without_end('{"data": ['), status)

    with running(Starlette(routes=[Route("/v1/models", listed)])) as url:
        server = Server(url)
        with pytest.raises(ServerError, match=r"it is a file|404 Not Found"):
            await server.models()
        await server.aclose()


@pytest.mark.parametrize("before", [0, 290, 299])
async def test_the_key_is_taken_out_before_anything_is_cut(before: int) -> None:
    key = Key(SECRET, "a test")
    text = "x" * before + SECRET + "y" * 400
    tool = {"choices": [{"delta": {"tool_calls": [{"function": {"name": text}}]}}]}
    for said in await complaints(
        PlainTextResponse(text, 401),
        JSONResponse({"error": {"message": text}}, 500),
        JSONResponse({"error": text}, 200),
        events(json.dumps({"error": {"message": text}})),
        events(text),
        events(chunk("Half"), json.dumps({"error": text})),
        RedirectResponse(f"http://b.example/{text}/v1", 307),
        PlainTextResponse("", 429, headers={"retry-after": text}),
        PlainTextResponse("", 200, media_type=f"text/{text}"),
        events(json.dumps(tool), "[DONE]"),
        key=key,
    ):
        assert not any(SECRET[:length] in said for length in (8, len(SECRET)))


@pytest.mark.parametrize("cut", [1, 2, 5])
async def test_the_key_is_taken_out_of_the_answer_and_the_reasoning(cut: int) -> None:
    parts = [SECRET[i : i + cut] for i in range(0, len(SECRET), cut)]
    thought = [json.dumps({"choices": [{"delta": {"reasoning": part}}]}) for part in parts]
    sent = [*thought, *(chunk(part) for part in ["Your key: ", *parts, "."]), chunk("", "stop")]
    with answering(lambda *_: events(*sent)) as served:
        server, thoughts = Server(served.url, Key(SECRET, "a test")), list[str]()
        texts = [text async for text in server.answer("m", ASKED, thinks=thoughts.append)]
        await server.aclose()
    assert ("".join(thoughts), "".join(texts)) == ("[key]", "Your key: [key].")


@pytest.mark.parametrize(
    ("header", "when"),
    [
        ({}, "later"),
        ({"Retry-After": "20"}, "in 20 s"),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "after 21 Oct 07:28:00 UTC"),
        ({"Retry-After": "soon"}, "later"),
    ],
)
async def test_an_overloaded_server_says_when_to_try_again(
    header: dict[str, str], when: str
) -> None:
    said = await complaint(PlainTextResponse("Too much.", 429, headers=header))
    assert said == (
        f"The server refused: 429 Too Many Requests. Too much. It is overloaded; try again {when}."
    )
    busy = await complaint(PlainTextResponse("", 503, headers=header))
    assert busy.removeprefix("The server refused: 503 Service Unavailable.") in (
        "",
        f" Try again {when}.",
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("https://b.example/v1/chat/completions", "https://b.example/v1"),
        ("/api/v1/chat/completions", "http://HERE/api/v1"),
    ],
)
async def test_a_server_that_has_moved_says_where_to(
    status: int, location: str, there: str
) -> None:
    said = await complaint(Response(status_code=status, headers={"location": location}))
    said = re.sub(r"127\.0\.0\.1:\d+", "HERE", said)
    assert said.endswith(f"It is now at {there}: give that as --url.")


async def test_a_server_that_dies_in_the_middle_is_said_to() -> None:
    middle = "The server broke off in the middle of the answer."
    assert await complaint(events(chunk("Half"), dies=True)) == middle
    assert await complaint(events(chunk("Half"))) == middle  # closed as if it were the end
    assert "limit on length" in await complaint(events(chunk("Half", "length")))


@pytest.mark.parametrize("done", ["[DONE]", "[DONE] ", " [DONE]", "[DONE]\r"])
async def test_an_answer_is_whole_when_the_server_says_so(done: str) -> None:
    with answering(lambda *_: events(chunk("Yes."), done)) as served:
        assert await heard(Server(served.url)) == "Yes."
    with answering(lambda *_: events(chunk("Yes."), done, chunk("more"))) as served:
        assert await heard(Server(served.url)) == "Yes."


async def test_to_break_off_after_the_end_is_no_harm() -> None:
    with answering(lambda *_: events(chunk("Yes.", "stop"), dies=True)) as served:
        assert await heard(Server(served.url)) == "Yes."
    # The last event is not ended by a blank line.
    body = f"data: {chunk('Yes.', 'stop')}"
    with answering(lambda *_: Response(body, media_type="text/event-stream")) as served:
        assert await heard(Server(served.url)) == "Yes."


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/json",
        "application/x-ndjson",
        "application/octet-stream",
        "text/event-stream;charset=utf-8",
        "TEXT/EVENT-STREAM",
        None,
    ],
)
async def test_an_event_stream_is_one_whatever_it_calls_itself(kind: str | None) -> None:
    begins = ["", "\n\n", ": comment\n\n", "event: message\n", "\ufeff", "id: 1\nretry: 5\n"]
    bodies = [f"{begin}data: {chunk('Yes.', 'stop')}\n\ndata: [DONE]\n\n" for begin in begins]
    with answering(lambda *_: Response(bodies.pop(), media_type=kind)) as served:
        for _ in begins:
            assert await heard(Server(served.url)) == "Yes."


async def test_what_keeps_the_connection_alive_is_no_answer() -> None:
    alive = ["null", "{}", "[]", '""', "0", "", " "]
    with answering(lambda *_: events(*alive, chunk("Yes."), *alive, chunk("", "stop"))) as served:
        assert await heard(Server(served.url)) == "Yes."


async def test_a_server_that_does_not_stream_is_heard_too() -> None:
    message = {"role": "assistant", "content": "Yes.", "reasoning_content": "why"}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    with answering(lambda *_: JSONResponse(whole)) as served:
        assert await heard(Server(served.url)) == "Yes."


@pytest.mark.parametrize(
    "response",
    [
        lambda: JSONResponse({"error": {"message": "no room"}}),
        lambda: JSONResponse({"error": "no room"}),
        lambda: JSONResponse([{"error": {"message": "no room"}}]),
        lambda: JSONResponse({"detail": "no room"}, media_type="text/event-stream"),
        lambda: events('{"error": {"message": "no room"}}'),
        lambda: named("error", '{"message": "no room"}'),
        lambda: named("error", '{"detail": "no room"}'),
        lambda: events('{"object": "error", "message": "no room"}'),
    ],
)
async def test_an_error_with_status_200_is_told_in_the_servers_words(
    response: Callable[[], Response],
) -> None:
    assert await complaint(response()) == "The server reports an error: no room"


@pytest.mark.parametrize("data", ["no room", '"no room"', '["no room"]'])
async def test_an_error_that_is_no_object_is_told_too(data: str) -> None:
    assert "no room" in await complaint(named("error", data))


def named(event: str, data: str) -> Response:
    body = f"event: {event}\ndata: {data}\n\n"
    return Response(body, media_type="text/event-stream")


async def test_the_end_of_an_answer_is_told() -> None:
    assert "filter stopped" in await complaint(events(chunk("Half", "content_filter")))
    refusal = json.dumps({"choices": [{"delta": {"refusal": "No."}, "finish_reason": "stop"}]})
    assert "refused to answer" in await complaint(events(refusal))
    assert "gave no answer" in await complaint(events(chunk("<think>why</think>", "stop")))
    assert "asks for a tool" in await complaint(events(chunk("", "tool_calls")))


async def test_reasoning_is_no_part_of_the_answer() -> None:
    for sent in (
        [chunk("<thi"), chunk("nk>why</think>\n\nSo."), chunk("", "stop")],
        [json.dumps({"choices": [{"delta": {"reasoning": "why"}}]}), chunk("So.", "stop")],
    ):
        with answering(lambda *_, sent=sent: events(*sent)) as served:
            server, thoughts = Server(served.url), list[str]()
            texts = [text async for text in server.answer("m", ASKED, thinks=thoughts.append)]
            await server.aclose()
        assert ("".join(thoughts), "".join(texts)) == ("why", "So.")


async def test_what_was_said_before_a_block_ends_that_had_no_beginning_was_reasoning() -> None:
    sent = [chunk("First "), chunk("this.\n"), chunk("</think>\n\nSo"), chunk(".", "stop")]
    heard_: list[str] = []
    with answering(lambda *_: events(*sent)) as served:
        server = Server(served.url)
        answer = server.answer(
            "m",
            ASKED,
            thinks=lambda text: heard_.append(f"({text})"),
            rethinks=lambda: heard_.append("|"),
        )
        async for text in answer:
            heard_.append(text)
        await server.aclose()
    assert "".join(heard_) == "First this.\n|So."


async def test_what_is_no_stream_of_chunks_is_said_to_be_none() -> None:
    cases = {
        "expected text/event-stream": PlainTextResponse("hello"),
        "not a JSON object": events("hello"),
        "overloaded": events('{"error": {"message": "overloaded"}}'),
        "cannot understand": events('{"choices": 7}'),
        "text/html": Response("<html>Hello</html>", media_type="text/html"),
        "no JSON": PlainTextResponse("{hello"),
        "no completion": JSONResponse([]),
        "of no type": Response(""),
    }
    for words, said in zip(cases, await complaints(*cases.values()), strict=True):
        assert words in said


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


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('{"data": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}', ["a", "b"]),
        ('{"data": [{"id": 7}]}', ["7"]),
    ],
)
async def test_a_model_is_listed_once(body: str, names: list[str]) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, media_type="application/json")(scope, receive, send)

    with running(answer) as url:
        server = Server(url)
        assert await server.models() == names
        await server.aclose()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"data": []}', "serves no model"),
        ('{"models": []}', "does not list models as OpenAI does"),
        ('{"error": {"message": "no room"}}', "reports an error: no room"),
        ("<html>", "does not list models as OpenAI does"),
        ("null", "does not list models as OpenAI does"),
    ],
)
async def test_a_server_that_lists_no_models(body: str, why: str) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, media_type="application/json")(scope, receive, send)

    with running(answer) as url:
        server = Server(url)
        with pytest.raises(ServerError, match=why):
            await server.models()
        await server.aclose()


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://user:word@127.0.0.1:9", "is a SOCKS proxy"),
        ("socks5h://127.0.0.1:9", "is a SOCKS proxy"),
        ("user:word@nonsense", "is no URL such as"),
        ("http://", "is no URL such as"),
        ("http://user:word@host:port", "is no URL such as"),
        ("http://user:word@127.0.0.1:99999", "is no URL such as"),
        ("http://user:word@127.0.0.1:0", "is no URL such as"),
        ("ftp://user:word@127.0.0.1", "is no URL such as"),
    ],
)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
async def test_a_proxy_that_cannot_be_used_is_said_and_not_quoted(
    proxy: str, why: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ServerError, match=why) as refused:
        Server("https://a.example")
    assert "word" not in str(refused.value)
    assert "add a.example to no_proxy" in str(refused.value)
    await Server("https://localhost").aclose()  # reached without


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
        elsewhere = "http://0.0.0.0:9/v1"  # no name, which would be looked up
        assert await heard(Server(elsewhere)) == f"{elsewhere}/chat/completions"
        assert await heard(Server(here.url)) == "Here."
        monkeypatch.setenv("no_proxy", "0.0.0.0")
        with pytest.raises(ServerError, match="cannot be reached"):
            await heard(Server(elsewhere))
