"""Whose request is it? The operator's gateway says so, not the request itself.

    vllm serve MODEL --middleware andes_backend.gateway.UserFromHeader

Any client can write any `andes_user` into a request. With this middleware the user is the value of
the header `X-Andes-User`. The gateway in front of the server sets it for the users whom it has
authenticated, and strips it from what clients send. The middleware drops a claim in the request
itself. `ANDES_USER_HEADER` names another header.

It reads JSON requests only. A form (audio transcriptions) or a WebSocket keeps its claims: do not
offer these to strangers.
"""

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from andes_client import wire

__all__ = ["PATHS", "App", "Message", "Receive", "Send", "UserFromHeader"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_HEADER: Final = "X-Andes-User"
_TEXTS: Final = (
    "/v1/completions",
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
    "/invocations",  # SageMaker's: any of those above
)
_TOKENS: Final = "/inference/v1/generate"  # token ids in and out

PATHS: Final = (*_TEXTS, _TOKENS)
"""Where vLLM is asked for text."""


class UserFromHeader:
    """ASGI middleware: puts the header's value into the request as `andes_user`.

    A request without the header has no user, whatever it claims. If the header is not a name of 1
    to 256 characters, the answer is HTTP 400.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._header = os.environ.get("ANDES_USER_HEADER", _HEADER)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        key = self._header.lower().encode()
        named = [value for name, value in scope["headers"] if name.lower() == key]
        try:
            user = _user(named)
        except ValueError as error:
            await _refuse(send, f"the header {self._header} {error}")
            return
        body = await _read(receive)
        if body is None:
            return  # the client has gone
        path = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
        body = _with_user(body, user, path)
        headers = [(k, v) for k, v in scope["headers"] if k.lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._app({**scope, "headers": headers}, _replay(body, receive), send)


def _user(named: list[bytes]) -> str | None:
    if not named:
        return None
    if len(named) > 1:
        raise ValueError("must appear once: the gateway must replace what clients send")
    name = named[0].decode("latin-1")
    try:
        wire.decode({wire.USER: name})
    except wire.WireError:
        raise ValueError("must be a name of 1 to 256 characters") from None
    return name


def _with_user(body: bytes, user: str | None, path: str) -> bytes:
    """The same request of this user; the server refuses one that is not a JSON object."""
    try:
        request = json.loads(body)
    except ValueError:
        return body
    if not isinstance(request, dict):
        return body
    _say(request, wire.FIELD, user if path in _TEXTS else None)
    parameters = request.get("sampling_params")
    if isinstance(parameters, dict):
        _say(parameters, "extra_args", user if path == _TOKENS else None)
    return json.dumps(request).encode()


def _say(request: dict[str, Any], field: str, user: str | None) -> None:
    """Drop what the field claims, and name the user in it if there is one."""
    said = request.get(field)
    if said is not None and not isinstance(said, dict):
        return  # the server refuses it
    extra = {key: value for key, value in (said or {}).items() if key != wire.USER}
    if user is not None:
        extra[wire.USER] = user
    if extra:
        request[field] = extra
    elif said:
        del request[field]


async def _read(receive: Receive) -> bytes | None:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, and then what comes after it: above all, that the client has left."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Send, why: str) -> None:
    body = json.dumps({"error": {"message": why, "type": "BadRequestError", "code": 400}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
