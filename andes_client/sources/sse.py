"""Server-sent events over plain HTTP, with OpenAI's (or another's) JSON in them.

    async with client.stream("POST", url, json=request) as response:
        async with pace(text(response), reading()) as paced: ...

`client` is httpx2's or httpx's, or any other whose body comes in pieces. Lines end where the
standard says they do. Many libraries' `aiter_lines()` also splits at U+2028 and U+0085,
which JSON may contain as they are.
"""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from typing import Any

from andes_client.sources import openai
from andes_client.sources.decoder import Data, Decoder
from andes_client.sources.ending import StreamError
from andes_client.sources.known import known
from andes_client.sources.objects import Objects
from andes_client.sources.refusals import check, check_blocking
from andes_client.sources.source import Split
from andes_client.sources.texts import BlockingTexts, Texts, Thinks

__all__ = [
    "BlockingEvents",
    "Data",
    "Decoder",
    "Events",
    "StreamError",
    "events",
    "text",
    "text_blocking",
]


def text(
    body: Any,
    split: Split[Any] = openai.split,
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> Texts[Any]:
    """The text of a streamed response; for `pace`.

    Afterwards its `ending` says how the answer ended. A body that stops without a finish
    reason and without `[DONE]` is an error.

    Args:
        body: as for `events`.
        split: for JSON in another form than OpenAI's: `anthropic.split`, or your own. With
            your own, the `ending` is "unsaid".
        thinks: gets the reasoning, as it comes.
        begins_thinking: as for andes_client.sources.openai.
    """
    return Texts(events(body), known(split), thinks=thinks, begins_thinking=begins_thinking)


def text_blocking(
    body: Any,
    split: Split[Any] = openai.split,
    *,
    thinks: Thinks | None = None,
    begins_thinking: bool = False,
) -> BlockingTexts[Any]:
    """`text` for the plain clients of httpx2, httpx and requests; for `pace_blocking`.

    Args:
        body: a streaming response or an EventSource of theirs (of requests: with `stream=True`),
            or an iterable of bytes or text in any pieces.
    """
    source = known(split)
    return BlockingTexts(
        BlockingEvents(body), source, thinks=thinks, begins_thinking=begins_thinking
    )


def events(body: Any) -> "Events":
    """The JSON objects of a streamed response, up to `[DONE]` or its end; for `pace_events`.

    Heartbeats are left out: comments, empty events, `data: null`, and events of that name. The
    content type may be another one, if what comes is an event stream.

    Args:
        body: a streaming response or an EventSource of httpx2, a streaming response of
            httpx, or an async iterable of bytes or text in any pieces.

    Raises (when it is iterated):
        StreamError: see there.
        HTTPStatusError: of httpx2 or httpx; the server answered with an error, or sent you
            elsewhere. The message has its words.
    """
    return Events(body)


class Events(AsyncIterable[dict[str, Any]]):
    """Made by `events`; closing it closes the response."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self._response = getattr(body, "response", body)  # an EventSource has one
        self._objects = Objects(self._response)

    @property
    def done(self) -> bool:
        """Whether `[DONE]` has come."""
        return self._objects.done

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        if hasattr(self._response, "raise_for_status"):
            await check(self._response)
        objects = self._objects
        body = self._response if hasattr(self._response, "aiter_bytes") else self._body
        pieces = aiter(body.aiter_bytes() if hasattr(body, "aiter_bytes") else body)
        try:
            async for piece in pieces:
                for event in objects.taken(piece):
                    yield event
                if objects.done:
                    return
            for event in objects.rest():
                yield event
        finally:
            if inspect.isasyncgen(pieces):
                await pieces.aclose()

    async def aclose(self) -> None:
        """Close the response, or whatever the body is."""
        close = getattr(self._response, "aclose", None)
        if close is not None:
            await close()


class BlockingEvents(Iterable[dict[str, Any]]):
    """Made by `events_blocking`; closing it closes the response."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self.response = getattr(body, "response", body)
        """What is hung up if its reader leaves (andes_client.hang_up)."""
        self._objects = Objects(self.response)

    @property
    def done(self) -> bool:
        """Whether `[DONE]` has come."""
        return self._objects.done

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if hasattr(self.response, "raise_for_status"):
            check_blocking(self.response)
        objects = self._objects
        for piece in _pieces(self.response, self._body):
            yield from objects.taken(piece)
            if objects.done:
                return
        yield from objects.rest()

    def close(self) -> None:
        """Close the response, or whatever the body is."""
        close = getattr(self.response, "close", None)
        if close is not None:
            close()


def _pieces(response: Any, body: Any) -> Iterable[Any]:
    """The pieces of a plain body: httpx2's or httpx's, one of requests, or any."""
    if hasattr(response, "iter_bytes"):
        pieces: Iterable[Any] = response.iter_bytes()
        return pieces
    if hasattr(response, "iter_content"):
        return response.iter_content(None)  # type: ignore[no-any-return]  # as they come
    return body  # type: ignore[no-any-return]
