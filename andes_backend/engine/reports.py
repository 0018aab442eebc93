"""What readers report while their text streams, as far as it is plausible.

A report is believed within bounds, so that nobody is served better for a lie than for one that the
request itself could have told. What a liar can get:

- by a higher speed, or a buffer that is always empty: no more than by a higher `andes_tds` in the
  request, and at most `FASTEST` times what the request said. What is served so is charged to
  the liar's user like any other service;
- by a pause and its end: the place of a new request. While it lasts others go first, and what was
  late before remains late; who cancels and asks again gets the same;
- by a long way through the network: text sooner by `LONGEST_WAY_S` at most;
- by "gone": an end. For others nobody can speak who does not know the id of their stream.

Reports of streams that are not here are dropped; with several engines only the one that has the
request acts. A stream id that two requests here share is ambiguous and is not believed, either.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from andes_backend.policy.state import Table
from andes_client.wire import State

__all__ = [
    "FASTEST",
    "LONGEST_WAY_S",
    "REVEALED_SPEED",
    "SLOWEST",
    "Checked",
    "Reports",
    "Said",
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


class Said(Protocol):
    """A report, as far as the scheduler goes by it: a `wire.Report`, or one that was checked
    elsewhere."""

    @property
    def stream(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def tokens(self) -> float: ...
    @property
    def buffer_s(self) -> float: ...
    @property
    def speed(self) -> float: ...
    @property
    def state(self) -> State: ...
    @property
    def delay_s(self) -> float: ...


class Checked(NamedTuple):
    """A report that a front end has checked; ten times as quick to make as a `wire.Report`."""

    stream: str
    number: int
    tokens: float
    buffer_s: float
    speed: float
    state: State
    delay_s: float

    @classmethod
    def of(cls, one: Mapping[str, Any]) -> "Checked":
        """One that `wire.encode_report` has made."""
        return cls(
            one["stream"],
            one["n"],
            one["tokens"],
            one["buffer_s"],
            one["speed"],
            one["state"],
            one["delay_s"],
        )


@dataclass(slots=True)
class _Stream:
    """A request whose client has named its stream."""

    request_id: str
    row: int
    newest: Said | None = None


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
    """The newest report of each live stream; memory is bounded by the live requests.

    Args:
        table: learns what is told.
        speeds: whether it learns of readers' speeds, too.
    """

    def __init__(self, table: Table, *, speeds: bool = True) -> None:
        self._table = table
        self._speeds = speeds
        self._streams: dict[str, list[_Stream]] = {}
        self._name: dict[str, str] = {}  # request -> stream

    def __len__(self) -> int:
        return len(self._name)

    def __contains__(self, stream: object) -> bool:
        """Whether a report of this stream would be believed: one request here has it."""
        return len(self._streams.get(stream, ())) == 1  # type: ignore[call-overload]

    def open(self, stream: str | None, request_id: str, row: int) -> None:
        """A request has arrived; without a stream id nobody reports about it."""
        if stream is not None:
            self._name[request_id] = stream
            self._streams.setdefault(stream, []).append(_Stream(request_id, row))

    def close(self, request_id: str) -> None:
        """The request is over; it may never have been known."""
        stream = self._name.pop(request_id, None)
        if stream is not None:
            rest = [one for one in self._streams.pop(stream) if one.request_id != request_id]
            if rest:
                self._streams[stream] = rest

    def row(self, stream: str) -> int | None:
        """Of the request that is reported of by this id; None if there is none, or not one only."""
        known = self._known(stream)
        return None if known is None else known.row

    def newest(self, stream: str) -> Said | None:
        """The report that holds; None if there is none, or no such stream here."""
        known = self._known(stream)
        return None if known is None else known.newest

    def tell(self, reports: Iterable[Said], now: float) -> Told:
        """Take reports in, in any order and however often they come.

        Args:
            reports: of any streams.
            now: seconds on the scheduler's clock.
        """
        heard, urgent, gone, believed = 0, False, list[str](), dict[int, Said]()
        for report in reports:
            stream = self._known(report.stream)
            if stream is None:
                continue
            before = stream.newest
            if before is not None and report.number <= before.number:
                continue
            stream.newest = report
            heard += 1
            urgent = urgent or before is None or _differs(before, report)
            if report.state == "gone":
                gone.append(stream.request_id)
                believed.pop(stream.row, None)
            else:
                believed[stream.row] = report
        if believed:
            self._believe(believed, now)
        return Told(heard, tuple(gone), urgent or bool(gone))

    def _known(self, stream: str) -> _Stream | None:
        streams = self._streams.get(stream, ())
        return streams[0] if len(streams) == 1 else None

    def _believe(self, reports: Mapping[int, Said], now: float) -> None:
        """Let the table know, row by row, of what is plausible."""
        rows = np.fromiter(reports, np.intp, len(reports))
        told = np.array(
            [(one.speed, one.delay_s, one.tokens, one.buffer_s) for one in reports.values()],
            dtype=np.float64,
        )
        speed, way_s, shown, buffer_s = told.T
        revealed = np.array([one.state == "revealed" for one in reports.values()])
        speed = np.where(revealed, REVEALED_SPEED, np.clip(speed, SLOWEST, FASTEST))
        self._table.hear(
            rows,
            speed=speed if self._speeds else np.ones(len(rows)),
            way_s=np.minimum(way_s, LONGEST_WAY_S),
            # To who has all shown at once, the client's buffer says nothing.
            shown=np.where(revealed, np.nan, shown),
            buffer_s=buffer_s,
            away=np.array([one.state in _AWAY for one in reports.values()]),
            now=now,
        )


def _differs(before: Said, after: Said) -> bool:
    return before.state != after.state or before.speed != after.speed
