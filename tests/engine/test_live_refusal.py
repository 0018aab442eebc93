"""A server that refuses who would wait too long, and lets them in again when nobody waits."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest

from andes_backend.lab.bench.server import Server
from tests.live import our_figures, serving

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

LIMIT_S = 300.0
LEARNED = 12  # waits from which the server can tell how long others would last
QUESTION = {"model": "tiny", "prompt": "word " * 8, "max_tokens": 40, "ignore_eos": True}


@pytest.fixture(scope="module")
def server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It serves two at a time, first come, first served: a crowd has to wait."""
    log = tmp_path_factory.mktemp("refusing-server") / "server.log"
    with serving(
        tiny_model,
        log=log,
        policy="fcfs",
        settings={"refuse_after_s": 0.05},
        kv_blocks=64,
        max_sequences=2,
    ) as running:
        yield running


async def test_who_would_wait_too_long_is_refused_until_the_crowd_is_gone(server: Server) -> None:
    """Nobody is before anything is known of waits, so that a crowd comes in."""
    async with (
        asyncio.timeout(LIMIT_S),
        httpx2.AsyncClient(base_url=server.url, timeout=LIMIT_S, trust_env=False) as client,
        openai.AsyncOpenAI(
            base_url=server.url + "/v1", api_key="none", max_retries=0, http_client=client
        ) as sdk,
    ):
        crowd = [
            asyncio.create_task(client.post("/v1/completions", json=QUESTION)) for _ in range(30)
        ]
        while sum(one.done() for one in crowd) < LEARNED:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.01)
        refused = await client.post("/v1/completions", json=QUESTION)
        with pytest.raises(openai.InternalServerError) as seen:
            await sdk.chat.completions.create(
                model="tiny", messages=[{"role": "user", "content": "word"}], max_tokens=1
            )
        served = [answer.status_code for answer in await asyncio.gather(*crowd)]
        assert (await client.post("/v1/completions", json=QUESTION)).status_code == 200
    assert served.count(200) >= LEARNED
    assert refused.status_code == seen.value.status_code == 503
    for headers in (refused.headers, seen.value.response.headers):
        assert int(headers["retry-after"]) >= 1
    error = refused.json()["error"]
    assert error["code"] == 503
    assert "expected" in error["message"]
    assert our_figures(server)["andes:refused_requests_total"] >= 2
