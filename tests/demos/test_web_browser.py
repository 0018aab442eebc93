"""The web page in a real Chromium: what a person sees and does, and what the server makes of it."""

import json
import runpy
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from andes_demos.bursty_server import OVERLOADED, TEXT, hurried, running
from PIL import Image
from starlette.responses import JSONResponse, Response

from tests.demos.chat_process import ROOT
from tests.demos.chat_room import Served, answering, events, serving, then_nothing
from tests.demos.web_browser import DEADLINE_S, Browser, Keys
from tests.demos.web_room import HOSTILE, Page, paging

pytestmark = pytest.mark.slow  # a real browser

WORDS = "one two three four five six seven eight nine ten " * 6
HALF = '{"choices": [{"delta": {"content": "One half"}}]}'
WHOLE = '{"choices": [{"delta": {"content": "All of it."}, "finish_reason": "stop"}]}'


@contextmanager
def reading_slowly(browser: Browser) -> Iterator[tuple[Page, Served]]:
    """A page at 60 words a minute whose server is silent after 40 tokens."""
    with serving(WORDS, then_nothing(40)) as served, paging(served.url, wpm=60.0) as page:
        browser.open(page.url)
        browser.until(lambda: browser.text("paced"))
        yield page, served


def test_both_sides_show_the_servers_text_to_the_byte(browser: Browser, tmp_path: Path) -> None:
    with serving(HOSTILE) as served, paging(served.url) as page:
        browser.open(page.url)
        browser.until(lambda: browser.status() == "Done.")
        for side in ("raw", "paced"):
            assert browser.text(side).encode() == HOSTILE.encode()
            assert browser.run(f"return document.querySelectorAll('#{side} .text *').length") == 0
        assert browser.driver.title == "Andes: one answer, raw and paced"
        assert browser.complaints() == []
        browser.photograph(tmp_path / "hostile.png")
        assert len(served.asked) == 1


def test_a_person_sees_bursts_beside_an_even_flow(browser: Browser, tmp_path: Path) -> None:
    schedule = hurried(OVERLOADED, 10.0)
    with serving(TEXT, schedule) as served, paging(served.url, wpm=2400.0) as page:
        browser.open(page.url)
        browser.until(lambda: browser.status() == "Done.")
        figures = {
            side: float(browser.find(f"#{side} .silence").text.removesuffix(" s"))
            for side in ("raw", "paced")
        }
        assert figures["raw"] > figures["paced"]
        assert 0.0 < float(browser.find("#qoe").text) <= 1.0
        assert browser.find("#buffer").text == "0.0 s"
        assert browser.find("#raw .words").text == browser.find("#paced .words").text
        assert len(browser.run("return document.querySelectorAll('#chart path.raw')")) == 1
        for name, dark, width in (
            ("light", False, 1280),
            ("dark", True, 1280),
            ("phone", False, 390),
        ):
            browser.dark(dark)
            browser.size(width, 900)
            picture = Image.open(browser.photograph(tmp_path / f"{name}.png")).convert("RGB")
            ground = picture.getpixel((3, 3))
            assert isinstance(ground, tuple)
            assert (sum(ground) < 3 * 64) == dark
            assert len(picture.getcolors(2**20) or []) > 50
            assert browser.run("return document.documentElement.scrollWidth") <= width


def test_the_slider_changes_the_pace_at_the_server(browser: Browser) -> None:
    with reading_slowly(browser) as (page, _):
        assert page.statistics().speed == 1.0
        wpm = browser.slide(Keys.ARROW_RIGHT * 15)
        assert wpm == 90
        browser.until(lambda: page.statistics().speed == pytest.approx(1.5))
        assert page.answer.expectation.wpm == pytest.approx(90.0)
        assert browser.find("#wpm-shown").text == "90"
        fastest = browser.slide(Keys.END)
        browser.until(lambda: page.answer.expectation.wpm == pytest.approx(fastest))
        # And the page shows what is released: all that has come, which no end follows.
        browser.until(lambda: page.statistics().buffered == 0)
        browser.until(lambda: len(browser.text("paced")) >= len(browser.text("raw")) - 8)


def test_pausing_and_going_on(browser: Browser) -> None:
    with reading_slowly(browser) as (page, _):
        browser.click("pause")
        browser.until(lambda: page.statistics().paused)
        browser.until(lambda: browser.find("#pause").text == "Resume")
        assert "Paused" in browser.status()
        shown = page.statistics().shown
        browser.until(lambda: len(browser.text("raw").split()) >= 40)
        assert page.statistics().shown == shown
        browser.click("pause")
        browser.until(lambda: not page.statistics().paused)
        browser.until(lambda: browser.find("#pause").text == "Pause")


def test_revealing_all_shows_what_has_come(browser: Browser) -> None:
    with reading_slowly(browser) as (page, _):
        browser.click("reveal")
        browser.until(lambda: page.statistics().buffered == 0)
        browser.until(lambda: len(browser.text("paced")) >= len(browser.text("raw")) - 8)


def test_keys_do_the_same(browser: Browser) -> None:
    with reading_slowly(browser) as (page, served):
        browser.press(" ")
        browser.until(lambda: page.statistics().paused)
        browser.until(lambda: browser.find("#pause").text == "Resume")
        browser.press(" ")
        browser.until(lambda: not page.statistics().paused)
        browser.press("+")
        browser.until(lambda: page.answer.expectation.wpm == pytest.approx(66.0))
        browser.press("-")
        browser.until(lambda: page.answer.expectation.wpm == pytest.approx(60.0))
        browser.press(Keys.ENTER)
        browser.until(lambda: page.statistics().buffered == 0)
        browser.press(Keys.ESCAPE)
        assert served.closed.get(timeout=DEADLINE_S) == 40


def test_stopping_closes_the_upstream_and_keeps_the_text(browser: Browser) -> None:
    with reading_slowly(browser) as (page, served):
        browser.click("stop")
        assert served.closed.get(timeout=DEADLINE_S) == 40
        browser.until(lambda: "Stopped" in browser.status())
        assert browser.text("paced")
        assert not browser.find("#stop").is_enabled()
        browser.until(lambda: not page.answers.running)
        assert browser.complaints() == []


def test_restarting_hangs_up_and_asks_again(browser: Browser) -> None:
    with reading_slowly(browser) as (page, served):
        browser.until(lambda: len(browser.text("raw").split()) >= 40)
        first = page.answer
        browser.click("restart")
        assert served.closed.get(timeout=DEADLINE_S) == 40
        browser.until(lambda: len(served.asked) == 2)
        browser.until(lambda: list(page.answers.running.values()) not in ([], [first]))
        browser.until(lambda: browser.text("paced"))
        assert WORDS.startswith(browser.text("paced"))


def test_leaving_the_page_closes_the_upstream(browser: Browser) -> None:
    with reading_slowly(browser) as (page, served):
        browser.leave()
        assert served.closed.get(timeout=DEADLINE_S) == 40
        browser.until(lambda: not page.answers.running)


def test_a_server_that_dies_is_said_to_and_may_be_asked_again(
    browser: Browser, tmp_path: Path
) -> None:
    responses = [events(HALF, dies=True), events(WHOLE)]
    with answering(lambda *_: responses.pop(0)) as served, paging(served.url) as page:
        browser.open(page.url)
        message = "The server broke off in the middle of the answer."

        def fails_with(side: str) -> bool:
            return browser.failure(side) == message

        for side in ("raw", "paced"):
            browser.until(partial(fails_with, side))
            assert browser.text(side) == "One half"
        browser.until(lambda: not browser.find("#stop").is_enabled())
        browser.photograph(tmp_path / "died.png")
        browser.find("#paced .failure button").click()
        browser.until(lambda: browser.status() == "Done.")
        assert browser.text("raw") == browser.text("paced") == "All of it."
        assert browser.failure("raw") == browser.failure("paced") == ""


def test_a_server_that_refuses_is_quoted_and_may_be_asked_again(
    browser: Browser, tmp_path: Path
) -> None:
    refused = JSONResponse({"error": {"message": "<i>No key</i>, no answer"}}, 401)
    responses: list[Response] = [refused, events(WHOLE)]

    def respond(*_: Any) -> Response:
        return responses.pop(0)

    with answering(respond) as served, paging(served.url, takes_questions=True) as page:
        browser.open(page.url)
        browser.until(lambda: browser.find("#question").is_displayed())
        assert not served.asked, "a question is asked when the person asks it"
        browser.find("#question").send_keys(Keys.CONTROL + "a")
        browser.find("#question").send_keys("Why is that?" + Keys.ENTER)
        browser.until(lambda: "401 Unauthorized" in browser.failure("raw"))
        assert "<i>No key</i>, no answer. It needs a key" in browser.failure("paced")
        browser.photograph(tmp_path / "refused.png")
        browser.find("#raw .failure button").click()
        browser.until(lambda: browser.status() == "Done.")
        assert [asked["messages"][0]["content"] for asked in served.asked] == ["Why is that?"] * 2


def test_reasoning_is_folded_and_is_on_neither_side(browser: Browser, tmp_path: Path) -> None:
    thoughts = ["Because ", "<b>wh", "y</b>.\n\nIs it?"]
    chunks = [json.dumps({"choices": [{"delta": {"reasoning": text}}]}) for text in thoughts]
    with answering(lambda *_: events(*chunks, WHOLE)) as served, paging(served.url) as page:
        browser.open(page.url)
        browser.until(lambda: browser.status() == "Done.")
        assert browser.text("raw") == browser.text("paced") == "All of it."
        folded = browser.find("#thinking")
        assert folded.is_displayed()
        assert folded.get_attribute("open") is None
        assert "not part of the answer: 4 words" in folded.text
        assert "Because" not in folded.text
        browser.find("#thinking summary").click()
        assert browser.find("#thinking .text").text == "Because <b>why</b>.\n\nIs it?"
        assert browser.complaints() == []
        browser.photograph(tmp_path / "reasoning.png")
        browser.click("restart")
        browser.until(lambda: browser.status() == "Done.")
        assert browser.find("#thinking").get_attribute("open") is None


def test_text_that_turns_out_to_be_reasoning_is_taken_back(browser: Browser) -> None:
    texts = ["So it is", " then.\n</think>\n\n"]
    chunks = [json.dumps({"choices": [{"delta": {"content": text}}]}) for text in texts]
    with answering(lambda *_: events(*chunks, WHOLE)) as served, paging(served.url) as page:
        browser.open(page.url)
        browser.until(lambda: browser.status() == "Done.")
        assert browser.text("raw") == browser.text("paced") == "All of it."
        browser.find("#thinking summary").click()
        assert browser.find("#thinking .text").text.strip() == "So it is then."


def test_text_runs_in_the_direction_of_its_script(browser: Browser, tmp_path: Path) -> None:
    with serving("שלום עולם.\n\nAnd so on.") as served, paging(served.url) as page:
        browser.open(page.url)
        browser.until(lambda: browser.status() == "Done.")
        for side in ("raw", "paced"):
            style = f"getComputedStyle(document.querySelector('#{side} .text'))"
            assert browser.run(f"return {style}.direction") == "rtl"
            assert browser.run(f"return {style}.unicodeBidi") == "plaintext"
        browser.photograph(tmp_path / "directions.png")


def test_the_example_hangs_up_when_its_page_is_left_by_a_link(browser: Browser) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "web_app.py"))
    closed = threading.Event()

    async def model() -> AsyncGenerator[Any, None]:
        try:
            yield {"choices": [{"delta": {"content": "One "}}]}
            await anyio.sleep_forever()
        finally:
            closed.set()

    example["answer"].__globals__["model"] = model
    with running(example["app"]) as url:
        browser.open(url)
        browser.find("button").click()
        browser.until(lambda: browser.find("#answer").text == "One")
        assert browser.find("#answer").get_attribute("dir") == "auto"
        browser.run("location.href = 'about:blank'")
        assert closed.wait(DEADLINE_S / 3)  # the browser itself would take a minute
        browser.leave()


def test_the_example_says_how_an_answer_ended(browser: Browser) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "web_app.py"))

    async def model() -> AsyncGenerator[Any, None]:
        yield {"choices": [{"delta": {"content": "One"}, "finish_reason": "content_filter"}]}

    example["answer"].__globals__["model"] = model
    with running(example["app"]) as url:
        browser.open(url)
        browser.find("button").click()
        browser.until(lambda: browser.find("#end").text == "End: filtered")
        assert browser.find("#answer").text == "One"
        browser.leave()


def test_a_page_that_is_shown_again_says_that_it_has_stopped(browser: Browser) -> None:
    with reading_slowly(browser) as (page, served):
        browser.run("dispatchEvent(new Event('pagehide'))")
        assert served.closed.get(timeout=DEADLINE_S) == 40
        assert "Stopped" in browser.status()
        browser.until(lambda: not page.answers.running)


def test_a_page_whose_own_server_is_gone_says_so(browser: Browser) -> None:
    with serving(WORDS, then_nothing(40)) as served:
        with paging(served.url, wpm=60.0) as page:
            browser.open(page.url)
            browser.until(lambda: browser.text("paced"))
        browser.until(lambda: "connection to the server of this page" in browser.failure("raw"))
        browser.find("#raw .failure button").click()
        browser.until(lambda: "connection to the server of this page" in browser.failure("raw"))


def test_a_page_from_elsewhere_can_neither_steer_nor_listen(browser: Browser) -> None:
    attempt = """
    const [url, done] = arguments
    const json = { "content-type": "application/json" }
    const tries = [
      fetch(url + "/answers", { method: "POST", body: "{}", headers: json }),
      fetch(url + "/answers", { method: "POST", body: "{}", mode: "no-cors" }),
      fetch(url + "/settings"),
    ]
    Promise.allSettled(tries).then((all) => done(all.map((one) => one.status)))
    """
    with serving() as served, paging(served.url) as page, paging(served.url) as other:
        browser.open(other.url + "/settings")  # a page without rules of its own against it
        browser.driver.set_script_timeout(DEADLINE_S)
        # Another port is another origin; the CSP of this one would hold it back first.
        browser.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        browser.open(other.url + "/settings")
        outcomes = browser.driver.execute_async_script(attempt, page.url)
        browser.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
        assert outcomes == ["rejected", "fulfilled", "rejected"]  # no-cors never tells
        assert not page.answers.waiting
        assert not served.asked
