"""The requests that a policy decides about: one numpy column per fact.

`Table` holds a row for each live request and keeps its reader's digest timeline
(andes_client.qoe) up to date from the tokens that were really delivered. `Snapshot` is
what a policy sees in one step: the rows in queue order, and the KV memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andes_backend.policy.accounts import Accounts
from andes_backend.policy.latency import StepTimes
from andes_client.expectation import Expectation
from andes_client.qoe import Meter

__all__ = ["Rows", "Snapshot", "Table", "blocks_needed"]

Rows = NDArray[np.intp]
"""Row numbers of a table, shape (n,)."""

_DTYPE: Final = np.dtype(
    [
        ("arrival", "f8"),  # s, on the scheduler's clock; later by what a reader puts off
        ("ttft", "f8"),  # expected, s
        ("tds", "f8"),  # expected, tokens/s, finite
        ("said_tds", "f8"),  # the same as the request has said it
        ("away_since", "f8"),  # when the reader paused, s on the scheduler's clock; else infinite
        ("away_at", "f8"),  # until when the pause has been put off; else infinite
        ("way", "f8"),  # how long text takes to the reader, as far as it was reported, s
        ("prompt_tokens", "i8"),
        ("delivered", "i8"),  # tokens that have left the engine
        ("dry_at", "f8"),  # when the reader runs out of text, s on the scheduler's clock
        ("lateness", "f8"),  # of the last token's digest time against its expected time, s
        ("delay", "f8"),  # S_delay: sum of the lateness of all tokens, token-seconds
        ("running", "?"),  # holds KV memory
        ("since", "f8"),  # when it last began to wait, or to run, s on the scheduler's clock
        ("turn_began", "i8"),  # tokens delivered by then
        ("preemptions", "i8"),  # times it has lost its KV memory, by vLLM or a policy
        ("output_tokens", "i8"),  # length of the response where it is known beforehand; else 0
        ("adapter", "i8"),  # the number of the LoRA adapter that it needs; 0: none
        ("user", "i8"),  # whose it is: a number in the accounts
        ("found", "i8"),  # tokens of its prompt that were in the KV cache when it was admitted
        ("charged", "i8"),  # output tokens charged to the user; -1 before it was first admitted
        ("serial", "i8"),  # the request's, never given twice; 0: the row is nobody's
    ],
)


_MOST_NOTED: Final = 64  # steps whose tokens are not in the timelines yet

Counts = NDArray[np.int64]


class Table:
    """A row for each live request. Rows are reused; a row number is good until `remove`.

    Tokens that leave the engine are noted, and taken into the timelines when somebody reads these:
    most steps deliver to the same requests as the step before, and nobody looks at once.

    Args:
        accounts: where the service is charged; new accounts if None.
        stalled: is told of stalls that have ended: how many, and how long they were together,
            seconds.
    """

    def __init__(
        self,
        accounts: Accounts | None = None,
        stalled: Callable[[int, float], None] | None = None,
    ) -> None:
        self._accounts = Accounts() if accounts is None else accounts
        self._stalled = stalled
        self._noted: list[tuple[Rows, Counts | None, float]] = []
        self.waits = np.zeros(0, np.bool_)
        """Whether the request of each row is in the waiting queue, as far as `queue` was told."""
        self.stirred: set[int] = set()
        """Rows whose reader has reported since somebody last cleared this."""
        self.prompt_tokens = 0
        """Of all live requests together."""
        self.arrived = 0
        """Requests that were ever added."""
        self.arrived_tokens = 0
        """Of all their prompts together."""
        self.found_tokens = 0
        """Of these, those that were in the KV cache already (`find`)."""
        self._heard = False  # whether any reader has reported anything
        self._now = 0.0  # the latest time that was heard of, s
        self._keep(np.zeros(64, _DTYPE))
        self._free = list(range(len(self._data)))

    def __len__(self) -> int:
        return len(self._data) - len(self._free)

    @property
    def accounts(self) -> Accounts:
        """Where the service is charged."""
        self._catch_up_with_notes()
        return self._accounts

    @property
    def data(self) -> NDArray[np.void]:
        """All rows, used or not: a structured array with a field for each fact."""
        self._catch_up_with_notes()
        return self._data

    def rows(self, rows: Rows) -> NDArray[np.void]:
        """A copy of these rows, in their order, shape (n,)."""
        # take() and put() copy whole rows; indexing would go field by field, 50 times slower.
        return self.data.take(rows)

    def add(
        self,
        arrival: float,
        prompt_tokens: int,
        expectation: Expectation,
        user: str | None = None,
        adapter: int = 0,
    ) -> int:
        """A new request, with nothing delivered yet.

        Args:
            arrival: seconds on the scheduler's clock.
            prompt_tokens: length of the prompt.
            expectation: its reader's; `tds` must be finite.
            user: to whom its service is charged; None for a user of its own.
            adapter: the number of the LoRA adapter that it needs; 0 for none.

        Returns:
            Its row number.
        """
        self._now = arrival
        if not self._free:
            size = len(self._data)
            self._free = list(range(size, 2 * size))
            self._keep(np.concatenate([self._data, np.zeros(size, _DTYPE)]))
        row = self._free.pop()
        self.arrived += 1
        self.arrived_tokens += prompt_tokens
        self._data[row] = (
            arrival, expectation.ttft, expectation.tds, expectation.tds, np.inf, np.inf, 0.0,
            prompt_tokens, 0, arrival, 0.0, 0.0, False, arrival, 0, 0, 0,
            adapter, self.accounts.arrive(user, arrival), 0, -1, self.arrived,
        )  # fmt: skip
        self.prompt_tokens += prompt_tokens
        return row

    def _keep(self, data: NDArray[np.void]) -> None:
        self._data = data
        self.waits = np.append(self.waits, np.zeros(len(data) - len(self.waits), np.bool_))
        self._cells: dict[str, NDArray[Any]] = {name: data[name] for name in data.dtype.names or ()}

    def remove(self, row: int, *, complete: bool = False) -> None:
        """The request is over; its row may be given to another.

        Args:
            row: the request's.
            complete: whether the response has ended by itself.
        """
        accounts = self.accounts
        request = self._data[row]
        user, delivered = int(request["user"]), int(request["delivered"])
        if complete:
            accounts.finished(user, delivered)
        if request["charged"] > delivered:
            accounts.charge(np.array([user]), output=delivered - int(request["charged"]))
        accounts.leave(user, waited=not request["running"], now=self._now)
        self.prompt_tokens -= int(request["prompt_tokens"])
        self._data["serial"][row] = 0  # nobody's: code that remembers the row can tell
        self.waits[row] = False
        self.stirred.discard(row)
        self._free.append(row)

    def queue(self, come: Rows, left: Rows) -> None:
        """Requests have come to the waiting queue, or have left it.

        Args:
            come: distinct rows, shape (n,).
            left: distinct rows, none of them in `come`, shape (m,).
        """
        self.waits[left] = False
        self.waits[come] = True

    def note_queues(self, waiting: Rows, running: Rows, now: float) -> None:
        """Who waits and who runs in this step: note whose turn has begun or ended.

        Args:
            waiting: distinct rows, shape (w,).
            running: distinct rows, shape (r,).
            now: seconds on the scheduler's clock.
        """
        data, self._now = self.data, now
        changed = np.concatenate(
            [waiting[data["running"][waiting]], running[~data["running"][running]]]
        )
        if len(changed):
            data["running"][changed] ^= True
            data["since"][changed] = now
            data["turn_began"][changed] = data["delivered"][changed]
            data["preemptions"][changed] += ~data["running"][changed]
            came = data["running"][changed]
            self._charge_admission(changed[came])
            users = data["user"][changed]
            self.accounts.turn(users[came], users[~came])

    def find(self, row: int, tokens: int) -> None:
        """So much of a prompt was in the KV cache when its request was admitted.

        It is not charged. What is found after a preemption changes nothing: nor is it charged to
        compute it again.
        """
        if tokens and self._cells["charged"].item(row) < 0:
            found = min(tokens, self._cells["prompt_tokens"].item(row))
            self.found_tokens += found - self._cells["found"].item(row)
            self._cells["found"][row] = found

    def _charge_admission(self, rows: Rows) -> None:
        """Charge the prompts of those that are here for the first time, and a forecast."""
        new = rows[self._data["charged"][rows] < 0]
        if not len(new):
            return
        data = self._data[new]
        forecast = np.array(
            list(
                map(self._accounts.forecast, data["user"].tolist(), data["output_tokens"].tolist())
            )
        )
        self._data["charged"][new] = forecast
        computed = data["prompt_tokens"] - data["found"]
        self._accounts.charge(data["user"], prompt=computed, output=forecast)

    def deliver(self, rows: Rows, counts: Counts | None, now: float) -> None:
        """Tokens have left the engine: note them, for the digest timelines.

        Tokens that arrive together are digested one after the other, each as late against
        its own expected time as the first of them, so a batch needs no loop.

        Args:
            rows: distinct rows, shape (n,), 1 or more; not to be changed later.
            counts: tokens delivered to each, shape (n,), each 1 or more; None: one to each.
            now: seconds on the scheduler's clock.
        """
        self._now = now
        self._noted.append((rows, counts, now))
        if len(self._noted) >= _MOST_NOTED:
            self._catch_up_with_notes()

    def _catch_up_with_notes(self) -> None:
        """Take what was noted into the timelines."""
        if not self._noted:
            return
        noted, self._noted = self._noted, []
        for _, steps in groupby(noted, key=lambda step: id(step[0])):
            same = list(steps)
            rows = same[0][0]
            if self._heard and (self._data["away_at"].take(rows) < np.inf).any():
                for _, counts, now in same:
                    self.catch_up(rows, now)
                    self._digest(rows, [(counts, now)])
            else:
                self._digest(rows, [(counts, now) for _, counts, now in same])

    def _digest(self, rows: Rows, steps: list[tuple[Counts | None, float]]) -> None:
        """Steps that have delivered to the same requests, one after the other."""
        if (self._data["charged"].take(rows) < 0).any():  # nobody has noted that they run
            self._charge_admission(rows)
        data = self._data.take(rows)
        pace, way = 1.0 / data["tds"], data["way"].copy()
        due = data["arrival"] + data["ttft"]
        delivered, dry_at, delay = (data[one].copy() for one in ("delivered", "dry_at", "delay"))
        for counts, now in steps:
            self._end_stalls(now - dry_at, delivered)
            digested = np.maximum(now + way, dry_at)
            lateness = np.maximum(0.0, digested - (due + delivered * pace))
            if counts is None:
                delay += lateness
                dry_at = digested + pace
                delivered += 1
            else:
                delay += counts * lateness
                dry_at = digested + counts * pace
                delivered += counts
        data["lateness"], data["delay"], data["dry_at"] = lateness, delay, dry_at
        data["delivered"] = delivered
        more = np.maximum(0, delivered - data["charged"])
        data["charged"] += more
        self._accounts.charge(data["user"], output=more)
        self._data.put(rows, data)

    def _end_stalls(self, dry_s: NDArray[np.float64], delivered: Counts) -> None:
        """Those who had run out of text so long ago, but for the first, get some."""
        if self._stalled is None or dry_s.max() < Meter.STALL_S:
            return
        stalls = dry_s[(dry_s >= Meter.STALL_S) & (delivered > 0)]
        if len(stalls):
            self._stalled(len(stalls), float(stalls.sum()))

    def hear(
        self,
        row: int,
        *,
        now: float,
        way_s: float = 0.0,
        shown: float | None = None,
        buffer_s: float = 0.0,
    ) -> None:
        """A reader has reported what they have: their timeline goes on from there.

        Args:
            row: the request's.
            now: seconds on the scheduler's clock.
            way_s: how long text takes to the reader, seconds.
            shown: how many tokens have been shown; None: as many as the timeline has it.
            buffer_s: how many seconds of text the reader has beside these.
        """
        # Cell by cell, a report takes a microsecond or two. Arrays take sixty for any number of
        # reports, and a step has a dozen of them.
        self._catch_up_with_notes()
        self._heard, cells = True, self._cells
        self.stirred.add(row)
        if cells["away_at"].item(row) < now:
            self.catch_up(np.array([row]), now)
        cells["way"][row] = way_s
        served = cells["delivered"].item(row)
        if shown is not None and served:
            lasts_s = _lasts_s(served, cells["tds"].item(row), shown, buffer_s)
            cells["dry_at"][row] = now + lasts_s - way_s

    def turn(self, row: int, *, now: float, speed: float = 1.0, away: bool = False) -> None:
        """A reader has reported that they do something else than before.

        What is expected of the server moves with the reader. A pause puts off all that is due by
        its length; at another speed, all that has not been read is expected at that speed.

        Args:
            row: the request's.
            now: seconds on the scheduler's clock.
            speed: times as fast as the request has said, above 0.
            away: whether the reader pauses.
        """
        self._catch_up_with_notes()
        self._heard, cells = True, self._cells
        self.stirred.add(row)
        self.catch_up(np.array([row]), now)
        cells["away_since"][row] = min(cells["away_since"].item(row), now) if away else np.inf
        cells["away_at"][row] = now if away else np.inf
        before, after = cells["tds"].item(row), cells["said_tds"].item(row) * speed
        if after == before:
            return
        served = cells["delivered"].item(row)
        left = min(max(0.0, cells["dry_at"].item(row) - now) * before, served)
        read = served - left
        cells["arrival"][row] += read / before - read / after
        if left > 0:
            cells["dry_at"][row] = now + left / after
        cells["tds"][row] = after

    def catch_up(self, rows: Rows, now: float) -> None:
        """What is due to readers who pause has been put off until now: their clocks stand still.

        Args:
            rows: distinct rows, shape (n,).
            now: seconds on the scheduler's clock.
        """
        if not self._heard:
            return
        data = self._data
        away = rows[data["away_at"].take(rows) < now]
        if len(away):
            put_off = now - data["away_at"][away]
            data["arrival"][away] += put_off
            data["dry_at"][away] += put_off
            data["away_at"][away] = now

    def seen(self, rows: Rows, now: float) -> NDArray[np.void]:
        """A copy of these rows as a policy sees them, in their order, shape (n,).

        Times are those at which text has to leave the engine. A pause that has lasted for a while
        is expected to last for as long again: all that is due to its reader is put off by that.
        """
        data = self.rows(rows)
        if self._heard:
            put_off = self._put_off(data, now)
            data["arrival"] += put_off
            data["dry_at"] += put_off
        return data

    def overdue_s(self, now: float) -> NDArray[np.float64]:
        """For how long each live request's reader has waited for text that was due, seconds.

        Shape (n,), in no order; below 0 where the text is due later.
        """
        data = self.data
        since = np.where(data["delivered"] > 0, 0.0, data["ttft"])
        since += data["dry_at"]
        if self._heard:
            since += self._put_off(data, now)
        waits: NDArray[np.float64] = now - since[data["serial"] > 0]
        return waits

    @staticmethod
    def _put_off(data: NDArray[np.void], now: float) -> NDArray[np.float64]:
        """By how much later than `dry_at` text has to leave the engine, shape (n,), seconds."""
        # Both are minus infinity for who is there.
        put_off: NDArray[np.float64] = np.maximum(0.0, now - data["away_at"])
        put_off += np.maximum(0.0, now - data["away_since"])
        put_off -= data["way"]
        return put_off

    def service(self, row: int) -> float:
        """What the request has been served so far, at the accounts' prices; 0 if it never ran."""
        prices = self.accounts.prices
        request = self._data[row]
        if request["charged"] < 0:
            return 0.0
        return float(
            prices.prompt * (request["prompt_tokens"] - request["found"])
            + prices.output * request["delivered"]
        )

    def qoe(self, rows: Rows) -> NDArray[np.float64]:
        """QoE so far of each row, shape (n,), in [0, 1]; 0 where nothing was delivered."""
        data = self.rows(rows)
        n = data["delivered"]
        whole = n * (data["lateness"] + (n - 1) / (2 * data["tds"]))
        late = np.divide(data["delay"], whole, out=np.zeros(len(rows)), where=data["delay"] > 0)
        # A reader who has changed the speed is taken to have had the last one all the time.
        return np.where(n > 0, np.clip(1.0 - late, 0.0, 1.0), 0.0)


def _lasts_s(served: int, tds: float, shown: float, buffer_s: float) -> float:
    """How long the text of a reader lasts, seconds.

    The client's clock shows how long what it has will last. What it did not have yet when it spoke
    is a second's text at most, as units are only guessed in tokens.
    """
    buffer_s = min(buffer_s, served / tds)
    unread_s = (served - shown) / tds
    return min(max(buffer_s, unread_s), buffer_s + 1.0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a policy sees in one step."""

    now: float
    """Seconds on the scheduler's clock."""
    everybody: NDArray[np.void]
    """The rows of who waits, then of who runs, each in queue order, shape (w + r,)."""
    waits: int
    """How many of them wait."""
    block_size: int
    """Tokens in a KV block."""
    free_blocks: int
    """KV blocks that can be given to those who wait; below 0 where those who run hold some that
    are kept free of newcomers (vLLM's `--watermark`)."""
    total_blocks: int
    """KV blocks in all, without those that are kept free of newcomers."""
    max_running: int
    """Most requests that can run at once."""
    times: StepTimes
    """What a step of this engine costs, as far as it is known."""
    accounts: Accounts
    """What each user has received; the column `user` names them."""
    found_again: float = 0.0
    """Share of what preempted requests had computed that they find again when they come back, in
    the prefix cache or in CPU memory: learned from those that have come back."""

    @property
    def waiting(self) -> NDArray[np.void]:
        """The rows of the waiting requests, in queue order, shape (w,)."""
        return self.everybody[: self.waits]

    @property
    def running(self) -> NDArray[np.void]:
        """The rows of the running requests, in queue order, shape (r,)."""
        return self.everybody[self.waits :]


def blocks_needed(rows: NDArray[np.void], block_size: int) -> NDArray[np.float64]:
    """KV blocks that each request needs for its next token, shape (n,)."""
    tokens = rows["prompt_tokens"] + rows["delivered"] + 1
    blocks: NDArray[np.float64] = np.ceil(tokens / block_size)
    return blocks
