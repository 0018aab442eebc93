"""Who may speak to a server on the loopback: pages that it has served itself, and no others.

A browser lets every page of the web send requests to 127.0.0.1, and a page whose name is
suddenly made to mean 127.0.0.1 (DNS rebinding) may even read the answers. Two headers that no
page can set tell them apart: `Host`, under which name the server was asked for, and `Origin`,
which page asks.
"""

import ipaddress
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PROTECTION", "Guard", "refusal"]

PROTECTION: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of every response: nothing from elsewhere, and nobody else's frame around it."""


def refusal(
    headers: Mapping[str, str], names: Collection[str] = (), *, steers: bool = False
) -> str | None:
    """Why a request is not served, for whoever sent it; None if it is.

    Args:
        headers: of the request, whose names are looked up in lower case.
        names: under which the server may be asked for, besides localhost and IP addresses,
            which nobody else's page can have.
        steers: it changes something, so it must come from a page of ours.
    """
    host = headers.get("host", "")
    name = _name(host)
    if not (name == "localhost" or name in names or _is_address(name)):
        return (
            f"This page is not served under the name {name!r}; andes web --allow NAME adds a name."
        )
    origin = headers.get("origin")
    if origin is None:
        return "Only a page served from here may do that (Origin is missing)." if steers else None
    if origin.lower().partition("://")[2] != host.lower():
        return f"A page from {origin} may not use this server."
    return None


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware: refuses what `refusal` refuses, and adds `PROTECTION`.

    Args:
        app: what is protected.
        names: as for `refusal`.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = {name for name, _ in message["headers"]}
                added = {"cache-control": "no-cache"} | PROTECTION
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in added.items()
                        if name.encode() not in kept
                    ),
                ]
            await send(message)

        if scope["type"] != "http":  # neither web sockets nor a lifespan are served
            return
        why = refusal(Headers(scope=scope), self._names, steers=scope["method"] == "POST")
        app = self._app if why is None else PlainTextResponse(f"{why}\n", 403)
        await app(scope, receive, protected)
