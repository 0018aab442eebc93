"""A terminal program behind a web socket: what the page may ask of it, and its end."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import Process
from typing import Any, Final

from aiohttp import web
from textual_serve.app_service import AppService

from andes_client.terminal_text import displayable

__all__ = ["GRACE_S", "RESIZE_S", "STUCK_S", "BadFrameError", "Program", "cells"]

# Of a terminal: more than the largest screens have. A page that asks for more gets this.
_MOST_COLUMNS: Final = 1_000
_MOST_ROWS: Final = 400
GRACE_S: Final = 5.0
"""Seconds that a program has for its end when it is told to quit; then it is killed."""
STUCK_S: Final = 10.0
"""A program that takes no input for so many seconds is ended."""
RESIZE_S: Final = 0.05
"""Seconds between two sizes that a program is told; it draws everything anew for each."""
_LISTEN_S: Final = 0.5  # for what it has said at its end; a child of its may go on
_MOST_COMPLAINTS: Final = 64 * 1024  # bytes on standard error that are kept, the last ones


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
    _resizing: "asyncio.Task[None] | None" = None
    _wanted: tuple[int, int] | None = None  # the size that the page asked for last
    _listening: "asyncio.Task[None] | None" = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._complaints = bytearray()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        process = await super()._open_app_process(width, height)
        # textual-serve 1.1.3 keeps all of it, and writes it to our terminal as it is
        # (findings/textual-serve-keeps-stderr.sh).
        assert process.stderr is not None  # a pipe
        self._listening = asyncio.create_task(self._listen(process.stderr))
        process.stderr = asyncio.StreamReader()
        process.stderr.feed_eof()
        return process

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while said := await stderr.read(4096):
            self._complaints += said
            del self._complaints[:-_MOST_COMPLAINTS]

    async def run(self) -> None:
        """Pass on what it shows, to its end; a page whose program is gone is closed."""
        await super().run()
        await self._complain()
        with contextlib.suppress(ConnectionError):
            await self.remote_close()

    async def _complain(self) -> None:
        """Print what the program has said on standard error."""
        if self._listening is not None:
            await asyncio.wait({self._listening}, timeout=_LISTEN_S)
            self._listening.cancel()
        if self._complaints:
            said = self._complaints.decode("utf-8", "replace")
            # Here a return would let it write over a line.
            print(displayable("\n".join(said.splitlines())), file=sys.stderr)

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
                    self._resize(cells(width, height))
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

    def _resize(self, size: tuple[int, int]) -> None:
        """Tell the program, soon, and of many sizes in a row the last."""
        self._wanted = size
        if self._resizing is None or self._resizing.done():
            self._resizing = asyncio.create_task(self._tell_size())

    async def _tell_size(self) -> None:
        while self._wanted is not None:
            size, self._wanted = self._wanted, None
            await self.set_terminal_size(*size)
            await asyncio.sleep(RESIZE_S)

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
        if self._resizing is not None:
            self._resizing.cancel()
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
