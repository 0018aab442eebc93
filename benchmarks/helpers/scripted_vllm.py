"""A server that speaks vLLM's wire formats and does what it is told: what does a proxy make of it?

    with scripted("one", gate := Semaphore(0)) as server:
        gate.release()          # lets one more piece of the answer out
        server.asked[-1].body   # what came of a request

Formats as of vLLM 0.32: /v1/completions, /v1/chat/completions, /v1/responses and /v1/messages, each
answer in `PIECES` pieces of two tokens. It listens on loopback only.
"""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

__all__ = ["ENDPOINTS", "PIECES", "PROMPT_TOKENS", "TOKENS", "Asked", "Scripted", "scripted"]

PIECES: Final = ("Four ", "pieces ", "of ", "text.")
TOKENS: Final = 2 * len(PIECES)
PROMPT_TOKENS: Final = 5
ENDPOINTS: Final = ("chat/completions", "completions", "responses", "messages")
_POLL_S: Final = 0.005

Event = dict[str, Any]


@dataclass(eq=False)  # two requests may say the same
class Asked:
    """A request that came, and what became of it."""

    path: str
    body: dict[str, Any]
    headers: Mapping[str, str]
    left: bool = False
    """Whether the other side closed the connection before the end."""
    over: bool = False


@dataclass
class Scripted:
    """One server."""

    name: str
    gate: threading.Semaphore
    """Each piece of an answer waits for it; servers may share one."""
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    """Requests for text."""
    reports: int = 0
    """Calls that reported what readers do."""
    dies_after: int | None = None
    """Pieces after which the connection breaks; None: it does not."""

    async def answer(self, request: Request) -> Response:
        """Stream an answer in the form of the endpoint that was asked."""
        body = await request.json()
        asked = Asked(request.url.path, body, dict(request.headers))
        self.asked.append(asked)
        endpoint = request.url.path.removeprefix("/v1/")
        before, pieces, after = _script(endpoint, body)
        if not body.get("stream"):
            return JSONResponse({"error": {"message": "only streams are scripted"}}, 400)
        return StreamingResponse(
            self._played(request, asked, before, pieces, after), media_type="text/event-stream"
        )

    async def _played(
        self,
        request: Request,
        asked: Asked,
        before: list[Event],
        pieces: list[list[Event]],
        after: list[Event],
    ) -> AsyncIterator[str]:
        named = asked.path in ("/v1/responses", "/v1/messages")
        try:
            for number, events in enumerate([*pieces, after]):
                if number == self.dies_after:
                    raise RuntimeError("the script ends here")
                while not self.gate.acquire(blocking=False):
                    if await request.is_disconnected():
                        return
                    await asyncio.sleep(_POLL_S)
                for event in [*before, *events] if number == 0 else events:
                    yield _framed(event, named)
            if not named:
                yield "data: [DONE]\n\n"
            asked.over = True
        finally:
            asked.left = not asked.over

    async def models(self, _request: Request) -> Response:
        """The one model."""
        about = {"id": "tiny", "object": "model", "created": 1, "owned_by": "vllm", "root": "tiny"}
        return JSONResponse({"object": "list", "data": [about]})

    async def metrics(self, _request: Request) -> Response:
        """So much that one server can be told from another."""
        return PlainTextResponse(f'andes:scripted{{server="{self.name}"}} 1.0\n')

    async def hear(self, _request: Request) -> Response:
        """A call with reports."""
        self.reports += 1
        return JSONResponse({"streams": {}})

    @staticmethod
    async def health(_request: Request) -> Response:
        """It is well."""
        return PlainTextResponse("")

    @staticmethod
    async def version(_request: Request) -> Response:
        """Whose formats it speaks."""
        return JSONResponse({"version": "0.32.0"})


def _framed(event: Event, named: bool) -> str:
    head = f"event: {event['type']}\n" if named else ""
    return f"{head}data: {json.dumps(event)}\n\n"


def _script(endpoint: str, body: Mapping[str, Any]) -> tuple[list[Event], list[list[Event]], Any]:
    """What comes before the text, with each piece of it, and after it."""
    return {
        "completions": _completions,
        "chat/completions": _chat,
        "responses": _responses,
        "messages": _messages,
    }[endpoint](body)


def _ids(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {"token_ids": [10 * number, 10 * number + 1]} if body.get("return_token_ids") else {}


def _usage(done: int) -> dict[str, int]:
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": done,
        "total_tokens": PROMPT_TOKENS + done,
    }


def _chunked(
    body: Mapping[str, Any], kind: str, choices: list[Event], first: list[Event]
) -> tuple[list[Event], list[list[Event]], list[Event]]:
    """Events of OpenAI's older endpoints, with usage where it was asked for."""
    options = body.get("stream_options") or {}
    about = {"id": "cmpl-1", "object": kind, "created": 1, "model": "tiny"}
    pieces = []
    for number, choice in enumerate(choices):
        event = {**about, "choices": [choice]}
        if options.get("continuous_usage_stats"):
            event["usage"] = _usage(2 * (number + 1))
        pieces.append([event])
    last = [{**about, "choices": [], "usage": _usage(TOKENS)}]
    asked = options.get("include_usage")
    return [{**about, "choices": [one]} for one in first], pieces, last if asked else []


def _finish(number: int) -> str | None:
    return "stop" if number == len(PIECES) - 1 else None


def _completions(body: Mapping[str, Any]) -> tuple[list[Event], list[list[Event]], list[Event]]:
    choices = [
        {"index": 0, "text": text, "logprobs": None, "finish_reason": _finish(i), **_ids(body, i)}
        for i, text in enumerate(PIECES)
    ]
    return _chunked(body, "text_completion", choices, [])


def _chat(body: Mapping[str, Any]) -> tuple[list[Event], list[list[Event]], list[Event]]:
    role = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    choices = [
        {
            "index": 0,
            "delta": {"content": text},
            "logprobs": None,
            "finish_reason": _finish(i),
            **_ids(body, i),
        }
        for i, text in enumerate(PIECES)
    ]
    return _chunked(body, "chat.completion.chunk", choices, [role])


def _responses(_body: Mapping[str, Any]) -> tuple[list[Event], list[list[Event]], list[Event]]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    text = "".join(PIECES)
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    response = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "tiny", "output": [],
        "status": "in_progress", "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "temperature": 1.0, "top_p": 1.0, "instructions": None, "metadata": None, "error": None,
        "incomplete_details": None, "usage": None,
    }  # fmt: skip
    usage = {
        "input_tokens": PROMPT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": TOKENS,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": PROMPT_TOKENS + TOKENS,
    }
    done = {**response, "status": "completed", "output": [{**item, "content": [part]}]}
    before: list[Event] = [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
    ]
    pieces: list[list[Event]] = [
        [{"type": "response.output_text.delta", **place, "delta": one, "logprobs": []}]
        for one in PIECES
    ]
    after: list[Event] = [
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**item, "content": [part]},
        },
        {"type": "response.completed", "response": {**done, "usage": usage}},
    ]
    return _numbered(before, pieces, after)


def _numbered(
    before: list[Event], pieces: list[list[Event]], after: list[Event]
) -> tuple[list[Event], list[list[Event]], list[Event]]:
    for number, event in enumerate([*before, *(e for piece in pieces for e in piece), *after]):
        event["sequence_number"] = number
    return before, pieces, after


def _messages(_body: Mapping[str, Any]) -> tuple[list[Event], list[list[Event]], list[Event]]:
    message: Event = {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "tiny",
        "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": 0},
    }  # fmt: skip
    before: list[Event] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    pieces: list[list[Event]] = [
        [
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": one},
            }
        ]
        for one in PIECES
    ]
    after: list[Event] = [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": TOKENS},
        },
        {"type": "message_stop"},
    ]
    return before, pieces, after


@contextlib.contextmanager
def scripted(name: str, gate: threading.Semaphore) -> Iterator[Scripted]:
    """Start one in a thread of its own; it is gone at the end of the block."""
    server = Scripted(name, gate)
    routes = [
        *(Route(f"/v1/{one}", server.answer, methods=["POST"]) for one in ENDPOINTS),
        Route("/v1/andes/reports", server.hear, methods=["POST"]),
        Route("/v1/models", server.models),
        Route("/metrics", server.metrics),
        Route("/health", server.health),
        Route("/version", server.version),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes),
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    running = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            running.should_exit = True
            thread.join(10)
