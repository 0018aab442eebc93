"""The real LiteLLM, over HTTP, from a scripted server."""

import os
from typing import Any

import anyio
import pytest

from andes_client import pace
from andes_client.sources import pace_events
from andes_client.sources.litellm import split, text
from tests.client.scripted_server import (
    DEADLINE_S,
    DONE,
    QUICK,
    SLOW,
    USAGE,
    Gate,
    ScriptedServer,
    chat,
    tool_call,
)

# Else it asks the network for its prices as soon as it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
litellm = pytest.importorskip("litellm")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),  # it knows no other
]


async def completion(server: ScriptedServer, **options: Any) -> Any:
    return await litellm.acompletion(
        model="openai/scripted",
        api_base=server.url + "/v1",
        api_key="none",
        messages=[{"role": "user", "content": "Hi"}],
        stream=True,
        num_retries=0,
        **options,
    )


async def test_text(server: ScriptedServer) -> None:
    words = ["The ", "quick\u2028brown ", "fox ", "👩🏽‍🚀 ", "漢字\n"]
    server.says(
        chat(role="assistant", content=""),
        *[chat(content=word) for word in words],
        chat(finish_reason="stop"),
        DONE,
    )
    async with pace(text(await completion(server)), QUICK) as paced:
        assert "".join([word async for word in paced]) == "".join(words)


async def test_other_events_keep_their_places(server: ScriptedServer) -> None:
    server.says(
        chat(role="assistant", content=""),
        chat(reasoning_content="Hm."),
        chat(content="Let me look. "),
        chat(tool_calls=[tool_call("", "look")]),
        chat(tool_calls=[tool_call('{"at": 1}')]),
        chat(finish_reason="tool_calls"),
        chat(usage=USAGE),
        DONE,
    )
    items: list[str] = []
    stream = await completion(server, stream_options={"include_usage": True})
    async with pace_events(stream, QUICK, split=split) as paced:
        async for item in paced:
            if isinstance(item, str):
                items.append(item)
                continue
            (choice,) = item.choices
            for call in choice.delta.tool_calls or ():
                items.append(f"<{call.function.name or call.function.arguments}>")
            for name in ("reasoning_content", "finish_reason", "usage"):
                found = getattr(choice.delta, name, None) or getattr(choice, name, None)
                items += [f"<{found}>"] if found else []
            items += [f"<{item.usage.total_tokens}>"] if getattr(item, "usage", None) else []
    assert "".join(items) == '<Hm.>Let me look. <look><{"at": 1}><tool_calls><8>'


async def test_a_tool_call_is_not_held_back_by_text(server: ScriptedServer) -> None:
    calls = [tool_call("", "look")]
    server.says(chat(content="One two three"), chat(tool_calls=calls), chat(content="x"), Gate())
    seen = ""
    with anyio.fail_after(DEADLINE_S):
        async with pace_events(await completion(server), SLOW, split=split) as paced:
            async for item in paced:
                if not isinstance(item, str):
                    break
                seen += item
    assert seen == "One two three"
    assert await server.client_left()


async def test_leaving_early_closes_the_connection(server: ScriptedServer) -> None:
    server.says(chat(content="One "), chat(content="two "), chat(content="three "), Gate())
    async with pace(text(await completion(server)), QUICK) as paced:
        async for _ in paced:
            break
    assert await server.client_left()


async def test_thinking_blocks_do_not_wait() -> None:
    delta = {"content": "", "thinking_blocks": [{"type": "thinking", "thinking": "Hm."}]}
    chunk = litellm.ModelResponseStream(choices=[{"index": 0, "delta": delta}])
    assert split(chunk) == ("", "at once")
