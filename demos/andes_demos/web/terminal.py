"""A terminal program of ours in a page, through textual-serve.

textual-serve starts the program anew for each page and carries keys and screen over a web
socket. Its own page fetches a font from Google and lets every page of the web connect: here it
is served with a page that needs nothing from elsewhere, and to nobody else's pages.
"""

import asyncio
import socket
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server, to_int

from andes_demos.web.guard import PROTECTION, refusal
from andes_demos.web.program import BadFrameError, Program, cells

__all__ = ["MOST_PROGRAMS", "Terminal"]

MOST_PROGRAMS: Final = 16
"""At a time; each takes some 100 MB."""

_HERE: Final = Path(__file__).parent
_SHUTDOWN_S: Final = 1.0  # how long open pages may hold up the end
_LONGEST_FRAME: Final = 1024 * 1024  # bytes: what one may paste at once
_HEARTBEAT_S: Final = 15.0
# The terminal in the page writes its colours as styles, and its letters into a canvas.
_PROTECTION: Final = PROTECTION | {
    "content-security-policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}


class Terminal(Server):
    """A server of pages that each show a run of their own of one program.

    Args:
        command: how the program is started, for a shell.
        title: of the page.
        names: under which browsers may ask for it; see `andes_demos.web.guard.refusal`.
    """

    def __init__(self, command: str, *, title: str, names: Collection[str] = ()) -> None:
        super().__init__(command, title=title, templates_path=_HERE / "templates")
        self._names = names
        self._running: set[Program] = set()

    def serve_at(self, listener: socket.socket) -> None:
        """Serve until Ctrl+C or SIGTERM; what goes wrong with the program is printed."""
        web.run_app(
            self._make_app(),
            sock=listener,
            print=None,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_S,
        )

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is announced: the caller does that."""

    async def on_shutdown(self, app: web.Application) -> None:  # noqa: ARG002, as it is called
        """No program outlives its server."""
        await asyncio.gather(*(program.end() for program in self._running))

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a program for a page, as long as the page is there."""
        if len(self._running) >= MOST_PROGRAMS:
            print(
                f"andes web: {MOST_PROGRAMS} pages are open; close one to open another.",
                file=sys.stderr,
            )
            raise web.HTTPServiceUnavailable(text="Too many pages are open.\n")
        page = web.WebSocketResponse(
            timeout=_SHUTDOWN_S, heartbeat=_HEARTBEAT_S, max_msg_size=_LONGEST_FRAME
        )

        async def close() -> None:
            await page.close()

        program = Program(
            self.command,
            write_bytes=page.send_bytes,
            write_str=page.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        self._running.add(program)
        try:
            await page.prepare(request)
            await program.start(*_size(request))
            await self._process_frames(page, program)
        except BadFrameError as error:
            await page.close(code=WSCloseCode.UNSUPPORTED_DATA, message=str(error).encode())
        except TimeoutError:
            await page.close(code=WSCloseCode.GOING_AWAY, message=b"the program is stuck")
        except ConnectionError:  # the page has gone
            pass
        except OSError as error:
            print(f"andes web: cannot start the program: {error.strerror}", file=sys.stderr)
            await page.close(code=WSCloseCode.INTERNAL_ERROR)
        finally:
            ending = program.end()
            ending.add_done_callback(lambda _: self._running.discard(program))
            await asyncio.shield(ending)
        return page

    async def _process_frames(self, page: web.WebSocketResponse, program: Program) -> None:
        async for message in page:
            if message.type == WSMsgType.TEXT:
                await program.take(message.data, page)
            else:
                raise BadFrameError("a frame must be text")

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guarded())
        app.router.add_static("/page", _HERE / "static")
        return app

    def _guarded(self) -> Middleware:
        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            headers = {name.lower(): value for name, value in request.headers.items()}
            # Whoever opens the socket types: that takes a page of ours.
            why = refusal(headers, self._names, steers=request.path == "/ws")
            if why is not None:
                return web.Response(status=403, text=f"{why}\n")
            response = await handler(request)
            if not response.prepared:
                response.headers.update(_PROTECTION)
            return response

        return guarded


def _size(request: web.Request) -> tuple[int, int]:
    width, height = (request.query.get(name, "") for name in ("width", "height"))
    return cells(to_int(width, 80), to_int(height, 24))
