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
from typing import Final, NamedTuple

from andes_client import wire
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
# A farewell is of use while the server still works for a reader who has left.
_FAREWELL_S: Final = 5.0
_FAREWELLS: Final = 1_024

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


class _Said(NamedTuple):
    """A report, and whose; the last one of a line that is closed has none."""

    report: wire.Report
    line: Line | None = None
    left_at: float = math.nan
    """When its reader left; not a number: only just."""


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
        self._farewells: deque[_Said] = deque(maxlen=_FAREWELLS)
        self._sent: list[_Said] = []  # in the call that is under way
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
        is_saying = bool(self._farewells) or any(said.line is None for said in self._sent)
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
                self._farewells.append(_Said(farewell))
            if farewell is not None or not self._lines:
                self._wake(True)

    def next_at(self, now: float) -> float:
        """When there may be something to say, at the latest; not after now: call."""
        self._forget_old_farewells(now)
        if self.is_idle:
            return now
        is_urgent = self._urgent or self._farewells
        at = max(self._called_at + _BETWEEN_CALLS_S, self._quiet_until)
        return min(at, now + _LOOK_S) if is_urgent else max(at, self._look_at)

    def call(self, now: float) -> bytes | None:
        """The body of the call to be made now, if one is; `answered` or `failed` follows."""
        self._look(now)
        if now < max(self._called_at + _BETWEEN_CALLS_S, self._quiet_until):
            return None
        sent: list[_Said] = []
        while self._farewells and len(sent) < self._limit:
            sent.append(self._farewells.popleft())
        urgent, self._urgent = list(self._urgent.values()), {}
        for place, line in enumerate(urgent):
            if len(sent) >= self._limit:
                self._urgent |= {line.id: line for line in urgent[place:]}
                break
            if (report := line.next_report(self._delay)) is not None:
                sent.append(_Said(report, line))
        if not sent:
            return None
        self._called_at, self._sent = now, sent
        body = wire.encode_reports(said.report for said in sent)
        return json.dumps(body, separators=(",", ":")).encode()

    def answered(self, answer: Answer, now: float) -> None:
        """The server has answered the call."""
        if answer.status == _OK:
            self._take(answer.body, now)
        elif answer.status in _NOT_WANTED or answer.status in _MOVED:
            self._leave_in_peace(answer.status)
        elif answer.status == _TOO_LARGE and len(self._sent) > 1:
            self._limit = len(self._sent) // 2
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
        self._due, self._unseen, self._sent = [], [], []
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
        self._failures, sent, self._sent = 0, self._sent, []
        self._delays.append(max(0.0, now - self._called_at))
        for said in sent:
            if said.line is not None and said.line.id in streams:
                said.line.expect(streams[said.line.id])

    def _lost(self, now: float, silence: float) -> None:
        sent, self._sent = self._sent, []
        self._quiet_until = now + silence
        for said in sent:
            if said.line is None:
                self._farewells.append(said)
            elif self._lines.get(said.line.id) is said.line:
                said.line.lost()  # and said again, as it is by then
                self._urgent[said.line.id] = said.line

    def _forget_old_farewells(self, now: float) -> None:
        for _ in range(len(self._farewells)):
            said = self._farewells.popleft()
            if math.isnan(said.left_at):
                said = said._replace(left_at=now)
            if now - said.left_at < _FAREWELL_S:
                self._farewells.append(said)

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
