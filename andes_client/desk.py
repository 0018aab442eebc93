"""The reports of many readers to one server: which go in the next call, and when. No I/O.

`Desk` gathers what the lines of all streams have to say (reports.py), a batch a call, and hands
the answers out. After failures it is silent for longer and longer; a server that does not want
reports is left in peace. Whoever drives it makes the calls, one at a time (reporter.py).
"""

import json
import logging
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from andes_client import wire
from andes_client.farewells import Farewell, Farewells
from andes_client.reports import Line

__all__ = ["MAX_ANSWER_BYTES", "Answer", "Desk"]

_log = logging.getLogger("andes_client.reporter")

MAX_ANSWER_BYTES: Final = 64 * 1024
"""What of an answer is read at most."""

# All lines are looked at so often, so many in a row: text that is due need not wait long.
_LOOK_S: Final = 1.0
_LOOKS: Final = 128
_BETWEEN_CALLS_S: Final = 0.05
# Silence after a failure: twice as long after each, with chance, so that clients of a server that
# comes back do not all come at once.
_FIRST_SILENCE_S, _LONGEST_SILENCE_S = 1.0, 60.0
_LONGEST_RETRY_AFTER_S: Final = 600.0

_OK: Final = 200
_TOO_LARGE: Final = 413
# It is not there, or is not for us, or is not understood: the next call would be as useless.
_NOT_WANTED: Final = frozenset({400, 401, 403, 404, 405, 410, 501})
_MOVED: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has answered to a call."""

    status: int
    """Of HTTP."""
    body: bytes = b""
    """Up to `MAX_ANSWER_BYTES`."""
    retry_after: str | None = None
    """The header of that name."""


class Desk:
    """All lines to one server.

    Args:
        wake: called when there is a line, and with True when something does not wait; from any
            thread that has a reader.
        blocking: whether the lines are for `pace_blocking`.
    """

    def __init__(self, wake: Callable[[bool], object], *, blocking: bool) -> None:
        self.blocking = blocking
        self.is_wanted = True
        """False: the server wants no reports, and gets none any more."""
        self._wake = wake
        self._lines: dict[str, Line] = {}
        self._urgent: dict[str, Line] = {}  # in the next call
        self._due: list[Line] = []  # when all have been looked at
        self._unseen: list[Line] = []
        self._farewells = Farewells()
        # In the call that is under way:
        self._sent: list[Line] = []
        self._leaving: list[Farewell] = []
        self._limit = wire.MAX_REPORTS
        self._delays: deque[float] = deque(maxlen=8)  # there and back, seconds
        self._failures = 0
        self._called_at = self._quiet_until = self._look_at = -math.inf

    @property
    def is_idle(self) -> bool:
        """Nobody has anything to say, and nobody will have."""
        return not (self._lines or self._farewells)

    @property
    def has_last_words(self) -> bool:
        """Somebody has left, and the server, which listens, has not answered to that."""
        is_saying = self._farewells.has_new or any(not one.tries for one in self._leaving)
        return is_saying and not self._failures

    def opened(self, line: Line) -> None:
        """There is a reader at the end of this line."""
        if self.is_wanted:
            self._lines[line.id] = line
            self._wake(False)

    def hurry(self, line: Line) -> None:
        """It has something to say that does not wait."""
        if line.id in self._lines:
            self._urgent[line.id] = line
            self._wake(True)

    def closed(self, line: Line, farewell: wire.Report | None) -> None:
        """It has nothing to say any more, but perhaps this."""
        if self._lines.get(line.id) is line:
            del self._lines[line.id]
            self._urgent.pop(line.id, None)
            if farewell is not None:
                self._farewells.add(farewell, is_known=line.is_known)
            if farewell is not None or not self._lines:
                self._wake(True)

    def next_at(self, now: float) -> float:
        """When there may be something to say, at the latest; not after now: call."""
        said_at = self._farewells.next_at(now)
        if self.is_idle:
            return now
        wanted_at = -math.inf if self._urgent else min(said_at, self._look_at)
        at = max(self._called_at + _BETWEEN_CALLS_S, self._quiet_until, wanted_at)
        return min(at, now + _LOOK_S) if self._urgent or self._farewells else at

    def call(self, now: float) -> bytes | None:
        """The body of the call to be made now, if one is; `answered` or `failed` follows."""
        self._look(now)
        if now < max(self._called_at + _BETWEEN_CALLS_S, self._quiet_until):
            return None
        leaving, sent = self._farewells.take(now, self._limit), list[Line]()
        reports = [farewell.report for farewell in leaving]
        urgent, self._urgent = list(self._urgent.values()), {}
        for place, line in enumerate(urgent):
            if len(reports) >= self._limit:
                self._urgent |= {line.id: line for line in urgent[place:]}
                break
            if (report := line.next_report(self._delay)) is not None:
                reports.append(report)
                sent.append(line)
        if not reports:
            return None
        self._called_at, self._leaving, self._sent = now, leaving, sent
        return json.dumps(wire.encode_reports(reports), separators=(",", ":")).encode()

    def answered(self, answer: Answer, now: float) -> None:
        """The server has answered the call."""
        if answer.status == _OK:
            self._take(answer.body, now)
        elif answer.status in _NOT_WANTED or answer.status in _MOVED:
            self._leave_in_peace(answer.status)
        elif answer.status == _TOO_LARGE and (count := len(self._leaving) + len(self._sent)) > 1:
            self._limit = count // 2
            self._lost(now, 0.0)
        else:
            self.failed(now, answer.retry_after)

    def failed(self, now: float, retry_after: str | None = None) -> None:
        """There is no answer, or one that says that the server cannot now."""
        silence = min(_LONGEST_SILENCE_S, _FIRST_SILENCE_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._lost(now, max(silence * random.uniform(0.75, 1.25), _seconds(retry_after)))

    def clear(self) -> None:
        """Forget everybody: there will be no more calls."""
        self._lines, self._urgent = {}, {}
        self._due, self._unseen, self._leaving, self._sent = [], [], [], []
        self._farewells.clear()

    @property
    def _delay(self) -> float:
        """How long text takes from the server: half of the fastest of the last calls, seconds."""
        return min(self._delays, default=0.0) / 2

    def _look(self, now: float) -> None:
        """See whether lines without news have something to say all the same: some of them."""
        if now < self._look_at:
            return
        if not self._unseen:
            self._unseen = list(self._lines.values())
        self._look_at = now + _LOOK_S / max(1, math.ceil(len(self._lines) / _LOOKS))
        self._due += [line for line in self._unseen[-_LOOKS:] if line.is_due()]
        del self._unseen[-_LOOKS:]
        if not self._unseen:
            self._urgent |= {line.id: line for line in self._due if line.id in self._lines}
            self._due = []

    def _take(self, body: bytes, now: float) -> None:
        try:
            streams = wire.decode_answer(json.loads(body))
        except (ValueError, RecursionError):  # no JSON, or none that we know
            _log.debug("the answer to a report cannot be understood", exc_info=True)
            self.failed(now)
            return
        self._failures = 0
        self._delays.append(max(0.0, now - self._called_at))
        leaving, sent = self._hang_up()
        for line in sent:
            if line.id in streams:
                line.expect(streams[line.id])
            else:
                line.unknown()
        for farewell in leaving:
            if farewell.report.stream not in streams:
                self._farewells.unknown(farewell, now)

    def _lost(self, now: float, silence: float) -> None:
        self._quiet_until = now + silence
        leaving, sent = self._hang_up()
        for farewell in leaving:
            self._farewells.failed(farewell)
        for line in sent:
            if self._lines.get(line.id) is line:
                line.lost()  # and said again, as it is by then
                self._urgent[line.id] = line

    def _hang_up(self) -> tuple[list[Farewell], list[Line]]:
        """The call is over; what was in it."""
        said = self._leaving, self._sent
        self._leaving, self._sent = [], []
        return said

    def _leave_in_peace(self, status: int) -> None:
        self.is_wanted = False
        # Most servers have no such route, and that is no trouble.
        _log.log(
            logging.INFO if status in (404, 405) else logging.WARNING,
            "the server answered %d to what its readers report, and is sent no reports any more%s",
            status,
            "; was the key right?" if status in (401, 403) else "",
        )
        self.clear()


def _seconds(retry_after: str | None) -> float:
    """Of the header `Retry-After`; 0 if it names a date, for which a clock would be needed."""
    said = (retry_after or "").strip()
    if not (said.isascii() and said.isdecimal()):
        return 0.0
    return min(_LONGEST_RETRY_AFTER_S, float(said[:9]))
