"""The route POST /v1/andes/reports, and who is refused: vLLM's plug-in for HTTP in its front end.

vLLM loads the entry-point group `vllm.endpoint_plugins` in every front end if `VLLM_PLUGINS` names
the plug-in; `--api-key` guards the route as it guards every path below /v1. Where nobody listens,
because the scheduler is not ours or the operator does not want it, the answer is 404.

Of vLLM, this relies on the plug-ins' interface (0.29 to 0.33: plugins/endpoint_plugins), on
`EngineClient.vllm_config`, and on what `versions` says of its utility calls.
"""

import asyncio
import json
import logging
import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from andes_backend.config import AndesConfig
from andes_backend.engine.ear import Answers, Bucket, Ear, TooBusyError
from andes_backend.engine.listener import METHOD, OUTLOOK
from andes_backend.engine.plugin import NAME, is_ours, log
from andes_backend.engine.refusal import Door, Refusal
from andes_client import wire

__all__ = ["PATH", "ReportsEndpoint"]

PATH: Final = f"/v1/{wire.REPORTS_PATH}"

_TYPES: Final[Mapping[int, str]] = {
    400: "BadRequestError",
    404: "NotFoundError",
    413: "RequestTooLargeError",
    429: "RateLimitError",
    503: "ServiceUnavailableError",
}
_BUSY_S: Final = 1.0  # when to come again after a 503


class ReportsEndpoint:
    """The plug-in, as vLLM wants it: one object in each front end."""

    name: str = NAME
    required_tasks: tuple[str, ...] | None = ("generate",)

    def __init__(self) -> None:
        self._ear: Ear | None = None
        self._bucket = Bucket(1.0)
        self._door = Door()

    def attach_router(self, app: Any) -> None:
        """Add the route to vLLM's FastAPI application, and the door, at which all may pass yet."""
        app.add_api_route(PATH, self.answer, methods=["POST"])
        app.add_middleware(Refusal, door=self._door)

    async def init_state(self, engine_client: Any, _state: object, _args: Namespace) -> None:
        """Begin to listen, if the server wants it.

        Args:
            engine_client: vLLM's; None in a front end without an engine.
        """
        if engine_client is None:
            return
        config = engine_client.vllm_config
        if not is_ours(config.scheduler_config.scheduler_cls):
            log().info_once("andes: readers' reports are not heard: the scheduler is not ours")
            return
        additional = config.additional_config
        settings = AndesConfig.from_mapping(
            additional.get(NAME) if isinstance(additional, Mapping) else None
        )
        from andes_backend.engine import versions

        if settings.refuse_after_s:

            async def ask() -> Sequence[float | None]:
                return await versions.call_every_engine(engine_client, OUTLOOK)

            self._door.open(ask, limit_s=settings.refuse_after_s)
        if settings.reports:  # else the scheduler says so in its first lines

            async def tell(reports: Sequence[object]) -> Sequence[Answers]:
                return await versions.call_every_engine(engine_client, METHOD, reports)

            self.listen(Ear(tell), settings.report_calls_per_s)

    def listen(self, ear: Ear, calls_per_s: float) -> None:
        """From now on, pass on what comes, so many calls a second at most."""
        self._ear, self._bucket = ear, Bucket(calls_per_s)
        # Hundreds of calls a second are no news.
        logging.getLogger("uvicorn.access").addFilter(_is_news)

    async def answer(self, request: Request) -> Response:
        """Take in a call: 200, or an error in the API's own form."""
        if self._ear is None:
            return _error(404, "this server takes no reports of readers")
        wait_s = self._bucket.take(asyncio.get_running_loop().time())
        if wait_s:
            return _error(429, "too many calls a second: put more reports into a call", wait_s)
        try:
            body = await _body(request)
            if body is None:
                most = wire.MAX_REPORTS_BYTES
                return _error(
                    413, f"a call has {most} bytes at most, in {wire.MAX_REPORTS} reports"
                )
            heard = await self._ear.hear(wire.decode_reports(_parsed(body)))
        except wire.WireError as error:
            return _error(400, str(error))
        except ClientDisconnect:
            return _error(400, "the client left before all had come")
        except TooBusyError as error:
            return _error(503, str(error), _BUSY_S)
        return JSONResponse(wire.encode_answer(heard))


async def _body(request: Request) -> bytes | None:
    """The request's body; None, without reading all of it, if it is too large."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 9 or int(length) > wire.MAX_REPORTS_BYTES):
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > wire.MAX_REPORTS_BYTES:
            return None
    return bytes(body)


def _parsed(body: bytes) -> object:
    """What the body's JSON says.

    Raises:
        WireError: it is none, or no parser would take it: nested too deeply, a number of thousands
            of digits.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        # Not the parser's own words: they may quote what somebody sent.
        raise wire.WireError("the body is not JSON that can be understood") from None


def _error(status: int, message: str, wait_s: float | None = None) -> JSONResponse:
    error = {"message": message, "type": _TYPES[status], "param": None, "code": status}
    headers = None if wait_s is None else {"Retry-After": str(max(1, math.ceil(wait_s)))}
    return JSONResponse({"error": error}, status, headers)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's access log is anything but a call that was heard.

    Its arguments are the client, the method, the path, the version of HTTP and the status.
    """
    match record.args:
        case (_, "POST", str(path), _, 200):
            return path.partition("?")[0] != PATH
    return True
