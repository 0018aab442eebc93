"""The paced buffer without I/O: text and moments in, text and moments out.

`Buffer` holds everything there is to know about one response on its way to its reader.
It never waits and reads no clock: whoever drives it (pacer.py in an event loop,
blocking.py in a thread) tells it the time and sleeps as long as `poll` says.
"""

import math
from array import array
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from andes_client import wire
from andes_client.backlog import Backlog
from andes_client.expectation import Expectation, Smoothing, Speaking
from andes_client.markdown import MarkdownGuard
from andes_client.pending import Pending
from andes_client.playout import Playout
from andes_client.qoe import Meter
from andes_client.reports import Line
from andes_client.segment import Segmenter, Unit, UnitKind, segmenter
from andes_client.smoothing import EvenPlayout

__all__ = [
    "Buffer",
    "Event",
    "EventKind",
    "Statistics",
    "check_expectation",
    "check_tick",
    "make_buffer",
    "splitter_for",
]

EventKind = Literal[
    "started",  # the first text is shown
    "stalled",  # the reader is through and nothing is there
    "recovered",  # text is there again
    "paused",
    "resumed",
    "speed",  # changed
    "revealed",  # everything is shown as it comes, from now on
    "hidden",  # the reader looks at something else
    "visible",  # they are back
    "expected",  # the server says when text will come: `Statistics.expected_s`
    "upstream_ended",  # the server is done; the reader may not be
    "finished",  # all text is shown
    "stopped",  # the reader has ended it
]

# A unit is released when it is due; a little later if the event loop is late, or if the reader
# came for it a little late. Text goes on from when it was *due* then, so that lateness does
# not add up, and streams that were held up together do not go on in step. Beyond this, seconds,
# the reader had gone elsewhere (or the machine slept), and is not shown all they missed at once.
_READER_LATE_S: Final = 0.05
_LOOP_LATE_S: Final = 1.0

# What has been shown is measured some units at a time: see `Meter.add_all`.
_NOTES: Final = 2 * 8


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a screen may want to show."""

    kind: EventKind
    at: float
    """Seconds since submission."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What has happened so far; an immutable snapshot. Times are in seconds."""

    shown: int
    """Units released."""
    buffered: int
    """Units that have arrived and wait for their time."""
    buffered_seconds: float
    """How long the reader is busy with what is shown and buffered: their slack."""
    lag: float
    """How far the newest text is behind its arrival: age of the oldest unit in the buffer."""
    ttft: float | None
    """From submission to the first text shown; None before it."""
    tds: float | None
    """Delivered speed: tokens/s from the first unit to the last one shown; None before two."""
    qoe: float
    """QoE of what has been shown (andes_client.qoe); 0 before the first unit."""
    stalls: int
    """Times the reader was due and there was no text, after the first unit."""
    stalled_seconds: float
    """Total length of the stalls, the present one included."""
    speed: float
    """How fast the reader goes now, as a multiple of the expectation."""
    paused: bool
    """The reader has paused."""
    upstream_ended: bool
    """The server is done; what is buffered is all there is to come."""
    expected_s: float | None = None
    """Seconds until the server goes on with this stream, in half of such cases; 0 if that is
    over. None while text comes, or if the server does not say."""
    expected_p90_s: float | None = None
    """The same in nine of ten cases."""
    hidden: bool = False
    """The reader looks at something else."""


class Buffer:
    """Text waits here until its reader gets to it.

    Every method takes `now`, seconds on one clock of the driver's, never going back. Begin
    with `start`.

    Args:
        expectation: the reader's.
        segmenter: splits the text into units; new for this response.
        playout: the law of release; new for this response.
    """

    __slots__ = (
        "_asked_in_time",
        "_backlog",
        "_blank",
        "_decode",
        "_error",
        "_expectation",
        "_expected",
        "_finished",
        "_first_shown",
        "_has_begun",
        "_hidden",
        "_holds",
        "_last_cost",
        "_meter",
        "_notes",
        "_paused_at",
        "_pending",
        "_playout",
        "_stalled_seconds",
        "_stalled_since",
        "_stalls",
        "_stopped",
        "_submitted",
        "_tokens",
        "_upstream_ended",
        "keeps_time",
        "line",
        "on_event",
    )

    def __init__(self, expectation: Expectation, segmenter: Segmenter, playout: Playout) -> None:
        self.on_event: Callable[[Event], None] | None = None
        self.line: Line | None = None
        """To the server that sends the text, if it is told of its reader."""
        self.keeps_time = False
        """Whoever asks late, it was no reader who had gone elsewhere: a network, say, that held
        them up. What was due meanwhile is shown at once."""
        self._expectation = expectation
        self._pending = Pending(segmenter)
        self._holds = self._pending.follows  # whole units, too
        self._decode = segmenter.decode
        self._playout = playout
        self._meter = Meter(expectation)
        self._notes = array("d")  # moment and cost of each unit that it has not counted yet
        self._submitted = math.nan
        self._error: BaseException | None = None
        self._backlog = Backlog()
        self._asked_in_time = False  # somebody waits for the next unit to become due
        self._tokens = 0.0  # of the units in the backlog
        self._last_cost = 0.0  # of the units that it has counted
        self._blank = 0  # units that cost nothing
        self._has_begun = False
        self._first_shown: float | None = None
        self._paused_at: float | None = None
        self._stalled_since: float | None = None
        self._stalls = 0
        self._stalled_seconds = 0.0
        self._upstream_ended = self._finished = self._hidden = self._stopped = False
        self._expected: tuple[float, float] | None = None  # moments at which more may come

    def start(self, submitted: float) -> None:
        """The request was submitted at that moment: what is measured counts from it."""
        self._submitted = submitted

    @property
    def shown(self) -> int:
        """Units released."""
        return self._meter.count + len(self._notes) // 2 + self._blank

    @property
    def shown_tokens(self) -> float:
        """Tokens released."""
        return self._measured().tokens

    @property
    def state(self) -> wire.State:
        """What the reader does, as the server is told."""
        if self._paused_at is not None:
            return "paused"
        if self._hidden:
            return "hidden"
        return "revealed" if self._playout.speed == math.inf else "reading"

    @property
    def tds(self) -> float:
        """How fast the reader goes now, tokens/s."""
        return self._expectation.tds * self._playout.speed

    def in_hand(self, now: float) -> float:
        """How long the reader is busy with what is shown and buffered, seconds: their slack."""
        at = now if self._paused_at is None else self._paused_at
        return self._playout.busy_s(at, self._tokens + self._pending.held_cost)

    def receive(self, text: str, now: float) -> bool:
        """Text has arrived from upstream.

        Returns:
            Whether something may be due sooner than `poll` has said.

        Raises:
            TypeError: it is no str.
        """
        if not isinstance(text, str):
            raise TypeError(
                f"the stream must yield str, but it yielded {type(text).__name__}; "
                "map its events to text first (see andes_client.sources)"
            )
        waited, was_unsure = self._backlog.waiting, self._playout.is_unsure
        if text and not self._stopped:
            if self._expected is not None:
                self.expect(None, now)  # it has come
            pending = self._pending
            since = pending.since
            if pending.follows:
                units = pending.decode(text, now)
            else:
                units = self._decode(text)
                if units or pending.since == math.inf:
                    pending.since = now
            self._append(units, now, since)
        return not waited or was_unsure

    def end(self, now: float, error: BaseException | None = None) -> None:
        """The upstream has ended, by itself or by an error."""
        if self._stopped:
            return
        since, units = self._pending.since, list[Unit]()
        try:
            units = self._pending.flush()
        except Exception as failed:  # a segmenter of somebody's own: its reader must hear of it
            error = failed if error is None else error
        self._append(units, now, since)
        self._upstream_ended, self._error = True, error
        self.expect(None, now)
        self._playout.upstream_ended(now)
        self._tell("upstream_ended", now)

    def stop(self, now: float) -> None:
        """The reader has ended it: nothing more is shown, whatever is there and still comes."""
        if self._stopped or self._finished:
            return
        self.resume(now)
        self.expect(None, now)
        self._stopped = self._upstream_ended = self._finished = True
        with suppress(Exception):  # as above, but they want nothing more
            self._pending.flush()
        self._backlog, self._tokens, self._error = Backlog(), 0.0, None
        self._stall_ends(now)
        self._tell("stopped", now)
        self.leave()

    def poll(self, now: float) -> str | float | None:
        """What is to be done now.

        Returns:
            Text to show now; or the moment until which there is nothing to show (infinite:
            until something arrives or a control is used); or None: all text is shown.

        Raises:
            BaseException: all text is shown, and the upstream ended with this error; once.
        """
        backlog = self._backlog
        if backlog.waiting:
            if self._paused_at is not None:
                return math.inf
            arrival, continues = backlog.arrival, backlog.continues
            due = arrival if continues else self._playout.due(arrival)
            if due > now:
                self._asked_in_time = True
                return due
            text, cost = backlog.take()
            if cost > 0.0:
                self._account(cost, continues, arrival, due, now)
            else:
                self._blank += 1
            return text
        if self._upstream_ended:
            if not self._finished:
                self._finished = True
                self._stall_ends(now if self._paused_at is None else self._paused_at)
                self._tell("finished", now)
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None
        return math.inf if self._paused_at is not None else self._poll_empty(now)

    def pause(self, now: float) -> None:
        """Show nothing until `resume`; the upstream is drained all the same."""
        if self._paused_at is None:
            self._paused_at = now
            self._tell("paused", now)

    def resume(self, now: float) -> None:
        """Go on where the reader stopped; the pause counts neither as delay nor as stall."""
        if self._paused_at is not None:
            self._defer(self._paused_at, now)
            self._paused_at = None
            self._tell("resumed", now)

    def speed(self, speed: float, now: float) -> None:
        """From now on, go at `speed` times the expectation.

        Raises:
            ValueError: `speed` is not above 0.
        """
        self._playout.change_speed(speed, now if self._paused_at is None else self._paused_at)
        self._measured().change_speed(self._expectation.tds * speed)
        self._tell("speed", now)

    def reveal_all(self, now: float) -> None:
        """Show what is there, and what is to come, at once."""
        self.resume(now)
        self._playout.change_speed(math.inf, now)
        self._tell("revealed", now)

    def visible(self, visible: bool, now: float) -> None:
        """Whether the reader has the text before them; it comes at the same pace."""
        if self._hidden == visible:
            self._hidden = not visible
            self._tell("visible" if visible else "hidden", now)

    def expect(self, forecast: wire.Forecast | None, now: float) -> None:
        """The server says when more will come, in seconds from now; None: it is at it."""
        if forecast is None or self._upstream_ended:
            self._expected = None
            self._playout.expect(math.inf)
            return
        self._expected = now + forecast.median_s, now + forecast.p90_s
        # Text that lasts until the median runs dry in half of all cases.
        self._playout.expect(now + forecast.p90_s)
        self._tell("expected", now)

    def connect(
        self,
        line: Line,
        clock: Callable[[], float],
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        """Tell the server at the other end of this line what the reader does (`Line.connect`)."""
        if self.line is not None and self.line is not line:
            self.line.close()
        self.line = line
        line.connect(self, clock, lock)

    def leave(self) -> None:
        """The reader has left; if that is before the end, the server is told."""
        if self.line is not None:
            self.line.leave()
            self.line = None

    def statistics(self, now: float) -> Statistics:
        """A snapshot of what has happened so far."""
        meter, since = self._measured(), self._stalled_since
        at = now if self._paused_at is None else self._paused_at
        spent = 0.0 if meter.last is None or meter.first is None else meter.last - meter.first
        return Statistics(
            shown=self.shown,
            buffered=self._backlog.waiting,
            buffered_seconds=self.in_hand(now),
            lag=now - self._backlog.arrival if self._backlog.waiting else 0.0,
            ttft=self._first_shown,
            tds=(meter.tokens - self._last_cost) / spent if spent > 0 else None,
            qoe=meter.qoe,
            stalls=self._stalls,
            stalled_seconds=self._stalled_seconds + (0.0 if since is None else at - since),
            speed=self._playout.speed,
            paused=self._paused_at is not None,
            upstream_ended=self._upstream_ended,
            expected_s=self._until(0, now),
            expected_p90_s=self._until(1, now),
            hidden=self._hidden,
        )

    def _until(self, which: int, now: float) -> float | None:
        return None if self._expected is None else max(0.0, self._expected[which] - now)

    def _append(self, units: list[Unit], now: float, since: float) -> None:
        """Units are complete now; the text of the first has been coming since then."""
        backlog = self._backlog
        cost = backlog.extend(units, now)
        if units:
            count = len(units)
            first = self._playout.arrived(count, backlog.waiting, min(since, now), now)
            if first < now:
                backlog.backdate(count, first)
        self._tokens += cost
        if self.line is not None:
            self.line.came(cost * self._playout.seconds_per_token, now)

    def _account(
        self, cost: float, continues: bool, arrival: float, due: float, now: float
    ) -> None:
        """The reader has a unit before them: until when, and how was it for them?"""
        if cost == math.inf:  # of a segmenter of somebody's own: they would read it for ever
            raise ValueError(f"the cost of unit {self.shown + 1} must be finite, not {cost!r}")
        playout, notes, waiting = self._playout, self._notes, self._backlog.waiting
        if not self._has_begun:  # white space alone is no beginning
            self._has_begun = True
            self._first_shown = now - self._submitted
            self._tell("started", now)
        self._tokens = self._tokens - cost if waiting else 0.0
        if self._stalled_since is not None:
            # What was held back when the stall began was there before it.
            self._stall_ends(arrival)
            self._tell("recovered", now)
        began = due
        late = _LOOP_LATE_S if self._asked_in_time else _READER_LATE_S
        if now - due > late and not self.keeps_time:
            # Nobody asked for it when it was due: no fault of the stream's.
            self._measured().defer(due - self._submitted, now - due)
            began = now
        self._asked_in_time = False
        if continues:
            playout.continued(now, cost)
        else:
            held = self._pending.held_cost if self._holds else 0.0
            playout.released(began, cost, self._tokens + held, arrival, waiting)
        notes.append(now - self._submitted)
        notes.append(cost)
        if len(notes) >= _NOTES:
            self._measured()

    def _measured(self) -> Meter:
        """The meter, which has counted all that has been shown."""
        if notes := self._notes:
            self._meter.add_all(notes)
            self._last_cost = notes[-1]
            del notes[:]
        return self._meter

    def _stall_ends(self, at: float) -> None:
        if self._stalled_since is not None:
            self._stalled_seconds += max(0.0, at - self._stalled_since)
            self._stalled_since = None

    def _poll_empty(self, now: float) -> str | float:
        """Nothing is buffered, and more is to come: is it a stall, is there half a word?"""
        started = self._has_begun
        eager = not (started and self._playout.paced)
        if self._expectation.tds == math.inf and not self._pending.follows:
            return math.inf  # a program gets whole units
        since = self._pending.since
        due = self._playout.due(since)
        show_at = self._playout.fragment_due(since, self._pending.patience(eager))
        if show_at <= now:
            return self._show_pending(due, now, eager)
        if not started or self._stalled_since is not None or not self._playout.paced:
            return show_at
        stalled_at = self._playout.free_at + Meter.STALL_S
        if now < stalled_at:
            return min(stalled_at, show_at)
        self._stalls += 1
        self._stalled_since = self._playout.free_at
        self._tell("stalled", now)
        return show_at

    def _show_pending(self, due: float, now: float, eager: bool) -> str | float:
        """Half a word is better than nothing: show what the wait is worth, if anything."""
        units = self._pending.overdue(now - due, eager)
        if not units:
            return self._poll_empty(now)
        self._append(units[1:], now, now)
        text, cost, continues = units[0]
        self._tokens += cost
        if cost > 0.0:
            self._account(cost, continues, due, now, now)
        else:
            self._blank += 1
        return text

    def _defer(self, since: float, now: float) -> None:
        self._playout.defer(since, now)
        self._measured().defer(since - self._submitted, now - since)
        self._pending.defer(since, now)
        if self._stalled_since is not None:
            # What has come has ended the stall: before the pause, or while nobody waited.
            ended = self._backlog.arrival if self._backlog.waiting else now
            self._stalled_since += max(0.0, ended - since)

    def _tell(self, kind: EventKind, now: float) -> None:
        if self.line is not None:
            self.line.notice(kind)
        if self.on_event is not None:
            self.on_event(Event(kind, now - self._submitted))


def check_tick(tick: float) -> None:
    """Nothing, if it is a time after which to yield "".

    Raises:
        ValueError: it is not above 0.
    """
    if not tick > 0:
        raise ValueError(f"tick must be above 0 seconds, not {tick!r}")


def check_expectation(expectation: object) -> None:
    """Nothing, if it is an expectation.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(expectation, Expectation):
        raise TypeError(
            f"pacing needs an Expectation, such as reading(wpm=238), not {expectation!r}"
        )


def make_buffer(
    expectation: Expectation,
    *,
    unit: UnitKind | None,
    language: str | None,
    markdown: bool,
    anti_stall: float | None,
    max_lag: float | None,
    max_speed_up: float,
) -> Buffer:
    """The buffer that the arguments of `andes_client.pace` describe; errors as there."""
    check_expectation(expectation)
    splitter = splitter_for(expectation, unit, language)
    return Buffer(
        expectation,
        MarkdownGuard(splitter, half_words=expectation.tds < math.inf) if markdown else splitter,
        _playout(expectation, anti_stall, max_lag, max_speed_up),
    )


def splitter_for(
    expectation: Expectation, unit: UnitKind | None, language: str | None
) -> Segmenter:
    """The splitter of one stream for this reader; arguments and errors as of `pace`."""
    if unit is None:
        unit = "word" if expectation.tds < math.inf else "token"
    if not isinstance(expectation, Speaking):
        return segmenter(unit, language or "en")
    from andes_client.voice.costs import word_cost  # for listeners only

    code = language or expectation.language or "en"
    return segmenter(unit, code, cost=word_cost(expectation, code))


def _playout(
    expectation: Expectation,
    anti_stall: float | None,
    max_lag: float | None,
    max_speed_up: float,
) -> Playout:
    law = Playout(expectation, anti_stall=anti_stall, max_lag=max_lag, max_speed_up=max_speed_up)
    if not isinstance(expectation, Smoothing):
        return law
    if anti_stall is not None and anti_stall > 1.0:
        raise ValueError(
            "anti_stall slows down a reader's pace, and smooth() has none: leave it out. What is "
            "in hand when nothing comes is stretched by itself"
        )
    return EvenPlayout(expectation, max_lag=max_lag)
