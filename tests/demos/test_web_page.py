"""The web page's server over real HTTP, without a browser."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from andes_demos.bursty_server import running
from andes_demos.chat.key import Key
from andes_demos.web.answer import Answer
from andes_demos.web.app import Answers, make_app
from andes_demos.web.upstream import Upstream
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.demos.chat_room import answering, events, serving, then_nothing
from tests.demos.web_room import DEADLINE_S, HOSTILE, ends, paging, texts

NOWHERE = "http://127.0.0.1:9"
SECRET = "sk-very-secret-0123456789"
HALF = '{"choices": [{"delta": {"content": "One half"}}]}'


def test_both_sides_show_the_servers_text_exactly() -> None:
    with serving(HOSTILE) as served, paging(served.url) as page:
        told = page.hear()
        assert texts(told, "raw") == texts(told, "paced") == HOSTILE
        assert ends(told) == {"raw": None, "paced": None}
        assert len(served.asked) == 1, "one request feeds both sides"
        assert not page.answers.running


def test_the_question_and_the_expectation_go_to_the_server() -> None:
    with serving() as served, paging(served.url) as page:
        page.hear(question="Why?", wpm=300)
    (asked,) = served.asked
    assert asked["messages"] == [{"role": "user", "content": "Why?"}]
    assert asked["vllm_xargs"]["andes_tds"] == pytest.approx(300 / 60 * 4 / 3)


def test_a_page_that_leaves_closes_the_upstream() -> None:
    with serving("One two three four", then_nothing(2)) as served, paging(served.url) as page:
        with page.client.sse(page.ask()) as source:
            next(iter(source))
        assert served.closed.get(timeout=DEADLINE_S) == 2


def test_controls_reach_the_pacer() -> None:
    with (
        serving("word " * 50, then_nothing(40)) as served,
        paging(served.url, wpm=60.0) as page,
        page.client.sse(where := page.ask()) as source,
    ):
        told = iter(source)
        next(told)
        control = where.removesuffix("/events")
        assert page.statistics().speed == 1.0
        assert page.post(control, {"wpm": 120}).status_code == 204
        assert page.statistics().speed == pytest.approx(2.0)
        assert page.answer.expectation.wpm == pytest.approx(120.0)
        assert page.post(control, {"do": "pause"}).status_code == 204
        assert page.statistics().paused
        assert page.post(control, {"do": "resume"}).status_code == 204
        assert not page.statistics().paused
        assert page.post(control, {"do": "hide"}).status_code == 204
        assert page.statistics().hidden
        assert page.post(control, {"do": "show"}).status_code == 204
        assert not page.statistics().hidden
        assert page.post(control, {"do": "reveal"}).status_code == 204
        while page.statistics().buffered:
            next(told)


def test_an_answer_is_shown_once_and_controlled_while_it_lasts() -> None:
    with serving() as served, paging(served.url) as page:
        where = page.ask()
        control = where.removesuffix("/events")
        assert page.post(control, {"do": "pause"}).status_code == 409  # not begun
        assert page.post(control, {"wpm": 5000}).status_code == 204
        page.client.get(where)
        assert page.client.get(where).status_code == 404
        assert page.post(control, {"do": "pause"}).status_code == 404
        assert page.client.get("/answers/guessed/events").json() == {
            "error": "There is no such answer, or a page shows it already."
        }


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ([], 400, "must be a JSON object"),
        ({"wpm": 0}, 400, '"wpm" must be a number from 1 to 100000'),
        ({"wpm": "fast"}, 400, '"wpm" must be'),
        ({"wpm": True}, 400, '"wpm" must be'),
        ({"wpm": float("nan")}, 400, '"wpm" must be'),
        ({"wpm": 10**400}, 400, '"wpm" must be'),
        ({"question": 7}, 400, '"question" must be text'),
        ({"question": "\ud83d"}, 400, '"question" must be text'),
        ({"question": "x" * 70_000}, 413, "64 KiB or less"),
    ],
)
def test_bad_input_is_refused_in_words(body: Any, status: int, said: str) -> None:
    with paging(NOWHERE) as page:
        response = page.client.post(
            "/answers",
            content=json.dumps(body),
            headers={"origin": page.url, "content-type": "application/json"},
        )
        assert response.status_code == status
        assert said in response.json()["error"]


def test_bad_controls_are_refused_in_words() -> None:
    with paging(NOWHERE) as page:
        control = page.ask().removesuffix("/events")
        for body in ({}, {"do": "run"}, {"do": ["pause"]}, {"do": "__init__"}):
            response = page.post(control, body)
            assert response.status_code == 400
            assert (
                'must be one of pause, resume, reveal, hide, show, or give "wpm"'
                in response.json()["error"]
            )
        assert page.post(control, {"wpm": -1}).status_code == 400


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "http://[", ""],
)
def test_other_pages_are_refused(origin: str) -> None:
    with paging(NOWHERE) as page:
        assert page.post("/answers", {}, origin=origin).status_code == 403
        where = page.ask()
        refused = page.client.get(where, headers={"origin": origin})
        assert refused.status_code == 403
        assert "may not use this server" in refused.text
        assert page.answers.waiting, "it was not begun"


def test_a_post_needs_a_page_and_json() -> None:
    with paging(NOWHERE) as page:
        assert page.client.post("/answers", json={}).status_code == 403  # no Origin at all
        form = page.client.post("/answers", data={"wpm": "1"}, headers={"origin": page.url})
        assert form.status_code == 415
        text = page.client.post(
            "/answers", content="{}", headers={"origin": page.url, "content-type": "text/plain"}
        )
        assert text.status_code == 415
        assert not page.answers.waiting


def test_names_that_could_be_anybodys_are_refused() -> None:
    with paging(NOWHERE) as page:
        port = page.url.rpartition(":")[2]
        for host in (f"localhost:{port}", "127.0.0.1", "[::1]:80", "192.168.1.7:8080"):
            assert page.client.get("/", headers={"host": host}).status_code == 200
        for host in (
            "evil.example",
            f"localhost.evil.example:{port}",
            "",
            "localhost@evil",
            "[::1",
        ):
            refused = page.client.get("/", headers={"host": host})
            assert refused.status_code in (400, 403), host
    with running(make_app(Upstream(NOWHERE), names={"my.example"})) as url:
        assert httpx2.get(url, headers={"host": "my.example"}, trust_env=False).status_code == 200


def test_the_page_needs_nothing_from_elsewhere_and_is_protected() -> None:
    with paging(NOWHERE, wpm=321.0) as page:
        index = page.client.get("/")
        assert index.headers["content-security-policy"].startswith("default-src 'none'")
        assert index.headers["x-content-type-options"] == "nosniff"
        assert page.client.get("/settings").json() == {
            "wpm": 321.0,
            "place": f"{NOWHERE}/v1",
            "takes_questions": False,
        }
        for name in (
            "page.js",
            "side.js",
            "thinking.js",
            "chart.js",
            "page.css",
            "terminal.js",
            "terminal.css",
        ):
            file = page.client.get(f"/static/{name}")
            assert file.status_code == 200
            addresses = file.text.replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in addresses
            assert "https://" not in addresses
            assert "innerHTML" not in file.text
        assert "://" not in index.text
        assert page.client.get("/static/../app.py").status_code == 404


def test_reasoning_is_told_apart_from_the_answer() -> None:
    chunks = [
        '{"choices": [{"delta": {"reasoning_content": "Because."}}]}',
        '{"choices": [{"delta": {"content": "Yes"}, "finish_reason": "stop"}]}',
    ]
    with answering(lambda *_: events(*chunks)) as served, paging(served.url) as page:
        told = page.hear()
        assert [event["thought"] for event in told if "thought" in event] == ["Because."]
        assert texts(told, "raw") == texts(told, "paced") == "Yes"
        assert ends(told) == {"raw": None, "paced": None}


def test_an_answer_that_ends_before_its_end_is_told_on_both_sides() -> None:
    for reason in ("length", "content_filter", "tool_calls"):
        end = json.dumps({"choices": [{"delta": {}, "finish_reason": reason}]})
        with answering(lambda *_, end=end: events(HALF, end)) as served, paging(served.url) as page:
            told = page.hear()
            assert texts(told, "raw") == texts(told, "paced") == "One half"
            assert ends(told)["raw"] == ends(told)["paced"] is not None


def test_a_server_that_refuses_dies_or_is_not_there_is_told_on_both_sides() -> None:
    def refuse(*_: object) -> Response:
        return JSONResponse({"error": {"message": f"Bad key {SECRET}"}}, 401)

    with answering(refuse) as served, paging(served.url, key=Key(SECRET, "a test")) as page:
        told = page.hear()
        assert ends(told)["raw"] == ends(told)["paced"]
        assert "401 Unauthorized. Bad key [key]. The key was not accepted" in str(ends(told))
        assert SECRET not in str(told)
    with answering(lambda *_: events(HALF, dies=True)) as served, paging(served.url) as page:
        told = page.hear()
        assert texts(told, "raw") == texts(told, "paced") == "One half"
        assert ends(told)["paced"] == "The server broke off in the middle of the answer."
    with paging(NOWHERE) as page:
        assert "cannot be reached. Is the server running?" in str(ends(page.hear()))


def test_the_key_goes_to_the_server_only() -> None:
    sent: list[str] = []

    def respond(_: Any, request: Request) -> Response:
        sent.append(request.headers["authorization"])
        return events(HALF)

    with answering(respond) as served, paging(served.url, key=Key(SECRET, "a test")) as page:
        told = page.hear()
        shown = str(told) + page.client.get("/settings").text
    assert sent == [f"Bearer {SECRET}"]
    assert SECRET not in shown


def test_answers_whose_page_never_comes_are_forgotten() -> None:
    async def none(*_: object, **__: object) -> AsyncGenerator[str, None]:
        yield ""

    answers = Answers()
    names = [answers.add(Answer(none, 238.0)) for _ in range(40)]
    assert len(set(names)) == 40
    assert min(map(len, names)) >= 32
    assert list(answers.waiting) == names[8:]
    with pytest.raises(KeyError):
        answers.find(names[0])
