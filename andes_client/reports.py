"""What the client of a stream tells the server of its reader, and when. No I/O, no waiting.

A `Line` leads from the reader of one response to the server that sends it. What changes (the
reader pauses, goes faster, leaves) is said at once. Otherwise a line is silent for as long as the
server's picture is right: that of a reader who goes on, from what was last said and at the speed
that was last said, through the text that has arrived.

Who takes the reports to the server is in desk.py and reporter.py.
"""

import contextlib
import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, Protocol

from andes_client import wire

__all__ = ["READER", "Line", "Listener", "Registry", "check_line"]

# By how much the server's picture of the text in hand may be wrong, and how often it is put right.
_WRONG_S: Final = 0.5
_AGAIN_S: Final = 2.0
# A reader for whom nothing has arrived for so long asks when more will come, unless they have
# plenty in hand; and so seldom that it costs less than 0.2 reports a second.
_SILENCE_S: Final = 1.0
_ASK_S: Final = 6.0
_PLENTY_S: Final = 20.0

# If the server knows of no such stream, the report may have overtaken the request. It is said again
# if it says more than the request does: after so long at first, and after `_ASK_S` at most.
_FIRST_WAIT_S: Final = 0.5
_AS_REQUESTED: Final[tuple[wire.State, float]] = ("reading", 1.0)

_CHANGES: Final = frozenset({"paused", "resumed", "speed", "revealed", "hidden", "visible"})
_READING: Final = frozenset({"reading", "revealed"})
_NO_LOCK: Final = contextlib.nullcontext()
_SLOWEST, _FASTEST = 1e-3, 1e3  # what a report can say
_MOST: Final = 10_000_000
_LONGEST_S: Final = 86_400.0


class Listener(Protocol):
    """The buffer of a stream, as far as its line asks it or tells it something."""

    @property
    def shown(self) -> int:
        """Units shown."""
        ...

    @property
    def shown_tokens(self) -> float:
        """The same in tokens."""
        ...

    @property
    def state(self) -> wire.State:
        """What the reader does; never "gone"."""
        ...

    @property
    def tds(self) -> float:
        """How fast they go, tokens/s; infinite if they take no time."""
        ...

    def in_hand(self, now: float) -> float:
        """For how long they have text, seconds."""
        ...

    def expect(self, forecast: wire.Forecast | None, now: float) -> None:
        """The server says when more will come, in seconds from now; None: it is at it."""
        ...


class Registry(Protocol):
    """What fetches the reports of many lines."""

    @property
    def blocking(self) -> bool:
        """Whether it does so in a thread, and not in the event loop of the readers."""
        ...

    def opened(self, line: "Line") -> None:
        """There is a reader at the end of this line."""
        ...

    def hurry(self, line: "Line") -> None:
        """It has something to say that does not wait."""
        ...

    def closed(self, line: "Line", farewell: wire.Report | None) -> None:
        """It has nothing to say any more, but perhaps this."""
        ...


READER: Final[ContextVar["Callable[[Line], None] | None"]] = ContextVar("READER", default=None)
"""Set where a paced stream is drained: takes the line of the response that is read there."""


class Line:
    """From the reader of one response to its server; a reporter makes it, `pace` takes it.

    Args:
        registry: what fetches its reports.
        stream: the id that the request carries as `andes_stream`.
        tds: the speed that the request names, tokens/s; None: that of the reader.

    Raises:
        WireError: nobody can report about a stream with that id.
    """

    __slots__ = (
        "_again_at",
        "_came_at",
        "_clock",
        "_dry_at",
        "_is_urgent",
        "_listener",
        "_lock",
        "_number",
        "_of_tds",
        "_registry",
        "_said",
        "_said_at",
        "_speed",
        "_tds",
        "_wait_s",
        "_was_known",
        "id",
        "is_known",
    )

    def __init__(self, registry: Registry, stream: str, tds: float | None = None) -> None:
        wire.Report(stream=stream, number=0, units=0, tokens=0, buffer_s=0)  # is it an id?
        self.id = stream
        """The stream's id, for `Expectation.extra_body(stream=line.id)`."""
        self._registry = registry
        self._tds = tds
        self._listener: Listener | None = None
        self._number = 0
        self._speed, self._of_tds = 1.0, tds
        # What the server knows: from the request, at first; None: nobody can tell.
        self._said: tuple[wire.State, float] | None = _AS_REQUESTED
        self._said_at = self._came_at = self._dry_at = -math.inf
        self._is_urgent = False
        self.is_known = False
        """Whether the engine has had the request: text has come, or the server has said so. No
        report can overtake it then."""
        self._was_known = False  # when something was last said
        self._again_at, self._wait_s = math.inf, _FIRST_WAIT_S

    @property
    def blocking(self) -> bool:
        """Whether it is for `pace_blocking`, and not for `pace`."""
        return self._registry.blocking

    def connect(
        self,
        listener: Listener,
        clock: Callable[[], float],
        lock: contextlib.AbstractContextManager[Any] | None = None,
    ) -> None:
        """Here is the reader.

        Args:
            listener: their buffer.
            clock: tells the time, seconds, of the buffer.
            lock: whoever touches the buffer holds it, and the caller now; None in an event loop.
        """
        self._clock = clock
        self._lock = lock
        self._came_at = now = clock()
        self._dry_at = now + listener.in_hand(now)
        if self._tds is None:
            self._tds = self._of_tds = listener.tds
        self._listener = listener
        self._registry.opened(self)
        if self._standing(listener) != self._said:
            self.notice("speed")

    def came(self, seconds: float, now: float) -> None:
        """Text has arrived that takes the reader so long."""
        self.is_known = True
        self._came_at = now
        self._dry_at = (now if now > self._dry_at else self._dry_at) + seconds

    def notice(self, event: str) -> None:
        """This has happened to the reader (`andes_client.buffer.EventKind`)."""
        if event == "upstream_ended":
            self.close()
        elif event in _CHANGES and not self._is_urgent:
            self._is_urgent = True
            self._registry.hurry(self)

    def close(self) -> None:
        """The server has sent everything, or the reader has another line now."""
        self._hang_up(None)

    def leave(self) -> None:
        """The reader has left before the end."""
        if (listener := self._listener) is not None:
            self._hang_up(self._report(listener, listener.in_hand(self._clock()), "gone"))

    def is_due(self) -> bool:
        """Whether there is something to say."""
        listener = self._listener
        if listener is None:
            return False
        if self._lock is None:
            return self._has_news(listener, self._clock())
        with self._lock:
            return self._has_news(listener, self._clock())

    def next_report(self, delay: float) -> wire.Report | None:
        """What is to be said now, if anything; it counts as said from then on.

        Args:
            delay: how long text takes from the server, seconds.
        """
        listener = self._listener
        if listener is None:
            return None
        with self._lock or _NO_LOCK:
            now = self._clock()
            if not self._has_news(listener, now):
                return None
            self._is_urgent, self._was_known, self._again_at = False, self.is_known, math.inf
            self._said = state, _ = self._standing(listener)
            in_hand = listener.in_hand(now)
            self._said_at, self._dry_at = now, now + in_hand
            return self._report(listener, in_hand, state, delay)

    def lost(self) -> None:
        """What was said last has not reached the server, as far as anybody knows."""
        self._said = None

    def expect(self, forecast: wire.Forecast | None) -> None:
        """The server has answered: when it goes on with this stream, or that it is at it."""
        self.is_known = True
        listener = self._listener
        if listener is not None:
            with self._lock or _NO_LOCK:
                listener.expect(forecast, self._clock())

    def unknown(self) -> None:
        """The server has answered that it holds no such stream: not yet, or no more."""
        if not self._was_known:
            self._said = _AS_REQUESTED
            self._again_at = self._clock() + self._wait_s
            self._wait_s = min(2 * self._wait_s, _ASK_S)

    def _hang_up(self, farewell: wire.Report | None) -> None:
        if self._listener is not None:
            self._listener = None
            self._registry.closed(self, farewell)

    def _has_news(self, listener: Listener, now: float) -> bool:
        is_unheard = self._again_at < math.inf and (self.is_known or now >= self._again_at)
        if self._is_urgent or self._said is None or is_unheard:  # else nothing has been changed
            if self._standing(listener) != self._said:
                return True
            self._is_urgent, self._again_at = False, math.inf
        since = now - self._said_at
        if since < _AGAIN_S or self._said is None or self._said[0] not in _READING:
            return False  # the picture of somebody who does not read stands still
        in_hand = listener.in_hand(now)
        if abs(in_hand - max(0.0, self._dry_at - now)) > _WRONG_S:
            return True
        return now - self._came_at >= _SILENCE_S and since >= _ASK_S and in_hand < _PLENTY_S

    def _standing(self, listener: Listener) -> tuple[wire.State, float]:
        """State and speed of the reader, as a report says them."""
        tds = listener.tds
        if tds != self._of_tds:
            self._of_tds = tds
            if tds < math.inf and self._tds is not None and self._tds < math.inf:
                self._speed = float(f"{min(_FASTEST, max(_SLOWEST, tds / self._tds)):.3g}")
        return listener.state, self._speed

    def _report(
        self, listener: Listener, in_hand: float, state: wire.State, delay: float = 0.0
    ) -> wire.Report:
        self._number += 1
        return wire.Report(
            stream=self.id,
            number=self._number - 1,
            units=min(_MOST, listener.shown),
            tokens=min(_MOST, listener.shown_tokens),
            buffer_s=min(_LONGEST_S, in_hand),
            speed=self._speed,
            state=state,
            delay_s=delay,
        )


def check_line(line: object, user: str, maker: str, *, blocking: bool) -> None:
    """Whether it is a line, or None, and of the right kind.

    Raises:
        TypeError: it is not; the message names its `user` and its `maker`.
    """
    if line is not None and not (isinstance(line, Line) and line.blocking == blocking):
        raise TypeError(f"{user} needs a line of a {maker} as `report`, not {line!r}")
