"""A terminal program of ours in a page, through textual-serve.

textual-serve starts the program anew for each page and carries keys and screen over a web
socket. Its own page fetches a font from Google and lets every page of the web connect: here it
is served with a page that needs nothing from elsewhere, and to nobody else's pages.
"""

import socket
from collections.abc import Collection
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

from andes_demos.web.guard import PROTECTION, refusal

__all__ = ["Terminal"]

_HERE: Final = Path(__file__).parent
_SHUTDOWN_S: Final = 1.0  # how long open pages may hold up the end
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

    def serve_at(self, listener: socket.socket) -> None:
        """Serve until Ctrl+C or SIGTERM; what goes wrong with the program is printed as it is."""
        web.run_app(
            self._make_app(),
            sock=listener,
            print=None,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_S,
        )

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is announced: whoever starts it does that."""

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
