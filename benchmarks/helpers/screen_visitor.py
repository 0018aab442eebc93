"""Someone who asks in an app, in a real Chromium: when words come, and what reaches the model."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys

from helpers.screen_apps import App
from helpers.screen_model import Answer, Model, evenly, interrupted, words
from tests.demos.web_browser import Browser

__all__ = ["FLAGS", "Heard", "Silence", "closing_the_tab", "hear", "pressing_stop"]

FLAGS: Final = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",)
"""For Chromium: some frameworks' pages ask for fonts from elsewhere."""

_PATIENCE_S: Final = 120.0
_ASK_AGAIN_S: Final = 20.0
_WATCH: Final = r"""
window.seen = {}
window.pressed = null
const now = () => (performance.timeOrigin + performance.now()) / 1000
const look = () => {
  for (const word of document.body.textContent.match(/w\d\d/g) ?? []) seen[word] ??= now()
}
const changes = { subtree: true, childList: true, characterData: true }
new MutationObserver(look).observe(document.body, changes)
addEventListener("click", () => { window.pressed = now() }, true)
"""


@dataclass(frozen=True)
class Silence:
    """In the middle of an answer, or before it."""

    seconds: float
    after: int = 5
    """How many words."""


@dataclass(frozen=True)
class Heard:
    """One answer as it was seen."""

    whole: bool
    """All words were there in the end, in their order, and came in it."""
    latencies_s: list[float]
    """From the model to the page, of each word."""


def hear(browser: Browser, url: str, app: App, model: Model, number: int) -> Heard:
    """Ask, and watch all of the answer come."""
    model.script = evenly(number)
    answer = _ask(browser, url, app, model)
    said = [word.strip() for word in words(number)]
    _until(lambda: len(_seen(browser)) >= number, "the last word")
    seen = _seen(browser)
    whole = " ".join(said) in " ".join(_text(browser).split())
    _leave(browser)
    return Heard(
        whole and sorted(seen, key=lambda word: (seen[word], word)) == said,
        [seen[word] - answer.said[word] for word in said],
    )


def pressing_stop(
    browser: Browser, url: str, app: App, model: Model, silence: Silence
) -> float | None:
    """Seconds from Stop, in a silence, to when the model's client had gone; None: it stayed."""
    answer = _in_a_silence(browser, url, app, model, silence)
    _until(lambda: _clicked(browser, app), "Stop")
    pressed = float(browser.run("return window.pressed"))
    answer.over.wait(silence.seconds + _PATIENCE_S)
    _leave(browser)
    return None if answer.left_at is None else answer.left_at - pressed


def closing_the_tab(
    browser: Browser, url: str, app: App, model: Model, silence: Silence
) -> float | None:
    """The same for the tab."""
    answer = _in_a_silence(browser, url, app, model, silence)
    closed = time.time()
    _leave(browser)
    answer.over.wait(silence.seconds + _PATIENCE_S)
    return None if answer.left_at is None else answer.left_at - closed


def _in_a_silence(browser: Browser, url: str, app: App, model: Model, silence: Silence) -> Answer:
    model.script = interrupted(silence.after, silence.seconds, 3)
    answer = _ask(browser, url, app, model)
    _until(lambda: len(_seen(browser)) >= silence.after, "the words before the silence")
    time.sleep(0.5)  # whatever an app does after a word is done
    return answer


def _ask(browser: Browser, url: str, app: App, model: Model) -> Answer:
    """In a tab of its own."""
    before = len(model.answers)
    browser.driver.switch_to.new_window("tab")
    browser.open(url)
    _until(lambda: browser.find(app.question).is_displayed(), "the place for a question")
    browser.run(_WATCH)
    asked = -math.inf

    def heard() -> bool:
        nonlocal asked
        if len(model.answers) == before and time.monotonic() > asked + _ASK_AGAIN_S:
            # A page may show the place for a question before it has a connection to its server.
            browser.find(app.question).send_keys("Why?" + Keys.ENTER)
            asked = time.monotonic()
        return len(model.answers) > before

    _until(heard, "a question to the model")
    return model.answers[-1]


def _clicked(browser: Browser, app: App) -> bool:
    browser.find(app.stop).click()
    return True


def _leave(browser: Browser) -> None:
    """Close the tab, and go back to the first."""
    browser.driver.close()
    browser.driver.switch_to.window(browser.driver.window_handles[0])


def _seen(browser: Browser) -> dict[str, float]:
    """Each word, and when it came."""
    return dict(browser.run("return window.seen"))


def _text(browser: Browser) -> str:
    return str(browser.run("return document.body.innerText"))


def _until(condition: Callable[[], Any], what: str) -> None:
    """Wait until something is so; what is not there yet, or not any more, is not so."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            if condition():
                return
        except WebDriverException:
            if time.monotonic() > until:
                raise
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {_PATIENCE_S:.0f} s")
        time.sleep(0.1)
