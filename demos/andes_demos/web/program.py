"""A terminal program behind a web socket: what the page may ask of it, and its end."""

import asyncio
import contextlib
import json
from typing import Any, Final

from aiohttp import web
from textual_serve.app_service import AppService

__all__ = ["GRACE_S", "STUCK_S", "BadFrameError", "Program", "cells"]

# Of a terminal: more than the largest screens have. A page that asks for more gets this.
_MOST_COLUMNS: Final = 1_000
_MOST_ROWS: Final = 400
GRACE_S: Final = 5.0
"""Seconds that a program has for its end when it is told to quit; then it is killed."""
STUCK_S: Final = 10.0
"""A program that takes no input for so many seconds is ended."""


class BadFrameError(ValueError):
    """What came over the web socket is nothing that our page sends."""


def cells(width: Any, height: Any) -> tuple[int, int]:
    """The size of a terminal that was asked for, within bounds: columns and rows.

    Raises:
        BadFrameError: these are no whole numbers.
    """
    if not (_is_whole(width) and _is_whole(height)):
        raise BadFrameError("a size must be two whole numbers")
    return _within(width, _MOST_COLUMNS), _within(height, _MOST_ROWS)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _within(value: int, most: int) -> int:
    return min(max(value, 1), most)


class Program(AppService):
    """One run of the program; it ends with its socket, by itself or not.

    Its arguments are those of textual-serve's.
    """

    _ending: "asyncio.Task[None] | None" = None

    async def run(self) -> None:
        """Pass on what it shows, to its end; a page whose program is gone is closed."""
        await super().run()
        with contextlib.suppress(ConnectionError):
            await self.remote_close()

    async def take(self, frame: str, socket: web.WebSocketResponse) -> None:
        """Do what a frame of the page says.

        Raises:
            BadFrameError: it is none of ours.
            TimeoutError: the program is stuck, and takes no input.
        """
        async with asyncio.timeout(STUCK_S):
            match _parsed(frame):
                case ["stdin", str(keys)]:
                    await self.send_bytes(keys.encode("utf-8", "replace"))
                case ["resize", {"width": width, "height": height}]:
                    await self.set_terminal_size(*cells(width, height))
                case ["ping", data]:
                    await socket.send_json(["pong", data])
                case ["blur", *_]:
                    await self.blur()
                case ["focus", *_]:
                    await self.focus()
                case [str(), *_]:
                    pass  # of a textual.js that is newer than this
                case _:
                    raise BadFrameError("a frame must be a list that begins with its kind")

    async def on_data(self, payload: bytes) -> None:
        """Send what it shows; without a page it may still show something, and then end."""
        with contextlib.suppress(ConnectionError):
            await super().on_data(payload)

    async def on_meta(self, data: bytes) -> None:
        """Do what it asks for, as far as there is a page."""
        with contextlib.suppress(ConnectionError):
            await super().on_meta(data)

    def end(self) -> "asyncio.Task[None]":
        """Tell it to quit, and kill it if it has not after a grace time.

        Returns:
            What is done when the program has ended; the same for everyone who asks. It is no
            part of the request for the page, which the server cancels when the page has gone.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        return self._ending

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await self._download_manager.cancel_app_downloads(
                        app_service_id=self.app_service_id
                    )
                    await self.send_meta({"type": "quit"})
                    await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await self._end_of_output()

    async def _end_of_output(self) -> None:
        """Wait for it, but not for a child that has the output, too."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=GRACE_S)
            self._task.cancel()


def _parsed(frame: str) -> Any:
    try:
        return json.loads(frame)
    except (ValueError, RecursionError):
        raise BadFrameError("a frame must be JSON") from None
