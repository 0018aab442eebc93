"""How a front end passes on what readers report: one call to the engine at a time.

Calls of many clients come at any moment; the engine hears between two of its steps. So what comes
while a call to the engine is under way is collected and goes with the next one, of each stream the
newest report only. However many clients there are, the engine is asked once a step at most.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from andes_backend.engine.reports import Checked
from andes_client import wire
from andes_client.wire import Forecast, Report

__all__ = ["MOST_STREAMS", "PATIENCE_S", "Answers", "Bucket", "Ear", "TooBusyError"]

MOST_STREAMS: Final = 4 * wire.MAX_REPORTS
"""Streams whose reports may wait for the next call to the engine."""
PATIENCE_S: Final = 10.0
"""How long a client waits for the engine, which may be in a long step, seconds."""

Answers = Mapping[str, Sequence[float] | None]
"""What one engine says of the streams that it holds: the median and the 90th percentile of when
text can be expected, seconds from now; None for one that is served, or of which nothing is known.
"""


class TooBusyError(Exception):
    """The engine cannot be asked now; the message says why."""


class Bucket:
    """A token bucket: so many calls a second, and as many at once after a quiet second.

        bucket = Bucket(100.0)
        wait_s = bucket.take(now)    # 0: go ahead

    Args:
        rate: calls a second, above 0.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(rate, 1.0)
        self._left = self._most
        self._at = -math.inf

    def take(self, now: float) -> float:
        """Take one call, if there is one: 0. Else take none, and say in how many seconds there is.

        Args:
            now: seconds on a clock that never goes back.
        """
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._rate
        self._left -= 1.0
        return 0.0


class Ear:
    """Collects reports, tells the engines, and gives each caller what it asked for.

    Memory is bounded: `MOST_STREAMS` reports wait at most, and as many are under way.

    Args:
        tell: sends reports to every engine; returns what each answers.
        patience_s: how long a caller waits, seconds.
    """

    def __init__(
        self,
        tell: Callable[[list[Checked]], Awaitable[Sequence[Answers]]],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._tell = tell
        self._patience_s = patience_s
        self._collected: dict[str, Report] = {}
        self._next: asyncio.Task[dict[str, Forecast | None]] | None = None
        self._under_way: asyncio.Task[dict[str, Forecast | None]] | None = None

    async def hear(self, reports: Sequence[Report]) -> dict[str, Forecast | None]:
        """Pass reports on.

        Returns:
            What is expected of those streams of theirs that the engines hold.

        Raises:
            TooBusyError: too many reports wait already, and these were dropped; or the engine has
                not answered in time, or has failed.
        """
        if not reports:
            return {}
        streams = {report.stream for report in reports}
        if len(streams | self._collected.keys()) > MOST_STREAMS:
            raise TooBusyError(f"{MOST_STREAMS} reports wait for the engine already")
        for report in reports:
            if report.replaces(self._collected.get(report.stream)):
                self._collected[report.stream] = report
        if self._next is None:
            self._next = asyncio.create_task(self._ask_after(self._under_way))
            self._next.add_done_callback(_retrieve)
        try:
            # A caller who leaves takes nobody else's answer away.
            answers = await asyncio.wait_for(asyncio.shield(self._next), self._patience_s)
        except TimeoutError:
            raise TooBusyError("the engine has not answered in time") from None
        except Exception as error:
            raise TooBusyError(f"the engine could not be asked ({type(error).__name__})") from error
        return {stream: answers[stream] for stream in streams if stream in answers}

    async def _ask_after(
        self, previous: "asyncio.Task[dict[str, Forecast | None]] | None"
    ) -> dict[str, Forecast | None]:
        if previous is not None:
            await asyncio.wait([previous])
        reports, self._collected = self._collected, {}
        self._under_way, self._next = self._next, None
        told = [Checked.of(report) for report in reports.values()]
        answers: dict[str, Forecast | None] = {}
        for said in await self._tell(told):
            for stream, times in said.items():
                answers[stream] = None if times is None else Forecast(*times)
        return answers


def _retrieve(task: "asyncio.Task[dict[str, Forecast | None]]") -> None:
    """That nobody waits for it any longer is no reason for asyncio to complain."""
    if not task.cancelled():
        task.exception()
