"""Over real HTTP, with a real SDK: the server is told how much audio its listener has in hand."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from andes_client import speaking, wire
from andes_client.sources.openai import text
from andes_client.transport import httpx2_transport
from andes_client.voice import Spoken, chunks
from tests.client.reporting_server import Host, ReportingServer, serving_reports


@pytest.fixture
def server() -> Iterator[ReportingServer]:
    with serving_reports(Host()) as host:
        yield host.fresh()


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"], indirect=False)
@pytest.mark.anyio
async def test_the_server_hears_of_the_audio_in_hand(
    server: ReportingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("andes_client.reporter._LAST_WORDS_S", 60.0)
    server.words = 2000  # the answer has not ended when its listener leaves
    spoken = Spoken(lambda: 10.0)
    listener = speaking(language="en")
    http = openai.DefaultAsyncHttpxClient(transport=httpx2_transport(listener, report=True))
    async with openai.AsyncOpenAI(base_url=server.url, api_key="k", http_client=http) as sdk:
        messages: Any = [{"role": "user", "content": "Hi"}]
        stream = await sdk.chat.completions.create(model="m", messages=messages, stream=True)
        async with chunks(text(stream), spoken=spoken) as parts:
            async for chunk in parts:
                spoken.add(chunk, seconds=40.0)
                break
    hints = wire.decode(server.requests[0][wire.FIELD])
    assert hints.tds == pytest.approx(listener.tds, rel=0.01)
    last = server.reports[-1]
    assert (last.stream, last.state) == (hints.stream, "gone")
    assert 30.0 <= last.buffer_s < 45.0, "30 s of audio, and a few words"
