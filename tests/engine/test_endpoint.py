"""The route in vLLM's own application, without an engine: what it takes in, and what it refuses."""

import asyncio
import json
import logging
from argparse import Namespace
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from vllm.entrypoints.serve.middleware.authenticate import AuthenticationMiddleware
from vllm.plugins.endpoint_plugins.interface import (
    EndpointPlugin,
    attach_endpoint_plugins,
    init_endpoint_plugins_state,
)

from andes_backend.engine import endpoint
from andes_backend.engine.endpoint import PATH, ReportsEndpoint
from andes_backend.engine.listener import OUTLOOK
from andes_backend.engine.reports import Checked
from andes_client import wire
from tests.client.test_wire import REPORT

OURS = "andes_backend.AndesScheduler"
KEY = {"Authorization": "Bearer right"}


class Client:
    """vLLM's EngineClient, as far as the route needs it: two engines, one of which holds "a"."""

    def __init__(self, scheduler: str | None = OURS, **settings: Any) -> None:
        self.vllm_config = SimpleNamespace(
            scheduler_config=SimpleNamespace(scheduler_cls=scheduler),
            additional_config={"andes": settings} if settings else {},
        )
        self.engine_core = self
        self.calls: list[tuple[str, Any]] = []
        self.fails: Exception | None = None
        self.expected: Sequence[float | None] = (None, None)

    async def call_utility_all_async(
        self, method: str, reports: Sequence[Checked] = ()
    ) -> list[Any]:
        self.calls.append((method, reports))
        if method == OUTLOOK:
            return list(self.expected)
        if self.fails is not None:
            raise self.fails
        return [{}, {one.stream: (1.0, 2.5) for one in reports if one.stream == "a"}]


async def started(
    client: Client | None,
    monkeypatch: pytest.MonkeyPatch,
    named: str = "andes,other",
    app: FastAPI | None = None,
) -> httpx2.AsyncClient:
    """An HTTP client of vLLM's application, with our plug-in in it and vLLM's check of keys."""
    from vllm import plugins

    def load(group: str) -> dict[str, Any]:
        wanted = group == "vllm.endpoint_plugins" and "andes" in named.split(",")
        return {"andes": ReportsEndpoint} if wanted else {}

    monkeypatch.setenv("VLLM_PLUGINS", named)
    monkeypatch.setattr(plugins, "load_plugins_by_group", load)
    app = FastAPI() if app is None else app
    attach_endpoint_plugins(app, ("generate",))
    await init_endpoint_plugins_state(client, app.state, Namespace())  # type: ignore[arg-type]
    app.add_middleware(AuthenticationMiddleware, tokens=["right"])
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://server", headers=KEY
    )


def body_of(*streams: str) -> dict[str, Any]:
    return {"v": 1, "reports": [{**REPORT, "stream": stream} for stream in streams]}


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    """What an SDK of the API makes of it."""
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == answer.status_code
    return dict(error)


@pytest.fixture
def engine() -> Client:
    return Client()


def test_it_is_what_vllm_expects_of_a_plugin() -> None:
    assert isinstance(ReportsEndpoint(), EndpointPlugin)
    assert PATH == "/v1/andes/reports"


@pytest.mark.asyncio
async def test_reports_reach_the_engine_and_its_answer_the_client(
    engine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await started(engine, monkeypatch) as http:
        answer = await http.post(PATH, json=body_of("a", "elsewhere"))
    assert answer.status_code == 200
    assert answer.json() == {"v": 1, "streams": {"a": {"forecast_s": [1.0, 2.5]}}}
    ((method, told),) = engine.calls
    assert method == "andes_hear"
    assert told == list(map(Checked.of, wire.decode_reports(body_of("a", "elsewhere"))))


@pytest.mark.asyncio
@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"Authorization": ""}])
async def test_the_servers_own_key_guards_it(
    engine: Client, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    async with await started(engine, monkeypatch) as http:
        answer = await http.post(PATH, json=body_of("a"), headers=headers)
    assert answer.status_code == 401
    assert engine.calls == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "client",
    [None, Client(None), Client("vllm.v1.core.sched.scheduler.Scheduler"), Client(reports=False)],
    ids=["no engine", "stock", "another scheduler", "switched off"],
)
async def test_where_nobody_listens_there_is_no_such_path(
    client: Client | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await started(client, monkeypatch) as http:
        answer = await http.post(PATH, json=body_of("a"))
    assert answer.status_code == 404
    assert error_of(answer)["type"] == "NotFoundError"


@pytest.mark.asyncio
async def test_without_its_name_among_the_plugins_there_is_none_either(
    engine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await started(engine, monkeypatch, named="other") as http:
        assert (await http.post(PATH, json=body_of("a"))).status_code == 404


@pytest.mark.asyncio
async def test_it_is_posted_to(engine: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await started(engine, monkeypatch) as http:
        assert (await http.get(PATH)).status_code == 405


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe\xfd", "the body is not JSON"),
        (b"[" * 60_000, "the body is not JSON"),
        (b'{"v": 1, "reports": [{"n": ' + b"9" * 5000 + b"}]}", "the body is not JSON"),
        (b"null", "a call must be an object with reports, not None"),
        (b"NaN", "a call must be an object with reports, not nan"),
        (b'{"v": 2, "reports": []}', "v must be 1, not 2"),
        (json.dumps(body_of("two words")).encode(), "reports[0]: stream must be 1 to 48"),
        (json.dumps({"v": 1, "reports": [1] * 257}).encode(), "there must be 256 streams at most"),
        (
            json.dumps({"v": 1, "reports": [{**REPORT, "buffer_s": float("nan")}]}).encode(),
            "reports[0]: buffer_s must be seconds",
        ),
        (
            json.dumps({"v": 1, "reports": [{**REPORT, "tokens": 10**400}]}).encode(),
            "reports[0]: tokens must be tokens",
        ),
    ],
    ids=str,
)
async def test_what_cannot_be_understood_is_a_400(
    engine: Client, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    async with await started(engine, monkeypatch) as http:
        answer = await http.post(PATH, content=content)
        error = error_of(answer)
        assert (answer.status_code, error["type"]) == (400, "BadRequestError")
        assert error["message"].startswith(message)
        assert len(error["message"]) < 200
        assert engine.calls == []
        assert (await http.post(PATH, json=body_of("a"))).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("said", ["its length", "nothing", "a lie", "a length of many digits"])
async def test_what_is_too_large_is_not_read_to_its_end(
    engine: Client, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    sent = 0

    async def parts() -> Any:
        nonlocal sent
        for _ in range(10_000):
            sent += 1000
            yield b" " * 1000

    headers = {
        "its length": {"Content-Length": "10000000"},
        "nothing": {},
        "a lie": {"Content-Length": "10"},
        "a length of many digits": {"Content-Length": "9" * 5000},
    }[said]
    async with await started(engine, monkeypatch) as http:
        answer = await http.post(PATH, content=parts(), headers=headers)
    assert error_of(answer)["type"] == "RequestTooLargeError"
    assert answer.status_code == 413
    assert sent <= wire.MAX_REPORTS_BYTES + 10_000
    assert engine.calls == []


@pytest.mark.asyncio
async def test_the_longest_call_is_not_too_large(
    engine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.dumps(body_of(*(["x" * 48] * wire.MAX_REPORTS))).encode()
    content += b" " * (wire.MAX_REPORTS_BYTES - len(content))
    async with await started(engine, monkeypatch) as http:
        assert (await http.post(PATH, content=content)).status_code == 200
        answer = await http.post(PATH, content=content + b" ")
    assert answer.status_code == 413


@pytest.mark.asyncio
async def test_too_many_calls_are_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Client(report_calls_per_s=0.25)
    async with await started(engine, monkeypatch) as http:
        assert (await http.post(PATH, json=body_of("a"))).status_code == 200
        for _ in range(3):
            answer = await http.post(PATH, json=body_of("a"))
            assert answer.status_code == 429
            assert error_of(answer)["type"] == "RateLimitError"
            assert answer.headers["Retry-After"] == "4"
    assert len(engine.calls) == 1


@pytest.mark.asyncio
async def test_an_engine_that_cannot_be_asked_is_a_503(
    engine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.fails = RuntimeError("EngineCore encountered an issue")
    async with await started(engine, monkeypatch) as http:
        answer = await http.post(PATH, json=body_of("a"))
        assert answer.status_code == 503
        assert error_of(answer)["message"] == "the engine could not be asked (RuntimeError)"
        assert answer.headers["Retry-After"] == "1"
        engine.fails = None
        assert (await http.post(PATH, json=body_of("a"))).status_code == 200


@pytest.mark.asyncio
async def test_without_a_call_to_all_engines_each_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in vLLM 0.30 and 0.31."""
    engine = Client()

    class Older:
        core_engines = (b"0", b"1")

        async def _call_utility_async(self, _method: str, *_args: Any, engine: bytes) -> Any:
            await asyncio.sleep(0)
            return {"a": None} if engine == b"1" else {}

    engine.engine_core = Older()  # type: ignore[assignment]
    async with await started(engine, monkeypatch) as http:
        answer = await http.post(PATH, json=body_of("a"))
    assert answer.json() == {"v": 1, "streams": {"a": {}}}


@pytest.mark.asyncio
async def test_a_client_who_leaves_in_the_middle_is_no_error_of_the_server(
    engine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await started(engine, monkeypatch) as http:
        app = http._transport.app  # type: ignore[attr-defined]
    sent: list[Any] = []
    received = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Any:
        return next(received, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(),
        "query_string": b"", "root_path": "", "http_version": "1.1", "scheme": "http",
        "headers": [(b"authorization", b"Bearer right")], "client": ("a", 1), "server": ("b", 2),
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert engine.calls == []


@pytest.mark.parametrize(
    ("method", "path", "status", "shown"),
    [
        ("POST", PATH, 200, False),
        ("POST", f"{PATH}?x", 200, False),
        ("POST", PATH, 429, True),
        ("POST", PATH, 401, True),
        ("GET", PATH, 405, True),
        ("POST", "/v1/completions", 200, True),
    ],
)
def test_calls_that_are_heard_do_not_fill_the_log(
    method: str, path: str, status: int, shown: bool
) -> None:
    arguments = ("127.0.0.1:1", method, path, "1.1", status)
    record = logging.LogRecord(
        "uvicorn.access", 20, "", 0, '%s - "%s %s HTTP/%s" %d', arguments, None
    )
    assert vars(endpoint)["_is_news"](record) is shown


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("settings", "expected", "status"),
    [
        ({"refuse_after_s": 5}, (12.0, 30.0), 503),
        ({"refuse_after_s": 5, "reports": False}, (12.0, 30.0), 503),
        ({"refuse_after_s": 5}, (12.0, 0.0), 404),
        ({"refuse_after_s": 5}, (None, None), 404),
        ({}, (12.0, 30.0), 404),
        ({"refuse_after_s": 0}, (12.0, 30.0), 404),
    ],
)
async def test_requests_that_would_wait_too_long_are_refused_if_the_operator_wants_it(
    settings: dict[str, Any],
    expected: Sequence[float | None],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who comes in finds that this application has no model: 404."""
    engine = Client(**settings)
    engine.expected = expected
    async with await started(engine, monkeypatch) as http:
        answer = await http.post("/v1/completions", json={})
        without_a_key = await http.post("/v1/completions", json={}, headers={"Authorization": ""})
    assert answer.status_code == status
    assert without_a_key.status_code == 401
    if status == 503:
        assert error_of(answer)["type"] == "ServiceUnavailableError"
        assert answer.headers["Retry-After"] == "12"


@pytest.mark.asyncio
async def test_vllms_handlers_of_errors_leave_retry_after_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That for `HTTPException` answers without the exception's headers (vLLM 0.32), so we raise
    none."""
    of_vllm = pytest.importorskip("vllm.entrypoints.serve.exception_handling.register")
    app = FastAPI()
    app.state.args = Namespace(log_error_stack=False)
    of_vllm.init_exception_handler(app)
    engine = Client(refuse_after_s=5, report_calls_per_s=0.25)
    engine.expected = (12.0, 30.0)
    async with await started(engine, monkeypatch, app=app) as http:
        refused = await http.post("/v1/completions", json={})
        _, put_off = [await http.post(PATH, json=body_of("a")) for _ in range(2)]
    assert [(each.status_code, each.headers["Retry-After"]) for each in (refused, put_off)] == [
        (503, "12"),
        (429, "4"),
    ]
