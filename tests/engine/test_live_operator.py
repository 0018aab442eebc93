"""What an operator relies on, on the real server: it goes on, says so, and needs no flag."""

import json
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.server import Server
from andes_backend.lab.workload import make_workload
from andes_client import wire
from tests.live import our_figures

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

REQUESTS = 24


async def load(server: Server, requests: int = REQUESTS, max_length: int = 300) -> None:
    """Many streams at once: every one gets all of its tokens once, and ends as it should."""
    workload = make_workload(requests, rate=30.0, seed=2, max_length=max_length)
    run = Load(workload, Target(url=server.url, model=server.model))
    await run.run()
    assert [outcome.error for outcome in run.outcomes] == [None] * requests
    assert sum(outcome.lost + outcome.excess for outcome in run.outcomes) == 0


def tell(mode: Path, kind: str) -> None:
    mode.write_text(kind)


class TestPolicyThatMisbehaves:
    @pytest.fixture
    def server(self, misbehaving_server: Server) -> Server:
        return misbehaving_server

    @pytest.mark.parametrize("kind", ["raise", "invalid", "slow"])
    async def test_its_server_goes_on_and_says_so(
        self, server: Server, misbehaving_mode: Path, kind: str
    ) -> None:
        reason = {"raise": "raised"}.get(kind, kind)
        before = our_figures(server)
        name = f"andes:planning_fallbacks_total:{reason}"
        # The machine may have stopped for a while in the middle of a plan.
        assert before[name] == 0 or reason == "slow"
        tell(misbehaving_mode, kind)
        await load(server)
        tell(misbehaving_mode, "fine")
        after = our_figures(server)
        assert after[name] > before[name]
        for count in ("andes:request_qoe_count:person", "andes:requests_total:reader"):
            assert after[count] == before[count] + REQUESTS
        if kind == "slow":
            planning = "andes:planning_time_seconds_sum"
            assert after[planning] >= before[planning] + 1.0

    async def test_it_is_logged_once_for_each_reason(self, server: Server) -> None:
        log = server.log.read_text(errors="replace")
        assert log.count("the policy raised an error") == 1
        assert log.count("RuntimeError: this policy was asked to fail") == 1
        assert log.count("the policy made an invalid decision") == 1
        assert log.count("longer than slow_plan_s = 0.05") == 1
        assert log.count("Metrics: andes:* on the server's /metrics") == 1

    async def test_and_then_it_is_as_good_as_before(self, server: Server) -> None:
        before = our_figures(server)
        await load(server)
        after = our_figures(server)
        for reason in ("raised", "invalid"):
            name = f"andes:planning_fallbacks_total:{reason}"
            assert after[name] == before[name] > 0
        assert after["andes:num_requests_overdue"] == after["andes:longest_wait_seconds"] == 0


class TestServerThatIsAskedByItsEnvironment:
    """ANDES_ENABLE and ANDES_SETTINGS, and not one flag."""

    @pytest.fixture
    def server(self, asked_by_environment: Server) -> Server:
        return asked_by_environment

    async def test_it_has_our_scheduler_and_its_metrics(self, server: Server) -> None:
        before = our_figures(server)
        await load(server, 5, max_length=120)  # the longest answer there
        log = server.log.read_text(errors="replace")
        assert "andes: settings from ANDES_SETTINGS: bad_hints, default_tds, overdue_after" in log
        assert log.count("andes: the setting max_wait_s is now called overdue_after_s") == 1
        assert "andes: policy qoe. When KV memory runs out" in log
        assert "3.3 tokens/s" in log
        assert "Traceback" not in log
        read = "andes:request_qoe_count:person"
        assert our_figures(server)[read] - before[read] == 5

    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize(
        ("path", "question"),
        [
            ("chat/completions", {"messages": [{"role": "user", "content": "The river?"}]}),
            ("completions", {"prompt": "The river"}),
            ("responses", {"input": "The river?"}),
        ],
    )
    async def test_bad_hints_are_refused(
        self, server: Server, path: str, question: dict[str, Any], stream: bool
    ) -> None:
        hints = {wire.FIELD: {wire.TDS: -3}}
        before = our_figures(server)
        body = {"model": server.model, "stream": stream, **question, **hints}
        async with httpx2.AsyncClient(timeout=60) as client:
            answer = await client.post(f"{server.url}/v1/{path}", json=body)
            body[wire.FIELD] = {wire.TDS: "inf", wire.TTFT: 0.5}
            good = await client.post(f"{server.url}/v1/{path}", json={**body, "stream": False})
        assert answer.status_code == 400
        error = json.loads(answer.text)["error"]
        assert error["type"] == "BadRequestError"
        assert error["code"] == 400
        assert error["param"] == wire.FIELD
        assert "vllm_xargs: andes_tds must be tokens/s above 0" in error["message"]
        assert "not -3" in error["message"]
        assert "Correct it, or leave it out" in error["message"]
        assert good.status_code == 200
        after = our_figures(server)
        assert after["andes:requests_total:bad"] == 0
        assert after["andes:requests_total:program"] == before["andes:requests_total:program"] + 1

    async def test_the_sdk_sees_a_bad_request(self, server: Server) -> None:
        async with openai.AsyncOpenAI(
            base_url=server.url + "/v1", api_key="none", max_retries=0
        ) as sdk:
            with pytest.raises(openai.BadRequestError, match="andes_ttft must be a number"):
                await sdk.completions.create(
                    model=server.model,
                    prompt="The river",
                    stream=True,
                    extra_body={wire.FIELD: {wire.TTFT: "soon"}},
                )
