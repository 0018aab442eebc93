"""What a proxy makes of requests and answers, found out with scripted servers behind it.

Every finding is a word or two for a table. Pieces of text are let out one at a time, each when the
client has seen the last one: "at once" does not hang on how fast a machine is. That a piece is held
back is believed when it has been in each of three tries; the first request of all is not looked at.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from andes_client import reading
from helpers.scripted_vllm import ENDPOINTS, PIECES, TOKENS, Scripted

__all__ = ["HINTS", "NOTHING", "Answer", "Proxy", "ask", "client_of", "probe"]

HINTS: Final = reading(ttft=2.0).extra_body(stream="probe-1", user="alice")
NOTHING: Final = "-"
"""Where a question makes no sense."""

AT_ONCE: Final = "at once"

_PATIENCE_S: Final = 5.0  # until a piece counts as held back
_END_S: Final = 60.0
_POLL_S: Final = 0.01
_CALLS: Final = 4  # of what may reach any server
_TRIES: Final = 3  # of what a busy machine may spoil
_USER_HEADER: Final = "X-Andes-User"

_ASKED: Final[Mapping[str, dict[str, Any]]] = {
    "chat/completions": {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": TOKENS,
        "return_token_ids": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    },
    "completions": {
        "prompt": "Hi",
        "max_tokens": TOKENS,
        "return_token_ids": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    },
    "responses": {"input": "Hi", "max_output_tokens": TOKENS},
    "messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": TOKENS},
}


@dataclass(frozen=True)
class Proxy:
    """What is looked at."""

    url: str
    model: str
    """The name that requests give."""
    key: str
    """Of its API."""
    servers: Sequence[Scripted]
    """Behind it, or the one that it is."""


@dataclass
class Answer:
    """What a client has seen of an answer so far."""

    status: int | None = None
    text: str = ""
    ids: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    """Of output tokens, as events with text have them."""
    usage: int | None = None
    finished: bool = False
    """Whether there was a finish reason, or the event that stands for it."""
    failure: str = ""
    """How it broke off, if it did."""
    said: str = ""
    """An error that came as an event."""
    over: bool = False

    def add(self, data: str) -> None:
        """Read an event's data."""
        if data == "[DONE]":
            return
        event = json.loads(data)
        kind = event.get("type", "")
        if event.get("error"):
            self.said = str(event["error"])
        for choice in event.get("choices") or ():
            self._add_choice(event, choice)
        if kind in ("response.output_text.delta", "content_block_delta"):
            delta = event["delta"]
            self.text += delta if isinstance(delta, str) else delta.get("text", "")
        self.finished = self.finished or kind in ("response.completed", "message_stop")
        usage = (event.get("response") or event).get("usage") or {}
        for name in ("completion_tokens", "output_tokens"):
            self.usage = usage.get(name, self.usage)

    def _add_choice(self, event: dict[str, Any], choice: dict[str, Any]) -> None:
        text = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
        self.text += text
        self.ids += choice.get("token_ids") or []
        if text and event.get("usage"):
            self.counts.append(event["usage"].get("completion_tokens"))
        self.finished = self.finished or bool(choice.get("finish_reason"))


def probe(proxy: Proxy) -> dict[str, str]:
    """All findings about a proxy: the row's name -> what stands there."""
    return asyncio.run(_probe(proxy))


async def _probe(proxy: Proxy) -> dict[str, str]:
    found: dict[str, str] = {}
    async with client_of(proxy.url, proxy.key, _END_S) as client:
        for endpoint in ENDPOINTS:
            await _endpoint(client, proxy, endpoint, let_all_out=True)
            for name, value in (await _best(client, proxy, endpoint)).items():
                found[f"`/v1/{endpoint}`: {name}"] = value
        found[f"the header `{_USER_HEADER}`"] = _header(proxy)
        found["a reader who leaves"] = await _leaving(client, proxy)
        found["a server that dies in an answer"] = await _dying(client, proxy)
        found["`/metrics`"] = await _metrics(client, proxy)
        found["readers' reports"] = await _reports(client, proxy)
    return found


def client_of(url: str, key: str, patience_s: float) -> httpx2.AsyncClient:
    """A client for a proxy at this address, with the key of its API."""
    return httpx2.AsyncClient(
        base_url=url,
        timeout=patience_s,
        trust_env=False,
        headers={"Authorization": f"Bearer {key}"},
    )


async def ask(
    client: httpx2.AsyncClient, model: str, endpoint: str, answer: Answer, **more: Any
) -> None:
    """Send a request for a stream, and fill the answer as it comes."""
    body = {"model": model, "stream": True, **_ASKED[endpoint], **HINTS, **more}
    try:
        async with client.stream(
            "POST", f"/v1/{endpoint}", json=body, headers={_USER_HEADER: "alice"}
        ) as response:
            answer.status = response.status_code
            if response.status_code == 200:
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        answer.add(line.removeprefix("data:").strip())
    except httpx2.HTTPError as error:
        answer.failure = type(error).__name__
    finally:
        answer.over = True


@contextlib.asynccontextmanager
async def _asked(
    client: httpx2.AsyncClient, proxy: Proxy, endpoint: str
) -> AsyncIterator[tuple[Answer, asyncio.Task[None]]]:
    """A request under way; whatever it leaves is put away at the end."""
    answer = Answer()
    task = asyncio.create_task(ask(client, proxy.model, endpoint, answer))
    try:
        yield answer, task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _until(lambda: not any(_open(proxy)), _PATIENCE_S)
        while proxy.servers[0].gate.acquire(blocking=False):
            pass


def _open(proxy: Proxy) -> Iterator[bool]:
    return (not (one.over or one.left) for server in proxy.servers for one in server.asked)


async def _best(client: httpx2.AsyncClient, proxy: Proxy, endpoint: str) -> dict[str, str]:
    """What a proxy holds back it holds back every time; a busy machine does not."""
    found: dict[str, str] = {}
    for _ in range(_TRIES):
        again = await _endpoint(client, proxy, endpoint)
        # "1 piece late" sorts before "2 pieces late", and both before the words.
        if not found or again["the text"] == AT_ONCE or again["the text"] < found["the text"]:
            found = again
        if found["the text"] == AT_ONCE or found["the text"].startswith("HTTP"):
            break
    return found


async def _endpoint(
    client: httpx2.AsyncClient, proxy: Proxy, endpoint: str, *, let_all_out: bool = False
) -> dict[str, str]:
    before = _requests(proxy)
    async with _asked(client, proxy, endpoint) as (answer, task):
        if let_all_out:
            for _ in PIECES:
                proxy.servers[0].gate.release()
        late = 0 if let_all_out else await _let_out(proxy, answer)
        proxy.servers[0].gate.release()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), _END_S)
    if answer.status != 200:
        return {"the text": f"HTTP {answer.status}" if answer.status else answer.failure}
    (came,) = [one for one in _requests(proxy) if one not in before][-1:] or [None]
    ids, counts = _exact(endpoint, answer)
    return {
        "hints": "dropped" if came is None else _hints(came.body, came.path, endpoint),
        "the text": _text(answer, late),
        "token ids": ids,
        "a count in each event": counts,
        "usage": "right" if answer.usage == TOKENS else "none" if answer.usage is None else
        f"{answer.usage} tokens",
    }  # fmt: skip


def _requests(proxy: Proxy) -> list[Any]:
    return [one for server in proxy.servers for one in server.asked]


async def _let_out(proxy: Proxy, answer: Answer) -> int:
    """Let one piece out after the other; by how many of them the client lags behind."""
    late = 0
    for number in range(1, len(PIECES) + 1):
        proxy.servers[0].gate.release()

        wanted = len("".join(PIECES[: number - late]))

        def seen(wanted: int = wanted) -> bool:
            return answer.over or len(answer.text) >= wanted

        if not await _until(seen, _PATIENCE_S):
            late += 1
    return late


def _hints(body: Mapping[str, Any], path: str, endpoint: str) -> str:
    (field_name,) = HINTS
    sent, came = HINTS[field_name], body.get(field_name)
    what = "pass" if came == sent else "changed" if came else "dropped"
    return what if path == f"/v1/{endpoint}" else f"{what} (asks `{path}`)"


def _text(answer: Answer, late: int) -> str:
    if answer.text != "".join(PIECES):
        return "incomplete"
    if late == len(PIECES):
        return "only at the end"
    return AT_ONCE if not late else f"{late} piece{'s' if late > 1 else ''} late"


def _exact(endpoint: str, answer: Answer) -> tuple[str, str]:
    if endpoint in ("responses", "messages"):
        return NOTHING, NOTHING
    ids = [10 * piece + one for piece in range(len(PIECES)) for one in range(2)]
    counts = [2 * (piece + 1) for piece in range(len(PIECES))]
    return (
        "pass" if answer.ids == ids else "changed" if answer.ids else "dropped",
        "pass" if answer.counts == counts else "changed" if answer.counts else "dropped",
    )


def _header(proxy: Proxy) -> str:
    key = _USER_HEADER.lower()
    chats = [one for one in _requests(proxy) if one.path == "/v1/chat/completions"]
    return "passes" if chats and all(one.headers.get(key) for one in chats) else "dropped"


async def _leaving(client: httpx2.AsyncClient, proxy: Proxy) -> str:
    before = _requests(proxy)
    async with _asked(client, proxy, "chat/completions") as (answer, task):
        proxy.servers[0].gate.release()
        await _until(lambda: bool(answer.text), _PATIENCE_S)
        task.cancel()
        more = 0
        while not await _until(lambda: not any(_open(proxy)), _PATIENCE_S):
            more += 1
            proxy.servers[0].gate.release()
        (last,) = [one for one in _requests(proxy) if one not in before]
    if not last.left:
        return "not heard"
    return "heard at once" if not more else f"heard {more} piece{'s' * (more > 1)} later"


async def _dying(client: httpx2.AsyncClient, proxy: Proxy) -> str:
    for server in proxy.servers:
        server.dies_after = 2
    try:
        async with _asked(client, proxy, "chat/completions") as (answer, task):
            await _let_out(proxy, answer)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), _END_S)
    finally:
        for server in proxy.servers:
            server.dies_after = None
    if answer.said:
        return "an error event"
    if answer.failure:
        return "the connection breaks"
    return "ends like a whole one" if answer.finished else "just stops"


async def _metrics(client: httpx2.AsyncClient, proxy: Proxy) -> str:
    names = {server.name for server in proxy.servers}
    seen: set[str] = set()
    for _ in range(_CALLS):
        page = await client.get("/metrics", follow_redirects=True)
        if page.status_code != 200:
            return f"HTTP {page.status_code}"
        seen |= {name for name in names if f'server="{name}"' in page.text}
    if not seen:
        return "its own"
    if len(names) == 1:
        return "the server's"
    return "one server's, another each time" if len(seen) > 1 else "one server's"


async def _reports(client: httpx2.AsyncClient, proxy: Proxy) -> str:
    before = [server.reports for server in proxy.servers]
    for _ in range(_CALLS):
        answer = await client.post("/v1/andes/reports", json={"reports": []})
        if answer.status_code != 200:
            return f"HTTP {answer.status_code}"
    heard = [
        server.reports > earlier for server, earlier in zip(proxy.servers, before, strict=True)
    ]
    if len(heard) == 1:
        return "heard"
    return "at any server, not the one that serves" if all(heard) else "at one server"


async def _until(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(_POLL_S)
    return True
