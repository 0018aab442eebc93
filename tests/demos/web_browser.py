"""A real Chromium without a window, and what a person does and sees in it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

DEADLINE_S = 60.0
REQUIRED = "ANDES_REQUIRE_CHROMIUM"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


def missing() -> str | None:
    """What of the browser is not installed here; None if it is all there."""
    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    lacking = [name for name, path in found.items() if path is None]
    return (
        f"not installed: {', '.join(lacking)} (Debian: chromium, chromium-driver)" * bool(lacking)
        or None
    )


@contextmanager
def chromium(folder: Path, *flags: str) -> Iterator["Browser"]:
    """One that runs, with a profile of its own in `folder`; skips without one, or fails.

    Args:
        flags: more of Chromium's.
    """
    if why := missing():
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{REQUIRED}=1, but {why}")
        pytest.skip(why)
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*_FLAGS, *flags, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = ChromeService(executable_path=str(shutil.which("chromedriver")))
    driver = Chrome(options=options, service=service)
    # A page has the focus only in a window that has it, and here there is no window.
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """Someone at a page."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.driver.get(url)

    def leave(self) -> None:
        self.driver.get("about:blank")
        self.log()  # of one page, none for the next

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Wait until something is so, and return it."""
        wait = WebDriverWait(self.driver, DEADLINE_S, poll_frequency=0.05)
        return wait.until(lambda _: condition(), what)

    def click(self, name: str) -> None:
        """A button, by its id, as soon as it can be used."""
        self.until(lambda: self.find(f"#{name}").is_enabled(), f"{name} cannot be used")
        self.find(f"#{name}").click()

    def press(self, *keys: str) -> None:
        self.find("body").send_keys(*keys)

    def type(self, keys: str) -> None:
        """Into whatever has the focus."""
        ActionChains(self.driver).send_keys(keys).perform()

    def chord(self, modifier: str, key: str) -> None:
        """Two keys at once, such as Ctrl+Q."""
        chain = ActionChains(self.driver)
        chain.key_down(modifier).send_keys(key).key_up(modifier).perform()

    def slide(self, keys: str) -> int:
        """Move the slider by keys; returns the words a minute that it shows."""
        self.find("#wpm").send_keys(keys)
        return int(str(self.find("#wpm").get_property("value")))

    def text(self, side: str) -> str:
        """What a side shows, to the letter, from the document itself."""
        return str(
            self.run("return document.querySelector(arguments[0]).textContent", f"#{side} .text")
        )

    def failure(self, side: str) -> str:
        """The message on a side; empty if there is none to be seen."""
        element = self.find(f"#{side} .failure")
        return element.find_element(By.TAG_NAME, "p").text if element.is_displayed() else ""

    def status(self) -> str:
        return self.find("#status").text

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """Errors that the browser has noted since it was asked last."""
        return [entry["message"] for entry in self.log() if entry["level"] == "SEVERE"]

    def log(self) -> list[dict[str, Any]]:
        """What the browser has noted since it was asked last."""
        return list(self.driver.get_log("browser"))  # type: ignore[no-untyped-call] # Selenium's

    def dark(self, dark: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def photograph(self, path: Path) -> Path:
        assert self.driver.save_screenshot(str(path))
        return path


__all__ = ["DEADLINE_S", "Browser", "Keys", "chromium"]
