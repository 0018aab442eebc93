"""Who would have to wait too long is refused at the door, with a word on when to come again."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from andes_backend.engine import refusal
from andes_backend.engine.refusal import Door, Refusal
from andes_backend.gateway import PATHS

pytestmark = pytest.mark.asyncio

LIMIT_S = 10.0


class Engines:
    """What engines say, one figure each time, and how often they were asked."""

    def __init__(self, *answers: Sequence[float | None]) -> None:
        self.asked = 0
        self._answers = answers

    async def ask(self) -> Sequence[float | None]:
        self.asked += 1
        await asyncio.sleep(0)
        return self._answers[min(self.asked, len(self._answers)) - 1]


async def server(_scope: Any, _receive: Any, send: Any) -> None:
    """Answers everything."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"text"})


def behind(door: Door) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=Refusal(server, door)), base_url="http://a"
    )


def opened(engines: Engines) -> Door:
    door = Door()
    door.open(engines.ask, limit_s=LIMIT_S)
    return door


async def statuses(door: Door, *paths: str) -> list[int]:
    async with behind(door) as client:
        return [(await client.post(path, json={})).status_code for path in paths]


async def test_until_it_is_opened_everybody_comes_in() -> None:
    assert await statuses(Door(), *PATHS) == [200] * len(PATHS)


@pytest.mark.parametrize("path", PATHS)
async def test_who_would_wait_too_long_is_told_so(path: str) -> None:
    name = "andes:refused_requests_total"
    door = opened(Engines([14.2]))
    before = REGISTRY.get_sample_value(name)
    assert before is not None
    async with behind(door) as client:
        answer = await client.post(path, json={})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "15"
    error = json.loads(answer.text)["error"]
    assert (error["type"], error["code"]) == ("ServiceUnavailableError", 503)
    assert "in about 15 s" in error["message"]
    assert "more than 10 s" in error["message"]
    assert "Try another server" in error["message"]
    assert REGISTRY.get_sample_value(name) == before + 1


@pytest.mark.parametrize(
    "said",
    [[9.9], [10.0], [0.0], [None], [], [None, 3.0], [50.0, 3.0]],
    ids=["below", "at the limit", "nobody waits", "unknown", "none", "one knows", "one is free"],
)
async def test_who_need_not_comes_in(said: list[float | None]) -> None:
    assert await statuses(opened(Engines(said)), PATHS[0]) == [200]


async def test_only_requests_for_text_are_refused() -> None:
    async with behind(opened(Engines([99.0]))) as client:
        assert (await client.get(PATHS[0])).status_code == 200
        for path in ("/metrics", "/v1/andes/reports", "/v1/embeddings", "/tokenize"):
            assert (await client.post(path, json={})).status_code == 200
        assert (await client.post(PATHS[0] + "/", json={})).status_code == 503


async def test_a_hundred_at_once_ask_the_engines_once() -> None:
    engines = Engines([99.0])
    door = opened(engines)
    waits = await asyncio.gather(*(door.too_late() for _ in range(100)))
    assert waits == [99.0] * 100
    assert engines.asked == 1


async def test_what_was_said_once_does_not_hold_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal, "_FRESH_S", -1.0)
    door = opened(Engines([99.0], [0.5], [99.0]))
    assert [await door.too_late() for _ in range(3)] == [99.0, None, 99.0]


async def test_engines_that_do_not_answer_keep_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusal, "_PATIENCE_S", 0.01)
    never = asyncio.Event()

    async def ask() -> Sequence[float | None]:
        await never.wait()
        return [99.0]

    door = Door()
    door.open(ask, limit_s=LIMIT_S)
    assert await door.too_late() is None
    never.set()
    await asyncio.sleep(0)
    assert await door.too_late() == 99.0


async def test_engines_that_fail_refuse_nobody() -> None:
    async def ask() -> Sequence[float | None]:
        raise RuntimeError("the engine is dead")

    door = Door()
    door.open(ask, limit_s=LIMIT_S)
    assert await door.too_late() is None
