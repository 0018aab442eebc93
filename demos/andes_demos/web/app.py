"""The page and what it asks for, as a Starlette application.

    POST /answers          {"question": "...", "wpm": 238}   201 {"events": "answers/ID/events"}
    GET  /answers/ID/events    the answer, as Server-Sent Events; once. Closing it hangs up.
    POST /answers/ID       {"do": "pause"}, "resume" or "reveal", or {"wpm": 300}

Both sides come in one event stream: a browser opens six connections to a server at most, and
one connection has one end.
"""

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Collection
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from andes_client.web import HEADERS, sse
from andes_demos.web.answer import Answer, NotRunningError
from andes_demos.web.guard import Guard
from andes_demos.web.upstream import Upstream

__all__ = ["FASTEST_WPM", "SLOWEST_WPM", "Answers", "make_app"]

SLOWEST_WPM: Final = 1.0
FASTEST_WPM: Final = 100_000.0

_STATIC: Final = Path(__file__).parent / "static"
_MOST_WAITING: Final = 32  # answers that were asked for, and whose events nobody has fetched
_LONGEST_BODY: Final = 64 * 1024
_CONTROLS: Final = ("pause", "resume", "reveal", "hide", "show")


class Answers:
    """The answers of all pages, by ids that cannot be guessed."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[str, Answer] = OrderedDict()
        """Those whose page has not come for the events; the oldest go when they are many."""
        self.running: dict[str, Answer] = {}
        """Those whose page listens."""

    def add(self, answer: Answer) -> str:
        """Keep it until its page comes; returns its id."""
        name = secrets.token_urlsafe(24)
        self.waiting[name] = answer
        while len(self.waiting) > _MOST_WAITING:
            self.waiting.popitem(last=False)
        return name

    def find(self, name: str) -> Answer:
        """The answer of that id.

        Raises:
            KeyError: there is none, or none any more.
        """
        return self.waiting[name] if name in self.waiting else self.running[name]

    def events(self, name: str) -> AsyncGenerator[str, None]:
        """Its page has come: run it; what it tells, in JSON.

        Raises:
            KeyError: there is none of that id, or somebody listens to it already.
        """
        return self._run(name, self.waiting.pop(name))

    async def _run(self, name: str, answer: Answer) -> AsyncGenerator[str, None]:
        self.running[name] = answer
        told: asyncio.Queue[str | None] = asyncio.Queue()
        running = asyncio.create_task(answer.run(lambda event: told.put_nowait(json.dumps(event))))
        running.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (event := await told.get()) is not None:
                yield event
            await running  # it raises what went wrong
        finally:
            # No await here: whoever drops this generator does not wait for it.
            running.cancel()
            self.running.pop(name, None)


def make_app(
    upstream: Upstream,
    answers: Answers | None = None,
    *,
    wpm: float = 238.0,
    names: Collection[str] = (),
) -> Starlette:
    """The application.

    Args:
        upstream: where answers come from.
        answers: where they are kept; new if None.
        wpm: the reader's speed to begin with, words a minute.
        names: under which browsers may ask for it; see `andes_demos.web.guard.refusal`.
    """
    pages = _Pages(upstream, Answers() if answers is None else answers, wpm)
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/settings", pages.settings),
            Route("/answers", pages.ask, methods=["POST"]),
            Route("/answers/{name}", pages.control, methods=["POST"]),
            Route("/answers/{name}/events", pages.events),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(Guard, names)],
        exception_handlers={HTTPException: _as_json},
    )


class _Pages:
    def __init__(self, upstream: Upstream, answers: Answers, wpm: float) -> None:
        self._upstream = upstream
        self._answers = answers
        self._wpm = wpm

    async def index(self, _: Request) -> Response:
        return FileResponse(_STATIC / "index.html")

    async def settings(self, _: Request) -> Response:
        return JSONResponse(
            {
                "wpm": self._wpm,
                "place": self._upstream.place,
                "takes_questions": self._upstream.takes_questions,
            }
        )

    async def ask(self, request: Request) -> Response:
        body = await _json(request)
        question = body.get("question", "")
        if not isinstance(question, str) or not _is_unicode(question):
            raise HTTPException(400, '"question" must be text.')
        wpm = _wpm(body.get("wpm", self._wpm))
        answer = Answer(partial(self._upstream.answer, question), wpm)
        return JSONResponse({"events": f"answers/{self._answers.add(answer)}/events"}, 201)

    async def events(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            events = self._answers.events(name)
        except KeyError:
            raise HTTPException(
                404, "There is no such answer, or a page shows it already."
            ) from None
        return StreamingResponse(sse(events, event_of=str), headers=HEADERS)

    async def control(self, request: Request) -> Response:
        body = await _json(request)
        try:
            answer = self._answers.find(request.path_params["name"])
            if "wpm" in body:
                answer.speed(_wpm(body["wpm"]))
            elif (action := body.get("do")) in _CONTROLS:
                getattr(answer, action)()
            else:
                raise HTTPException(
                    400, f'"do" must be one of {", ".join(_CONTROLS)}, or give "wpm".'
                )
        except KeyError:
            raise HTTPException(404, "There is no such answer any more.") from None
        except NotRunningError:
            raise HTTPException(409, "The answer has not begun, or has ended.") from None
        return Response(status_code=204)


async def _json(request: Request) -> dict[str, Any]:
    """The object in a request's body; JSON alone, which no foreign page's form can send."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Send JSON, with the content type application/json.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            raise HTTPException(413, f"Send {_LONGEST_BODY // 1024} KiB or less.")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise HTTPException(400, "The body must be a JSON object.")
    return value


def _wpm(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and SLOWEST_WPM <= value <= FASTEST_WPM):
        raise HTTPException(400, f'"wpm" must be a number from {SLOWEST_WPM:g} to {FASTEST_WPM:g}.')
    return float(value)


def _is_unicode(text: str) -> bool:
    """Whether it can be sent on: JSON may hold half a surrogate pair."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


async def _as_json(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
