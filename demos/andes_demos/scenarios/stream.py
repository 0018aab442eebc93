"""One stream of text, read once over HTTP, shown on both sides."""

import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from typing import Final

import anyio
import httpx2

from andes_client import Expectation, Paced, pace, wire
from andes_demos.bursty_server import MODEL
from andes_demos.recorded_words import RecordedWords
from andes_demos.scenarios.measures import Comparison

__all__ = ["Clock", "compare", "deltas", "http_client"]

# An overloaded server may be silent for long; httpx2 by itself gives up after 5 s.
_TIMEOUT: Final = httpx2.Timeout(10.0, read=120.0)


class Clock:
    """Seconds since it was made, on the event loop's clock, times `hurry`."""

    def __init__(self, hurry: float = 1.0) -> None:
        self.start = anyio.current_time()
        """When it was made, on the event loop's own clock."""
        self._hurry = hurry

    def now(self) -> float:
        return (anyio.current_time() - self.start) * self._hurry

    def hurried(self, expectation: Expectation) -> Expectation:
        """What `expectation` is on the event loop's own clock."""
        return Expectation(expectation.ttft / self._hurry, expectation.tds * self._hurry)


def http_client() -> httpx2.AsyncClient:
    """A client that waits for slow first tokens and goes straight to the loopback."""
    return httpx2.AsyncClient(timeout=_TIMEOUT, trust_env=False)


async def deltas(
    client: httpx2.AsyncClient, url: str, expectation: Expectation, *, model: str = MODEL
) -> AsyncGenerator[str, None]:
    """The text of a streamed chat completion, delta by delta.

    The request tells the server what its reader expects; one that does not know that
    extension ignores it.

    Raises:
        httpx2.HTTPError: the server cannot be reached, refuses, or breaks off.
    """
    request = {
        "model": model,
        "stream": True,
        "messages": [{"role": "user", "content": "Tell me a story."}],
        wire.FIELD: wire.encode(expectation),
    }
    async with client.sse(url, method="POST", json=request) as events:
        events.response.raise_for_status()
        async for event in events:
            if event.data == "[DONE]":
                return
            yield json.loads(event.data)["choices"][0]["delta"].get("content") or ""


async def compare(
    comparison: Comparison,
    stream: AsyncGenerator[str, None],
    clock: Clock,
    on_release: Callable[[str], object] = lambda _: None,
    *,
    take_controls: Callable[[Paced | None], object] = lambda _: None,
) -> None:
    """Show `stream` on both sides, until the paced reader is through; then it is closed.

    Args:
        comparison: where it is shown; its times are those of `clock`.
        stream: text, in pieces of any size.
        clock: started when the user submitted the request.
        on_release: called with each piece of text just after its release on the paced side.
        take_controls: called with the pacer before anything comes, and with None before it is left.
    """
    recorded = RecordedWords(lambda unit: comparison.arrived(unit, clock.now()))

    async def both() -> AsyncGenerator[str, None]:
        async with contextlib.aclosing(stream):
            async for text in stream:
                comparison.raw.show(text, clock.now())
                yield text
        comparison.raw.ended = True

    async with pace(
        both(),
        clock.hurried(comparison.expectation),
        unit=recorded,
        submitted=clock.start,
    ) as paced:
        take_controls(paced)
        try:
            async for text in paced:
                comparison.released(recorded.coming.popleft(), clock.now())
                on_release(text)
        finally:
            take_controls(None)
    comparison.paced.ended = True
