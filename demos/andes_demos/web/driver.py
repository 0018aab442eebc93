"""Textual's driver for pages, for a server that may die without a word."""

import asyncio
import contextlib
import os
from typing import Any

from textual import messages
from textual.drivers.web_driver import WebDriver

__all__ = ["PageDriver"]


class PageDriver(WebDriver):
    """Ends the program when its server is gone; Textual's would go on for nobody.

    The arguments are those of Textual's.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._write = self._write_if_read  # type: ignore[assignment]  # as it does

    def run_input_thread(self) -> None:
        """Wait for input and dispatch events; when there can be none any more, leave."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            asyncio.run_coroutine_threadsafe(
                self._app._post_message(messages.ExitApp()), loop=self._loop
            )

    def _write_if_read(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self.fileno, data)
