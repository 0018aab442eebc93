"""Whose request it is: what the gateway's header says, whatever the request claims."""

import json
from typing import Any

import httpx2
import pytest

from andes_backend.gateway import UserFromHeader

SEEN: list[Any] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Remembers what it is asked, and how long it was told that would be."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    lengths = [int(value) for name, value in scope["headers"] if name == b"content-length"]
    assert lengths in ([], [len(body)])
    SEEN.append(body)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def post(body: bytes | dict[str, Any], *headers: tuple[str, str], path: str = "") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    transport = httpx2.ASGITransport(app=UserFromHeader(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post(
            path or "/v1/completions", content=content, headers=[("X-Other", "1"), *headers]
        )


async def seen(*args: Any, **kwargs: Any) -> Any:
    SEEN.clear()
    assert (await post(*args, **kwargs)).status_code == 200
    (body,) = SEEN
    return json.loads(body)


@pytest.mark.asyncio
async def test_the_header_names_the_user() -> None:
    request = await seen({"prompt": "Hi"}, ("X-Andes-User", "alice"))
    assert request == {"prompt": "Hi", "vllm_xargs": {"andes_user": "alice"}}


@pytest.mark.asyncio
async def test_a_claim_is_worth_nothing() -> None:
    claim = {"prompt": "Hi", "vllm_xargs": {"andes_user": "bob", "andes_tds": 4.8}}
    request = await seen(claim, ("x-andes-user", "alice"))
    assert request["vllm_xargs"] == {"andes_user": "alice", "andes_tds": 4.8}
    assert (await seen(claim))["vllm_xargs"] == {"andes_tds": 4.8}
    assert await seen({"vllm_xargs": {"andes_user": "bob"}}) == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"{not json", b"[1, 2]", b'{"vllm_xargs": 7}', b""])
async def test_what_is_no_request_is_the_servers_to_refuse(body: bytes) -> None:
    SEEN.clear()
    assert (await post(body, ("X-Andes-User", "alice"))).status_code == 200
    assert [body] == SEEN


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path", ["/v1/messages", "/invocations", "/v1/responses", "/v1/responses/"]
)
async def test_every_way_to_generate_has_a_user(path: str) -> None:
    claim = {"vllm_xargs": {"andes_user": "bob"}}
    request = await seen(claim, ("X-Andes-User", "alice"), path=path)
    assert request == {"vllm_xargs": {"andes_user": "alice"}}


@pytest.mark.asyncio
async def test_token_ids_have_their_own_field() -> None:
    claim = {"sampling_params": {"max_tokens": 9, "extra_args": {"andes_user": "bob", "x": 1}}}
    path = "/inference/v1/generate"
    request = await seen(claim, ("X-Andes-User", "alice"), path=path)
    extra = {"andes_user": "alice", "x": 1}
    assert request == {"sampling_params": {"max_tokens": 9, "extra_args": extra}}
    request = await seen(claim, path=path)
    assert request == {"sampling_params": {"max_tokens": 9, "extra_args": {"x": 1}}}


@pytest.mark.asyncio
async def test_on_other_paths_nobody_is_named_and_claims_are_dropped() -> None:
    alice = ("X-Andes-User", "alice")
    assert await seen({"prompt": "Hi"}, alice, path="/tokenize") == {"prompt": "Hi"}
    hidden = b'{"vllm_xargs": {"andes\\u005fuser": "bob"}}'
    assert await seen(hidden, alice, path="/anything/new") == {}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "headers",
    [
        [("X-Andes-User", "a" * 257)],
        [("X-Andes-User", "")],
        [("X-Andes-User", "alice"), ("X-Andes-User", "bob")],
    ],
)
async def test_a_bad_header_is_refused(headers: list[tuple[str, str]]) -> None:
    SEEN.clear()
    response = await post({}, *headers)
    assert response.status_code == 400
    assert "the header X-Andes-User must" in response.json()["error"]["message"]
    assert not SEEN


@pytest.mark.asyncio
async def test_another_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDES_USER_HEADER", "X-Tenant")
    assert await seen({}, ("X-Tenant", "alice")) == {"vllm_xargs": {"andes_user": "alice"}}
