"""What readers report while their text streams, as far as it is plausible.

A report is believed within bounds, so that nobody is served better for a lie than for one that the
request itself could have told. What a liar can get:

- by a higher speed, or a buffer that is always empty: no more than by a higher `andes_tds` in the
  request, and at most `FASTEST` times what the request said. What is served so is charged to
  the liar's user like any other service;
- by a pause and its end: nothing. The longer it lasts, the more others go first, and what was late
  before remains late;
- by a long way through the network: text sooner by `LONGEST_WAY_S` at most;
- by "gone": an end. For others nobody can speak who does not know the id of their stream.

Reports of streams that are not here are dropped; with several engines only the one that has the
request acts. A stream id that two requests here share is ambiguous and is not believed, either.
"""

from collections.abc import Iterable, KeysView
from dataclasses import dataclass
from typing import Final, NamedTuple

from andes_backend.policy.state import Table
from andes_client.wire import Report, State

__all__ = [
    "FASTEST",
    "LONGEST_WAY_S",
    "REVEALED_SPEED",
    "SLOWEST",
    "Checked",
    "Reports",
    "Told",
]

FASTEST: Final = 4.0
"""No reader is believed to read more times as fast as the request said."""
SLOWEST: Final = 0.25
"""Nor less."""
REVEALED_SPEED: Final = 2.0
"""How many times as fast those are taken to read who have all text shown at once: they skim, but
are not programs."""
LONGEST_WAY_S: Final = 2.0
"""No way from the engine to a reader is believed to take longer, seconds."""

_AWAY: Final = ("paused", "hidden")


class Checked(NamedTuple):
    """A report that a front end has checked, as far as the scheduler goes by it.

    From process to process it goes as a list of these values.
    """

    stream: str
    number: int
    tokens: float
    buffer_s: float
    speed: float
    state: State
    delay_s: float

    @classmethod
    def of(cls, report: Report) -> "Checked":
        """What the scheduler goes by in this report."""
        return cls(
            report.stream,
            report.number,
            report.tokens,
            report.buffer_s,
            report.speed,
            report.state,
            report.delay_s,
        )


@dataclass(slots=True)
class _Stream:
    """A request whose client has named its stream, and what its newest report said."""

    request_id: str
    row: int
    number: int = -1
    does: tuple[State, float] | None = None
    """State and speed; None before the first report."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a batch of reports has changed."""

    heard: int
    """Reports about requests here that were newer than what was known of them."""
    gone: tuple[str, ...]
    """Requests whose readers have left: they are to be aborted."""
    urgent: bool
    """Whether a reader does something else than before, so that the plan should be made anew."""


class Reports:
    """What the newest report of each live stream says; memory is bounded by the live requests.

    Args:
        table: learns what is told.
        speeds: whether it learns of readers' speeds, too.
    """

    def __init__(self, table: Table, *, speeds: bool = True) -> None:
        self._table = table
        self._speeds = speeds
        self._name: dict[str, str] = {}  # request -> stream
        self._streams: dict[str, list[_Stream]] = {}
        self._known: dict[str, _Stream] = {}  # those whose id no other request has

    def __len__(self) -> int:
        return len(self._name)

    @property
    def streams(self) -> KeysView[str]:
        """Of which a report would be believed: one request here has the id, and one only."""
        return self._known.keys()

    def open(self, stream: str | None, request_id: str, row: int) -> None:
        """A request has arrived; without a stream id nobody reports about it."""
        if stream is not None:
            self._name[request_id] = stream
            self._streams.setdefault(stream, []).append(_Stream(request_id, row))
            self._know(stream)

    def close(self, request_id: str) -> None:
        """The request is over; it may never have been known."""
        stream = self._name.pop(request_id, None)
        if stream is not None:
            rest = [one for one in self._streams.pop(stream) if one.request_id != request_id]
            if rest:
                self._streams[stream] = rest
            self._know(stream)

    def rows(self, streams: Iterable[str]) -> dict[str, int]:
        """The rows of those of these streams of which a report would be believed."""
        known = self._known.get
        return {stream: one.row for stream in streams if (one := known(stream)) is not None}

    def tell(self, reports: Iterable[Checked], now: float) -> Told:
        """Take reports in, in any order and however often they come.

        Args:
            reports: of any streams.
            now: seconds on the scheduler's clock.
        """
        heard, urgent, gone = 0, False, list[str]()
        for name, number, tokens, buffer_s, speed, state, delay_s in reports:
            stream = self._known.get(name)
            if stream is None or number <= stream.number:
                continue
            stream.number = number
            heard += 1
            if state == "gone":
                gone.append(stream.request_id)
                continue
            self._table.hear(
                stream.row,
                way_s=min(delay_s, LONGEST_WAY_S),
                # To who has all shown at once, the client's buffer says nothing.
                shown=None if state == "revealed" else tokens,
                buffer_s=buffer_s,
                now=now,
            )
            if stream.does != (state, speed):
                stream.does = state, speed
                self._turn(stream.row, state, speed, now)
                urgent = True
        return Told(heard, tuple(gone), urgent or bool(gone))

    def _know(self, stream: str) -> None:
        """Only of an id that one request has for itself is anybody believed."""
        sharing = self._streams.get(stream, ())
        if len(sharing) == 1:
            self._known[stream] = sharing[0]
        else:
            self._known.pop(stream, None)

    def _turn(self, row: int, state: State, speed: float, now: float) -> None:
        """Let the table know what a reader does, as far as it is plausible."""
        speed = REVEALED_SPEED if state == "revealed" else min(max(speed, SLOWEST), FASTEST)
        self._table.turn(row, speed=speed if self._speeds else 1.0, away=state in _AWAY, now=now)
