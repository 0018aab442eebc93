"""Streams of runs that go on by themselves: in a task of the SDK, whoever reads their events."""

import inspect
from collections.abc import AsyncIterator, Callable
from types import AsyncGeneratorType
from typing import Any

__all__ = ["Run", "run_of"]


class Run(AsyncIterator[Any]):
    """The events of a run; closing it ends the run.

    Closing the SDK's own generator of events ends nothing, or waits until the run is over.

    Args:
        events: the SDK's generator.
        end: ends the run; it may be a coroutine function.
    """

    def __init__(self, events: AsyncGeneratorType[Any, None], end: Callable[[], object]) -> None:
        self._events = events
        self._end = end
        self._over = False

    async def __anext__(self) -> Any:
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            self._over = True
            raise

    async def aclose(self) -> None:
        """End the run, if it has not ended."""
        if not self._over:
            self._over = True
            if inspect.isawaitable(ending := self._end()):
                await ending
        if not self._events.ag_running:
            await self._events.aclose()


def run_of(stream: object) -> Any:
    """What runs: the thing itself, or the object whose generator of events it is."""
    frame = stream.ag_frame if inspect.isasyncgen(stream) else None
    return stream if frame is None else frame.f_locals.get("self")
